"""The past over HTTP: `at` gives what was, by all that is known now; layers and the timeline of the slider."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from tests.server.conftest import Client, engine_of
from tests.server.parks import ENTITIES, ONE, PARK, park
from tests.server.test_portals import features_of, tile_of
from zhicheng.kernel import instants

Start = Callable[..., Awaitable[Client]]
DAY = "2026-11-20T"
FREE = "availableSpotNumber"


def reading(hour: int, free: int) -> dict[str, object]:
    return {"type": "Property", "value": free, "observedAt": f"{DAY}{hour:02d}:00:00Z"}


@pytest.fixture
async def city(client: Client) -> Client:
    """A car park in the morning that has a second reading at noon and has since moved."""
    first = park(availableSpotNumber=reading(8, 80), location=place(108.315, 22.829))
    assert (await client.post(ENTITIES, json=first)).status_code == 201
    assert (await client.patch(f"{ONE}/attrs", json={FREE: reading(12, 12)})).status_code == 204
    assert (await client.patch(f"{ONE}/attrs", json={"location": place(108.5, 22.9)})).status_code == 204
    return client


def place(lon: float, lat: float) -> dict[str, object]:
    return {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [lon, lat]}}


async def free_at(client: httpx.AsyncClient, at: str) -> Any:
    answer = await client.get(f"/api/v1/entities/{PARK}", params={"at": at})
    if answer.status_code == 404:
        return None
    return {one["name"]: one["value"] for one in answer.json()["attributes"]}.get(FREE)


async def test_an_entity_as_it_was(city: Client) -> None:
    assert [await free_at(city, f"{DAY}{hour}:30:00Z") for hour in ("07", "08", "11", "12", "23")] == [
        None, 80, 80, 12, 12,
    ]  # fmt: skip
    assert await free_at(city, "2099-01-01T00:00:00Z") == 12
    assert (await city.get(f"/api/v1/entities/{PARK}", params={"at": "noon"})).status_code == 400


async def test_an_age_in_the_past_is_that_of_then(city: Client) -> None:
    found = (await city.get(f"/api/v1/entities/{PARK}", params={"at": f"{DAY}12:10:00Z"})).json()
    assert next(one["age_s"] for one in found["attributes"] if one["name"] == FREE) == 600


async def test_types_search_and_tiles_as_they_were(city: Client) -> None:
    before, after = f"{DAY}07:00:00Z", f"{DAY}09:00:00Z"
    assert (await city.get("/api/v1/types", params={"at": before})).json() == []
    assert [one["count"] for one in (await city.get("/api/v1/types", params={"at": after})).json()] == [1]
    assert (await city.get("/api/v1/search", params={"text": "square", "at": before})).json() == []
    now = (await city.get("/api/v1/search", params={"text": "square"})).json()
    assert [one["lon"] for one in now] == [108.5]
    tile = f"/tiles/OffStreetParking/{tile_of(108.5, 22.9, 12)}.mvt"
    assert (await city.get(tile, params={"at": before})).content == b""
    assert len(features_of((await city.get(tile)).content)) == 1
    assert (await city.get("/api/v1/types/OffStreetParking/extent", params={"at": before})).status_code == 404


async def test_names_and_places_of_imported_history_are_those_of_now(city: Client) -> None:
    """It was recorded only now, so no screen can have shown another place then; of what is live, nothing is made up."""
    tile = f"/tiles/OffStreetParking/{tile_of(108.5, 22.9, 12)}.mvt"
    [then] = features_of((await city.get(tile, params={"at": f"{DAY}09:00:00Z"})).content)
    assert then.properties["label"] == "Station square"
    await city.post(ENTITIES, json={"id": "urn:x:1", "type": "Bin", "level": 1})
    placeless = instants.format(city.city.home.store.state.recorded_at)
    await asyncio.sleep(0.01)
    await city.post(f"{ENTITIES}/urn:x:1/attrs", json={"location": place(108.5, 22.9), "name": "Corner"})
    assert (await city.get("/api/v1/search", params={"text": "corner", "at": placeless})).json() == []
    [now] = (await city.get("/api/v1/search", params={"text": "corner"})).json()
    assert now["lon"] == 108.5


async def test_a_late_reading_and_a_correction_change_the_past(city: Client) -> None:
    assert await free_at(city, f"{DAY}10:30:00Z") == 80
    await city.post(f"/ngsi-ld/v1/temporal/entities/{PARK}/attrs", json={FREE: reading(10, 40)})
    assert await free_at(city, f"{DAY}10:30:00Z") == 40
    assert await free_at(city, f"{DAY}09:30:00Z") == 80
    [one] = [
        one
        for one in (await city.get(f"/ngsi-ld/v1/temporal/entities/{PARK}?attrs={FREE}")).json()[FREE]
        if one["value"] == 40
    ]
    path = f"/ngsi-ld/v1/temporal/entities/{PARK}/attrs/{FREE}/{one['instanceId']}"
    assert (await city.patch(path, json={FREE: reading(10, 44)})).status_code == 204
    assert await free_at(city, f"{DAY}10:30:00Z") == 44


async def test_a_state_is_made_once_for_all_who_ask_and_forgotten_by_and_by(city: Client) -> None:
    space = city.city.home
    at = instants.parse(f"{DAY}09:00:00Z")
    states = await asyncio.gather(*(space.past.at(at) for _ in range(10)))
    assert all(state is states[0] for state in states)
    await city.post(ENTITIES, json={"id": "urn:x:1", "type": "Bin", "level": 1})
    assert await space.past.at(at) is states[0], "what is recorded of now leaves the past alone"
    for second in range(20):
        await space.past.at(at + second)
    assert await space.past.at(at) is not states[0]


async def test_layers_are_those_of_applications_and_of_types_with_places(city: Client) -> None:
    await city.post(ENTITIES, json={"id": "urn:x:1", "type": "Nowhere", "level": 1})
    await city.post(ENTITIES, json={"id": "urn:x:2", "type": "Way", "location": place(108, 22)})
    line = {"type": "LineString", "coordinates": [[108, 22], [108.1, 22]]}
    await city.post(
        ENTITIES, json={"id": "urn:x:3", "type": "Road", "location": {"type": "GeoProperty", "value": line}}
    )
    found = {one["key"]: one for one in (await city.get("/api/v1/layers")).json()}
    assert set(found) >= {"parking.OffStreetParking", "arrival.Vehicle", "Way", "Road"}
    assert "OffStreetParking" not in found and "Nowhere" not in found
    parks = found["parking.OffStreetParking"]
    assert (parks["count"], parks["located"], parks["app"], parks["kind"]) == (1, 1, "parking", "points")
    assert parks["legend"] and all(set(step["label"]) == {"zh", "en"} for step in parks["legend"])
    assert (found["Road"]["kind"], found["Way"]["kind"], found["Way"]["app"]) == ("lines", "points", None)
    assert all(one["color"].startswith("#") for one in found.values())
    past = {one["key"] for one in (await city.get("/api/v1/layers", params={"at": f"{DAY}09:00:00Z"})).json()}
    assert "Way" not in past and "arrival.Vehicle" in past


async def test_the_timeline_counts_what_took_effect_when(city: Client) -> None:
    asked = {"from": f"{DAY}08:00:00Z", "to": f"{DAY}16:00:00Z", "steps": "4"}
    found = (await city.get("/api/v1/timeline", params=asked)).json()
    assert found["counts"] == [1, 0, 1, 0] and found["first"] == f"{DAY}08:00:00Z"
    engine_of(city.city).seal()
    for steps, counts in ((8, [1, 0, 0, 0, 1, 0, 0, 0]), (4, [1, 0, 1, 0])):
        found = (await city.get("/api/v1/timeline", params={**asked, "steps": str(steps)})).json()
        assert found["counts"] == counts
    bad = ({"steps": "0"}, {"steps": "99999"}, {"from": f"{DAY}17:00:00Z"}, {"to": "x"}, {"from": asked["to"]})
    for one in bad:
        assert (await city.get("/api/v1/timeline", params={**asked, **one})).status_code == 400


async def test_an_empty_city_has_no_first_instant(client: Client) -> None:
    found = (await client.get("/api/v1/timeline")).json()
    assert found["first"] is None and sum(found["counts"]) == 0 and len(found["counts"]) == 120
