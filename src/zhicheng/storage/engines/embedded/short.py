"""Short commits come as rows; all those of a group become one set of columns, at the price of one."""

from __future__ import annotations

from concurrent.futures import Future

from zhicheng.kernel.errors import Invalid
from zhicheng.standards.changes import Changes, ChangesBuilder
from zhicheng.storage import admission
from zhicheng.storage.log import Commit, Receipt

Waiting = tuple[Commit, "Future[Receipt]"]
Span = tuple[int, int]


class Short:
    """columns: the rows of a group's short commits, one commit after the other; `spans`: where each commit's lie."""

    def __init__(self, waiting: list[Waiting]) -> None:
        """Check them; what may not be stored is refused here."""
        self.columns, self.spans = _joined(waiting)
        try:
            if len(self.columns):
                admission.check_changes(self.columns)
        except Invalid:
            self.columns, self.spans = _joined([item for item in waiting if not _refused(item)])

    def taken(self, parts: list[Changes | Span]) -> Changes:
        """All parts as one; spans that adjoin are taken in one step."""
        found: list[Changes] = []
        start = end = 0
        for part in parts:
            if isinstance(part, tuple) and part[0] == end:
                end = part[1]
                continue
            found += self._slice(start, end)
            start, end = part if isinstance(part, tuple) else (end, end)
            if isinstance(part, Changes):
                found.append(part)
        return Changes.concat([*found, *self._slice(start, end)])

    def _slice(self, start: int, end: int) -> list[Changes]:
        if start == end:
            return []
        return [self.columns if end - start == len(self.columns) else self.columns.take(slice(start, end))]


def _joined(waiting: list[Waiting]) -> tuple[Changes, dict[int, Span]]:
    rows = ChangesBuilder()
    spans = {}
    for commit, _ in waiting:
        if isinstance(commit.changes, ChangesBuilder):
            start = len(rows)
            rows.rows += commit.changes.rows
            spans[id(commit)] = (start, len(rows))
    return rows.build(), spans


def _refused(item: Waiting) -> bool:
    commit, future = item
    if isinstance(commit.changes, ChangesBuilder) and len(commit.changes):
        try:
            admission.check_changes(commit.changes.build())
        except Invalid as error:
            future.set_exception(error)
            return True
    return False
