"""A made-up city: air-quality stations as documents of 1 kB, as columns, and as a folder that holds 100,000 of them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from zhicheng.kernel import instants
from zhicheng.kernel.columns import Coded
from zhicheng.kernel.instants import MINUTE, SECOND
from zhicheng.standards.changes import Changes, ChangesBuilder
from zhicheng.standards.models.catalogue import Catalogue
from zhicheng.standards.ngsild.changes import add_entity
from zhicheng.standards.ngsild.context import Context, Contexts
from zhicheng.standards.ngsild.decode import decode_entity
from zhicheng.standards.ngsild.model import Entity, Json
from zhicheng.storage.engines.embedded.store import EmbeddedStore
from zhicheng.storage.log import Commit

TYPE = "AirQualityObserved"
START = 1_780_000_000_000_000
"""The made-up city's first instant, in microseconds."""
WEST, SOUTH, WIDE, HIGH = 116.8, 36.4, 0.5, 0.4
_MEASURES = (("pm25", "GQ", 150), ("pm10", "GQ", 250), ("no2", "GQ", 80), ("o3", "GQ", 160), ("temperature", "CEL", 35))
_TEXT = (
    "Roadside station of the city's network, three metres above the kerb, calibrated twice a year by the "
    "environment bureau and cleaned every month; readings are means over {} seconds, corrected for drift."
)


def identifier(number: int) -> str:
    """The id of a station."""
    return f"urn:ngsi-ld:{TYPE}:station-{number:06d}"


def document(number: int, step: int = 0) -> dict[str, Json]:
    """A station as a normalized document of about 1 kB with 8 attributes; `step` moves its readings and their time.

    >>> import orjson
    >>> 950 < len(orjson.dumps(document(7))) < 1100, len(document(7)) - 2
    (True, 8)
    """
    draw = (number * 7919 + step * 104_729) % 10_007 / 10_007
    observed = instants.format(START + step * 5 * MINUTE + number % 300 * SECOND)
    measures: dict[str, Json] = {
        name: {
            "type": "Property",
            "value": round(most * (draw * place % 1), 1),
            "unitCode": unit,
            "observedAt": observed,
        }
        for place, (name, unit, most) in enumerate(_MEASURES, 3)
    }
    return {
        "id": identifier(number),
        "type": TYPE,
        "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": position(number)}},
        "description": {"type": "Property", "value": _TEXT.format(60 + number % 7)},
        "refDevice": {"type": "Relationship", "object": f"urn:ngsi-ld:Device:aq-{number:06d}"},
        **measures,
    }


def position(number: int) -> list[Json]:
    """Where a station stands: spread evenly over the city (a lattice of the golden ratio and its kin), 6 decimals."""
    x, y = number * 0.7548776662466927 % 1, number * 0.5698402909980532 % 1
    return [round(WEST + WIDE * x, 6), round(SOUTH + HIGH * y, 6)]


def context() -> Context:
    """What the city's short names mean."""
    return Contexts({}, models=Catalogue.builtin().context()).default  # type: ignore[arg-type]  # dicts of str are Json


def born(numbers: Iterable[int], terms: Context) -> Changes:
    """The rows that bring stations into being."""
    rows = ChangesBuilder()
    for number in numbers:
        add_entity(rows, decode_entity(document(number), terms))
    return rows.build()


def bare_entities(identifiers: Iterable[str], kind: str) -> Changes:
    """The rows that bring entities of a type (IRI) into being, without attributes."""
    rows = ChangesBuilder()
    for one in identifiers:
        add_entity(rows, Entity(one, (kind,)))
    return rows.build()


def populated(folder: Path, count: int = 100_000) -> Path:
    """A tenant's folder that holds so many stations; made once for a run."""
    if not folder.exists():
        terms = context()
        store = EmbeddedStore(folder)
        for first in range(0, count, 5_000):
            store.commit(Commit(born(range(first, min(first + 5_000, count)), terms), "bench", "bench"))
        store.close()
    return folder


def readings(entities: Coded, attributes: Coded, observed_at: int, draw: np.random.Generator) -> Changes:
    """One reading of each (entity, attribute) at an instant, one decimal."""
    numbers = draw.integers(0, 1500, len(entities)) / 10
    return Changes.of_readings(entities, attributes, np.full(len(entities), observed_at), numbers)
