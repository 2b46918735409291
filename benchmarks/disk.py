"""Bytes a row on disk once sealed: two and a half days of a city, everything counted; the floor is bare Parquet."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks import city
from benchmarks.figure import Benchmark, Figure, Round
from zhicheng.kernel.columns import F8, I8, Coded
from zhicheng.kernel.instants import MINUTE, SECOND
from zhicheng.standards.changes import Changes
from zhicheng.standards.ngsild.model import Kind
from zhicheng.storage.engines.embedded.store import EmbeddedStore
from zhicheng.storage.log import Commit

_STATIONS, _PARKS, _BUSES = 600, 300, 100
_ALONE = 100
"""Stations that push their own readings; the others' come with a feed."""
_STEPS = 700
_PERIOD = 5 * MINUTE


class _Walks:
    """Values that move as the city's do: a daily course, a slow drift and a little noise, in the sensor's own steps."""

    def __init__(self, count: int, middle: float, wide: float, step: float, draw: np.random.Generator) -> None:
        self.centre = middle + wide * draw.normal(size=count)
        self.wide, self.step, self.draw = wide, step, draw
        self.drift = np.zeros(count)

    def at(self, number: int) -> F8:
        """The readings of a step."""
        self.drift = 0.98 * self.drift + self.draw.normal(scale=0.05 * self.wide, size=len(self.drift))
        course = self.wide * np.sin(2 * np.pi * number / 288)
        found: F8 = np.round((self.centre + course + self.drift) / self.step) * self.step
        return found


class _Mix:
    """Each step: every station measures four things, every car park counts, every bus says where it is and how fast."""

    def __init__(self) -> None:
        terms = city.context()
        self.draw = draw = np.random.default_rng(1)
        self.stations = [city.identifier(number) for number in range(_STATIONS)]
        self.parks = [f"urn:ngsi-ld:OffStreetParking:{number:04d}" for number in range(_PARKS)]
        self.buses = [f"urn:ngsi-ld:Vehicle:bus-{number:04d}" for number in range(_BUSES)]
        self.walks = {
            terms.expand(name): _Walks(_STATIONS, middle, wide, step, draw)
            for name, middle, wide, step in (
                ("temperature", 15, 6, 0.1), ("relativeHumidity", 0.6, 0.1, 0.01),
                ("pm25", 40, 15, 1), ("no2", 30, 10, 1),
            )
        }  # fmt: skip
        self.free = terms.expand("availableSpotNumber")
        self.spots = _Walks(_PARKS, 200, 80, 1, draw)
        self.location, self.speed = terms.expand("location"), terms.expand("speed")
        self.path = np.array([city.position(number) for number in range(_BUSES)], np.float64)
        self.offset = draw.integers(0, 300, _STATIONS + _PARKS + _BUSES) * SECOND

    def step(self, number: int) -> list[Changes]:
        """The commits of a step: one a feed, and one of each station that pushes. Clocks are a few seconds off."""
        at = city.START + number * _PERIOD + self.offset + self.draw.integers(-5, 6, len(self.offset)) * SECOND
        stations = at[:_STATIONS]
        every = Changes.concat(
            [_column(self.stations, name, stations, walk.at(number)) for name, walk in self.walks.items()]
        )
        station = np.tile(np.arange(_STATIONS), len(self.walks))
        alone = [every.take(station == one) for one in range(_ALONE)]
        counts = _column(self.parks, self.free, at[_STATIONS : _STATIONS + _PARKS], self.spots.at(number))
        self.path += self.draw.normal(scale=0.003, size=self.path.shape)
        buses = at[_STATIONS + _PARKS :]
        texts = Coded.of(
            orjson.dumps({"type": "Point", "coordinates": p}).decode() for p in self.path.round(5).tolist()
        )
        moves = Changes.of_readings(
            Coded.of(self.buses), Coded.constant(self.location, _BUSES), buses, text=texts, kind=Kind.GEO
        )
        speeds = _column(self.buses, self.speed, buses, self.draw.integers(0, 60, _BUSES).astype(float))
        return [every.take(station >= _ALONE), counts, Changes.concat([moves, speeds]), *alone]


def _column(entities: list[str], attribute: str, at: I8, numbers: F8) -> Changes:
    return Changes.of_readings(Coded.of(entities), Coded.constant(attribute, len(entities)), at, numbers)


def _bare(changes: Changes, path: Path) -> int:
    """The size of the readings alone as one sorted Parquet file: entity, attribute, time, value."""
    order = np.lexsort((changes.observed_at, changes.attribute.codes, changes.entity.codes))
    table = pa.table(
        {
            name: pa.DictionaryArray.from_arrays(
                pa.array(column.codes[order], mask=column.codes[order] < 0), column.values
            )
            for name, column in (("entity", changes.entity), ("attribute", changes.attribute), ("text", changes.text))
        }
        | {"observed_at": changes.observed_at[order], "number": changes.number[order]}
    )
    pq.write_table(
        table, path, compression="zstd", compression_level=6, use_dictionary=["entity", "attribute", "text", "number"],
        column_encoding={"observed_at": "DELTA_BINARY_PACKED"}, write_statistics=False, store_schema=False,
    )  # fmt: skip
    return path.stat().st_size


def run(folder: Path) -> Iterator[Round]:
    """One round: the same rows take the same bytes every time."""
    mix = _Mix()
    store = EmbeddedStore(folder / "store")
    terms = city.context()
    store.commit(Commit(city.born(range(5_000), terms), "bench", "bench"))
    for identifiers, kind in ((mix.parks, "OffStreetParking"), (mix.buses, "Vehicle")):
        store.commit(Commit(city.bare_entities(identifiers, terms.expand(kind)), "bench", "bench"))
    rows = [changes for number in range(_STEPS) for changes in mix.step(number)]
    for future in [store.submit(Commit(changes, "bench", "bench")) for changes in rows]:
        future.result()
    store.seal()
    store.close()
    store = EmbeddedStore(folder / "store")
    figures = store.figures()
    store.close()
    readings = Changes.concat(rows)
    floor = _bare(readings, folder / "bare.parquet") / len(readings)
    yield {"disk": (figures.bytes_total / (figures.rows_sealed + figures.rows_open), floor)}


BENCHMARK = Benchmark(
    "disk",
    "Bytes a row on disk once sealed: readings of 1,000 sensors and vehicles and 5,000 stations, everything counted",
    (Figure("disk", "bytes", 8, 6, lower=True, floor="the readings alone as one sorted Parquet file of five columns"),),
    run,
)
