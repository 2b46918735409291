"""People sign in and out; who guesses waits; a session left behind opens nothing that matters."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pyotp
import pytest

from tests.server.conftest import Client
from tests.server.identity.conftest import BEHIND, HOME, PASSWORD, browser, sign_in
from tests.server.parks import ENTITIES, park
from zhicheng.kernel.instants import HOUR, MINUTE, SECOND
from zhicheng.server.identity import sessions

Start = Callable[..., Awaitable[Client]]
SESSION, ACCOUNT = "/api/v1/session", "/api/v1/account"


async def test_a_session_opens_what_the_account_may_do_until_it_is_ended(closed: Client) -> None:
    clerk = await sign_in(closed, "CLERK")
    assert (await clerk.get("/api/v1/types")).status_code == 200
    assert (await clerk.post(ENTITIES, json=park())).status_code == 403
    said = (await clerk.get(SESSION)).json()
    assert said["person"]["name"] == "clerk" and "entities:write" not in said["actions"]
    kept = dict(clerk.cookies)
    assert (await clerk.delete(SESSION)).status_code == 204
    assert (await clerk.get("/api/v1/types")).status_code == 401
    again = browser(closed)
    again.cookies.update(kept)
    assert (await again.get("/api/v1/types")).status_code == 401, "a cookie of an ended session is worthless"


async def test_the_cookie_is_kept_from_scripts_and_other_sites(closed: Client) -> None:
    answer = await browser(closed).post(SESSION, json={"name": "clerk", "password": PASSWORD})
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and "Path=/" in cookie
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:9999", None])
async def test_a_page_of_another_site_changes_nothing(closed: Client, origin: str | None) -> None:
    chief = await sign_in(closed, "chief")
    del chief.headers["Origin"]
    headers = {} if origin is None else {"Origin": origin}
    assert (await chief.post(ENTITIES, json=park(), headers=headers)).status_code == 403
    assert (await chief.post(ENTITIES, json=park(), headers={"Origin": HOME})).status_code == 201
    assert (
        await chief.post(ENTITIES, json=park(), headers={"Origin": HOME, "Sec-Fetch-Site": "cross-site"})
    ).status_code == 403


async def test_wrong_names_and_wrong_passwords_are_not_told_apart_and_make_wait(closed: Client) -> None:
    guest = browser(closed)
    wrong = {"name": "clerk", "password": "not this one, no"}
    nobody = await guest.post(SESSION, json={"name": "nobody", "password": "not this one, no"})
    first = await guest.post(SESSION, json=wrong)
    assert (first.status_code, first.json()["detail"]) == (401, nobody.json()["detail"])
    for _ in range(5):
        last = await guest.post(SESSION, json=wrong)
    assert last.status_code == 401
    waiting = await guest.post(SESSION, json={"name": "clerk", "password": PASSWORD})
    assert waiting.status_code == 429 and int(waiting.headers["retry-after"]) >= 1, "the right one has to wait too"


async def test_a_one_time_password_is_asked_for_and_counts_once(closed: Client) -> None:
    clerk = await sign_in(closed, "clerk")
    secret = (await clerk.post(f"{ACCOUNT}/second-factor/secret")).json()
    assert secret["svg"].startswith("<svg")
    phone = pyotp.TOTP(secret["secret"])
    given = {"secret": secret["secret"], "code": phone.now(), "password": PASSWORD}
    assert (await clerk.put(f"{ACCOUNT}/second-factor", json={**given, "code": "000000"})).status_code == 400
    codes = (await clerk.put(f"{ACCOUNT}/second-factor", json=given)).json()["recovery_codes"]
    guest = browser(closed)
    asked = {"name": "clerk", "password": PASSWORD}
    answer = await guest.post(SESSION, json=asked)
    assert (answer.status_code, answer.json()["type"]) == (401, "urn:zhicheng:error:second-factor")
    code = phone.now()
    assert (await guest.post(SESSION, json={**asked, "code": code})).status_code == 200
    assert (await guest.post(SESSION, json={**asked, "code": code})).status_code == 401, "used"
    assert (await guest.post(SESSION, json={**asked, "code": codes[0].upper()})).status_code == 200
    assert (await guest.post(SESSION, json={**asked, "code": codes[0]})).status_code == 401, "used"


async def test_a_new_password_needs_the_old_one_and_ends_the_other_sessions(closed: Client) -> None:
    one, other = await sign_in(closed, "clerk"), await sign_in(closed, "clerk")
    new = "quite another password"
    assert (await one.put(f"{ACCOUNT}/password", json={"old": "x", "new": new})).status_code == 401
    assert (await one.put(f"{ACCOUNT}/password", json={"old": PASSWORD, "new": "clerk-clerk-clerk"})).status_code == 400
    assert (await one.put(f"{ACCOUNT}/password", json={"old": PASSWORD, "new": new})).status_code == 204
    assert (await one.get(ACCOUNT)).status_code == 200
    assert (await other.get(ACCOUNT)).status_code == 401
    assert (await sign_in(closed, "clerk", new)) is not None


async def test_sessions_are_listed_and_ended_one_by_one(closed: Client) -> None:
    one, other = await sign_in(closed, "clerk"), await sign_in(closed, "clerk")
    chief = await sign_in(closed, "chief")
    listed = (await one.get(ACCOUNT)).json()["sessions"]
    assert [session["this"] for session in listed].count(True) == 1 and len(listed) == 2
    foreign = (await chief.get(ACCOUNT)).json()["sessions"][0]["id"]
    assert (await one.delete(f"{ACCOUNT}/sessions/{foreign}")).status_code == 404
    ended = next(session["id"] for session in listed if not session["this"])
    assert (await one.delete(f"{ACCOUNT}/sessions/{ended}")).status_code == 204
    assert (await other.get(ACCOUNT)).status_code == 401


async def test_a_session_ends_when_it_is_old_or_idle(closed: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    clerk = await sign_in(closed, "clerk")
    identity = closed.city.identity
    now = closed.city.clock()
    for ahead, status in ((HOUR, 200), (2 * HOUR + 30 * MINUTE, 200), (5 * HOUR, 401)):
        monkeypatch.setattr(identity.sessions, "_clock", lambda ahead=ahead: now + ahead)
        assert (await clerk.get(ACCOUNT)).status_code == status
    assert sessions.LASTS > sessions.IDLE > SECOND


async def test_accounts_are_kept_by_administrators_only_and_one_of_them_stays(closed: Client) -> None:
    chief, clerk = await sign_in(closed, "chief"), await sign_in(closed, "clerk")
    made = await chief.post("/api/v1/people", json={"name": "li.na", "shown": "李娜", "roles": ["operator"]})
    assert made.status_code == 201
    assert (await clerk.get("/api/v1/people")).status_code == 403
    sneaky = {"name": "x.y", "roles": ["reader"], "tenant": "other"}
    assert (await chief.post("/api/v1/people", json=sneaky)).status_code == 400, "nobody sets what is not asked for"
    me = (await chief.get(ACCOUNT)).json()["id"]
    assert (await chief.delete(f"/api/v1/people/{me}")).status_code == 409
    assert (await chief.patch(f"/api/v1/people/{me}", json={"disabled": True})).status_code == 409
    link = made.json()["link"].partition("#")[2]
    newcomer = browser(closed)
    used = await newcomer.post("/api/v1/links", json={"link": link, "password": "a fine new password"})
    assert used.status_code == 200 and used.json()["person"]["name"] == "li.na"
    assert (await newcomer.get("/api/v1/types")).status_code == 200
    assert (
        await browser(closed).post("/api/v1/links", json={"link": link, "password": "a fine new one"})
    ).status_code == 401
    identifier = made.json()["id"]
    assert (await chief.patch(f"/api/v1/people/{identifier}", json={"disabled": True})).status_code == 204
    assert (await newcomer.get("/api/v1/types")).status_code == 401
    refused = await browser(closed).post(SESSION, json={"name": "li.na", "password": "a fine new password"})
    assert refused.status_code == 401


async def test_administrators_keep_to_their_tenant(closed: Client) -> None:
    other = closed.city.identity.people.add("far", "elsewhere", ["admin"], password=PASSWORD)
    chief, far = await sign_in(closed, "chief"), await sign_in(closed, "far")
    assert [one["name"] for one in (await far.get("/api/v1/people")).json()] == ["far"]
    for method, path in (("PATCH", ""), ("DELETE", ""), ("POST", "/reset"), ("DELETE", "/sessions")):
        body = {"shown": "mine"} if method == "PATCH" else None
        assert (await chief.request(method, f"/api/v1/people/{other.id}{path}", json=body)).status_code == 404


async def test_the_first_account_is_made_by_a_link_that_works_once(start: Start) -> None:
    client: Client = await start(BEHIND, open_to_all=False)
    link = client.city.identity.sessions.link("setup")
    guest = browser(client)
    assert (await guest.post("/api/v1/links/read", json={"link": link})).json()["purpose"] == "setup"
    weak = {"link": link, "name": "chief", "password": "password1234"}
    assert (await guest.post("/api/v1/links", json=weak)).status_code == 400
    made = await guest.post("/api/v1/links", json={**weak, "password": "four words and more"})
    assert made.status_code == 200 and made.json()["person"]["roles"] == ["admin"]
    again = await browser(client).post(
        "/api/v1/links", json={**weak, "name": "thief", "password": "four words and more"}
    )
    assert again.status_code == 401


async def test_who_has_to_show_a_second_factor_can_do_nothing_before(start: Start) -> None:
    client: Client = await start(BEHIND + '[identity]\nsecond_factor = "all"', open_to_all=False)
    client.city.identity.people.add("clerk", "default", ["reader"], password=PASSWORD)
    clerk = await sign_in(client, "clerk")
    assert (await clerk.get("/api/v1/types")).status_code == 403
    secret = (await clerk.post(f"{ACCOUNT}/second-factor/secret")).json()["secret"]
    given = {"secret": secret, "code": pyotp.TOTP(secret).now(), "password": PASSWORD}
    assert (await clerk.put(f"{ACCOUNT}/second-factor", json=given)).status_code == 200
    assert (await clerk.get("/api/v1/types")).status_code == 200
