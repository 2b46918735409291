"""Subscriptions over HTTP, with receivers that are real: what is told, in which form, and what is refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest

from tests.hub.subscriptions.receivers import Receiver, receiving, saying
from tests.server.conftest import Client
from zhicheng.hub.intake import Origin
from zhicheng.hub.subscriptions import notifier
from zhicheng.kernel import instants
from zhicheng.security.defaults import POLICIES
from zhicheng.server.city import City
from zhicheng.standards.ngsild.decode import decode_entity

SUBSCRIPTIONS = "/ngsi-ld/v1/subscriptions"
ENTITIES = "/ngsi-ld/v1/entities"
BUS = "urn:ngsi-ld:Vehicle:7"
Start = Callable[..., Awaitable[Client]]
ALLOWED = '[subscriptions]\nallow = ["127.0.0.1"]\nfirst_retry = "20 ms"\nlongest_retry = "50 ms"\nattempts = 3\n'


def vehicle(identifier: str = BUS, speed: float = 10, **more: object) -> dict[str, Any]:
    return {"id": identifier, "type": "Vehicle", "speed": {"type": "Property", "value": speed}, **more}


def subscription(receiver: Receiver, **more: Any) -> dict[str, Any]:
    told = {"endpoint": {"uri": receiver.url, **more.pop("endpoint", {})}, **more.pop("notification", {})}
    return {"type": "Subscription", "entities": [{"type": "Vehicle"}], "notification": told, **more}


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as one:
        yield one


@pytest.fixture
async def city(start: Start) -> Client:
    return await start(ALLOWED)


async def subscribed(city: Client, document: dict[str, Any]) -> str:
    answer = await city.post(SUBSCRIPTIONS, json=document)
    assert answer.status_code == 201, answer.text
    return str(answer.headers["location"].rpartition("/")[2])


async def speed(city: Client, value: float, identifier: str = BUS) -> None:
    answer = await city.patch(f"{ENTITIES}/{identifier}/attrs/speed", json={"value": value})
    assert answer.status_code == 204, answer.text


async def test_a_change_is_told(city: Client, receiver: Receiver) -> None:
    assert (await city.post(ENTITIES, json=vehicle())).status_code == 201
    identifier = await subscribed(city, subscription(receiver))
    await speed(city, 50)
    [received] = await receiver.heard(1)
    document = received.document
    assert document["type"] == "Notification" and document["subscriptionId"] == identifier
    assert document["notificationTrigger"] == ["attributeUpdated"] and document["notifiedAt"]
    assert document["data"] == [vehicle(speed=50)]
    assert received.headers["content-type"] == "application/json"
    assert "jsonldContexts/city" in received.headers["link"]
    await receiver.quiet()  # and meanwhile its answer is counted
    shown = (await city.get(f"{SUBSCRIPTIONS}/{identifier}", params={"options": "sysAttrs,extras"})).json()
    assert shown["status"] == "active" and shown["notification"]["status"] == "ok"
    assert shown["notification"]["timesSent"] == 1 and shown["notification"]["lastSuccess"]
    assert (shown["lag"], shown["queueLength"], shown["deadLetters"]) == (0, 0, 0)
    assert shown["entities"] == [{"type": "Vehicle"}] and shown["createdAt"]


TRIGGERED = [
    (["entityCreated"], "create", ["entityCreated"]),
    (["entityDeleted"], "delete", ["entityDeleted"]),
    (["attributeCreated"], "append", ["attributeCreated"]),
    (["attributeDeleted"], "remove", ["attributeDeleted"]),
    (["attributeUpdated"], "update", ["attributeUpdated"]),
]


@pytest.mark.parametrize(("triggers", "act", "said"), TRIGGERED, ids=lambda one: one if isinstance(one, str) else "")
async def test_each_trigger_tells_of_what_it_names_alone(
    city: Client, receiver: Receiver, triggers: list[str], act: str, said: list[str]
) -> None:
    await city.post(ENTITIES, json=vehicle(colour={"type": "Property", "value": "red"}))
    selector = {"type": "Vehicle"} if act == "create" else {"type": "Vehicle", "id": BUS}
    await subscribed(city, subscription(receiver, entities=[selector], notificationTrigger=triggers))
    other = "urn:ngsi-ld:Vehicle:8"
    acts: dict[str, Callable[[], Awaitable[httpx.Response]]] = {
        "create": lambda: city.post(ENTITIES, json=vehicle(other)),
        "update": lambda: city.patch(f"{ENTITIES}/{BUS}/attrs/speed", json={"value": 60}),
        "append": lambda: city.post(f"{ENTITIES}/{BUS}/attrs", json={"line": {"type": "Property", "value": 3}}),
        "remove": lambda: city.delete(f"{ENTITIES}/{BUS}/attrs/colour"),
        "delete": lambda: city.delete(f"{ENTITIES}/{BUS}"),
    }
    for one in acts.values():
        assert (await one()).status_code < 300
    [received] = await receiver.heard(1)
    assert received.document["notificationTrigger"] == said
    await receiver.quiet()
    [entity] = received.document["data"]
    if act == "delete":
        assert set(entity) == {"id", "type", "deletedAt"} and entity["id"] == BUS
    if act == "remove":
        assert entity["colour"]["value"] == "urn:ngsi-ld:null" and entity["speed"]["value"] == 60


async def test_what_is_asked_decides(city: Client, receiver: Receiver) -> None:
    place = {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [108.3, 22.8]}}
    for number in range(4):
        identifier = f"urn:ngsi-ld:Vehicle:{number}"
        more = {"location": place, "scope": "/nanning/bus"} if number else {}
        await city.post(ENTITIES, json=vehicle(identifier, 0, **more))
    around = {"georel": "near;maxDistance==1000", "geometry": "Point", "coordinates": [108.3, 22.8]}
    await subscribed(
        city,
        subscription(
            receiver,
            entities=[{"type": "Vehicle", "idPattern": ":[0123]$"}],
            watchedAttributes=["speed"], q="speed>50", geoQ=around, scopeQ="/nanning/#",
        ),
    )  # fmt: skip
    await speed(city, 80, "urn:ngsi-ld:Vehicle:0")
    await speed(city, 40, "urn:ngsi-ld:Vehicle:1")
    await city.post(f"{ENTITIES}/urn:ngsi-ld:Vehicle:1/attrs", json={"line": {"type": "Property", "value": 3}})
    await speed(city, 70, "urn:ngsi-ld:Vehicle:2")
    await receiver.heard(1)
    await receiver.quiet()
    assert [entity["id"] for entity in receiver.data] == ["urn:ngsi-ld:Vehicle:2"]


FORMS: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    ({"format": "keyValues"}, {}, {"id": BUS, "type": "Vehicle", "speed": 50}),
    ({"format": "simplified", "attributes": ["nothing"]}, {}, {"id": BUS, "type": "Vehicle"}),
    ({"format": "concise", "pick": ["id", "speed"]}, {}, {"id": BUS, "speed": 50}),
    ({"omit": ["type"]}, {}, {"id": BUS, "speed": {"type": "Property", "value": 50}}),
    (
        {"showChanges": True},
        {},
        {"id": BUS, "type": "Vehicle", "speed": {"type": "Property", "value": 50, "previousValue": 10}},
    ),
    (
        {"showChanges": True, "format": "concise"},
        {},
        {"id": BUS, "type": "Vehicle", "speed": {"value": 50, "previousValue": 10}},
    ),
]


@pytest.mark.parametrize(("told", "endpoint", "entity"), FORMS)
async def test_the_form_is_what_was_asked_for(
    city: Client, receiver: Receiver, told: dict[str, Any], endpoint: dict[str, Any], entity: dict[str, Any]
) -> None:
    await city.post(ENTITIES, json=vehicle())
    await subscribed(city, subscription(receiver, notification=told, endpoint=endpoint))
    await speed(city, 50)
    [received] = await receiver.heard(1)
    assert received.document["data"] == [entity]


async def test_media_types_and_headers(city: Client, receiver: Receiver) -> None:
    await city.post(ENTITIES, json=vehicle())
    info = [{"key": "Authorization", "value": "Bearer x"}]
    for media in ("application/ld+json", "application/geo+json"):
        await subscribed(city, subscription(receiver, endpoint={"accept": media, "receiverInfo": info}))
    await speed(city, 50)
    found = {one.headers["content-type"]: one for one in await receiver.heard(2)}
    linked = found["application/ld+json"]
    assert linked.document["@context"] and "link" not in linked.headers
    assert linked.headers["authorization"] == "Bearer x"
    feature = found["application/geo+json"].document["data"]
    assert feature["type"] == "FeatureCollection" and feature["features"][0]["properties"]["speed"]["value"] == 50


async def test_names_are_those_of_the_subscriptions_context(city: Client, receiver: Receiver) -> None:
    document = {"@context": {"tempo": "https://example.org/speed", "Wagen": "https://example.org/Vehicle"}}
    link = (await city.post("/ngsi-ld/v1/jsonldContexts", json=document)).headers["location"]
    url = f"{city.base_url}{link}"
    headers = {"Link": f'<{url}>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'}
    entity = {"id": BUS, "type": "Wagen", "tempo": {"type": "Property", "value": 1}}
    assert (await city.post(ENTITIES, json=entity, headers=headers)).status_code == 201
    asked = subscription(
        receiver,
        entities=[{"type": "Wagen"}],
        watchedAttributes=["tempo"],
        q="tempo>1",
        notification={"attributes": ["tempo"]},
    )
    made = await city.post(SUBSCRIPTIONS, json=asked, headers=headers)
    assert made.status_code == 201, made.text
    await city.patch(f"{ENTITIES}/{BUS}/attrs/tempo", json={"value": 2}, headers=headers)
    [received] = await receiver.heard(1)
    assert received.document["data"] == [{**entity, "tempo": {"type": "Property", "value": 2}}]
    assert url in received.headers["link"]
    plain = (await city.get(made.headers["location"])).json()
    assert plain["watchedAttributes"] == ["https://example.org/speed"] and plain["q"] == "https://example.org/speed>1"
    named = (await city.get(made.headers["location"], headers=headers)).json()
    assert (named["watchedAttributes"], named["q"], named["entities"]) == (["tempo"], "tempo>1", [{"type": "Wagen"}])


async def test_list_change_and_remove(city: Client, receiver: Receiver) -> None:
    await city.post(ENTITIES, json=vehicle())
    for number in range(3):
        await subscribed(city, subscription(receiver, id=f"urn:ngsi-ld:Subscription:{number}", q="speed>100"))
    page = await city.get(SUBSCRIPTIONS, params={"limit": 2, "count": "true"})
    assert [one["id"][-1] for one in page.json()] == ["0", "1"] and page.headers["NGSILD-Results-Count"] == "3"
    assert 'rel="next"' in page.headers["link"]
    one = f"{SUBSCRIPTIONS}/urn:ngsi-ld:Subscription:0"
    await speed(city, 50)
    assert (await city.patch(one, json={"q": None, "description": "all"})).status_code == 204
    await speed(city, 51)
    assert (await receiver.heard(1))[0].document["data"][0]["speed"]["value"] == 51
    shown = (await city.get(one)).json()
    assert "q" not in shown and shown["description"] == "all"
    assert (await city.patch(one, json={"isActive": False})).status_code == 204
    await speed(city, 52)
    await receiver.quiet()
    assert (await city.get(one)).json()["status"] == "paused"
    assert (await city.patch(one, json={"isActive": True})).status_code == 204
    await speed(city, 53)
    assert (await receiver.heard(2))[1].document["data"][0]["speed"]["value"] == 53
    assert (await city.delete(one)).status_code == 204
    await speed(city, 54)
    await receiver.quiet()
    assert (await city.get(one)).status_code == (await city.delete(one)).status_code == 404
    again = await city.post(SUBSCRIPTIONS, json=subscription(receiver, id="urn:ngsi-ld:Subscription:1"))
    assert again.status_code == 409


async def test_throttling_tells_the_latest_once_the_time_is_over(city: Client, receiver: Receiver) -> None:
    await city.post(ENTITIES, json=vehicle())
    await subscribed(city, subscription(receiver, throttling=0.5))
    await speed(city, 20)
    await receiver.heard(1)
    for value in range(21, 25):
        await speed(city, value)
    first, second = await receiver.heard(2)
    assert second.at - first.at > 0.4
    assert second.document["data"][0]["speed"]["value"] == 24
    await receiver.quiet(0.7)


async def test_by_the_clock_everything_is_told(city: Client, receiver: Receiver) -> None:
    await city.post(ENTITIES, json=vehicle())
    await subscribed(city, subscription(receiver, timeInterval=0.2, q="speed<100"))
    first, second = (await receiver.heard(2))[:2]
    assert first.document["data"] == second.document["data"] == [vehicle()]
    assert first.document["id"] != second.document["id"] and second.at - first.at > 0.15


async def test_what_expired_is_not_told(city: Client, receiver: Receiver) -> None:
    await city.post(ENTITIES, json=vehicle())
    soon = instants.format(instants.system_clock() + 300_000)
    identifier = await subscribed(city, subscription(receiver, expiresAt=soon))
    await asyncio.sleep(0.4)
    await speed(city, 50)
    await receiver.quiet()
    assert (await city.get(f"{SUBSCRIPTIONS}/{identifier}")).json()["status"] == "expired"


async def test_a_failure_is_tried_again_under_the_same_id(city: Client, receiver: Receiver) -> None:
    await city.post(ENTITIES, json=vehicle())
    identifier = await subscribed(city, subscription(receiver))
    receiver.answer = saying(503)
    await speed(city, 50)
    await receiver.heard(2)
    receiver.answer = saying(200)
    await receiver.heard(3)
    assert len({document["id"] for document in receiver.documents}) == 1
    shown = (await city.get(f"{SUBSCRIPTIONS}/{identifier}")).json()["notification"]
    assert shown["timesFailed"] == 2 and shown["lastFailure"]


BAD: list[tuple[dict[str, Any], int, str]] = [
    ({"type": "Subscribtion"}, 400, "/type"),
    ({"entities": []}, 400, "/entities"),
    ({"entities": [{"id": BUS}]}, 400, "/entities/0/type"),
    ({"entities": [{"type": "Vehicle", "idPattern": "("}]}, 400, ""),
    ({"notificationTrigger": ["everything"]}, 400, "/notificationTrigger"),
    ({"q": "speed>>"}, 400, ""),
    ({"geoQ": {"georel": "near"}}, 400, "/geoQ"),
    ({"csf": "x"}, 501, "/csf"),
    ({"throttling": -1}, 400, "/throttling"),
    ({"timeInterval": 5, "watchedAttributes": ["speed"]}, 400, "/watchedAttributes"),
    ({"expiresAt": "2001-01-01T00:00:00Z"}, 400, "/expiresAt"),
    ({"isActive": "yes"}, 400, "/isActive"),
    ({"watchedAtributes": ["speed"]}, 400, "did you mean"),
    ({"notification": {"format": "xml"}}, 400, "/notification/format"),
    ({"notification": {"format": "keyValues", "showChanges": True}}, 400, "showChanges"),
    ({"endpoint": {"uri": "mqtt://a.example/x"}}, 501, "MQTT"),
    ({"endpoint": {"uri": "http://10.0.0.1/x"}}, 400, "allow"),
    ({"endpoint": {"uri": "http://[::1]/x"}}, 400, "allow"),
    ({"endpoint": {"uri": "http://169.254.169.254/x"}}, 400, "allow"),
    ({"endpoint": {"uri": "nonsense"}}, 400, "URL"),
    ({"endpoint": {"accept": "text/html"}}, 400, "/accept"),
    ({"endpoint": {"receiverInfo": [{"key": "X", "value": "a\r\nb: c"}]}}, 400, "header"),
    ({"endpoint": {"receiverInfo": [{"key": "Host", "value": "x"}]}}, 400, "Host"),
    ({"jsonldContext": "https://nowhere.example/c"}, 503, "@context"),
]


@pytest.mark.parametrize(("more", "status", "said"), BAD, ids=str)
async def test_what_is_wrong_is_said(
    city: Client, receiver: Receiver, more: dict[str, Any], status: int, said: str
) -> None:
    for language in ("en", "zh"):
        answer = await city.post(
            SUBSCRIPTIONS, json=subscription(receiver, **dict(more)), headers={"Accept-Language": language}
        )
        assert answer.status_code == status, answer.text
        assert language == "zh" or said in answer.text
    assert (await city.get(SUBSCRIPTIONS)).json() == []


async def test_a_header_is_shown_to_those_alone_who_may_change_it(start: Start, receiver: Receiver) -> None:
    city = await start(ALLOWED, open_to_all=False)
    made = {role: city.city.accounts.create(role, "default", [role]) for role in ("writer", "operator", "reader")}
    tokens = {role: {"Authorization": f"Bearer {token}"} for role, token in made.items()}
    asked = subscription(receiver, endpoint={"receiverInfo": [{"key": "X-Key", "value": "secret"}]})
    location = (await city.post(SUBSCRIPTIONS, json=asked, headers=tokens["writer"])).headers["location"]
    assert "secret" in (await city.get(location, headers=tokens["writer"])).text
    seen = await city.get(location, headers=tokens["operator"])
    assert seen.status_code == 200 and "secret" not in seen.text
    assert (await city.get(location, headers=tokens["reader"])).status_code == 403
    assert (await city.delete(location, headers=tokens["operator"])).status_code == 403
    hidden = {"notification": {"endpoint": seen.json()["notification"]["endpoint"]}}
    assert (await city.patch(location, json=hidden, headers=tokens["writer"])).status_code == 400


async def test_tenants_are_told_of_their_own(start: Start, receiver: Receiver) -> None:
    city = await start(ALLOWED, open_to_all=False)
    one, two = ({"Authorization": f"Bearer {city.city.accounts.create('x', name, ['admin'])}"} for name in ("a", "b"))
    made = await city.post(SUBSCRIPTIONS, json=subscription(receiver), headers=one)
    assert (await city.get(made.headers["location"], headers=two)).status_code == 404
    assert (await city.get(SUBSCRIPTIONS, headers=two)).json() == []
    await city.post(ENTITIES, json=vehicle("urn:ngsi-ld:Vehicle:b"), headers=two)
    await city.post(ENTITIES, json=vehicle("urn:ngsi-ld:Vehicle:a"), headers=one)
    [received] = await receiver.heard(1)
    assert received.document["data"][0]["id"] == "urn:ngsi-ld:Vehicle:a" and received.headers["ngsild-tenant"] == "a"
    await receiver.quiet()


CLERKS = """
@id("clerks-subscribe")
@zh("职员可以订阅")
@en("Clerks subscribe")
permit(
    principal in Role::"clerk",
    action in [Action::"subscriptions:read", Action::"subscriptions:write"],
    resource
);
"""
ROADS, PARKS = "urn:x:dept:roads", "urn:x:dept:parks"


@pytest.fixture
async def clerk(start: Start, monkeypatch: pytest.MonkeyPatch) -> Client:
    """A clerk of the roads' department, in a city in which clerks subscribe."""
    monkeypatch.setattr(notifier, "_LOOK", 0.05)
    monkeypatch.setattr(City, "_policy_text", lambda self: (1, POLICIES + CLERKS))
    client = await start(ALLOWED, open_to_all=False)
    made = client.city.identity.people.add("li", "default", ["clerk"], departments=[ROADS])
    secret, _ = client.city.identity.sessions.begin(made, ("pwd",), "test", "127.0.0.1")
    client.headers.update({"Cookie": f"zhicheng-8800={secret}", "Origin": "http://127.0.0.1:8800"})
    return client


async def brought(client: Client, owner: str, **values: float) -> None:
    """As a feed of a department brings what is internal to it."""
    document = {"id": BUS, "type": "Vehicle"} | {
        name: {"type": "Property", "value": value} for name, value in values.items()
    }
    entity = decode_entity(document, client.city.home.contexts.default)
    outcomes = await client.city.home.intake.batch([entity], Origin("feed", "feed:x", owner, "internal"), "update")
    assert not [one.error for one in outcomes if one.error]


async def test_a_subscription_tells_what_its_maker_may_see_at_that_moment(clerk: Client, receiver: Receiver) -> None:
    await brought(clerk, ROADS, load=3)
    await brought(clerk, PARKS, fee=70)
    identifier = await subscribed(clerk, subscription(receiver, notification={"format": "keyValues"}))
    wanting = subscription(receiver, q="fee>1", notification={"format": "keyValues"})
    await subscribed(clerk, wanting)
    await brought(clerk, PARKS, fee=71)
    await brought(clerk, ROADS, load=4)
    await receiver.heard(1)
    assert receiver.data == [{"id": BUS, "type": "Vehicle", "load": 4}]
    people = clerk.city.identity.people
    person = people.named("li")
    assert person is not None
    people.allow(person, ["writer"], [])
    await asyncio.sleep(0.5)
    await brought(clerk, PARKS, fee=72)
    await receiver.heard(3)  # it is told by both now
    assert receiver.data[1:] == [{"id": BUS, "type": "Vehicle", "load": 4, "fee": 72}] * 2
    people.allow(person, ["clerk"], [PARKS])
    await asyncio.sleep(0.5)
    await brought(clerk, PARKS, fee=73)
    await receiver.heard(5)
    assert receiver.data[3:] == [{"id": BUS, "type": "Vehicle", "fee": 73}] * 2
    people.disable(person, True)
    await asyncio.sleep(0.5)
    await brought(clerk, PARKS, fee=74)
    await asyncio.sleep(0.5)
    assert len(receiver.data) == 5
    admin = {"Authorization": "Bearer " + clerk.city.accounts.create("chief", "default", ["admin"]), "Cookie": ""}
    shown = await clerk.get(f"{SUBSCRIPTIONS}/{identifier}", headers=admin)
    assert shown.json()["status"] == "paused"


async def test_what_waits_for_a_receiver_is_not_told_once_its_maker_may_not_see_it(
    clerk: Client, receiver: Receiver
) -> None:
    receiver.answer = saying(503)
    await brought(clerk, ROADS, load=3)
    await brought(clerk, PARKS, fee=70)
    token = clerk.city.accounts.create("feed", "default", ["writer"])
    headers = {"Authorization": f"Bearer {token}", "Cookie": ""}
    asked = subscription(receiver, notification={"format": "keyValues"})
    answer = await clerk.post(SUBSCRIPTIONS, json=asked, headers=headers)
    assert answer.status_code == 201, answer.text
    await brought(clerk, PARKS, fee=71)
    await receiver.heard(1)
    [known] = clerk.city.accounts.tokens()
    clerk.city.accounts.revoke(known.id)
    await asyncio.sleep(0.3)
    receiver.answer = saying(204)
    heard = len(receiver.data)
    await asyncio.sleep(0.5)
    assert len(receiver.data) == heard
