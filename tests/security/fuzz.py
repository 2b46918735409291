"""Requests made up from the description of the interfaces, by everyone the authorisation matrix knows.

`python -m tests.security.fuzz 50000` sends so many and says which were answered 500, or let in where the matrix
says no.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.core.result import Ok

from tools import matrix
from tools.matrix import OWN, WHO, Who
from zhicheng.server.city import City
from zhicheng.server.folder import DataFolder
from zhicheng.server.interfaces.ngsild.shapes import SCHEMAS
from zhicheng.server.openapi import describe
from zhicheng.server.routes import Route
from zhicheng.server.serve import application
from zhicheng.server.settings import parse_city
from zhicheng.server.table import all_routes

HOME = "http://127.0.0.1:8800"


class Fuzzed:
    """A city for one kind of principal, and what was found."""

    def __init__(self, folder: Path, who: Who) -> None:
        text = "[quotas.person]\nper_minute = 0\n[quotas.visitor]\nper_minute = 0\n"
        text += '[identity]\nvisitors = "citizens"\n' if who.name == "visitor" else ""
        self.who = who
        self.city = City(parse_city(text, folder / "city.toml", {}), DataFolder(folder / "data"), environ={})
        transport = httpx.ASGITransport(application(self.city))
        self.http = httpx.AsyncClient(transport=transport, base_url=HOME)
        self.found: list[str] = []
        self.sent = 0

    async def start(self) -> None:
        await self.city.start()

    async def stop(self) -> None:
        await self.http.aclose()
        await self.city.stop()

    def headers(self) -> dict[str, str]:
        """A credential that still counts, whatever was done with the one before."""
        accounts, identity, role = self.city.accounts, self.city.identity, self.who.name.partition(" ")[0]
        if self.who.name in ("nobody", "visitor"):
            return {}
        if self.who.name == "device":
            return {"Authorization": "Bearer " + accounts.create("meter", "default", [], entities=[OWN])}
        person = identity.people.named(f"a-{role}") or identity.people.add(f"a-{role}", "default", [role])
        secret, _ = identity.sessions.begin(person, ("pwd",), "fuzz", "127.0.0.1")
        return {"Cookie": f"zhicheng-8800={secret}", "Origin": HOME}

    async def send(self, made: Mapping[str, Any], route: Route, credential: Mapping[str, str]) -> None:
        """Send one request and judge the answer."""
        headers = {name: str(value).encode() for name, value in (made.get("headers") or {}).items()}
        headers = {name: value for name, value in headers.items() if name.lower() not in ("authorization", "cookie")}
        headers |= {name: value.encode() for name, value in credential.items()}
        body = made.get("data") if isinstance(made.get("data"), bytes | str) else None
        request = self.http.build_request(
            made["method"], made["url"], params=made.get("params"), headers=headers, json=made.get("json"), content=body
        )
        answer = await asyncio.wait_for(self.http.send(request), 60)
        self.sent += 1
        said = f"{self.who.name}: {request.method} {request.url} {request.content[:200]!r}: {answer.status_code}"
        if answer.status_code == 500:
            self.found.append(said)
        if matrix.cell(self.who, route.action) == "no" and answer.status_code not in (401, 403, 404, 405, 429):
            self.found.append(f"let in, {said}")


def fuzz(who: Who, cases: int, folder: Path) -> tuple[int, list[str]]:
    """Send about so many requests, as many to each route; how many there were, and what was found."""
    routes = {(one.method, one.path): one for one in all_routes({}) if one.socket is None}
    schema = schemathesis.openapi.from_dict(describe(tuple(routes.values()), SCHEMAS, "t", "1"))
    fuzzed = Fuzzed(folder, who)
    with asyncio.Runner() as runner:
        runner.run(fuzzed.start())
        for found in schema.get_all_operations():
            assert isinstance(found, Ok)
            operation = found.ok()
            route = _route(routes, operation.method.upper(), operation.path)
            if route is None:
                continue
            _made(runner, fuzzed, operation, route, max(1, cases // len(routes)))
        runner.run(fuzzed.stop())
    return fuzzed.sent, fuzzed.found


def _made(runner: asyncio.Runner, fuzzed: Fuzzed, operation: Any, route: Route, times: int) -> None:
    """Make requests of one route up and send them."""
    credential = fuzzed.headers()

    @settings(
        max_examples=times, deadline=None, database=None, phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(operation.as_strategy())
    def send(case: Any) -> None:
        runner.run(fuzzed.send(case.as_transport_kwargs(base_url=HOME), route, credential))

    send()


def _route(routes: Mapping[tuple[str, str], Route], method: str, path: str) -> Route | None:
    for (known, template), route in routes.items():
        if known == method and template.replace("{...}", "{file}") == path:
            return route
    return None


def main() -> int:
    """Everyone in turn."""
    cases = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    total = 0
    found: list[str] = []
    for who in WHO:
        if who.within is None:
            with tempfile.TemporaryDirectory() as folder:
                sent, more = fuzz(who, cases // (len(WHO) - 1), Path(folder))
            total, found = total + sent, [*found, *more]
            sys.stdout.write(f"{who.name}: {sent} requests, {len(more)} found\n")
    sys.stdout.write("\n".join([f"{total} requests, {len(found)} found", *found[:50]]) + "\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
