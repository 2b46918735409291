"""What a request looks at: the city as it is, or as it was at the instant that its parameter `at` names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from zhicheng.kernel import instants
from zhicheng.server.city import City
from zhicheng.server.past import newest_of
from zhicheng.server.request import Request
from zhicheng.server.space import Space
from zhicheng.storage.live import State


@dataclass(frozen=True, slots=True)
class Moment:
    """A state, its now in microseconds, and which sources were out of date then."""

    state: State
    now: int
    stale: frozenset[str]
    past: bool = False


def present(city: City, space: Space) -> Moment:
    """The city as it is."""
    return Moment(space.store.state, city.now(), city.stale_in(space))


async def moment_at(city: City, space: Space, instant: int) -> Moment:
    """The city as of an instant; where that has not come yet, as it is."""
    if instant >= city.now():
        return present(city, space)
    state = await space.past.at(instant)
    return Moment(state, instant, city.stale_as_of(space, newest_of(state), instant), past=True)


async def moment_of(request: Request, query: Mapping[str, str]) -> Moment:
    """What a request looks at; Invalid for an `at` that is no instant."""
    if not (text := query.get("at")):
        return present(request.city, request.space)
    return await moment_at(request.city, request.space, instants.parse(text))
