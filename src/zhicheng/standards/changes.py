"""Changes: rows of the log as columns. Decoders, applications and interfaces make them; the store keeps them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields, replace
from enum import IntEnum
from typing import Any, Final, TypeAlias

import numpy as np

from zhicheng.kernel.columns import F8, I1, I8, Coded, Rows
from zhicheng.kernel.instants import ABSENT

PROPERTY = 1
"""The kind a row has unless it says otherwise: `Kind.PROPERTY`, whose codec stands on this module, not under it."""


class Act(IntEnum):
    """What a change does; docs/semantics.md says when each takes effect."""

    OBSERVE = 1
    """A reading: takes effect if its effective time is not before the present value's."""
    SET = 2
    """A decision: takes effect at its position, whatever its time."""
    REMOVE = 3
    """Takes the attribute, or with kind LIFE the entity, away at its position."""
    CORRECT = 4
    """Puts another value in the place of an earlier instance (`target`); with form NOTHING, retracts it."""
    ERASE = 5
    """Destroys what was stored: of the instance `target`, else the attribute, else (kind LIFE) the entity."""


class Form(IntEnum):
    """How `number` and `text` hold the value."""

    NOTHING = 0
    NUMBER = 1
    """`number`; text is absent."""
    TEXT = 2
    """`text` as it is: strings, URIs, IRIs."""
    BOOLEAN = 3
    """`number` 0 or 1."""
    JSON = 4
    """`text` is JSON: objects, lists, GeoJSON, language maps, integers beyond 2**53."""


CODED = ("entity", "attribute", "dataset", "text", "unit", "sub", "owner", "classification")
ARRAYS = ("life", "kind", "form", "act", "target", "observed_at", "number", "quality")


@dataclass(slots=True)
class Changes:
    """Rows of the log, column-wise; all columns have one length.

    entity, attribute, dataset: URI, IRI (None for kinds TYPES, SCOPE, LIFE), datasetId or None
    life: position of the change that created the entity, filled in by the store
    target: instance (position * 2**20 + ordinal) or -1
    observed_at: microseconds or ABSENT; number: NaN unless form says so; unit: UN/CEFACT code
    sub: JSON of sub-attributes and further members; owner: URI of the department; quality: `Quality` bits
    types: for entities that may not exist yet, what to create them as; not a column and not stored as such
    """

    entity: Coded
    attribute: Coded
    dataset: Coded
    life: I8
    kind: I1
    form: I1
    act: I1
    target: I8
    observed_at: I8
    number: F8
    text: Coded
    unit: Coded
    quality: I1
    sub: Coded
    owner: Coded
    classification: Coded
    types: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.kind)

    @classmethod
    def of_readings(
        cls,
        entity: Coded,
        attribute: Coded,
        observed_at: I8,
        number: F8 | None = None,
        text: Coded | None = None,
        unit: Coded | None = None,
        *,
        kind: int = PROPERTY,
        act: Act = Act.OBSERVE,
        types: dict[str, tuple[str, ...]] | None = None,
    ) -> Changes:
        """Columns of plain readings: a number, or where that is NaN the text; everything else at its default.

        >>> import numpy as np
        >>> Changes.of_readings(Coded.of(["urn:a"]), Coded.of(["t"]), np.array([0]), np.array([1.5])).form.tolist()
        [1]
        """
        count = len(entity)
        numbers = np.full(count, np.nan) if number is None else number
        texts = Coded.constant(None, count) if text is None else text
        form = np.where(np.isnan(numbers), np.where(texts.codes < 0, Form.NOTHING, Form.TEXT), Form.NUMBER)
        nothing = Coded.constant(None, count)
        return cls(
            entity=entity,
            attribute=attribute,
            dataset=nothing,
            life=np.zeros(count, np.int64),
            kind=np.full(count, kind, np.uint8),
            form=form.astype(np.uint8),
            act=np.full(count, act, np.uint8),
            target=np.full(count, -1, np.int64),
            observed_at=observed_at.astype(np.int64),
            number=numbers,
            text=texts,
            unit=nothing if unit is None else unit,
            quality=np.zeros(count, np.uint8),
            sub=nothing,
            owner=nothing,
            classification=nothing,
            types=types or {},
        )

    def take(self, rows: Rows) -> Changes:
        """The chosen rows."""
        columns: dict[str, Any] = {column: _take(getattr(self, column), rows) for column in COLUMNS}
        return Changes(**columns, types=self.types)

    def compact(self) -> Changes:
        """The same rows with only the texts they use: chosen rows share those of all, which would be kept with them.

        >>> import numpy as np
        >>> some = Changes.of_readings(Coded.of(["urn:a", "urn:b"]), Coded.of(["t", "t"]), np.array([0, 1]))
        >>> some.take(np.array([1])).compact().entity.values
        ['urn:b']
        """
        return replace(self, **{name: getattr(self, name).compact() for name in CODED})

    @staticmethod
    def concat(parts: Sequence[Changes]) -> Changes:
        """All parts, in order."""
        if len(parts) == 1:
            return parts[0]
        coded: dict[str, Any] = {name: Coded.concat([getattr(part, name) for part in parts]) for name in CODED}
        arrays: dict[str, Any] = {name: np.concatenate([getattr(part, name) for part in parts]) for name in ARRAYS}
        types: dict[str, tuple[str, ...]] = {}
        for part in parts:
            types.update(part.types)
        return Changes(**coded, **arrays, types=types)


COLUMNS = tuple(column.name for column in fields(Changes) if column.name != "types")


def _take(column: Coded | I8, rows: Rows) -> object:
    return column.take(rows) if isinstance(column, Coded) else column[rows]


Row: TypeAlias = tuple[
    str, str | None, str | None, int, int, int, int, int, float, str | None, str | None, int,
    str | None, str | None, str | None,
]  # fmt: skip
"""A row as it is collected: what `ChangesBuilder.add` takes, in the columns' order and without `life`."""
ENTITY: Final = 0
KIND: Final = 3
ACT: Final = 5


class ChangesBuilder:
    """Collects rows one by one, for sources that are not columns themselves.

    >>> builder = ChangesBuilder()
    >>> builder.add("urn:a", "https://x/t", number=20.5, form=Form.NUMBER)
    >>> len(builder.build())
    1
    """

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.types: dict[str, tuple[str, ...]] = {}

    def add(
        self,
        entity: str,
        attribute: str | None,
        *,
        kind: int = PROPERTY,
        act: int = Act.OBSERVE,
        form: int = Form.NOTHING,
        number: float = float("nan"),
        text: str | None = None,
        observed_at: int | None = None,
        dataset: str | None = None,
        unit: str | None = None,
        quality: int = 0,
        sub: str | None = None,
        owner: str | None = None,
        classification: str | None = None,
        target: int = -1,
    ) -> None:
        """Add a row."""
        instant = ABSENT if observed_at is None else observed_at
        self.rows.append(
            (
                entity,
                attribute,
                dataset,
                kind,
                form,
                act,
                target,
                instant,
                number,
                text,
                unit,
                quality,
                sub,
                owner,
                classification,
            )
        )

    def __len__(self) -> int:
        return len(self.rows)

    def build(self) -> Changes:
        """The rows as columns."""
        columns = list(zip(*self.rows, strict=True)) if self.rows else [()] * 15
        (
            entity,
            attribute,
            dataset,
            kind,
            form,
            act,
            target,
            observed,
            number,
            text,
            unit,
            quality,
            sub,
            owner,
            classes,
        ) = columns
        return Changes(
            entity=Coded.of(entity),
            attribute=Coded.of(attribute),
            dataset=Coded.of(dataset),
            life=np.zeros(len(kind), np.int64),
            kind=_small(kind),
            form=_small(form),
            act=_small(act),
            target=np.array(target, np.int64),
            observed_at=np.array(observed, np.int64),
            number=np.array(number, np.float64),
            text=Coded.of(text),
            unit=Coded.of(unit),
            quality=_small(quality),
            sub=Coded.of(sub),
            owner=Coded.of(owner),
            classification=Coded.of(classes),
            types=self.types,
        )


def _small(numbers: Iterable[int]) -> I1:
    """Members of enumerations among them: as bytes they are read several times quicker than as an array."""
    return np.frombuffer(bytearray(numbers), np.uint8)
