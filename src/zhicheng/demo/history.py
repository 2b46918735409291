"""The past as Parquet files, made by the same functions of seed and time as the present, and their mapping."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from zhicheng.demo import fleet
from zhicheng.demo.city import Living
from zhicheng.demo.cityfile import table_text
from zhicheng.demo.days import DAY, day_of
from zhicheng.demo.departments import owner
from zhicheng.demo.service_days import Days
from zhicheng.demo.streams import BY_NAME, STREAMS, Stream, instants, mapping
from zhicheng.kernel.columns import F8, I8

_CHUNK = 4 * DAY
"""Seconds that are made at a time."""
_BUS_EVERY = 30
BUSES = float(DAY)
"""Buses have a past of so many seconds; every report of a year would be nine thousand million values."""


@dataclass(frozen=True, slots=True)
class Span:
    """A part of the past, seconds since 1970, that is made and imported as one."""

    after: int
    until: int

    @property
    def name(self) -> str:
        """As files are called after it."""
        return f"{day_of(self.after):%Y%m%d}-{day_of(self.until):%Y%m%d}"


def spans(now: float, seconds: float, days: int = 30) -> list[Span]:
    """The past of so long in spans of so many days. All but the last begin and end at instants that do not depend on
    `now`, so that a history that was broken off goes on with the same files.

    >>> [(one.after, one.until) for one in spans(100 * 86_400 + 5, 50 * 86_400, 30)]
    [(4320005, 5184000), (5184000, 7776000), (7776000, 8640005)]
    """
    edges = np.arange(0, int(now) + 1, days * DAY)
    first = int(now - seconds)
    inner = edges[(edges > first) & (edges < now)].tolist()
    return [Span(a, b) for a, b in zip([first, *inner], [*inner, int(now)], strict=True)]


def write(living: Living, span: Span, folder: Path, buses: float = np.inf) -> Iterator[tuple[Path, int]]:
    """A file for each stream, one of how many places car parks had, and one for buses where the span reaches beyond
    the instant from which theirs is kept; gives each with the number of its values when it is whole.
    """
    folder.mkdir(parents=True, exist_ok=True)
    places = _places(living, span.after)
    pq.write_table(places, path := folder / f"places-{span.name}.parquet", compression="zstd")
    yield path, places.num_rows
    for stream in STREAMS:
        path = folder / f"{stream.name}-{span.name}.parquet"
        part = path.with_suffix(".part")
        count = 0
        with pq.ParquetWriter(part, _schema(stream), compression="zstd", compression_level=1) as writer:
            for table in _tables(living, stream, span):
                writer.write_table(table)
                count += table.num_rows * len(stream.columns)
        part.replace(path)
        yield path, count
    if span.until > buses:
        found = _buses(living, max(span.after, int(buses)), span.until)
        pq.write_table(found, path := folder / f"bus-{span.name}.parquet", compression="zstd")
        yield path, found.num_rows * 3


_PLACES = replace(BY_NAME["parking"], columns={"total": ("totalSpotNumber", "C62")})
"""Car parks again, with what is told of them once in each span."""


def _places(living: Living, at: int) -> pa.Table:
    """How many places each car park had at an instant: what is free is a share of that, in the past as now."""
    lots = living.parks
    return pa.table({"id": list(lots.things.ids), "at": np.full(len(lots.places), at), "total": lots.places})


def _buses(living: Living, after: int, until: int) -> pa.Table:
    """Where the buses on trips were, every half minute."""
    days, bus = Days(living), np.arange(living.plan.vehicles)
    parts = []
    for now in range(after // _BUS_EVERY * _BUS_EVERY + _BUS_EVERY, until, _BUS_EVERY):
        said = fleet.report(living.plan.seed, living.tracks, days.at(now), np.full(len(bus), float(now)), bus)
        runs = np.flatnonzero(said.run >= 0)
        lon, lat = living.ground.degrees(said.places[runs]).T
        speed, bearing = np.round(said.speed[runs] * 3.6, 1), np.round(said.bearing[runs]) % 360
        parts.append((runs, np.full(len(runs), now), lon, lat, speed, bearing))
    row, at, *rest = (np.concatenate(column) for column in zip(*parts, strict=True))
    codes = pa.DictionaryArray.from_arrays(pa.array(row.astype(np.int32)), pa.array([f"b{one:04d}" for one in bus]))
    return pa.table([codes, *map(pa.array, (at, *rest))], ["id", "at", "lon", "lat", "speed", "bearing"])


_BUS_MAPPING: dict[str, object] = {
    "files": "bus-*.parquet", "owner": owner("buses"), "simulated": True, "type": "Vehicle",
    "id": "urn:ngsi-ld:Vehicle:bus:{id}", "time": {"column": "at", "format": "unix"},
    "location": {"lat": "lat", "lon": "lon"},
    "attributes": {
        "speed": {"column": "speed", "kind": "number", "unit": "KMH"},
        "bearing": {"column": "bearing", "kind": "number", "unit": "DD"},
    },
}  # fmt: skip
"""As the decoder of their live reports names them."""


def mappings() -> str:
    """The TOML that tells what the files' columns mean and whose they are."""
    found = ["# 模拟历史数据的列映射 · What the columns of the made-up past mean"]
    for name, stream in {**BY_NAME, "places": _PLACES}.items():
        told = {"files": f"{name}-*.parquet", "owner": owner(stream.owner), "simulated": True, **mapping(stream)}
        found += table_text(f"mappings.{name}", told)
    found += table_text("mappings.bus", _BUS_MAPPING)
    return "\n".join(found) + "\n"


def _schema(stream: Stream) -> pa.Schema:
    ids = pa.field("id", pa.dictionary(pa.int32(), pa.string()))
    return pa.schema([ids, ("at", pa.int64()), *((name, pa.float64()) for name in stream.columns)])


def _tables(living: Living, stream: Stream, span: Span) -> Iterator[pa.Table]:
    phases = stream.phases(living)
    ids = pa.array(list(stream.things(living).ids))
    last: dict[str, F8] = {}
    for start in range(span.after, span.until, _CHUNK):
        row, at = instants(phases, stream.past, start, min(start + _CHUNK, span.until))
        values = dict(stream.values(living, row, at))
        if stream.change and stream.past == stream.every:
            keep = _changed(row, values, last, len(phases))
            row, at, values = row[keep], at[keep], {name: column[keep] for name, column in values.items()}
        codes = pa.DictionaryArray.from_arrays(pa.array(row.astype(np.int32)), ids)
        columns = [codes, pa.array(at.astype(np.int64)), *(pa.array(values[name]) for name in stream.columns)]
        yield pa.Table.from_arrays(columns, schema=_schema(stream))


def _changed(row: I8, values: dict[str, F8], last: dict[str, F8], count: int) -> I8:
    """Rows that are not what was said before of the same thing; `last` carries over from chunk to chunk."""
    order = np.argsort(row, kind="stable")
    fresh = np.zeros(len(row), bool)
    first = np.flatnonzero(np.append(True, np.diff(row[order]) != 0))
    for name, column in values.items():
        known = last.setdefault(name, np.full(count, np.nan))
        sorted_ = column[order]
        before = np.concatenate([[np.nan], sorted_[:-1]])
        before[first] = known[row[order][first]]
        fresh[order] |= sorted_ != before
        known[row[order][np.append(first[1:], len(row)) - 1]] = sorted_[np.append(first[1:], len(row)) - 1]
    return np.flatnonzero(fresh)
