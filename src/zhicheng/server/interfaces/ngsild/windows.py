"""Which instances of history a request wants: timerel, lastN, aggregation, from parameters or a Query's temporalQ."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from zhicheng.hub.temporal import TimeProperty, Window
from zhicheng.kernel import instants
from zhicheng.kernel.errors import Invalid
from zhicheng.server.interfaces.ngsild import parameters as given
from zhicheng.server.interfaces.ngsild.errors import InvalidRequest
from zhicheng.server.interfaces.ngsild.query_document import text_of
from zhicheng.server.routes import Parameter
from zhicheng.standards.ngsild.context import Context
from zhicheng.standards.ngsild.model import Json
from zhicheng.standards.ngsild.temporal import TIME_PROPERTIES
from zhicheng.storage.series import METHODS

WORDS = frozenset((*given.SHOWING, "temporalValues", "aggregatedValues", "sysAttrs"))
_METHODS = (*METHODS, "distinctCount")
_DURATION = re.compile(
    r"P(?:(?P<weeks>\d{1,6})W)?(?:(?P<days>\d{1,6})D)?"
    r"(?:T(?:(?P<hours>\d{1,9})H)?(?:(?P<minutes>\d{1,9})M)?(?:(?P<seconds>\d{1,12})(?:\.\d+)?S)?)?"
)
_UNITS = {
    "weeks": 7 * instants.DAY,
    "days": instants.DAY,
    "hours": instants.HOUR,
    "minutes": instants.MINUTE,
    "seconds": instants.SECOND,
}

TIMEREL = Parameter("timerel", "before, after or between", "before、after 或 between")
TIME_AT = Parameter("timeAt", "The instant of timerel", "timerel 的时刻", given.DATE_TIME)
END_TIME_AT = Parameter("endTimeAt", "The end of between", "between 的结束时刻", given.DATE_TIME)
TIMEPROPERTY = Parameter(
    "timeproperty", "observedAt, createdAt, modifiedAt or deletedAt", "observedAt、createdAt、modifiedAt 或 deletedAt"
)
LAST_N = Parameter(
    "lastN", "Only the newest so many instances", "仅最近的若干个实例", {"type": "integer", "minimum": 1}
)
AGGR_METHODS = Parameter(
    "aggrMethods",
    f"With options=aggregatedValues: {', '.join(_METHODS)}",
    f"与 options=aggregatedValues 合用：{'、'.join(_METHODS)}",
)
AGGR_PERIOD = Parameter(
    "aggrPeriodDuration", "Period of aggregation, ISO 8601: PT1H, P1D", "聚合周期（ISO 8601）：PT1H、P1D"
)
TEMPORAL = (TIMEREL, TIME_AT, END_TIME_AT, TIMEPROPERTY, LAST_N, AGGR_METHODS, AGGR_PERIOD)


@dataclass(frozen=True, slots=True)
class Aggregation:
    """methods by their NGSI-LD names; period in microseconds, None for one over everything."""

    methods: tuple[str, ...]
    period: int | None


def duration(text: str) -> int | None:
    """An ISO 8601 duration in microseconds; of no length, None. Months and years have no fixed length.

    >>> duration("PT1H30M") // instants.MINUTE, duration("PT0S")
    (90, None)
    """
    found = _DURATION.fullmatch(text)
    if found is None or text[-1:] in ("P", "T", ""):
        raise InvalidRequest(
            f"{text[:40]!r} is not a duration such as PT1H, PT15M or P7D (weeks, days, hours, minutes, seconds)",
            f"{text[:40]!r} 不是时长，例如 PT1H、PT15M 或 P7D（周、日、时、分、秒）",
            parameter="aggrPeriodDuration",
        )
    length = sum(int(found[name] or 0) * unit for name, unit in _UNITS.items())
    return length or None


def window_of(query: Mapping[str, str], context: Context, *, needed: bool) -> Window:
    """The window of a request; `needed`: without timerel and lastN it would be all history of many entities."""
    relation = query.get("timerel")
    start, end = _bounds(query, relation)
    if needed and relation is None and "lastN" not in query:
        raise InvalidRequest(
            "Say which time: timerel=after&timeAt=..., or lastN=10",
            "请说明时间范围：timerel=after&timeAt=...，或 lastN=10",
            parameter="timerel",
        )
    time = query.get("timeproperty", "observedAt")
    if time not in TIME_PROPERTIES:
        raise InvalidRequest(
            f"timeproperty is one of {', '.join(TIME_PROPERTIES)}",
            f"timeproperty 应为 {'、'.join(TIME_PROPERTIES)} 之一",
            parameter="timeproperty",
        )
    names = query.get("attrs")
    attributes = None if names is None else tuple(sorted(given.names_of(names, context)))
    last = given.number(query, "lastN", 0, least=1) if "lastN" in query else None
    return Window(attributes, start, end, cast("TimeProperty", time), last)


def _bounds(query: Mapping[str, str], relation: str | None) -> tuple[int | None, int | None]:
    at, end = given.instant(query, "timeAt"), given.instant(query, "endTimeAt")
    if relation is None:
        if at is not None or end is not None:
            raise InvalidRequest("timeAt needs timerel", "timeAt 需要 timerel", parameter="timerel")
        return None, None
    if relation not in ("before", "after", "between"):
        raise InvalidRequest(
            f"timerel is before, after or between, not {relation[:40]!r}",
            "timerel 应为 before、after 或 between",
            parameter="timerel",
        )
    if at is None or (relation == "between" and end is None):
        missing = "timeAt" if at is None else "endTimeAt"
        raise InvalidRequest(
            f"timerel={relation} needs {missing}", f"timerel={relation} 需要 {missing}", parameter=missing
        )
    if relation == "between":
        if end is not None and end <= at:
            raise InvalidRequest("endTimeAt must be after timeAt", "endTimeAt 必须晚于 timeAt", parameter="endTimeAt")
        return at, end
    return (at + 1, None) if relation == "after" else (None, at)


def aggregation_of(query: Mapping[str, str], words: frozenset[str]) -> Aggregation | None:
    """What is to be aggregated; None where instances are wanted."""
    wanted = "aggregatedValues" in words or query.get("format") == "aggregatedValues"
    if not wanted:
        return None
    methods = tuple(given.list_of(query["aggrMethods"])) if "aggrMethods" in query else ()
    unknown = [method for method in methods if method not in _METHODS]
    if unknown or not methods:
        raise InvalidRequest(
            f"aggrMethods is a list of {', '.join(_METHODS)}",
            f"aggrMethods 应为 {'、'.join(_METHODS)} 的列表",
            parameter="aggrMethods",
        )
    period = query.get("aggrPeriodDuration")
    return Aggregation(methods, None if period is None else duration(period))


_TEMPORAL_MEMBERS = ("timerel", "timeAt", "endTimeAt", "timeproperty", "lastN")


def temporal_members(document: Json) -> dict[str, str]:
    """TemporalQ and aggrParams of a Query document, as the parameters of the same meaning."""
    query: dict[str, str] = {}
    for member, known in (("temporalQ", _TEMPORAL_MEMBERS), ("aggrParams", ("aggrMethods", "aggrPeriodDuration"))):
        part = document.get(member) if isinstance(document, dict) else None
        if part is None:
            continue
        if not isinstance(part, dict) or part.keys() - set(known):
            raise Invalid(
                f"{member} is an object of {', '.join(known)}",
                f"{member} 应为含 {'、'.join(known)} 的对象",
                path=f"/{member}",
            )
        for name, value in part.items():
            items = value if isinstance(value, list) else [value]
            query[name] = ",".join(text_of(name, item) for item in items)
    return query
