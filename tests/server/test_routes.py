"""The table of routes: every one has an action, words in two languages and a place in the description."""

from __future__ import annotations

import re

import pytest
import schemathesis

from zhicheng.kernel.errors import BadConfiguration, Invalid, MethodNotAllowed, NotFound
from zhicheng.security.actions import ACTIONS, PUBLIC, Named
from zhicheng.server.http import Answer
from zhicheng.server.interfaces.ngsild.shapes import SCHEMAS
from zhicheng.server.openapi import describe
from zhicheng.server.portals.pages import PAGES
from zhicheng.server.request import Request
from zhicheng.server.routes import Route, Router
from zhicheng.server.table import all_routes

ROUTES = all_routes()
OPEN = {
    *(("GET", path) for path, _ in PAGES), ("GET", "/static/{...}"), ("GET", "/favicon.ico"), ("GET", "/health"),
    ("GET", "/openapi.json"), ("GET", "/ngsi-ld/v1/jsonldContexts/city"),
    # the documents of the platform, which hold nothing of a city
    ("GET", "/api/v1/docs"), *(("GET", f"/api/v1/docs/{part}/{{...}}") for part in ("pages", "files", "sources")),
    # the way in
    *((method, "/api/v1/session") for method in ("GET", "POST", "DELETE")),
    ("POST", "/api/v1/session/passkey/options"), ("POST", "/api/v1/session/passkey"),
    ("POST", "/api/v1/links/read"), ("POST", "/api/v1/links"),
    ("GET", "/.well-known/openid-configuration"), ("GET", "/oauth/jwks"), ("POST", "/oauth/token"),
    *((method, f"/oauth/{name}") for method in ("GET", "POST") for name in ("authorize", "userinfo", "end-session")),
    ("POST", "/oauth/revoke"), ("POST", "/oauth/introspect"),
    ("GET", "/oauth/external/{name}"), ("GET", "/oauth/external/{name}/callback"),
}  # fmt: skip
CHINESE = re.compile(r"[\u4e00-\u9fff]")


async def nothing(request: Request) -> Answer:
    return Answer()


def route(method: str, path: str, action: str = PUBLIC) -> Route:
    return Route(method, path, action, nothing, Named("无", "nothing"))


@pytest.mark.parametrize("one", ROUTES, ids=lambda one: f"{one.method} {one.path}")
def test_a_route_is_complete(one: Route) -> None:
    assert one.action in ACTIONS
    assert CHINESE.search(one.summary.zh) and one.summary.en and not CHINESE.search(one.summary.en)
    for parameter in one.parameters:
        assert parameter.en and parameter.zh
    assert len({parameter.name for parameter in one.parameters}) == len(one.parameters)
    assert one.responses and all(
        (response.en and CHINESE.search(response.zh)) or response.status == 200 for response in one.responses
    )
    assert (one.body is not None) == (one.method in ("POST", "PUT", "PATCH"))


def test_only_these_answer_without_a_credential() -> None:
    assert {(one.method, one.path) for one in ROUTES if one.action == PUBLIC} == OPEN


def test_the_description_holds_every_route_once_and_is_valid_openapi() -> None:
    document = describe(ROUTES, SCHEMAS, "t", "1")
    paths = document["paths"]
    assert isinstance(paths, dict)
    assert sum(len(methods) for methods in paths.values()) == len(ROUTES)
    names = [operation["operationId"] for methods in paths.values() for operation in methods.values()]
    assert len(set(names)) == len(names)
    schema = schemathesis.openapi.from_dict(document)
    schema.validate()
    assert len(list(schema.get_all_operations())) == len(ROUTES)


def test_a_route_without_an_action_does_not_start() -> None:
    with pytest.raises(BadConfiguration, match="names no action"):
        Router([route("GET", "/x", "")])


def test_two_routes_of_one_path_do_not_start() -> None:
    with pytest.raises(BadConfiguration, match="Two routes"):
        Router([route("GET", "/x/{a}"), route("GET", "/x/{b}")])


def test_a_path_is_walked_by_words_then_parameters_then_the_rest() -> None:
    router = Router([route("GET", "/a/{id}"), route("GET", "/a/b"), route("GET", "/s/{...}"), route("GET", "/")])
    assert router.find("GET", b"/a/b").route.path == "/a/b"
    assert router.find("GET", b"/a/urn%3Aa%2Fb").path == {"id": "urn:a/b"}
    assert router.find("GET", "/a/南宁".encode()).path == {"id": "南宁"}
    assert router.find("GET", b"/s/x/y.js").path == {"...": "x/y.js"}
    assert router.find("HEAD", b"/a/b").route.method == "GET"
    assert router.find("GET", b"/").route.path == "/"


def test_what_is_not_there_is_told() -> None:
    router = Router([route("GET", "/a/{id}")])
    for path in (b"/", b"/a", b"/b/c", b"/a/b/c", b"/a//"):
        with pytest.raises(NotFound):
            router.find("GET", path)
    with pytest.raises(MethodNotAllowed) as refused:
        router.find("POST", b"/a/b")
    assert refused.value.facts["allow"] == "GET"
    with pytest.raises(Invalid):
        router.find("GET", b"/a/%ff")
