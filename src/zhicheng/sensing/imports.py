"""Bulk import: opened files in, batches of changes out, each with what it refused and how far the reading is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, cast

from zhicheng.kernel.errors import Invalid, ZhichengError
from zhicheng.sensing.archives import MEMBER_LIMIT, TOTAL_LIMIT, Member, members
from zhicheng.sensing.documents import ngsild_documents
from zhicheng.sensing.mapping import Mappings
from zhicheng.sensing.readers import READERS, format_of, whole
from zhicheng.sensing.refusals import Refusal, Refusals
from zhicheng.sensing.tables import Expand, decode_table
from zhicheng.standards.changes import Changes, ChangesBuilder
from zhicheng.standards.ngsild.model import Entity

Decode = Callable[[object], Entity]
"""Reads one NGSI-LD entity document; raises one of our errors if it cannot."""

ENTITIES = 2_000
"""Entities of an NGSI-LD file that become one batch."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A file handed in: its name, its stream and its size in bytes (0 if unknown)."""

    name: str
    stream: BinaryIO
    size: int = 0


@dataclass(slots=True)
class Batch:
    """A part of one file: what to commit, what was refused, and progress over all files in bytes as stored.

    A file that no mapping takes gives one batch with `mapping` None and nothing in it.
    """

    member: str
    mapping: str | None
    changes: Changes
    entities: list[Entity]
    refusals: Refusals
    rows: int
    bytes_done: int
    bytes_total: int


@dataclass(slots=True)
class Totals:
    """Sums over batches, for the report at the end; `skipped` are files that no mapping takes."""

    files: set[str] = field(default_factory=set)
    skipped: list[str] = field(default_factory=list)
    rows: int = 0
    changes: int = 0
    entities: int = 0
    refused_cells: int = 0
    refused_rows: int = 0
    duplicates: int = 0
    reasons: dict[tuple[str, str], int] = field(default_factory=dict)

    def add(self, batch: Batch) -> None:
        """Count a batch."""
        if batch.mapping is None:
            self.skipped.append(batch.member)
            return
        self.files.add(batch.member)
        self.rows += batch.rows
        self.changes += len(batch.changes)
        self.entities += len(batch.entities)
        self.refused_cells += len(batch.refusals)
        self.refused_rows += batch.refusals.row_count()
        self.duplicates += batch.refusals.duplicates
        for reason, count in batch.refusals.reasons().items():
            self.reasons[reason] = self.reasons.get(reason, 0) + count


class _Counted:
    """A stream that counts what was read of it."""

    def __init__(self, inner: BinaryIO) -> None:
        self.inner = inner
        self.high = 0

    def read(self, count: int = -1) -> bytes:
        piece = self.inner.read(count)
        self.high = max(self.high, self.inner.tell()) if self.inner.seekable() else self.high + len(piece)
        return piece

    def seek(self, offset: int, whence: int = 0) -> int:
        return self.inner.seek(offset, whence)

    def __getattr__(self, name: str) -> object:
        return getattr(self.inner, name)


def batches(
    files: Iterable[Opened],
    mappings: Mappings,
    expand: Expand,
    decode: Decode | None = None,
    *,
    member_limit: int = MEMBER_LIMIT,
    total_limit: int = TOTAL_LIMIT,
) -> Iterator[Batch]:
    r"""All files and the members of archives, a block at a time, in their order; memory stays that of a block.

    A file or member that cannot be read is one refusal with row 0, and the next is read; `decode` reads
    the entities of NGSI-LD files.

    >>> import io
    >>> from zhicheng.sensing.mapping import TableMapping, Value
    >>> mapping = TableMapping(type=("Bin",), id="urn:ngsi-ld:Bin:{n}", attributes={"fill": Value("f")})
    >>> for batch in batches([Opened("x.csv", io.BytesIO(b"n,f\n1,0.5\n"), 10)], Mappings({"bins": mapping}), str):
    ...     batch.mapping, batch.rows, batch.changes.number.tolist(), batch.bytes_done
    ('bins', 1, [0.5], 10)
    """
    opened = list(files)
    total = sum(file.size for file in opened)
    before = 0
    for file in opened:
        counted = _Counted(file.stream)
        done = _progress(counted, before, file.size)
        try:
            for member in members(
                cast("BinaryIO", counted), file.name, member_limit=member_limit, total_limit=total_limit
            ):
                yield from _member(member, mappings, expand, decode, done, total)
        except ZhichengError as error:
            yield _failed(file.name, "", error, done(), total)
        before += file.size


def _progress(counted: _Counted, before: int, size: int) -> Callable[[], int]:
    return lambda: before + (min(counted.high, size) if size else counted.high)


def _member(
    member: Member, mappings: Mappings, expand: Expand, decode: Decode | None, done: Callable[[], int], total: int
) -> Iterator[Batch]:
    found = mappings.of(member.name)
    if found is None:
        yield Batch(member.name, None, _no_changes(), [], Refusals.none(), 0, done(), total)
        return
    name, mapping = found
    try:
        form = format_of(member.name, mapping)
        if form == "ngsi-ld":
            yield from _entities(member, name, decode, done, total)
            return
        for block in READERS[form](member.stream, mapping):
            changes, refusals = decode_table(block.batch, mapping, expand, block.numbers)
            refused = Refusals.concat([refusals, block.refused])
            rows = block.batch.num_rows + len(block.refused)
            yield Batch(member.name, name, changes, [], refused, rows, done(), total)
    except ZhichengError as error:
        yield _failed(member.name, name, error, done(), total)


def _failed(member: str, mapping: str, error: ZhichengError, done: int, total: int) -> Batch:
    refusals = Refusals.one(Refusal(0, None, None, error.en, error.zh))
    return Batch(member, mapping, _no_changes(), [], refusals, 0, done, total)


def _entities(member: Member, name: str, decode: Decode | None, done: Callable[[], int], total: int) -> Iterator[Batch]:
    """The entities of a JSON array, a single object or JSON lines, each refused by itself."""
    if decode is None:
        raise Invalid("NGSI-LD files are not read here", "此处不读取 NGSI-LD 文件")
    documents = ngsild_documents(whole(member.stream))
    for at in range(0, len(documents), ENTITIES):
        entities: list[Entity] = []
        refused: list[Refusals] = []
        for number, document in enumerate(documents[at : at + ENTITIES], at + 1):
            try:
                entities.append(decode(document))
            except ZhichengError as error:
                refused.append(Refusals.one(Refusal(number, None, _id(document), error.en, error.zh)))
        rows = len(entities) + len(refused)
        yield Batch(member.name, name, _no_changes(), entities, Refusals.concat(refused), rows, done(), total)


def _id(document: object) -> str | None:
    return str(document.get("id")) if isinstance(document, dict) else None


def _no_changes() -> Changes:
    return ChangesBuilder().build()
