"""Bad input to the platform as it runs: feeds that bring nonsense, requests that are none; nothing is half-stored."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from google.transit import gtfs_realtime_pb2 as pb

from tests.acceptance.running import Running, command, running
from tests.network.server import Handler, Server, reply, serving
from tests.standards.gtfs.timetables import zipped

NOW = 1707397155
ERRORS = "https://uri.etsi.org/ngsi-ld/errors/"
ENTITIES = "/ngsi-ld/v1/entities"
HUGE = 100_000_000


def trains(*places: tuple[float, float], at: int = NOW) -> bytes:
    """A feed of vehicles."""
    message = pb.FeedMessage()
    message.header.gtfs_realtime_version, message.header.timestamp = "2.0", at
    for number, (lon, lat) in enumerate(places):
        vehicle = message.entity.add(id=str(number)).vehicle
        vehicle.vehicle.id, vehicle.timestamp = str(number), at
        vehicle.position.longitude, vehicle.position.latitude = lon, lat
    return message.SerializeToString()


GOOD = trains((108.3, 22.8), (108.4, 22.9))
NAN = float("nan")


def silent(request: BaseHTTPRequestHandler) -> None:
    time.sleep(2)


def endless(request: BaseHTTPRequestHandler) -> None:
    """A body of 100 MB and a little that does not say so."""
    request.send_response(200)
    request.send_header("Transfer-Encoding", "chunked")
    request.end_headers()
    for _ in range(HUGE // 1_000_000 + 1):
        request.wfile.write(b"f4240\r\n" + b"\n" * 1_000_000 + b"\r\n")
    request.wfile.write(b"0\r\n\r\n")


@dataclass(frozen=True)
class Bad:
    """A feed that cannot be read: its decoder, what it is given, and words that the errors must have."""

    decoder: str
    handler: Handler
    en: str
    zh: str


BAD = {
    "broken": Bad("gtfs-rt", reply(GOOD[:-7]), "Expected a GTFS Realtime feed", "GTFS Realtime"),
    "noise": Bad("gtfs-rt", reply(bytes(range(256)) * 8), "Expected a GTFS Realtime feed", "GTFS Realtime"),
    "html": Bad("gtfs-rt", reply(b"<!DOCTYPE html><html>Sign in</html>"), "web page", "网页"),
    "silent": Bad("gtfs-rt", silent, "did not answer within 0.5 s", "未在"),
    "endless": Bad("gtfs-rt", endless, "larger than 100,000,000 bytes", "max_size"),
    "nan": Bad("gtfs-rt", reply(trains((NAN, 1.0))), "is not a longitude and latitude", "经纬度"),
    "milliseconds": Bad("gtfs-rt", reply(trains((1.0, 1.0), at=NOW * 1000)), "milliseconds?", "毫秒"),
    "nostops": Bad("gtfs", reply(zipped(stops=None)), "stops.txt", "stops.txt"),
    "nozip": Bad("gtfs", reply(GOOD), "zip", "zip"),
    "json": Bad("ngsi-ld", reply(b'[{"id": "urn:x:1", "type": "T"}, '), "JSON", "JSON"),
}


NOTED = "AttentionItem"


@dataclass
class City:
    """The platform with one good feed and every bad one, and the server they come from."""

    platform: Running
    upstream: Server

    def health(self, name: str) -> dict[str, Any]:
        return self.platform.feed(name)

    def stored(self) -> list[dict[str, Any]]:
        """Everything that lives, and when it was written; but for what needs attention, noted from time to time."""
        found = self.platform.http.get(ENTITIES, params={"type": "*", "limit": "1000", "options": "sysAttrs"})
        return [entity for entity in found.json() if entity["type"] != NOTED]


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    folder = tmp_path_factory.mktemp("bad")
    with serving() as upstream:
        text = '[city]\nname = "Test"\n[apps.vitals]\nenabled = false\n'  # which writes at moments of its own
        feeds = {"good": Bad("gtfs-rt", reply(GOOD), "", ""), **BAD}
        for name, feed in feeds.items():
            upstream.routes[f"/{name}"] = feed.handler
            text += f'[feeds.{name}]\ndecoder = "{feed.decoder}"\nurl = "{upstream.url("/" + name)}"\n'
            text += 'interval = "100 ms"\ntimeout = "' + ("500 ms" if name == "silent" else "20 s") + '"\n'
        (folder / "city.toml").write_text(text, "utf-8")
        with running(folder / "city.toml", folder / "data", {}) as platform:
            yield City(platform, upstream)


def test_every_bad_feed_says_what_is_wrong_and_only_the_good_one_is_stored(city: City) -> None:
    for name, bad in BAD.items():
        city.platform.wait(lambda: city.health(name)["error_en"], 30, name)  # noqa: B023  (waited for at once)
        health = city.health(name)
        assert bad.en in health["error_en"], name
        assert bad.zh in health["error_zh"], name
        assert health["payloads"] == health["rows"] == 0
    city.platform.wait(lambda: city.health("good")["payloads"], 10)
    entities = city.stored()
    assert {entity["type"] for entity in entities} == {"Vehicle"}
    assert len(entities) == 2
    assert city.platform.get("/health")["status"] == "ok"


def test_a_good_feed_that_turns_bad_keeps_what_it_brought_and_recovers(city: City) -> None:
    city.platform.wait(lambda: city.health("good")["payloads"], 10)
    before = city.stored()
    for body in (GOOD[:-3], b"<html>", b"", trains((NAN, 1.0), (1.0, NAN), at=NOW + 10)):
        failures = city.health("good")["failures"] + city.health("good")["refused_payloads"]
        city.upstream.routes["/good"] = reply(body)
        city.platform.wait(lambda: failed(city) > failures, 20)  # noqa: B023  (waited for at once)
        assert city.stored() == before
    city.upstream.routes["/good"] = reply(trains((108.5, 22.75), at=NOW + 60))
    city.platform.wait(lambda: city.health("good")["payloads"] == 2, 30)
    vehicles = city.platform.entities("Vehicle")
    assert [one["location"]["value"]["coordinates"] for one in vehicles.values()] == [[108.5, 22.75]]


def failed(city: City) -> int:
    health = city.health("good")
    return int(health["failures"] + health["refused_payloads"])


BODIES = {
    "cut": b'{"id": "urn:x:9", "type": "T", "a": ',
    "not utf-8": b'{"id": "urn:x:9", "type": "T", "a": "\xff"}',
    "a number": b"5",
    "wrong type": b'{"id": "urn:x:9", "type": "T", "a": {"type": "Relationship", "object": 5}}',
    "wrong members": b'{"id": "urn:x:9", "type": "T", "a": {"type": "Property", "value": 1, "observedAt": 7}}',
    "NaN": b'{"id": "urn:x:9", "type": "T", "location": {"type": "Point", "coordinates": [NaN, 1]}}',
    "infinity": b'{"id": "urn:x:9", "type": "T", "a": 1e999}',
    "off the earth": b'{"id": "urn:x:9", "type": "T", "location": {"type": "Point", "coordinates": [8, 91]}}',
    "no geometry": b'{"id": "urn:x:9", "type": "T", "location": {"type": "Point", "coordinates": ["8", "9"]}}',
}
ONE = f"{ENTITIES}/urn:x:park"
WRITES = [
    ("POST", ENTITIES),
    ("PUT", ONE),
    ("PATCH", ONE),
    ("POST", f"{ONE}/attrs"),
    ("PATCH", f"{ONE}/attrs"),
    ("POST", "/ngsi-ld/v1/entityOperations/create"),
    ("POST", "/ngsi-ld/v1/entityOperations/upsert"),
    ("POST", "/ngsi-ld/v1/entityOperations/update"),
    ("POST", "/ngsi-ld/v1/entityOperations/merge"),
    ("POST", "/ngsi-ld/v1/temporal/entities"),
    ("POST", "/ngsi-ld/v1/temporal/entities/urn:x:park/attrs"),
]


@pytest.fixture
def park(city: City) -> City:
    """The city with an entity to change."""
    entity = {"id": "urn:x:park", "type": "T", "a": {"type": "Property", "value": 1}}
    assert city.platform.http.post(ENTITIES, json=entity).status_code in (201, 409)
    city.upstream.routes["/good"] = reply(b"", 304)
    time.sleep(0.3)
    return city


@pytest.mark.parametrize("name", BODIES)
def test_a_bad_body_is_refused_by_every_way_in(park: City, name: str) -> None:
    before = park.stored()
    for method, path in WRITES:
        body = BODIES[name].replace(b"urn:x:9", b"urn:x:park") if "urn:x:park" in path else BODIES[name]
        whole = b"[%s]" % body if "entityOperations" in path else body
        answer = park.platform.http.request(method, path, content=whole, headers={"Content-Type": "application/json"})
        document = answer.json()
        if "errors" in document:  # of a batch: each entity's own
            document = document["errors"][0]["error"]
        expected = (400, 207) if "entityOperations" in path else (400,)
        assert answer.status_code in expected, f"{method} {path}: {answer.text}"
        check_problem(document, "BadRequestData", 400)
        assert park.stored() == before


def check_problem(document: dict[str, Any], kind: str, status: int) -> None:
    """The interface's form of an error."""
    assert document["type"] == ERRORS + kind
    assert document["title"]
    assert document["detail"]
    assert document["status"] == status


@pytest.mark.parametrize("head", [f"Content-Length: {HUGE}", "Transfer-Encoding: chunked"])
def test_a_body_of_100_megabytes_is_refused_on_the_way(park: City, head: str) -> None:
    """Over a real connection: the refusal comes long before all is sent, whether the length is told or not."""
    before = park.stored()
    piece = b" " * 1_000_000
    chunk = b"%x\r\n%s\r\n" % (len(piece), piece) if "chunked" in head else piece
    sent = 0
    with socket.create_connection(("127.0.0.1", park.platform.port), 10) as connection:
        opening = f"POST {ENTITIES} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n{head}\r\n\r\n"
        connection.sendall(opening.encode())
        connection.settimeout(5)
        try:
            while sent < HUGE:
                connection.sendall(chunk)
                sent += len(piece)
        except OSError:
            pass  # closed by the other side
        answer = received(connection)
    assert sent < HUGE // 2
    status, _, rest = answer.partition(b"\r\n")
    assert b"413" in status
    check_problem(json.loads(rest.partition(b"\r\n\r\n")[2]), "InvalidRequest", 413)
    assert park.stored() == before


def received(connection: socket.socket) -> bytes:
    answer = b""
    try:
        while piece := connection.recv(65536):
            answer += piece
    except OSError:
        pass
    return answer


MISTAKES = [
    ("en", '[city]\nnam = "Test"\n', "did you mean 'name'?"),
    ("zh", "[sever]\nport = 1\n", "'server'"),
    ("en", '[feeds.bus]\ndecoder = "gtfs-rt"\nur = "http://127.0.0.1/"\n', "did you mean 'url'?"),
    ("zh", '[feeds.bus]\ndecoder = "gtfsrt"\nurl = "http://127.0.0.1/"\n', "'gtfs-rt'"),
    ("en", "[storage]\nseal_row = 10\n", "did you mean 'seal_rows'?"),
]


@pytest.mark.parametrize(("language", "text", "words"), MISTAKES)
def test_an_unknown_key_of_the_configuration_names_the_nearest(
    tmp_path: Path, language: str, text: str, words: str
) -> None:
    (tmp_path / "city.toml").write_text(text, "utf-8")
    line, environ = command("run", "--city", tmp_path / "city.toml", "--data", tmp_path / "data", "--no-auth")
    done = subprocess.run(
        line, env={**environ, "ZHICHENG_LANG": language}, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "city.toml" in done.stderr
    assert words in done.stderr
    assert not (tmp_path / "data").exists()
