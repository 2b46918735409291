"""What a commit must be, in every engine, before anything of it is stored: rows that every reader can read."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import numpy as np

from zhicheng.kernel.columns import Coded, Mask
from zhicheng.kernel.errors import Invalid
from zhicheng.kernel.instants import ABSENT, DAY
from zhicheng.standards.changes import CODED, COLUMNS, Act, Changes, Form
from zhicheng.standards.ngsild.model import Kind
from zhicheng.storage.log import MOST_ROWS, Commit

_FIRST, _LAST = -719_162 * DAY, 2_932_897 * DAY
"""The years 1 to 9999, as microseconds since 1970."""
_LARGEST = 2**63


def _among(values: type[Kind] | type[Act] | type[Form]) -> Mask:
    known = np.zeros(256, bool)
    known[[int(value) for value in values]] = True
    return known


_KINDS, _ACTS, _FORMS = _among(Kind), _among(Act), _among(Form)

RULES: tuple[tuple[str, str, Callable[[Changes], Mask]], ...] = (
    ("has an unknown kind", "的类别未知", lambda c: ~_KINDS[c.kind]),
    ("has an unknown act", "的动作未知", lambda c: ~_ACTS[c.act]),
    ("has an unknown form", "的值形式未知", lambda c: ~_FORMS[c.form]),
    ("names no entity", "没有指明实体", lambda c: c.entity.codes < 0),
    (
        "must name an attribute, or none if it is of the whole entity",
        "必须指明属性；若针对整个实体则不得指明",
        lambda c: (c.attribute.codes < 0) != (c.kind >= Kind.TYPES),
    ),
    (
        "has an act that its kind does not take",
        "的动作不适用于其类别",
        lambda c: (
            ((c.kind == Kind.LIFE) & ((c.act == Act.OBSERVE) | (c.act == Act.CORRECT)))
            | ((c.kind >= Kind.TYPES) & (c.kind < Kind.LIFE) & (c.act != Act.SET) & (c.act != Act.REMOVE))
        ),
    ),
    (
        "must name the instance it corrects, and only a correction or erasure may name one",
        "更正必须指明实例，且只有更正或擦除可以指明",
        lambda c: np.where(c.target < 0, c.act == Act.CORRECT, c.act < Act.CORRECT),
    ),
    (
        "has a number that is none",
        "的数值无效",
        lambda c: ((c.form == Form.NUMBER) | (c.form == Form.BOOLEAN)) & ~np.isfinite(c.number),
    ),
    (
        "has no text",
        "缺少文本",
        lambda c: ((c.form == Form.TEXT) | (c.form == Form.JSON)) & (c.text.codes < 0),
    ),
    (
        "has an instant beyond the years 1 to 9999",
        "的时间超出公元 1 至 9999 年",
        lambda c: (c.observed_at != ABSENT) & ((c.observed_at < _FIRST) | (c.observed_at >= _LAST)),
    ),
)
"""What is wrong with a row (en, zh), and which rows are so; the first that applies is told."""


def check(commit: Commit) -> None:
    """Raise `Invalid`, naming the entity of the first bad row, unless an engine may store the commit."""
    changes = commit.changes
    count = len(changes)
    if count > MOST_ROWS or (not count and commit.cursor is None):
        raise Invalid(
            f"A commit takes 1 to {MOST_ROWS} changes, not {count}",
            f"一次提交可含 1 至 {MOST_ROWS} 条变更，而不是 {count} 条",
        )
    producer, cursor = commit.producer, commit.cursor
    for number in (producer.epoch, producer.sequence) if producer is not None else ():
        _check_number("epoch and sequence of a producer", "生产者的纪元和序号", number)
    if cursor is not None:
        _check_number("shard of a cursor", "游标的分片", cursor.shard)
    if count and isinstance(changes, Changes):
        check_changes(changes)


def check_changes(changes: Changes) -> None:
    """The same of columns; those of a commit that came as rows are checked once they are columns."""
    _check_columns(changes)
    for en, zh, broken in RULES:
        rows = broken(changes)
        if rows.any():
            row = int(np.flatnonzero(rows)[0])
            entity = changes.entity[row]
            raise Invalid(f"A change of {entity} {en}", f"{entity} 的一条变更{zh}", entity=entity, row=row)
    _check_lists(changes)
    _check_erasures(changes)


def _check_number(en: str, zh: str, number: int) -> None:
    if not 0 <= number < _LARGEST:
        raise Invalid(
            f"The {en} must be from 0 to 2**63 - 1, not {number}", f"{zh}必须在 0 至 2**63 - 1 之间，而不是 {number}"
        )


def _check_columns(changes: Changes) -> None:
    """All of one length, and codes that point to a value."""
    for name in COLUMNS:
        column = getattr(changes, name)
        sound = len(column) == len(changes)
        if sound and name in CODED:
            sound = _points(column)
        if not sound:
            raise Invalid(f"The column {name} does not fit the other columns", f"列 {name} 与其他列不符")


def _points(column: Coded) -> bool:
    return bool(column.codes.min() >= -1) and bool(column.codes.max() < len(column.values))


def _check_lists(changes: Changes) -> None:
    """Types and scopes are lists of texts."""
    rows = np.flatnonzero((changes.kind >= Kind.TYPES) & (changes.kind < Kind.LIFE) & (changes.act == Act.SET))
    if not len(rows):
        return
    text = changes.text.take(rows)
    for code in np.unique(text.codes).tolist():
        try:
            msgspec.json.decode(text.values[code] if code >= 0 else "", type=list[str])
        except (msgspec.DecodeError, UnicodeError):
            row = int(rows[np.flatnonzero(text.codes == code)[0]])
            entity = changes.entity[row]
            raise Invalid(
                f"Types and scopes of {entity} must be a JSON list of texts",
                f"{entity} 的类型和范围必须是文本的 JSON 列表",
                entity=entity,
                row=row,
            ) from None


def _check_erasures(changes: Changes) -> None:
    """The erasure of an entity stands alone: nothing else of the entity is in the commit."""
    rows = np.flatnonzero((changes.kind == Kind.LIFE) & (changes.act == Act.ERASE))
    for row in rows.tolist():
        if (changes.entity.codes == changes.entity.codes[row]).sum() > 1:
            entity = changes.entity[row]
            raise Invalid(
                f"The erasure of {entity} must be its only change in a commit",
                f"擦除 {entity} 必须是提交中该实体的唯一变更",
                entity=entity,
                row=row,
            )
