"""A city in which much is hidden, people who see parts of it, and reads at random through every interface.

`python -m tests.server.isolated 100000` reads so often and says what leaked. What is hidden carries a mark: an answer
that holds one leaks; so does an answer that differs from that of a city in which the hidden part never was.
"""

from __future__ import annotations

import asyncio
import random
import re
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from zhicheng.hub.intake import Origin
from zhicheng.security.defaults import POLICIES
from zhicheng.server.city import City
from zhicheng.server.folder import DataFolder
from zhicheng.server.serve import application
from zhicheng.server.settings import parse_city
from zhicheng.standards.ngsild.decode import decode_entity

MARK = "qzx"
"""In every id, text and number that some may not see."""
NUMBER = 987_654
OWN = """
@id("district")
@zh("片区人员只能看到片区内的实体")
@en("People of a district see what is in it")
forbid(principal in Department::"urn:x:dept:east", action in Action::"reading", resource is Entity)
unless { resource in Area::"urn:ngsi-ld:AdministrativeArea:east" };
@id("parks-only")
@zh("停车部门只看停车场")
@en("The parking department sees car parks only")
forbid(principal in Department::"urn:x:dept:parks", action in Action::"reading", resource is Entity)
unless { resource in Type::"OffStreetParking" };
@id("no-salaries")
@zh("工资仅管理员可见")
@en("Salaries are for administrators")
forbid(principal in Role::"reader", action in Action::"reading", resource == Attribute::"salary");
"""
ROADS = "urn:x:dept:roads"
PEOPLE: dict[str, tuple[str, ...]] = {
    "clerk": (ROADS,), "east": ("urn:x:dept:east",), "parks": ("urn:x:dept:parks",), "reader": (), "citizen": (),
}  # fmt: skip
EAST = [[[10, 10], [11, 10], [11, 11], [10, 11], [10, 10]]]
TYPES = ("Vehicle", "OffStreetParking", "AirQualityObserved", "Organization")


def value(one: object, **more: object) -> dict[str, object]:
    return {"type": "Property", "value": one, **more}


def place(lon: float, lat: float, **more: object) -> dict[str, object]:
    return {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [lon, lat]}, **more}


@dataclass
class Content:
    """What a city holds; `hidden` says for whom each document must not be (None: for nobody but administrators)."""

    seen: list[dict[str, Any]] = field(default_factory=list)
    hidden: list[dict[str, Any]] = field(default_factory=list)


def content(person: str, chance: random.Random) -> Content:
    """Documents that a person sees, and documents and attributes that are hidden from them, marked."""
    made = Content()
    made.seen.append(
        {"id": "urn:ngsi-ld:AdministrativeArea:east", "type": "AdministrativeArea", "name": value("东片区"),
         "location": {"type": "GeoProperty", "value": {"type": "Polygon", "coordinates": EAST}}}
        if person != "parks" else _of("OffStreetParking", 99, chance, inside=True)
    )  # fmt: skip
    for number in range(40):
        kind = "OffStreetParking" if person == "parks" else TYPES[number % 4]
        made.seen.append(_of(kind, number, chance, inside=True))
    for number in range(40, 80):
        made.hidden.append(HIDE[person](_of(TYPES[number % 4], number, chance, inside=person != "east"), number))
    return made


def _of(kind: str, number: int, chance: random.Random, *, inside: bool) -> dict[str, Any]:
    lon = chance.uniform(10.1, 10.9) if inside else chance.uniform(20, 21)
    return {
        "id": f"urn:ngsi-ld:{kind}:{number}", "type": kind, "name": value(f"名称 {number}"),
        "location": place(lon, chance.uniform(10.1, 10.9)), "speed": value(number, observedAt="2026-11-01T08:00:00Z"),
    }  # fmt: skip


def _marked(one: dict[str, Any]) -> dict[str, Any]:
    """Everything in it that an answer could hold carries the mark."""
    return {**one, "id": one["id"] + MARK, "name": value("名称" + MARK), "speed": value(NUMBER)}


def _secret(more: dict[str, object]) -> dict[str, Any]:
    return {"salary": value(NUMBER, **more), "note": value("事项" + MARK, **more)}


def _of_other_department(one: dict[str, Any], number: int) -> dict[str, Any]:
    """Seen, with values that are another department's and classified."""
    return {"id": f"urn:ngsi-ld:{one['type']}:{number % 40}", "type": one["type"],
            **_secret({})}  # fmt: skip


def _not_public(one: dict[str, Any], number: int) -> dict[str, Any]:
    return {**_marked(one), "classification": value("internal")}


def _salary(one: dict[str, Any], number: int) -> dict[str, Any]:
    return {"id": f"urn:ngsi-ld:{one['type']}:{number % 40}", "type": one["type"], "salary": value(NUMBER)}


def _outside(one: dict[str, Any], number: int) -> dict[str, Any]:
    return _marked(one)


def _no_park(one: dict[str, Any], number: int) -> dict[str, Any]:
    kind = TYPES[1:][number % 2 * 2 - 0] if number % 2 else "Vehicle"
    kind = "Vehicle" if kind == "OffStreetParking" else kind
    return {**_marked(one), "id": f"urn:ngsi-ld:{kind}:{number}{MARK}", "type": kind}


HIDE: dict[str, Callable[[dict[str, Any], int], dict[str, Any]]] = {
    "clerk": _of_other_department, "east": _outside, "parks": _no_park, "reader": _salary, "citizen": _not_public,
}  # fmt: skip

QUERIES = {"/ngsi-ld/v1/entityOperations/query": "", "/ngsi-ld/v1/temporal/entityOperations/query": "temporalQ"}
"""Reads that are posted, and what of them is about time."""


class Watched:
    """A city, its administrator and one person who sees a part of it."""

    def __init__(self, folder: Path, person: str) -> None:
        text = '[identity]\nvisitors = "citizens"\n[apps.vitals]\nenabled = false\n'  # writes at moments of its own
        text += "[quotas.person]\nper_minute = 0\n[quotas.visitor]\nper_minute = 0\n"
        self.city = City(parse_city(text, folder / "city.toml", {}), DataFolder(folder / "data"), environ={})
        self.city._policy_text = lambda: (1, POLICIES + OWN)  # type: ignore[method-assign]  # what the city's would say
        self.http = httpx.AsyncClient(
            transport=httpx.ASGITransport(application(self.city)), base_url="http://127.0.0.1:8800"
        )
        self.headers: dict[str, str] = {}
        self.person = person

    async def start(self) -> None:
        await self.city.start()
        accounts, identity = self.city.accounts, self.city.identity
        self.admin = {"Authorization": "Bearer " + accounts.create("admin", "default", ["admin"])}
        if self.person == "citizen":
            return
        role = "clerk" if self.person == "clerk" else "reader"
        made = identity.people.add(self.person, "default", [role], departments=PEOPLE[self.person])
        secret, _ = identity.sessions.begin(made, ("pwd",), "test", "127.0.0.1")
        self.headers = {"Cookie": f"zhicheng-8800={secret}", "Origin": "http://127.0.0.1:8800"}

    async def stop(self) -> None:
        await self.http.aclose()
        await self.city.stop()

    async def fill_for(self, owner: str, classification: str, documents: Sequence[dict[str, Any]]) -> None:
        """As a feed of a department brings it."""
        space = self.city.home
        entities = [decode_entity(one, space.contexts.default) for one in documents]
        outcomes = await space.intake.batch(entities, Origin("feed", "feed:x", owner, classification), "update")
        assert not [one.error for one in outcomes if one.error]

    async def fill(self, documents: Sequence[dict[str, Any]]) -> None:
        answer = await self.http.post(
            "/ngsi-ld/v1/entityOperations/upsert?options=update", json=list(documents), headers=self.admin, timeout=60
        )
        assert answer.status_code in (201, 204), answer.text

    async def read(self, path: str, **parameters: str) -> httpx.Response:
        """A GET; of a path in QUERIES the same as a query that is posted."""
        if path not in QUERIES:
            headers = {"Accept": "application/json, */*;q=0.5", **self.headers}
            return await self.http.get(path, params=parameters, headers=headers, timeout=60)
        told = dict(parameters)
        query: dict[str, object] = {"type": "Query", "entities": [{"type": told.pop("type")}], "q": told.pop("q")}
        query |= {QUERIES[path]: told} if told else {}
        return await self.http.post(path, json=query, headers=self.headers, timeout=60)


def asked(chance: random.Random, hidden: Sequence[dict[str, Any]]) -> tuple[str, dict[str, str]]:
    """A read at random, often of what is hidden."""
    one = chance.choice(hidden)
    kind = chance.choice([*TYPES, "AdministrativeArea"])
    attribute = chance.choice(["speed", "salary", "note", "name", "location", "classification"])
    identifier = chance.choice([one["id"], f"urn:ngsi-ld:{kind}:{chance.randrange(40)}"])
    q = chance.choice(
        [f"{attribute}", f"salary>{chance.randrange(NUMBER)}", f'note=="事项{MARK}"', f'name~="{MARK}"', "speed>5"]
    )
    form = chance.choice(["keyValues", "sysAttrs", "extras"])
    ways: list[tuple[str, dict[str, str]]] = [
        ("/ngsi-ld/v1/entities", {"type": kind, "q": q, "count": "true", "limit": "100"}),
        ("/ngsi-ld/v1/entities", {"type": kind, "options": form, "limit": "100"}),
        ("/ngsi-ld/v1/entities", {"idPattern": ".*" + MARK, "count": "true"}),
        ("/ngsi-ld/v1/entities", {"type": kind, "georel": "near;maxDistance==99999999", "geometry": "Point",
                                  "coordinates": "[20,10]", "count": "true", "limit": "100"}),
        ("/ngsi-ld/v1/entities", {"type": kind, "orderBy": "salary", "limit": "100"}),
        (f"/ngsi-ld/v1/entities/{identifier}", {"options": "sysAttrs"}),
        (f"/ngsi-ld/v1/entities/{identifier}/attrs/{attribute}", {}),
        (f"/ngsi-ld/v1/entities/{identifier}/attrs/{attribute}/value", {}),
        (f"/ngsi-ld/v1/temporal/entities/{identifier}", {"lastN": "5"}),
        ("/ngsi-ld/v1/temporal/entities", {"type": kind, "timerel": "after", "timeAt": "2020-01-01T00:00:00Z", "q": q}),
        ("/ngsi-ld/v1/types", {"details": "true"}),
        (f"/ngsi-ld/v1/types/{kind}", {}),
        ("/ngsi-ld/v1/attributes", {"details": "true"}),
        (f"/ngsi-ld/v1/attributes/{attribute}", {}),
        ("/api/v1/types", {}), ("/api/v1/layers", {}), ("/api/v1/state", {}),
        (f"/api/v1/types/{kind}/extent", {}),
        (f"/api/v1/entities/{identifier}", {}),
        (f"/api/v1/entities/{identifier}/history", {"attribute": attribute}),
        ("/api/v1/search", {"text": chance.choice([MARK, "名称", "urn"])}),
        (f"/tiles/{kind}/{chance.choice(['0/0/0', '4/8/7', '4/8/7'])}", {}),
        ("/api/v1/timeline", {}),
        ("/api/v1/catalogue", {}), (f"/api/v1/catalogue/types/{kind}", {}),
        ("/api/v1/catalogue/entities", {"type": kind, "attribute": attribute}),
        (f"/api/v1/objects/{identifier}", {}), (f"/api/v1/objects/{identifier}/around", {"metres": "100000"}),
        (f"/api/v1/objects/{identifier}/referring", {}),
        ("/api/v1/fragmentation", {}), ("/api/v1/fragmentation/objects", {"type": kind}),
        ("/api/v1/vitals", {}), ("/api/v1/attention", {}), ("/api/v1/rooms", {}),
        ("/api/v1/reference", {}), ("/api/v1/feeds", {}), ("/metrics", {}), ("/openapi.json", {}),
        ("/ngsi-ld/v1/entityOperations/query", {"type": kind, "q": q}),
        ("/ngsi-ld/v1/temporal/entityOperations/query",
         {"type": kind, "q": q, "timerel": "after", "timeAt": "2020-01-01T00:00:00Z"}),
        ("/api/v1/fragmentation/candidates", {"type": kind}), ("/api/v1/vitals/free_places/why", {}),
        ("/api/v1/apps", {}), ("/api/v1/apps/parking/nearest", {"lon": "10.5", "lat": "10.5"}),
        ("/api/v1/apps/arrival/sign", {"stop": identifier}), ("/api/v1/apps/arrival/line", {"line": identifier}),
        (f"/api/v1/{chance.choice(['gtfs-rt', 'apps/arrival'])}/"
         f"{chance.choice(['trip-updates', 'vehicle-positions', 'alerts'])}", {}),
    ]  # fmt: skip
    path, parameters = chance.choice(ways)
    if (
        path.startswith(("/api/v1/types", "/api/v1/layers", "/api/v1/search", "/tiles", "/api/v1/entities/"))
        and "history" not in path
    ):
        parameters = {
            **parameters,
            **chance.choice([{}, {"at": "2099-01-01T00:00:00Z"}, {"at": "2026-11-02T00:00:00Z"}]),
        }
    return path, parameters


def leaks(body: bytes, path: str, parameters: dict[str, str]) -> bool:
    """Whether an answer holds a mark that the question did not bring."""
    said = plain(body)  # a time may end in any number
    for text in (path, *parameters.values()):
        said = said.replace(text, "")
    brought = MARK in path or any(MARK in text for text in parameters.values())
    return str(NUMBER) in said or (MARK in said and not brought)


def _around(said: str) -> str:
    """What stands around the marks of an answer."""
    return " | ".join(said[max(0, one.start() - 100) : one.end() + 50] for one in re.finditer(f"{MARK}|{NUMBER}", said))


_VARIES = re.compile(
    r'"(position|version|timestamp|age_s|middle_age_s|instanceId|uptime_s|etag|seconds)":\s*("[^"]*"|[-\d.e+]+|null)'
    r"|\d{4}-\d\d-\d\dT[\d:.]+Z"
)


def plain(body: bytes) -> str:
    """An answer without what differs between two cities for other reasons: positions and times."""
    return _VARIES.sub("", body.decode("utf-8", "replace"))


def _difference(one: httpx.Response, other: httpx.Response) -> str:
    """Where two answers part ways; "" where they say the same."""
    if one.status_code != other.status_code:
        return f"{one.status_code} {one.text[:200]} | {other.status_code} {other.text[:200]}"
    left, right = plain(one.content), plain(other.content)
    if left == right:
        return ""
    at = next((at for at, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), min(len(left), len(right)))
    return f"...{left[max(0, at - 150) : at + 150]} | {right[max(0, at - 150) : at + 150]}"


async def compare(person: str, reads: int, seed: int, folder: Path) -> list[str]:
    """Read at random in two cities that differ only in what is hidden from a person; gives what leaked."""
    chance = random.Random(seed)
    found: list[str] = []
    whole, part = Watched(folder / "whole", person), Watched(folder / "part", person)
    for one in (whole, part):
        (folder / ("whole" if one is whole else "part")).mkdir(parents=True, exist_ok=True)
    documents = content(person, chance)
    try:
        for one in (whole, part):
            await one.start()
            await one.fill(documents.seen)
        if person == "clerk":
            await whole.fill_for("urn:x:dept:water", "internal", documents.hidden)
        else:
            await whole.fill(documents.hidden)
        for _ in range(reads):
            path, parameters = asked(chance, documents.hidden)
            answer, other = await whole.read(path, **parameters), await part.read(path, **parameters)
            if answer.status_code >= 500:
                found.append(f"{person}: {answer.status_code} {path} {parameters}")
            if leaks(answer.content, path, parameters):
                found.append(f"{person}: mark in {path} {parameters}: {_around(answer.text)}")
            elif path not in PLATFORM and not path.startswith("/tiles"):
                difference = _difference(answer, other)
                if difference:
                    found.append(f"{person}: differs at {path} {parameters}: {difference}")
    finally:
        for one in (whole, part):
            await one.stop()
    return found


PLATFORM = frozenset(("/api/v1/reference", "/metrics", "/openapi.json"))
"""What tells of the platform, not of the city's entities: marks only are looked for. Of tiles, which hold ages, too."""


def main(reads: int, seed: int) -> int:
    leaked: list[str] = []
    for number, person in enumerate(PEOPLE):
        with tempfile.TemporaryDirectory() as folder:
            leaked += asyncio.run(compare(person, reads // len(PEOPLE), seed + number, Path(folder)))
    sys.stdout.write("\n".join(leaked[:20]) + f"\n{reads} reads, {len(leaked)} leaks (seed {seed})\n")
    return 1 if leaked else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000, int(sys.argv[2]) if len(sys.argv) > 2 else 2026))
