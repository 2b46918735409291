"""Which car park to drive to, over HTTP: what the forecasts of two car parks give for someone on the way."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from tests.apps.seen import Look, entity
from zhicheng.apps.parking.model import Params
from zhicheng.apps.parking.views import nearby
from zhicheng.compute.views import Asked
from zhicheng.kernel import instants
from zhicheng.kernel.errors import Invalid
from zhicheng.kernel.instants import HOUR, MINUTE
from zhicheng.standards.models import said
from zhicheng.standards.ngsild.model import Entity

NOW = instants.parse("2026-03-02T12:00:00Z")
HERE = {"lon": "108.3", "lat": "22.8"}


def park(name: str, lon: float, free: float, ahead: list[int], at: int = NOW, **more: object) -> Entity:
    """A car park with its forecast for 15, 30, 60 and 120 minutes, five places more or less."""
    told = [{"target": "", "free": one, "low": max(one - 5, 0), "high": one + 5} for one in ahead]
    place = {"type": "Point", "coordinates": [lon, 22.8]}
    return entity(
        "OffStreetParking", f"urn:p:{name}", at, name=name, availableSpotNumber=free, totalSpotNumber=100,
        availableSpotForecast=told, location=place, **more,
    )  # fmt: skip


FILLING, ROOMY = park("filling", 108.301, 12, [6, 2, 0, 0]), park("roomy", 108.31, 60, [58, 55, 50, 40])


def asked(*parks: Entity, now: int = NOW, stale: frozenset[str] = frozenset(), **query: str) -> list[dict[str, Any]]:
    document = nearby(Look([*parks], now, stale), Asked({**HERE, **query}), Params())
    found: list[dict[str, Any]] = orjson.loads(orjson.dumps(document))["parks"]
    return found


def test_the_nearest_is_first_while_a_place_is_likely_and_not_after() -> None:
    near, far = asked(FILLING, ROOMY, minutes="0")
    assert (near["id"], far["id"]) == ("urn:p:filling", "urn:p:roomy")
    assert near["metres"] == pytest.approx(103, abs=2) and near["chance"] > 0.9
    assert [one["id"] for one in asked(FILLING, ROOMY, minutes="60")] == ["urn:p:roomy", "urn:p:filling"]
    assert asked(FILLING, ROOMY, arrival="2026-03-02T13:00:00Z") == asked(FILLING, ROOMY, minutes="60")


def test_the_forecast_at_arrival_holds_its_interval() -> None:
    [one] = asked(ROOMY, minutes="45")
    assert one["forecast"] == {"free": 52, "low": 48, "high": 58}
    assert (one["free"], one["total"], one["stale"], one["name"]["zh"]) == (60, 100, False, "roomy")


def test_old_news_is_said_and_old_forecasts_are_not_used() -> None:
    old = park("old", 108.3, 5, [5] * 4, NOW - 90 * MINUTE)
    assert [one["stale"] for one in asked(old)] == [True]
    assert asked(park("gone", 108.3, 5, [5] * 4, NOW - 3 * HOUR)) == []
    assert [one["stale"] for one in asked(ROOMY, stale=frozenset({"feed:bus"}))] == [True]


def test_what_is_far_or_lacks_place_or_forecast_is_left_out() -> None:
    bare, odd = park("bare", 108.3, 5, [5]), park("odd", 108.3, 5, [5] * 4)
    odd.attributes[said.iri("location")][0].value = {"type": "Point", "coordinates": ["x"]}
    strange = park("strange", 108.3, 5, [5] * 4)
    strange.attributes[said.iri("availableSpotForecast")][0].value = [{"free": "many"}, 7, None, {}, {}, {}]
    assert [one["id"] for one in asked(bare, odd, strange, ROOMY, within="2000")] == ["urn:p:roomy"]
    assert asked(ROOMY, within="500") == []
    assert len(asked(FILLING, ROOMY, count="1")) == 1
    assert asked() == []


@pytest.mark.parametrize(
    "query",
    [{"lon": "200"}, {"lat": "91"}, {"minutes": "-1"}, {"minutes": "121"}, {"arrival": "2026-03-02T11:00:00Z"},
     {"arrival": "noon"}, {"arrival": "2026-03-02T12:30:00Z", "minutes": "30"}],
    ids=str,
)  # fmt: skip
def test_what_cannot_be_answered_is_told(query: dict[str, str]) -> None:
    with pytest.raises(Invalid):
        nearby(Look([ROOMY], NOW), Asked({**HERE, **query}), Params())


def test_a_place_is_needed() -> None:
    with pytest.raises(Invalid):
        nearby(Look([], NOW), Asked({"lon": "1"}), Params())
