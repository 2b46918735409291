"""Names of arrivals, what vehicles say, and which predictions are worth writing. Pure, on columns."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from urllib.parse import quote

import numpy as np

from zhicheng.analysis.arrival import Status
from zhicheng.compute.terms import iri
from zhicheng.kernel import instants
from zhicheng.kernel.columns import F8, I8, Coded, Index, Mask
from zhicheng.kernel.errors import Invalid
from zhicheng.kernel.instants import ABSENT, SECOND
from zhicheng.standards.gtfs.arrivals import OWN

STATUSES = {"STOPPED_AT": Status.STANDING, "IN_TRANSIT_TO": Status.LEFT, "INCOMING_AT": Status.LEFT}
_MEDIAN, _EARLIEST, _LATEST, _STALE = (iri(name) for name in ("median", "earliest", "latest", "stale"))


def arrival_urn(vehicle: str, trip: str, stop: str, visit: int) -> str:
    """The id of a vehicle's arrival at a stop on a trip; `visit` counts those before it at the stop.

    >>> arrival_urn("urn:ngsi-ld:Vehicle:bus:7", "urn:ngsi-ld:GtfsTrip:bus:038236:20240208", "A09N", 0)
    'urn:ngsi-ld:ArrivalEstimation:zhicheng:bus:7:038236:20240208:A09N'
    """
    whose, run = _own(vehicle), _own(trip).partition(":")[2]
    run = "" if not run or whose.endswith(run) else f":{run}"
    return f"{OWN}{whose}{run}:{quote(stop, safe='')}" + (f":{visit}" if visit else "")


def _own(urn: str) -> str:
    return urn.removeprefix("urn:ngsi-ld:").partition(":")[2]


def marks(texts: Sequence[Coded], number: F8) -> I8:
    """A number for each row's words, never 0; other words have another."""
    total = np.nan_to_num(number, nan=-1.0).astype(np.int64) + 1
    for column in texts:
        known = np.array([*(zlib.crc32(value.encode()) + 1 for value in column.values), 0], np.int64)
        total = total * 1_000_003 + known[column.codes]
    return np.where(total == 0, 1, total)


def status_of(said: Coded, before: Index) -> Index:
    """The status as a number; where nothing is said, as before, or on the way."""
    known = np.array([*(STATUSES.get(value, 0) for value in said.values), 0], np.intp)[said.codes]
    return np.where(known > 0, known, np.where(before > 0, before, Status.LEFT))


def stamps(said: Coded) -> I8:
    """The instants of date-times, ABSENT where there are none.

    >>> stamps(Coded.of(["1970-01-01T00:00:01Z", "soon", None])).tolist()[:1]
    [1000000]
    """
    return np.array([*map(_instant, said.values), ABSENT], np.int64)[said.codes]


def _instant(text: str) -> int:
    try:
        return instants.parse(text)
    except Invalid:
        return ABSENT


def placed(reported: Index, place: Index, leaves: I8, at: I8) -> tuple[Index, Index]:
    """Place and status of vehicles by the stop they report (`place` on their way): on the way to a stop is after the
    one before it; to the first, waiting if its departure is to come.

    >>> reported, leaves = np.array([2, 3, 3, 3]), np.array([0, 0, 90, 0])
    >>> [column.tolist() for column in placed(reported, np.array([4, 4, 0, 0]), leaves, np.full(4, 60))]
    [[4, 3, 0, -1], [2, 3, 1, 3]]
    """
    standing = reported == Status.STANDING
    waiting = ~standing & (place == 0) & (leaves > at)
    status = np.where(standing, Status.STANDING, np.where(waiting, Status.WAITING, Status.LEFT))
    return np.where(standing | waiting, place, place - 1), status


def worth(seconds: F8, times: F8, told: F8, least: float, share: float) -> Mask:
    """Which predictions (POSIX seconds `times`, `seconds` ahead) are new, or differ enough from what was told.

    >>> worth(np.array([60.0, 60, 600]), np.array([100.0, 125, 700]), np.array([np.nan, 100, 650]), 20, 0.1).tolist()
    [True, True, False]
    """
    moved = np.abs(times - told)
    return np.isnan(told) | (moved >= np.maximum(least, share * seconds))


def moments(seconds: F8) -> Coded:
    """POSIX seconds as date-time texts, to the second."""
    whole, place = np.unique(np.rint(seconds).astype(np.int64), return_inverse=True)
    return Coded([instants.format(one * SECOND) for one in whole.tolist()], place.astype(np.int32))


def beside(median: Coded, low: Coded, high: Coded, stale: Mask) -> Coded:
    """The sub-attributes of predictions, as JSON."""
    texts = [
        f'{{"{_EARLIEST}":[{_value(one)}],"{_LATEST}":[{_value(two)}],"{_MEDIAN}":[{_value(middle)}],'
        f'"{_STALE}":[{{"type":"Property","value":{"true" if flag else "false"}}}]}}'
        for middle, one, two, flag in zip(median.list(), low.list(), high.list(), stale.tolist(), strict=True)
    ]
    return Coded.of(texts)


def _value(text: str | None) -> str:
    return f'{{"type":"Property","value":"{text}"}}'
