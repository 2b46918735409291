"""A recording of GTFS Realtime feeds, as the log holds it, and what the application and the agency say of arrivals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from zhicheng.apps.arrival.app import APP
from zhicheng.apps.arrival.model import ARRIVES, HAS_STOP, HAS_VEHICLE, Params
from zhicheng.compute.app import Tables
from zhicheng.compute.law import Log
from zhicheng.compute.pipeline import Pipeline
from zhicheng.compute.terms import iri
from zhicheng.kernel import instants
from zhicheng.kernel.columns import F8
from zhicheng.kernel.instants import SECOND
from zhicheng.sensing.decoded import Decoded, DecodeSettings
from zhicheng.sensing.transit import decode_realtime
from zhicheng.standards.changes import Act, Changes, ChangesBuilder
from zhicheng.standards.gtfs.static import Static, read, to_tables
from zhicheng.standards.ngsild.changes import add_attribute, add_life, add_types
from zhicheng.standards.ngsild.model import Attribute, Entity, Kind
from zhicheng.storage.log import Batch

ZONE = "America/New_York"
_VEHICLE, _TRIP, _ARRIVAL = iri("Vehicle"), iri("GtfsTrip"), iri("ArrivalEstimation")


@dataclass(frozen=True)
class Recording:
    """Feeds in order, decoded, and the timetable."""

    network: str
    static: Static
    feeds: Sequence[Decoded]

    @property
    def tables(self) -> Tables:
        """The timetable as an application is given it."""
        return {self.network: to_tables(self.static)}


def recording(folder: Path, network: str, timetable: str, feeds: Iterable[str]) -> Recording:
    """The recording in a folder."""
    static = read((folder / timetable).read_bytes())
    settings = DecodeSettings(feed=network, network=network, static=static)
    return Recording(network, static, [decode_realtime((folder / feed).read_bytes(), settings) for feed in feeds])


def nyct(folder: Path) -> Recording:
    """New York's lines A, C, E and their shuttles: forty feeds, one a minute."""
    return recording(folder, "nyct", "mtasbwy_static_cut.zip", sorted(path.name for path in folder.glob("*.pb")))


def log_of(feeds: Iterable[Decoded]) -> Batch:
    """Feeds as commits: vehicles and trips as reported, those that a feed no longer has removed; no predictions."""
    log = Log()
    living: set[str] = set()
    for feed in feeds:
        rows = ChangesBuilder()
        entities = [entity for entity in feed.entities if entity.types[0] in (_VEHICLE, _TRIP)]
        for entity in entities:
            if entity.id not in living:
                add_life(rows, entity.id)
                add_types(rows, entity.id, entity.types)
            _add(rows, entity)
        now = {entity.id for entity in entities}
        for gone in sorted(living - now):
            add_life(rows, gone, Act.REMOVE)
        living = now
        log.commit(rows.build(), (feed.issued_at or 0) + SECOND)
    return log.batch()


def _add(rows: ChangesBuilder, entity: Entity) -> None:
    for name, group in entity.attributes.items():
        for attribute in group:
            add_attribute(rows, entity.id, name, attribute, Act.SET if attribute.observed_at is None else Act.OBSERVE)


def commits(log: Batch) -> list[Batch]:
    """A batch a commit."""
    borders = np.flatnonzero(np.diff(log.position)) + 1
    return [log.take(rows) for rows in np.split(np.arange(len(log)), borders)]


@dataclass
class Board:
    """What stands of the application's arrivals: POSIX seconds by vehicle and stop, and the range that holds 80 %."""

    stands: dict[str, dict[str, str]] = field(default_factory=dict)
    ranges: dict[str, dict[str, Any]] = field(default_factory=dict)
    rows: int = 0

    def take(self, changes: Changes | None) -> None:
        """Rows that were written."""
        if changes is None:
            return
        self.rows += len(changes)
        columns = (changes.entity, changes.attribute, changes.text, changes.sub)
        for entity, attribute, text, sub, kind in zip(
            *(one.list() for one in columns), changes.kind.tolist(), strict=True
        ):
            if kind == Kind.LIFE:
                self.stands.pop(entity or "", None)
            else:
                self.stands.setdefault(entity or "", {})[attribute or ""] = text or ""
                if attribute == iri(ARRIVES):
                    parts = orjson.loads(sub or "{}")
                    self.ranges[entity or ""] = {
                        name.rpartition(":")[2]: one[0]["value"] for name, one in parts.items()
                    }

    def times(self) -> dict[tuple[str, str], tuple[float, ...]]:
        """Announced, earliest, latest and median arrival by vehicle and stop."""
        found = {}
        for entity, one in self.stands.items():
            texts = one[iri(ARRIVES)], *(self.ranges[entity][name] for name in ("earliest", "latest", "median"))
            found[one[iri(HAS_VEHICLE)], one[iri(HAS_STOP)]] = tuple(instants.parse(text) / SECOND for text in texts)
        return found


Pair = tuple[str, str]


def arrivals(feeds: Sequence[Decoded]) -> dict[Pair, tuple[float, float]]:
    """The first report of each vehicle standing at each stop: its own time, and the feed's; not of the first feed."""
    found: dict[Pair, tuple[float, float]] = {}
    for feed in feeds:
        issued = (feed.issued_at or 0) / SECOND
        for entity in feed.entities:
            if entity.types[0] == _VEHICLE and _value(entity, "current_status") == "STOPPED_AT":
                at = _one(entity, "current_status").observed_at or 0
                found.setdefault((entity.id, str(_value(entity, "hasStop"))), (at / SECOND, issued))
    first = (feeds[0].issued_at or 0) / SECOND
    return {pair: times for pair, times in found.items() if times[1] > first}


def _one(entity: Entity, name: str) -> Attribute:
    return entity.attributes[iri(name)][0]


def _value(entity: Entity, name: str) -> object:
    found = entity.attributes.get(iri(name))
    return found[0].value if found else None


def agency(feed: Decoded) -> dict[Pair, float]:
    """The agency's own predictions in a feed, by vehicle and stop; arrival, else departure."""
    vehicles = {str(_value(one, "hasTrip")): one.id for one in feed.entities if one.types[0] == _VEHICLE}
    found = {}
    for one in feed.entities:
        text = _value(one, "arrivalTime") or _value(one, "departureTime") if one.types[0] == _ARRIVAL else None
        vehicle = vehicles.get(str(_value(one, "hasTrip")))
        if text and vehicle:
            found[vehicle, str(_value(one, "hasStop"))] = instants.parse(str(text)) / SECOND
    return found


@dataclass(frozen=True)
class Compared:
    """A row for each prediction of the agency whose vehicle came: seconds from then to it, to ours (NaN: none; the
    ends of our range and its median too), and to the arrival, by the vehicle's time and by the feed's.
    """

    agency: F8
    ours: F8
    low: F8
    high: F8
    median: F8
    actual: F8
    by_feed: F8
    reports: int
    rows_in: int
    rows_out: int


def compare(recorded: Recording, minutes: float = 30.0) -> Compared:
    """Play a recording to the application, and ask after each feed what stands on the board."""
    truth = arrivals(recorded.feeds)
    log = log_of(recorded.feeds)
    pipeline = Pipeline(APP, Params(time_zone=ZONE, networks=(recorded.network,), minutes=minutes))
    pipeline.begin(None, recorded.tables)
    board, lines = Board(), []
    for feed, batch in zip(recorded.feeds, commits(log), strict=True):
        board.take(pipeline.feed(batch))
        now, ours = (feed.issued_at or 0) / SECOND, board.times()
        for pair, time in agency(feed).items():
            came = truth.get(pair)
            if came is not None and came[1] > now:
                own = ours.get(pair, (np.nan,) * 4)
                lines.append(
                    (
                        time - now,
                        *(max(one - now, 0) if one == one else one for one in own),
                        came[0] - now,
                        came[1] - now,
                    )
                )
    columns = np.array(lines).T
    reports = sum(entity.types[0] == _VEHICLE for feed in recorded.feeds for entity in feed.entities)
    agency_, ours_, low, high, median, actual, by_feed = columns
    return Compared(agency_, ours_, low, high, median, actual, by_feed, reports, pipeline.counts.given, board.rows)
