"""The provider as clients meet it that we did not write: oauthlib speaks OAuth 2.0, PyJWT reads the tokens.

The tests carry the names of the conformance suite's tests (OIDC Basic and Config plans) that they stand for;
docs/identity.md lists them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import pytest
from joserfc.jwk import RSAKey
from oauthlib.oauth2 import WebApplicationClient

from tests.server.conftest import Client
from tests.server.identity.conftest import HOME, browser, sign_in
from zhicheng.kernel.instants import MINUTE, SECOND

BACK = "https://app.example/callback"
SCOPES = ("openid", "profile", "groups", "city.read", "offline_access")


class App:
    """Another application of the city, which signs people in with us."""

    def __init__(self, city: Client, *, public: bool = False, trusted: bool = True) -> None:
        self.city = city
        self.registered, self.secret = city.city.identity.clients.add(
            "公交调度", "default", redirects=[BACK], after_logout=["https://app.example/bye"], scopes=SCOPES,
            public=public, trusted=trusted,
        )  # fmt: skip
        self.oauth = WebApplicationClient(self.registered.id)
        self.http = browser(city)
        self.verifier = "v" * 64

    def address(self, scope: str = "openid profile", state: str = "s1", pkce: str = "S256", **more: str) -> str:
        if pkce:  # "" for none
            digest = hashlib.sha256(self.verifier.encode()).digest()
            more["code_challenge"] = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
            more["code_challenge_method"] = pkce
        uri: str = self.oauth.prepare_request_uri(f"{HOME}/oauth/authorize", BACK, scope.split(), state, **more)
        return uri

    def code(self, answer: httpx.Response, state: str = "s1") -> str:
        assert answer.status_code == 302, answer.text
        found = self.oauth.parse_request_uri_response(answer.headers["location"], state)
        return str(found["code"])

    async def redeem(self, code: str, **more: str) -> httpx.Response:
        said = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK, "code_verifier": self.verifier}
        return await self.ask(said | more)

    async def ask(self, said: dict[str, str]) -> httpx.Response:
        auth = None if self.secret is None else (self.registered.id, self.secret)
        if auth is None:
            said["client_id"] = self.registered.id
        return await self.http.post("/oauth/token", data=said, auth=auth)  # type: ignore[arg-type]  # httpx takes None

    async def tokens(self, person: httpx.AsyncClient, scope: str = "openid profile", **more: str) -> dict[str, str]:
        answer = await self.redeem(self.code(await person.get(self.address(scope, **more))))
        assert answer.status_code == 200, answer.text
        found: dict[str, str] = answer.json()
        return found

    async def claims(self, token: str) -> dict[str, object]:
        keys = jwt.PyJWKSet.from_dict((await self.http.get("/oauth/jwks")).json())
        key = keys[jwt.get_unverified_header(token)["kid"]]
        found: dict[str, object] = jwt.decode(token, key, ["RS256"], audience=self.registered.id, issuer=HOME)
        return found


def error_of(answer: httpx.Response) -> str:
    if answer.status_code == 302:
        return parse_qs(urlsplit(answer.headers["location"]).query)["error"][0]
    return str(answer.json()["error"])


async def test_discovery_endpoint_verification(closed: Client) -> None:
    told = (await browser(closed).get("/.well-known/openid-configuration")).json()
    assert told["issuer"] == HOME and told["response_types_supported"] == ["code"]
    for name in ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri"):
        assert told[name].startswith(HOME)
    keys = (await browser(closed).get("/oauth/jwks")).json()["keys"]
    assert all("d" not in key and key["use"] == "sig" and key["kid"] for key in keys)


@pytest.mark.parametrize("public", [True, False])
async def test_oidcc_server_code_with_pkce(closed: Client, public: bool) -> None:
    app, clerk = App(closed, public=public), await sign_in(closed, "clerk")
    found = await app.tokens(clerk, "openid profile groups", nonce="n1")
    claims = await app.claims(found["id_token"])
    assert (claims["nonce"], claims["preferred_username"], claims["amr"]) == ("n1", "clerk", ["pwd"])
    assert claims["groups"] == ["urn:ngsi-ld:Organization:transport"]
    half = hashlib.sha256(found["access_token"].encode()).digest()[:16]
    assert claims["at_hash"] == base64.urlsafe_b64encode(half).rstrip(b"=").decode()
    answer = await app.http.get("/oauth/userinfo", headers={"Authorization": f"Bearer {found['access_token']}"})
    assert answer.json()["sub"] == claims["sub"] and answer.json()["name"] == "clerk"


async def test_oidcc_client_secret_post_and_basic_and_wrong_secret(closed: Client) -> None:
    app, clerk = App(closed), await sign_in(closed, "clerk")
    code = app.code(await clerk.get(app.address()))
    said = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK, "code_verifier": app.verifier}
    wrong = await app.http.post("/oauth/token", data=said, auth=(app.registered.id, "wrong"))
    assert (wrong.status_code, error_of(wrong)) == (401, "invalid_client")
    assert app.secret is not None
    posted = {**said, "client_id": app.registered.id, "client_secret": app.secret}
    assert (await app.http.post("/oauth/token", data=posted)).status_code == 200


async def test_oidcc_codereuse_and_30seconds(closed: Client) -> None:
    app, clerk = App(closed), await sign_in(closed, "clerk")
    code = app.code(await clerk.get(app.address("openid city.read")))
    first = (await app.redeem(code)).json()
    bearing = {"Authorization": f"Bearer {first['access_token']}"}
    assert (await app.http.get("/api/v1/types", headers=bearing)).status_code == 200
    again = await app.redeem(code)
    assert (again.status_code, error_of(again)) == (400, "invalid_grant")
    assert (await app.http.get("/api/v1/types", headers=bearing)).status_code == 401, "what came of it counts no more"
    refreshed = await app.ask({"grant_type": "refresh_token", "refresh_token": first["refresh_token"]})
    assert error_of(refreshed) == "invalid_grant"


async def test_a_code_is_bound_to_client_redirect_and_verifier_and_soon_too_old(
    closed: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, other, clerk = App(closed), App(closed), await sign_in(closed, "clerk")
    spoilt: tuple[Callable[[str], Awaitable[httpx.Response]], ...] = (
        lambda code: other.redeem(code),
        lambda code: app.redeem(code, redirect_uri="https://evil.example/"),
        lambda code: app.redeem(code, code_verifier="w" * 64),
        lambda code: app.redeem(code, code_verifier=""),
    )
    for taken in spoilt:
        code = app.code(await clerk.get(app.address()))
        assert error_of(await taken(code)) in ("invalid_grant", "invalid_request")
    code = app.code(await clerk.get(app.address()))
    late = closed.city.clock() + 2 * MINUTE
    monkeypatch.setattr(closed.city.identity.granted, "_clock", lambda: late)
    assert error_of(await app.redeem(code)) == "invalid_grant"


async def test_oidcc_ensure_registered_redirect_uri(closed: Client) -> None:
    app, clerk = App(closed), await sign_in(closed, "clerk")
    for redirect in ("https://evil.example/", BACK + "/x", BACK + "?a=b", BACK.upper(), "javascript:alert(1)", "汉"):
        uri = app.oauth.prepare_request_uri(f"{HOME}/oauth/authorize", redirect, ["openid"], "s1")
        answer = await clerk.get(uri)
        assert answer.status_code == 400 and "location" not in answer.headers
    assert (await clerk.get(f"/oauth/authorize?client_id={app.registered.id}&response_type=code")).status_code == 400
    assert (await clerk.get("/oauth/authorize?client_id=x&response_type=code")).status_code in (400, 401)


async def test_oidcc_response_type_missing_and_others_than_code(closed: Client) -> None:
    app, clerk = App(closed), await sign_in(closed, "clerk")
    for asked in ("", "token", "id_token", "code token"):
        answer = await clerk.get(app.address().replace("response_type=code", f"response_type={asked}"))
        assert error_of(answer) in ("unsupported_response_type", "invalid_request")


async def test_pkce_is_needed_of_public_clients_and_plain_is_refused(closed: Client) -> None:
    app, clerk = App(closed, public=True), await sign_in(closed, "clerk")
    assert error_of(await clerk.get(app.address(pkce=""))) == "invalid_request"
    plain = app.address(pkce="", code_challenge="p" * 43, code_challenge_method="plain")
    assert error_of(await clerk.get(plain)) == "invalid_request"


async def test_oidcc_prompt_none_login_and_max_age(closed: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    app, clerk, guest = App(closed), await sign_in(closed, "clerk"), browser(closed)
    assert error_of(await guest.get(app.address(prompt="none"))) == "login_required"
    app.code(await clerk.get(app.address(prompt="none")))
    sent = await guest.get(app.address(login_hint="clerk"))
    where = urlsplit(sent.headers["location"])
    assert where.path == "/sign-in" and parse_qs(where.query)["next"][0].startswith("/oauth/authorize?")
    later = closed.city.clock() + 30 * SECOND
    monkeypatch.setattr(closed.city, "clock", lambda: later)
    for more in ({"prompt": "login"}, {"max_age": "10"}):
        again = await clerk.get(app.address(**more))
        assert urlsplit(again.headers["location"]).path == "/sign-in"
    app.code(await clerk.get(app.address(max_age="15000")))
    assert error_of(await clerk.get(app.address(prompt="none", max_age="1"))) == "login_required"


async def test_oidcc_unsigned_request_object_is_refused(closed: Client) -> None:
    app, clerk = App(closed), await sign_in(closed, "clerk")
    for name in ("request", "request_uri"):
        assert error_of(await clerk.get(app.address(**{name: "x"}))) == f"{name}_not_supported"


async def test_people_are_asked_what_a_foreign_application_may_have(closed: Client) -> None:
    app, clerk = App(closed, trusted=False), await sign_in(closed, "clerk")
    asked = await clerk.get(app.address("openid profile city.read"))
    where = urlsplit(asked.headers["location"])
    assert where.path == "/consent"
    shown = (await clerk.get(f"/api/v1/consent?{where.query}")).json()
    assert (shown["client"], shown["scopes"]) == ("公交调度", ["openid", "profile", "city.read"])
    refused = await clerk.post("/api/v1/consent", json={"request": where.query, "agree": False})
    assert parse_qs(urlsplit(refused.json()["location"]).query)["error"] == ["access_denied"]
    agreed = (await clerk.post("/api/v1/consent", json={"request": where.query, "agree": True})).json()["location"]
    assert app.oauth.parse_request_uri_response(agreed, "s1")["code"]
    app.code(await clerk.get(app.address("openid profile")))
    assert (
        urlsplit((await clerk.get(app.address("openid city.read offline_access"))).headers["location"]).path
        == "/consent"
    )


async def test_oidcc_refresh_token_rotates_and_a_reused_one_ends_the_family(closed: Client) -> None:
    app, clerk = App(closed), await sign_in(closed, "clerk")
    first = await app.tokens(clerk, "openid city.read")
    second = await app.ask({"grant_type": "refresh_token", "refresh_token": first["refresh_token"]})
    assert second.status_code == 200 and second.json()["refresh_token"] != first["refresh_token"]
    bearing = {"Authorization": f"Bearer {second.json()['access_token']}"}
    assert (await app.http.get("/api/v1/types", headers=bearing)).status_code == 200
    stolen = await app.ask({"grant_type": "refresh_token", "refresh_token": first["refresh_token"]})
    assert error_of(stolen) == "invalid_grant"
    dead = await app.ask({"grant_type": "refresh_token", "refresh_token": second.json()["refresh_token"]})
    assert error_of(dead) == "invalid_grant"
    assert (await app.http.get("/api/v1/types", headers=bearing)).status_code == 401


async def test_a_refresh_cannot_widen_its_scope(closed: Client) -> None:
    app, clerk = App(closed), await sign_in(closed, "clerk")
    first = await app.tokens(clerk, "openid")
    wider = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"], "scope": "openid city.read"}
    assert error_of(await app.ask(wider)) == "invalid_scope"


async def test_signing_out_ends_every_token_of_the_session_but_offline_ones(closed: Client) -> None:
    app, clerk = App(closed), await sign_in(closed, "clerk")
    bound, offline = await app.tokens(clerk, "openid city.read"), await app.tokens(clerk, "openid offline_access")
    await clerk.delete("/api/v1/session")
    bearing = {"Authorization": f"Bearer {bound['access_token']}"}
    assert (await app.http.get("/api/v1/types", headers=bearing)).status_code == 401
    dead = await app.ask({"grant_type": "refresh_token", "refresh_token": bound["refresh_token"]})
    assert error_of(dead) == "invalid_grant"
    living = await app.ask({"grant_type": "refresh_token", "refresh_token": offline["refresh_token"]})
    assert living.status_code == 200
    person = closed.city.identity.people.get("clerk")
    closed.city.identity.people.disable(person, True)
    gone = await app.ask({"grant_type": "refresh_token", "refresh_token": living.json()["refresh_token"]})
    assert gone.status_code == 400


async def test_scopes_bound_what_an_application_may_do(closed: Client) -> None:
    app, chief = App(closed), await sign_in(closed, "chief")
    for scope, status in (("openid profile", 403), ("openid city.read", 200)):
        found = await app.tokens(chief, scope)
        bearing = {"Authorization": f"Bearer {found['access_token']}"}
        assert (await app.http.get("/api/v1/types", headers=bearing)).status_code == status
        assert (await app.http.get("/api/v1/people", headers=bearing)).status_code == 403
        assert (await app.http.get("/api/v1/account", headers=bearing)).status_code == 403


async def test_rp_initiated_logout(closed: Client) -> None:
    app, clerk = App(closed), await sign_in(closed, "clerk")
    found = await app.tokens(clerk)
    evil = {"id_token_hint": found["id_token"], "post_logout_redirect_uri": "https://evil.example/", "state": "x"}
    asked = await clerk.get("/oauth/end-session", params={"post_logout_redirect_uri": "https://app.example/bye"})
    assert urlsplit(asked.headers["location"]).path == "/sign-out", "without a hint the person is asked"
    assert (await clerk.get("/api/v1/account")).status_code == 200
    gone = await clerk.get("/oauth/end-session", params=evil)
    assert gone.headers["location"].startswith("/sign-in")
    assert (await clerk.get("/api/v1/account")).status_code == 401
    fine = {**evil, "post_logout_redirect_uri": "https://app.example/bye"}
    assert (await browser(closed).get("/oauth/end-session", params=fine)).headers[
        "location"
    ] == "https://app.example/bye?state=x"


async def test_oidcc_server_rotate_keys(closed: Client) -> None:
    app, clerk, chief = App(closed), await sign_in(closed, "clerk"), await sign_in(closed, "chief")
    old = await app.tokens(clerk, "openid city.read")
    assert (await chief.post("/api/v1/signing-keys")).status_code == 201
    new = await app.tokens(clerk, "openid city.read")
    kids = [jwt.get_unverified_header(found["id_token"])["kid"] for found in (old, new)]
    assert kids[0] != kids[1]
    for found in (old, new):
        assert (await app.claims(found["id_token"]))["sub"]
        bearing = {"Authorization": f"Bearer {found['access_token']}"}
        assert (await app.http.get("/api/v1/types", headers=bearing)).status_code == 200
    assert (await chief.delete(f"/api/v1/signing-keys/{kids[0]}")).status_code == 204
    bearing = {"Authorization": f"Bearer {old['access_token']}"}
    assert (await app.http.get("/api/v1/types", headers=bearing)).status_code == 401


def _part(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _forged(token: str, header: dict[str, object], key: bytes = b"") -> str:
    _, body, signature = token.split(".")
    head = _part(json.dumps(header).encode())
    if key:
        signature = _part(hmac.digest(key, f"{head}.{body}".encode(), "sha256"))
    return f"{head}.{body}.{signature if header.get('alg') != 'none' else ''}"


async def test_no_other_algorithm_type_or_key_makes_a_token(closed: Client) -> None:
    app, clerk = App(closed), await sign_in(closed, "clerk")
    found = await app.tokens(clerk, "openid city.read")
    access, kid = found["access_token"], jwt.get_unverified_header(found["access_token"])["kid"]
    own = (await app.http.get("/oauth/jwks")).json()["keys"][0]
    pem = RSAKey.import_key(own).as_pem(private=False)
    tried = [
        _forged(access, {"alg": "none", "typ": "at+jwt", "kid": kid}),
        _forged(access, {"alg": "HS256", "typ": "at+jwt", "kid": kid}, json.dumps(own).encode()),
        _forged(access, {"alg": "HS256", "typ": "at+jwt", "kid": kid}, pem),
        _forged(access, {"alg": "RS256", "typ": "JWT", "kid": kid}),
        _forged(access, {"alg": "RS256", "typ": "at+jwt", "kid": "other"}),
        _forged(access, {"alg": "RS256", "typ": "at+jwt", "kid": kid, "jwk": own}),
        found["id_token"], access[:-4] + "AAAA", "..", "a.b.c", access + ".x",
    ]  # fmt: skip
    for token in tried:
        answer = await app.http.get("/api/v1/types", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 401, token


async def test_a_program_acts_for_itself_with_its_own_roles(closed: Client) -> None:
    made, secret = closed.city.identity.clients.add("采集程序", "default", roles=["writer"], scopes=["city.write"])
    assert secret is not None
    http = browser(closed)
    answer = await http.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=(made.id, secret))
    assert answer.status_code == 200 and "refresh_token" not in answer.json()
    bearing = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    assert (await http.get("/api/v1/types", headers=bearing)).status_code == 200
    assert (await http.get("/api/v1/people", headers=bearing)).status_code == 403
    assert (await http.get("/oauth/userinfo", headers=bearing)).status_code == 401
    closed.city.identity.clients.remove(made.id)
    assert (await http.get("/api/v1/types", headers=bearing)).status_code == 401


async def test_tokens_are_revoked_and_looked_up_by_their_own_client_only(closed: Client) -> None:
    app, other, clerk = App(closed), App(closed), await sign_in(closed, "clerk")
    found = await app.tokens(clerk, "openid city.read")

    async def ask(who: App, path: str, token: str) -> dict[str, object]:
        assert who.secret is not None
        answer = await who.http.post(path, data={"token": token}, auth=(who.registered.id, who.secret))
        assert answer.status_code == 200
        said: dict[str, object] = answer.json()
        return said

    assert (await ask(app, "/oauth/introspect", found["access_token"]))["active"] is True
    assert (await ask(other, "/oauth/introspect", found["access_token"]))["active"] is False
    await ask(other, "/oauth/revoke", found["refresh_token"])
    assert (await ask(app, "/oauth/introspect", found["access_token"]))["active"] is True
    await ask(app, "/oauth/revoke", found["refresh_token"])
    assert (await ask(app, "/oauth/introspect", found["access_token"]))["active"] is False


@pytest.mark.parametrize(
    "spoilt",
    [lambda uri: uri + "&scope=x&scope=y", lambda uri: uri + "&state=%00", lambda uri: uri + "&" + "a=b&" * 99,
     lambda uri: uri.replace("scope=", "scope=%ff%fe"), lambda uri: uri + "&nonce=" + "汉" * 50],
)  # fmt: skip
async def test_odd_requests_are_answered_in_words(closed: Client, spoilt: Callable[[str], str]) -> None:
    app, clerk = App(closed), await sign_in(closed, "clerk")
    assert (await clerk.get(spoilt(app.address()))).status_code in (302, 400)


async def test_an_authorization_request_may_be_posted(closed: Client) -> None:
    app, clerk = App(closed), await sign_in(closed, "clerk")
    said = parse_qs(urlsplit(app.address()).query)
    posted = await clerk.post("/oauth/authorize", data={name: values[0] for name, values in said.items()})
    assert (await app.redeem(app.code(posted))).status_code == 200
