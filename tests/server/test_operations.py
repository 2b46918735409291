"""The operations centre over HTTP: vital signs with their reasons, and what needs attention from finding to closing."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.server.conftest import Client, Start
from zhicheng.kernel import instants
from zhicheng.kernel.errors import BadConfiguration
from zhicheng.server import vitals
from zhicheng.server.vitals import Pulse

NOW = instants.format(instants.system_clock() // instants.SECOND * instants.SECOND)


def station(number: int, pm25: float, **more: object) -> dict[str, Any]:
    return {
        "id": f"urn:ngsi-ld:AirQualityObserved:{number}",
        "type": "AirQualityObserved",
        "name": {"type": "Property", "value": f"监测点 {number}"},
        "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [108.3 + number / 100, 22.8]}},
        "pm25": {"type": "Property", "value": pm25, "unitCode": "GQ", "observedAt": NOW},
        **more,
    }


async def put(client: httpx.AsyncClient, *entities: dict[str, Any]) -> None:
    answer = await client.post("/ngsi-ld/v1/entityOperations/upsert", json=list(entities))
    assert answer.status_code in (200, 201, 204), answer.text


async def signs(client: httpx.AsyncClient) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in (await client.get("/api/v1/vitals")).json()}


async def test_a_city_with_nothing_in_it_has_no_vital_signs(client: Client) -> None:
    assert await signs(client) == {}


async def test_a_figure_is_that_of_the_entities_and_says_why_it_is_red(client: Client) -> None:
    await put(client, *[station(number, 20.0) for number in range(4)], station(8, 300.0), station(9, 420.0))
    found = (await signs(client))["pm25"]
    assert found["value"] == pytest.approx((4 * 20 + 300 + 420) / 6, abs=1e-3)
    assert (found["counted"], found["standing"], found["cause"], found["side"]) == (6, "bad", "alarm", "high")
    assert "115" in found["why_zh"]
    why = (await client.get("/api/v1/vitals/pm25/why")).json()
    assert why["total"] == 2
    assert [(one["id"][-1], one["value"], one["label"]) for one in why["entities"]] == [
        ("9", 420.0, "监测点 9"), ("8", 300.0, "监测点 8"),
    ]  # fmt: skip
    assert why["entities"][0]["lon"] == pytest.approx(108.39)
    assert (await client.get("/api/v1/vitals/nosuch/why")).status_code == 404
    assert (await client.get("/api/v1/vitals/pm25/why?limit=0")).status_code == 400


async def test_a_share_names_those_in_it(start: Start) -> None:
    text = '[vitals.dusty]\nlabel = { zh = "扬尘点", en = "Dusty places" }\ntype = "AirQualityObserved"\n'
    text += 'aggregate = "share"\nattribute = "pm25"\nq = "pm25>100"\nunit = "P1"\nbad = "high"\nwatch = 30\n'
    client = await start(text)
    await put(client, station(1, 10.0), station(2, 200.0))
    found = (await signs(client))["dusty"]
    assert (found["value"], found["standing"], found["label_en"]) == (50.0, "watch", "Dusty places")
    why = (await client.get("/api/v1/vitals/dusty/why")).json()
    assert [one["id"] for one in why["entities"]] == ["urn:ngsi-ld:AirQualityObserved:2"]


@pytest.mark.parametrize(
    "text",
    [
        '[vitals.x]\ntype = "AirQualityObserved"\n',
        '[vitals.x]\ntype = "AirQualityObservd"\naggregate = "mean"\nattribute = "pm25"\n',
        '[vitals.x]\ntype = "AirQualityObserved"\naggregate = "mean"\nattribute = "pm52"\n',
        '[vitals.x]\ntype = "AirQualityObserved"\naggregate = "share"\nq = "pm25>>5"\n',
        '[vitals.x]\ntype = "AirQualityObserved"\naggregate = "median"\nattribute = "pm25"\n',
        '[vitals.pm25]\nunit = "XYZ"\n',
    ],
)
async def test_a_mistake_in_the_file_is_told(start: Start, text: str) -> None:
    with pytest.raises(BadConfiguration, match=r"vitals\.(x|pm25)"):
        await start(text)


async def test_a_sign_can_be_turned_off(start: Start) -> None:
    client = await start("[vitals.pm25]\nenabled = false\n")
    await put(client, station(1, 300.0))
    assert "pm25" not in await signs(client)


@pytest.mark.parametrize(("enabled", "writes"), [("true", True), ("false", False)])
async def test_without_its_application_no_course_is_written(
    start: Start, monkeypatch: pytest.MonkeyPatch, enabled: str, writes: bool
) -> None:
    written: list[int] = []

    async def write(_: Pulse, at: int) -> None:
        written.append(at)

    monkeypatch.setattr(vitals, "EVERY", 50_000)
    monkeypatch.setattr(Pulse, "write", write)
    await start(f"[apps.vitals]\nenabled = {enabled}\n")
    await asyncio.sleep(0.3)
    assert bool(written) == writes


async def listed(client: Client, **query: str) -> dict[str, dict[str, Any]]:
    await client.city.attention.look()
    return {
        one["id"].partition("AttentionItem:")[2]: one
        for one in (await client.get("/api/v1/attention", params=query)).json()
    }


async def test_from_finding_to_acknowledging_to_closing(client: Client) -> None:
    assert await listed(client) == {}
    await put(client, station(1, 300.0))
    found = (await listed(client))["vital:pm25"]
    assert (found["status"], found["severity"], found["concerns"]) == (
        "open",
        "high",
        ["urn:ngsi-ld:AirQualityObserved:1"],
    )
    assert found["title_zh"] == "PM2.5"
    again = (await listed(client))["vital:pm25"]
    assert again["version"] == found["version"], "the same matter is written once"

    path = f"/api/v1/attention/{quote(found['id'])}/acknowledge"
    answer = await client.post(path, json={"note": "<b>已通知环保局</b>"})
    assert answer.status_code == 200
    assert (answer.json()["status"], answer.json()["acknowledged_by"]) == ("acknowledged", "anonymous")
    assert answer.json()["remark"] == "<b>已通知环保局</b>"
    assert (await listed(client))["vital:pm25"]["status"] == "acknowledged"

    await put(client, station(1, 20.0))
    await listed(client)
    client.city.attention.list.gone = dict.fromkeys(client.city.attention.list.gone, 0)
    assert "vital:pm25" not in await listed(client)
    over = (await listed(client, closed="1"))["vital:pm25"]
    assert over["status"] == "closed"
    assert (await client.post(path, json={})).status_code == 409
    history = await client.get(f"/api/v1/entities/{quote(found['id'])}/history", params={"attribute": "status"})
    assert [row[1] for row in history.json()["rows"]] == ["open", "acknowledged", "closed"]

    await put(client, station(1, 310.0))
    fresh = (await listed(client))["vital:pm25"]
    assert (fresh["status"], fresh["acknowledged_by"]) == ("open", None), "what begins anew is to be seen anew"


async def test_odd_values_and_alerts_are_on_the_list(client: Client) -> None:
    alert = {
        "id": "urn:ngsi-ld:Alert:1", "type": "Alert", "category": {"type": "Property", "value": "weather"},
        "name": {"type": "Property", "value": "<script>alert(1)</script>暴雨红色预警"},
        "severity": {"type": "Property", "value": "critical"}, "dateIssued": {"type": "Property", "value": NOW},
    }  # fmt: skip
    past = {**alert, "id": "urn:ngsi-ld:Alert:2", "validTo": {"type": "Property", "value": "2026-01-01T00:00:00Z"}}
    await put(client, alert, past, station(1, 20.0, relativeHumidity={"type": "Property", "value": 55}))
    found = await listed(client)
    assert found["alert:urn%3Angsi-ld%3AAlert%3A1"]["severity"] == "critical"
    assert "alert:urn%3Angsi-ld%3AAlert%3A2" not in found
    odd = found["value:AirQualityObserved:relativeHumidity"]
    assert odd["concerns"] == ["urn:ngsi-ld:AirQualityObserved:1"]
    assert "1 个对象" in odd["reason_zh"]


@pytest.mark.parametrize(("body", "status"), [({"note": 5}, 400), ({"note": "x" * 1001}, 400), ([], 400)])
async def test_a_note_that_is_none(client: Client, body: object, status: int) -> None:
    await put(client, station(1, 300.0))
    found = (await listed(client))["vital:pm25"]
    assert (await client.post(f"/api/v1/attention/{found['id']}/acknowledge", json=body)).status_code == status
    assert (await client.post("/api/v1/attention/urn:x:none/acknowledge", json={})).status_code == 404


async def test_a_failing_feed_is_on_the_list_with_its_reason(start: Start) -> None:
    client = await start('[feeds.bus]\nurl = "http://127.0.0.1:9/x"\ndecoder = "gtfs-rt"\n')
    for _ in range(100):
        found = await listed(client)
        if "feed:bus" in found:
            break
        await asyncio.sleep(0.05)
    assert found["feed:bus"]["severity"] == "high"
    assert found["feed:bus"]["reason_zh"]
    assert (await signs(client))["feeds_current"]["value"] == 0.0
