"""Every act is in the log before it is answered, and without the log it is refused."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

import pytest

from tests.server.conftest import Client
from tests.server.identity.conftest import BEHIND, PASSWORD, browser, sign_in
from zhicheng.hub.audit import verifier
from zhicheng.hub.audit.journal import Search
from zhicheng.hub.intake import Origin
from zhicheng.kernel.errors import StorageFailed, StorageFull, ZhichengError
from zhicheng.security.actions import ACTIONS, PUBLIC
from zhicheng.security.entries import Act, Entry
from zhicheng.server.acts import AT, BY_ACTION
from zhicheng.server.table import all_routes
from zhicheng.standards.ngsild.decode import decode_entity

ENTITIES = "/ngsi-ld/v1/entities"
SECRET, PLAIN = "urn:ngsi-ld:Lot:secret", "urn:ngsi-ld:Lot:plain"


@pytest.fixture
async def city(start: Callable[..., Awaitable[Client]]) -> Client:
    """A city that is closed, with an administrator, a reader and an auditor; one lot holds an internal note."""
    client = await start(BEHIND, open_to_all=False)
    people = client.city.identity.people
    for name, role in (("chief", "admin"), ("li", "reader"), ("judge", "audit-administrator")):
        people.add(name, "default", [role], password=PASSWORD)
    note = {"id": SECRET, "type": "Lot", "note": {"type": "Property", "value": "x"}}
    plain = {"id": PLAIN, "type": "Lot", "name": {"type": "Property", "value": "plain"}}
    space = client.city.home
    for one, classification in ((plain, None), (note, "internal")):
        entity = decode_entity(one, space.contexts.default)
        await space.intake.batch([entity], Origin("feed", "feed:x", "urn:x:roads", classification), "create")
    return client


def acts(city: Client, **asked: object) -> list[Entry]:
    """Entries, newest first."""
    found = city.city.journal.search(replace(Search(limit=1000), **asked)).found  # type: ignore[arg-type]  # fields of Search
    return [one.entry for one in found if one.entry.kind != Act.KEY]


def told(entry: Entry) -> tuple[str, str, str, str]:
    return entry.kind, entry.action, entry.outcome, entry.principal


def test_every_action_and_every_public_change_says_whether_it_is_logged() -> None:
    assert BY_ACTION.keys() == ACTIONS.keys()
    routes = {(one.method, one.path): one for one in all_routes()}
    changing = {key for key, one in routes.items() if one.action == PUBLIC and one.method not in ("GET", "HEAD")}
    assert changing <= AT.keys()
    assert AT.keys() <= routes.keys()


async def test_signing_in_and_out_is_logged_also_when_it_fails(city: Client) -> None:
    wrong = await browser(city).post("/api/v1/session", json={"name": "li", "password": "wrong wrong wrong"})
    assert wrong.status_code == 401
    li = await sign_in(city, "li")
    assert (await li.delete("/api/v1/session")).status_code == 204
    entries = acts(city, kind=Act.SIGN_IN)
    assert [told(one)[1:] for one in entries] == [
        ("DELETE /api/v1/session", "allowed", "li"),
        ("POST /api/v1/session", "allowed", "li"),
        ("POST /api/v1/session", "denied", "li"),
    ]
    assert wrong.headers["x-request-id"] == entries[2].request
    assert entries[2].why == "unauthenticated" and entries[1].facts is not None
    assert entries[1].facts["methods"] == "pwd"
    assert PASSWORD not in str(entries) and "wrong wrong" not in str(entries)


async def test_the_provider_logs_tokens_refreshes_and_revocations_without_their_text(city: Client) -> None:
    made, secret = city.city.identity.clients.add("bus", "default", redirects=[], roles=["reader"])
    auth = (made.id, str(secret))
    form = {"grant_type": "client_credentials"}
    given = await city.post("/oauth/token", data=form, auth=auth)
    assert given.status_code == 200, given.text
    assert (await city.post("/oauth/token", data=form, auth=(made.id, "not it"))).status_code == 401
    assert (
        await city.post("/oauth/revoke", data={"token": given.json()["access_token"]}, auth=auth)
    ).status_code == 200
    entries = acts(city, kind=Act.SIGN_IN)
    assert [told(one)[1:] for one in entries] == [
        ("POST /oauth/revoke", "allowed", f"client:{made.id}"),
        ("POST /oauth/token", "denied", f"client:{made.id}"),
        ("POST /oauth/token", "allowed", f"client:{made.id}"),
    ]
    assert given.json()["access_token"] not in str(entries) and str(secret) not in str(entries)


async def test_reading_what_is_protected_is_logged_and_what_is_public_is_not(city: Client) -> None:
    li = await sign_in(city, "li")
    before = len(acts(city, kind=Act.DECISION))
    assert (await li.get(f"{ENTITIES}/{PLAIN}")).status_code == 200
    assert len(acts(city, kind=Act.DECISION)) == before
    read = await li.get(f"{ENTITIES}/{SECRET}", headers={"Purpose": "inspection"})
    assert read.status_code == 200
    assert (await li.get(ENTITIES, params={"type": "Lot"})).status_code == 200
    asked = {"type": "Query", "entities": [{"type": "Lot"}]}
    assert (await li.post("/ngsi-ld/v1/entityOperations/query", json=asked)).status_code == 200
    posted, listed, one = acts(city, kind=Act.DECISION)[:3]
    assert (one.action, one.principal, one.resource) == ("entities:read", "li", SECRET)
    assert (one.purpose, one.request) == ("inspection", read.headers["x-request-id"])
    assert listed.facts is not None and listed.facts["query"] == "type=Lot"
    assert posted.facts is not None and json.loads(posted.facts["asked"]) == asked


async def test_writing_one_attribute_is_logged_where_its_entity_is_protected_and_only_there(city: Client) -> None:
    chief = await sign_in(city, "chief")
    before = len(acts(city, kind=Act.DECISION))
    assert (await chief.patch(f"{ENTITIES}/{PLAIN}/attrs/name", json={"value": "other"})).status_code == 204
    assert (await chief.post(f"{ENTITIES}/{PLAIN}/attrs", json={"level": 1})).status_code == 204
    assert len(acts(city, kind=Act.DECISION)) == before
    assert (await chief.patch(f"{ENTITIES}/{SECRET}/attrs/note", json={"value": "y"})).status_code == 204
    made = {"classification": "internal"}  # what turns protected is an act, too
    assert (await chief.post(f"{ENTITIES}/{PLAIN}/attrs", json=made)).status_code == 204
    assert [one.resource for one in acts(city, kind=Act.DECISION)[:2]] == [PLAIN, SECRET]
    assert len(acts(city, kind=Act.DECISION)) == before + 2


async def test_administration_exports_erasure_and_refusals_are_logged(city: Client) -> None:
    chief, li = await sign_in(city, "chief"), await sign_in(city, "li")
    assert (await chief.post("/api/v1/people", json={"name": "new", "roles": ["reader"]})).status_code == 201
    assert (await chief.post("/api/v1/people", json={"name": "new", "roles": ["reader"]})).status_code == 409
    assert (await chief.post("/api/v1/sql", json={"sql": "SELECT 1", "format": "csv"})).status_code == 200
    assert (await chief.delete(f"/ngsi-ld/v1/temporal/entities/{PLAIN}")).status_code == 204
    assert (await li.get("/api/v1/people")).status_code == 403
    kinds = [told(one) for one in acts(city) if one.kind in (Act.ADMINISTRATION, Act.EXPORT, Act.REFUSAL)]
    assert kinds == [
        ("refusal", "accounts:read", "denied", "li"),
        ("administration", "history:erase", "allowed", "chief"),
        ("export", "sql:run", "allowed", "chief"),
        ("administration", "accounts:write", "failed", "chief"),
        ("administration", "accounts:write", "allowed", "chief"),
        ("administration", "accounts:write", "allowed", "chief"),
    ]


async def test_strangers_cannot_fill_the_log(city: Client) -> None:
    await asyncio.gather(*(city.get("/metrics") for _ in range(50)))
    refused = acts(city, kind=Act.REFUSAL)
    assert 1 <= len(refused) <= 5
    assert refused[0].principal == "anonymous"


@pytest.mark.parametrize("error", [StorageFull("full", "满"), StorageFailed("broken", "坏")], ids=["full", "broken"])
async def test_without_the_log_what_is_protected_is_refused_and_nothing_is_done(
    city: Client, monkeypatch: pytest.MonkeyPatch, error: ZhichengError
) -> None:
    chief = await sign_in(city, "chief")
    people = city.city.identity.people

    def refuse(record: bytes) -> Future[int]:
        future: Future[int] = Future()
        future.set_exception(error)
        return future

    monkeypatch.setattr(city.city.journal.ledger, "submit", refuse)
    status = error.status
    assert status in (503, 507)
    answers = [
        await chief.get(f"{ENTITIES}/{SECRET}"),
        await chief.get(ENTITIES, params={"type": "Lot"}),
        await chief.post("/api/v1/people", json={"name": "new", "roles": ["reader"]}),
        await chief.post("/api/v1/sql", json={"sql": "SELECT 1"}),
        await chief.get("/api/v1/audit"),
        await chief.delete(f"/ngsi-ld/v1/temporal/entities/{PLAIN}"),
        await browser(city).post("/api/v1/session", json={"name": "li", "password": PASSWORD}),
    ]
    assert [one.status_code for one in answers] == [status] * len(answers)
    assert all("set-cookie" not in one.headers and SECRET not in one.text for one in answers)
    assert people.named("new") is None
    assert (await chief.get(f"{ENTITIES}/{PLAIN}")).status_code == 200
    assert (await city.get("/metrics")).status_code == 401


async def test_auditors_search_page_export_and_prove_over_http(city: Client, tmp_path: Path) -> None:
    judge, li = await sign_in(city, "judge"), await sign_in(city, "li")
    for _ in range(3):
        await li.get(f"{ENTITIES}/{SECRET}")
    first = (await judge.get("/api/v1/audit", params={"principal": "li", "limit": 2})).json()
    rest = (await judge.get("/api/v1/audit", params={"principal": "li", "before": first["next"]})).json()
    numbers = [one["number"] for one in (*first["entries"], *rest["entries"])]
    assert len(numbers) == 4 and numbers == sorted(numbers, reverse=True) and rest["next"] is None
    file = await judge.get("/api/v1/audit/export", params={"principal": "li"})
    assert [json.loads(line)["number"] for line in file.text.splitlines()] == numbers[::-1]
    assert file.headers["content-disposition"].startswith("attachment")
    head = (await judge.get("/api/v1/audit/head")).json()
    proof = (await judge.get("/api/v1/audit/proof", params={"number": numbers[0]})).json()
    (tmp_path / "proof.json").write_text(json.dumps(proof))
    assert verifier.main(["--proof", str(tmp_path / "proof.json"), "--key", head["public"]]) == 0
    assert (await judge.get("/api/v1/audit/proof", params={"first": 3})).json()["first"] == 3
    for odd in ({}, {"number": "x"}, {"number": "999999"}, {"number": "1", "first": "1"}):
        assert 400 <= (await judge.get("/api/v1/audit/proof", params=odd)).status_code < 500
    for odd in ({"kind": "x"}, {"limit": "0x"}, {"limit": "100000"}, {"from": "yesterday"}, {"nonsense": "1"}):
        assert (await judge.get("/api/v1/audit", params=odd)).status_code == 400
    assert (await li.get("/api/v1/audit")).status_code == 403
    exported = acts(city, action="audit:export")
    assert [told(one)[0] for one in exported] == ["export"]


async def test_auditors_of_another_tenant_see_their_own_acts_only(city: Client) -> None:
    token = {"Authorization": "Bearer " + city.city.accounts.create("other", "lagos", ["audit-administrator"])}
    await city.get("/api/v1/audit", headers=token)
    seen = (await city.get("/api/v1/audit", headers=token)).json()["entries"]
    assert seen and {one["tenant"] for one in seen} == {"lagos"}
    assert (await city.get("/api/v1/audit/proof", params={"number": 0}, headers=token)).status_code == 404
    lines = (await city.get("/api/v1/audit/export", headers=token)).text.splitlines()
    assert {json.loads(line)["tenant"] for line in lines} == {"lagos"}
