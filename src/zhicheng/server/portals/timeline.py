"""What the time slider is drawn on: how much changed when, and since when there is anything."""

from __future__ import annotations

import asyncio

from zhicheng.kernel import instants
from zhicheng.kernel.errors import Invalid
from zhicheng.security.actions import Named
from zhicheng.server.http import Answer, json_answer
from zhicheng.server.request import Request
from zhicheng.server.routes import Parameter, Response, Route

_STEPS, _MOST_STEPS = 120, 2_000
_DAY = instants.DAY
_TIME = {"type": "string", "format": "date-time"}


async def timeline(request: Request) -> Answer:
    """GET /api/v1/timeline: rows by the time they took effect, in equal steps; by default the last day."""
    query = request.query()
    now = request.city.now()
    end = instants.parse(query["to"]) if query.get("to") else now
    start = instants.parse(query["from"]) if query.get("from") else end - _DAY
    steps = _steps(query.get("steps", str(_STEPS)))
    if not 0 < end - start < 2**62 or end - start < steps:
        raise Invalid("from lies before to, and the steps between them", "from 应早于 to，且时间段应能分成 steps 段")
    store = request.space.store
    grain = next(grain for grain in _GRAINS if 4 * grain * steps <= end - start or grain == 1)
    found = await asyncio.to_thread(store.moments, start - start % grain, end, grain)
    first = store.first_moment()
    return json_answer(
        {
            "from": instants.format(start),
            "to": instants.format(end),
            "now": instants.format(now),
            "first": None if first is None else instants.format(first),
            "counts": found.within(start, end, steps).tolist(),
        }
    )


_GRAINS = (instants.HOUR, instants.MINUTE, instants.SECOND, 1)
"""A few, so that what is counted once is counted for all: the coarsest that hardly moves a border."""


def _steps(text: str) -> int:
    if text.isascii() and text.isdecimal() and len(text) < 9 and 0 < int(text) <= _MOST_STEPS:
        return int(text)
    raise Invalid(
        f"steps is a number from 1 to {_MOST_STEPS}", f"steps 应为 1 到 {_MOST_STEPS} 的数", parameter="steps"
    )


TIMELINE_ROUTES: tuple[Route, ...] = (
    Route("GET", "/api/v1/timeline", "city:read", timeline, Named("时间轴", "How much changed when"), (
        Parameter("from", "Not before", "开始时间", _TIME),
        Parameter("to", "Before", "结束时间", _TIME),
        Parameter("steps", "In so many parts", "分成几段", {"type": "integer", "minimum": 1, "maximum": _MOST_STEPS}),
    ), None, (Response(200, "The answer", "结果", {}),)),
)  # fmt: skip
