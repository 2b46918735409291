"""The table of routes: what can be asked over HTTP, what each may do, and how it is described. Nothing else answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeAlias
from urllib.parse import unquote_to_bytes

from zhicheng.kernel.errors import BadConfiguration, Invalid, MethodNotAllowed, NotFound
from zhicheng.security.actions import ACTIONS, Named
from zhicheng.server.http import JSON, JSON_LD, Answer, Send
from zhicheng.server.request import Request

Handler: TypeAlias = Callable[[Request], Awaitable[Answer]]
SocketHandler: TypeAlias = Callable[[Request, Send], Coroutine[Any, Any, None]]
"""Takes an open WebSocket from its acceptance to its end."""
Schema: TypeAlias = Mapping[str, object]
_WILD = "{...}"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of the query string."""

    name: str
    en: str
    zh: str
    schema: Schema = field(default_factory=lambda: {"type": "string"})


@dataclass(frozen=True, slots=True)
class Body:
    """What a request's body is: a schema of the interface's description, in some media types."""

    schema: Schema
    media: tuple[str, ...] = (JSON, JSON_LD)


@dataclass(frozen=True, slots=True)
class Response:
    """An answer that is no error."""

    status: int
    en: str
    zh: str
    schema: Schema | None = None
    media: tuple[str, ...] = (JSON,)


@dataclass(frozen=True, slots=True)
class Route:
    """One operation. `path` has parameters in braces, `{...}` at the end takes all that follows.

    action: what it does, as roles name it; limit: the largest body in bytes, None for the server's own
    socket: what a WebSocket at the same path is handed to, under the same action
    """

    method: str
    path: str
    action: str
    handler: Handler
    summary: Named
    parameters: tuple[Parameter, ...] = ()
    body: Body | None = None
    responses: tuple[Response, ...] = ()
    limit: int | None = None
    socket: SocketHandler | None = None
    known: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "known", frozenset(parameter.name for parameter in self.parameters))

    @property
    def name(self) -> str:
        """The operation's name in the description: `getEntitiesById`-like, unique, made of method and path."""
        steps = [step for step in self.path.split("/") if step]
        words = [
            "By" + step.strip("{}.").title() if step[0] == "{" else step.title().replace("-", "") for step in steps
        ]
        return self.method.lower() + "".join(words).replace("_", "").replace(".", "")


class _Node:
    """A step of the paths: literal steps below it, and the one parameter."""

    __slots__ = ("parameter", "routes", "steps", "wild")

    def __init__(self) -> None:
        self.steps: dict[bytes, _Node] = {}
        self.parameter: _Node | None = None
        self.wild: _Node | None = None
        self.routes: dict[str, tuple[Route, tuple[str, ...]]] = {}


@dataclass(frozen=True, slots=True)
class Found:
    """A route and the values of its path's parameters."""

    route: Route
    path: Mapping[str, str]


_EMPTY: Mapping[str, str] = {}


class Router:
    """Finds the route of a request by walking its path once."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self.routes = tuple(routes)
        self.root = _Node()
        for route in self.routes:
            self._add(route)

    def _add(self, route: Route) -> None:
        if route.action not in ACTIONS:
            raise BadConfiguration(
                f"The route {route.method} {route.path} names no action that there is: {route.action!r}",
                f"路由 {route.method} {route.path} 没有有效的操作权限：{route.action!r}",
            )
        at, names = self.root, []
        for step in route.path.strip("/").split("/"):
            if step == _WILD:
                at.wild = at = at.wild or _Node()
                names.append("...")
            elif step.startswith("{"):
                at.parameter = at = at.parameter or _Node()
                names.append(step.strip("{}"))
            else:
                at = at.steps.setdefault(step.encode(), _Node())
        if route.method in at.routes:
            raise BadConfiguration(
                f"Two routes are {route.method} {route.path}", f"路由重复：{route.method} {route.path}"
            )
        at.routes[route.method] = (route, tuple(names))

    def find(self, method: str, raw_path: bytes) -> Found:
        """The route of a method and an undecoded path; NotFound, or MethodNotAllowed with what is allowed."""
        at, values = self._walk(raw_path)
        if at is None or not at.routes:
            raise NotFound(
                "There is nothing under this path; /openapi.json lists what there is",
                "该路径下没有内容；/openapi.json 列出了所有接口",
            )
        entry = at.routes.get("GET" if method == "HEAD" else method)
        if entry is None:
            allow = ", ".join(sorted(at.routes))
            raise MethodNotAllowed(
                f"{method} is not for this path; {allow} is", f"该路径不支持 {method}，可用：{allow}", allow=allow
            )
        route, names = entry
        return Found(route, dict(zip(names, map(_decoded, values), strict=True)) if names else _EMPTY)

    def methods(self, raw_path: bytes) -> str:
        """The methods of a path, for OPTIONS; "" where there are none."""
        at, _ = self._walk(raw_path)
        return "" if at is None else ", ".join(sorted(at.routes))

    def _walk(self, raw_path: bytes) -> tuple[_Node | None, list[bytes]]:
        at = self.root
        values: list[bytes] = []
        steps = raw_path.strip(b"/").split(b"/")
        for number, step in enumerate(steps):
            below = at.steps.get(step)
            if below is None and at.parameter is not None and step:
                values.append(step)
                below = at.parameter
            if below is None and at.wild is not None:
                values.append(b"/".join(steps[number:]))
                return at.wild, values
            if below is None:
                return None, values
            at = below
        return at, values


@lru_cache(maxsize=65_536)
def _decoded(raw: bytes) -> str:
    try:
        return (unquote_to_bytes(raw) if b"%" in raw else raw).decode("utf-8")
    except UnicodeDecodeError:
        raise Invalid("The path is not percent-encoded UTF-8", "路径不是百分号编码的 UTF-8") from None
