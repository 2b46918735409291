"""Rows by hand, for what applications about moving things need."""

from __future__ import annotations

import numpy as np

from zhicheng.compute.rows import Rows
from zhicheng.kernel.columns import Coded
from zhicheng.standards.changes import Form


def rows(*said: tuple[int, str, str | None, str | float | None, int]) -> Rows:
    """Rows of (commit, entity, attribute or None where it is removed, value, instant)."""
    position, entity, attribute, value, at = zip(*said, strict=True) if said else ((),) * 5
    count = len(said)
    nothing = Coded.constant(None, count)
    texts = [one if isinstance(one, str) else None for one in value]
    numbers = [one if isinstance(one, int | float) else np.nan for one in value]
    forms = [
        Form.NOTHING if one is None else Form.TEXT if text is not None else Form.NUMBER
        for one, text in zip(value, texts, strict=True)
    ]
    kinds = ["GtfsTrip" if ":GtfsTrip:" in one else "Vehicle" for one in entity]
    return Rows(
        entity=Coded.of(entity), type=Coded.of(kinds), attribute=Coded.of(attribute), dataset=nothing,
        form=np.array(forms, np.uint8), number=np.array(numbers, float), text=Coded.of(texts), unit=nothing,
        sub=nothing, at=np.array(at, np.int64), recorded_at=np.array(position, np.int64),
        position=np.array(position, np.int64), late=np.zeros(count, bool),
    )  # fmt: skip
