"""History over HTTP: instances, pairs, aggregates; corrections, retractions, erasure."""

from __future__ import annotations

import httpx
import pytest

from tests.server.parks import ENTITIES, ERRORS, ONE, PARK, TEMPORAL, park

PAST = f"{TEMPORAL}/{PARK}"
FREE = "availableSpotNumber"


@pytest.fixture
async def city(client: httpx.AsyncClient) -> httpx.AsyncClient:
    assert (await client.post(ENTITIES, json=park(free=100, at="2026-11-20T08:00:00Z"))).status_code == 201
    for minute, free in ((15, 80), (30, 60), (45, 40)):
        body = {FREE: {"type": "Property", "value": free, "observedAt": f"2026-11-20T08:{minute}:00Z"}}
        assert (await client.patch(f"{ONE}/attrs", json=body)).status_code == 204
    return client


async def pairs(client: httpx.AsyncClient, **query: str) -> list[int]:
    found = (await client.get(PAST, params={"attrs": FREE, "options": "temporalValues", **query})).json()
    return [value for value, _ in found.get(FREE, {"values": []})["values"]]


async def test_all_instances_in_their_order(city: httpx.AsyncClient) -> None:
    found = (await city.get(PAST)).json()
    assert [one["value"] for one in found[FREE]] == [100, 80, 60, 40]
    assert all(one["instanceId"].startswith("urn:ngsi-ld:Instance:") for one in found[FREE])
    assert await pairs(city) == [100, 80, 60, 40]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"timerel": "after", "timeAt": "2026-11-20T08:15:00Z"}, [60, 40]),
        ({"timerel": "before", "timeAt": "2026-11-20T08:15:00Z"}, [100]),
        ({"timerel": "between", "timeAt": "2026-11-20T08:15:00Z", "endTimeAt": "2026-11-20T08:45:00Z"}, [80, 60]),
        ({"lastN": "2"}, [60, 40]),
        ({"timerel": "before", "timeAt": "2026-11-20T08:45:00Z", "lastN": "1"}, [60]),
        ({"timeproperty": "createdAt", "timerel": "before", "timeAt": "2020-01-01T00:00:00Z"}, []),
    ],
)
async def test_windows(city: httpx.AsyncClient, query: dict[str, str], expected: list[int]) -> None:
    assert await pairs(city, **query) == expected


async def test_aggregates(city: httpx.AsyncClient) -> None:
    asked = {
        "attrs": FREE,
        "options": "aggregatedValues",
        "aggrMethods": "avg,max,totalCount",
        "aggrPeriodDuration": "PT30M",
    }
    found = (
        await city.get(PAST, params={**asked, "timerel": "after", "timeAt": "2026-11-20T07:59:59.999999Z"})
    ).json()[FREE]
    assert [value for value, _, _ in found["avg"]] == [90, 50]
    assert found["max"][0] == [100, "2026-11-20T08:00:00Z", "2026-11-20T08:30:00Z"]
    whole = (await city.get(PAST, params={"attrs": FREE, "options": "aggregatedValues", "aggrMethods": "sum"})).json()[
        FREE
    ]
    assert whole["sum"][0][0] == 280


async def test_many_entities_over_time(city: httpx.AsyncClient) -> None:
    query = {"type": "OffStreetParking", "timerel": "after", "timeAt": "2026-11-20T08:20:00Z", "attrs": FREE}
    [one] = (await city.get(TEMPORAL, params=query)).json()
    assert [item["value"] for item in one[FREE]] == [60, 40]
    late = {**query, "timeAt": "2030-01-01T00:00:00Z"}
    assert (await city.get(TEMPORAL, params=late)).json() == []
    body = {
        "type": "Query", "entities": [{"type": "OffStreetParking"}], "attrs": [FREE],
        "temporalQ": {"timerel": "before", "timeAt": "2026-11-20T08:20:00Z"},
    }  # fmt: skip
    posted = await city.post(
        "/ngsi-ld/v1/temporal/entityOperations/query", json=body, params={"options": "temporalValues"}
    )
    assert [value for value, _ in posted.json()[0][FREE]["values"]] == [100, 80]


async def test_instances_are_added_corrected_and_retracted(city: httpx.AsyncClient) -> None:
    added = [{"type": "Property", "value": 90, "observedAt": "2026-11-20T08:05:00Z"}]
    assert (await city.post(f"{PAST}/attrs", json={FREE: added})).status_code == 204
    assert await pairs(city) == [100, 90, 80, 60, 40]
    instance = (await city.get(PAST)).json()[FREE][1]["instanceId"]
    where = f"{PAST}/attrs/{FREE}/{instance}"
    right = {"type": "Property", "value": 95, "observedAt": "2026-11-20T08:05:00Z"}
    assert (await city.patch(where, json={FREE: right})).status_code == 204
    assert await pairs(city) == [100, 95, 80, 60, 40]
    assert (await city.delete(where)).status_code == 204
    assert await pairs(city) == [100, 80, 60, 40]
    missing = f"{PAST}/attrs/{FREE}/urn:ngsi-ld:Instance:999-0"
    assert (await city.delete(missing)).status_code == 404
    assert (await city.delete(f"{PAST}/attrs/{FREE}/nonsense")).status_code == 400


async def test_an_evolution_is_stored_whole(client: httpx.AsyncClient) -> None:
    values = [{"type": "Property", "value": n, "observedAt": f"2026-01-01T00:0{n}:00Z"} for n in range(3)]
    document = {"id": "urn:x:1", "type": "Sensor", "level": values}
    made = await client.post(TEMPORAL, json=document)
    assert (made.status_code, made.headers["location"]) == (201, f"{TEMPORAL}/urn:x:1")
    assert (await client.post(TEMPORAL, json=document)).status_code == 204
    assert (await client.get(f"{ENTITIES}/urn:x:1", params={"options": "keyValues"})).json()["level"] == 2
    found = (await client.get(f"{TEMPORAL}/urn:x:1")).json()
    assert [one["value"] for one in found["level"]] == [0, 1, 2]


async def test_what_is_removed_keeps_its_history_and_what_is_erased_has_none(city: httpx.AsyncClient) -> None:
    assert (await city.delete(ONE)).status_code == 204
    assert (await pairs(city))[:4] == [100, 80, 60, 40]
    assert (await city.delete(PAST)).status_code == 204
    assert (await city.get(PAST)).status_code == 404
    assert (await city.delete(PAST)).status_code == 404


async def test_an_attribute_is_erased_for_good(city: httpx.AsyncClient) -> None:
    assert (await city.delete(f"{PAST}/attrs/{FREE}")).status_code == 204
    assert FREE not in (await city.get(PAST)).json()
    assert FREE not in (await city.get(ONE)).json()


@pytest.mark.parametrize(
    "query",
    [
        "timerel=after",
        "timerel=during&timeAt=2026-01-01T00:00:00Z",
        "timerel=between&timeAt=2026-01-02T00:00:00Z&endTimeAt=2026-01-01T00:00:00Z",
        "timeAt=2026-01-01T00:00:00Z",
        "timerel=after&timeAt=soon",
        "timeproperty=bedtime",
        "lastN=0",
        "options=aggregatedValues",
        "options=aggregatedValues&aggrMethods=median",
        "options=aggregatedValues&aggrMethods=avg&aggrPeriodDuration=P1M",
        "options=aggregatedValues&aggrMethods=avg&aggrPeriodDuration=hour",
    ],
)
async def test_a_bad_window_is_told(city: httpx.AsyncClient, query: str) -> None:
    answer = await city.get(f"{PAST}?{query}")
    assert (answer.status_code, answer.json()["type"]) == (400, ERRORS + "InvalidRequest"), answer.text


async def test_all_history_of_everything_is_refused(city: httpx.AsyncClient) -> None:
    assert (await city.get(TEMPORAL, params={"type": "OffStreetParking"})).status_code == 400
    assert (await city.get(TEMPORAL, params={"lastN": "1"})).status_code == 400
