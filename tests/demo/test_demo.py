"""`zhicheng demo` as a person starts it: a city that lives, seen over HTTP; ended, and started again."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.acceptance.running import command, free_port
from zhicheng.demo.days import hour

pytestmark = pytest.mark.slow


class Demo:
    """The command on a folder, until it is ended."""

    def __init__(self, data: Path, *words: str) -> None:
        port = free_port()
        line, environ = command("demo", "--data", data, "--port", str(port), "--no-open", *words)
        self.log = data.parent / f"demo-{port}.log"
        self.process = subprocess.Popen(line, env=environ, stdout=self.log.open("wb"), stderr=subprocess.STDOUT)
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30)

    def get(self, path: str) -> Any:
        """The document at a path; None while nothing listens."""
        try:
            answer = self.http.get(path)
        except httpx.TransportError:
            return None
        return answer.json() if answer.status_code == 200 else None

    def wait(self, what: str, seconds: float = 150.0) -> None:
        """Until a feed has brought something."""
        until = time.monotonic() + seconds
        while not any(one["name"] == what and one["payloads"] for one in self.get("/api/v1/feeds") or ()):
            assert self.process.poll() is None and time.monotonic() < until, self.log.read_text("utf-8")
            time.sleep(0.2)

    def count(self, kind: str) -> int:
        answer = self.http.get("/ngsi-ld/v1/entities", params={"type": kind, "limit": "1", "count": "true"})
        return int(answer.headers["NGSILD-Results-Count"])

    def end(self) -> str:
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(60) == 0, self.log.read_text("utf-8")
        self.http.close()
        return self.log.read_text("utf-8")


@pytest.fixture
def demos(tmp_path: Path) -> Iterator[list[Demo]]:
    started: list[Demo] = []
    yield started
    for demo in started:
        if demo.process.poll() is None:
            demo.process.kill()
            demo.process.wait(30)


@pytest.mark.timeout(600)
def test_it_shows_a_city_and_goes_on_after_a_restart(tmp_path: Path, demos: list[Demo]) -> None:
    demo = Demo(tmp_path / "city")
    demos.append(demo)
    demo.wait("register-quality", 300)
    feeds = {one["name"]: one for one in demo.get("/api/v1/feeds")}
    assert [name for name, one in feeds.items() if one["refused"] or one["error_en"]] == []
    counts = {
        kind: demo.count(kind) for kind in ("Vehicle", "OffStreetParking", "Streetlight", "GtfsRoute", "GridCell")
    }
    assert counts == {"Vehicle": 600, "OffStreetParking": 200, "Streetlight": 1200, "GtfsRoute": 60, "GridCell": 520}
    assert demo.count("AirQualityObserved") == 220 and demo.count("NoiseLevelObserved") == 550
    lot = demo.get("/ngsi-ld/v1/entities/urn:ngsi-ld:OffStreetParking:ronglan:P001?format=simplified")
    assert 0 <= lot["availableSpotNumber"] <= lot["totalSpotNumber"]
    if 6.5 < float(hour(time.time())) < 21:  # type: ignore[arg-type]  # a number is as good as a column
        _sees_arrivals(demo)
    position = demo.get("/api/v1/state")["position"]
    demo.end()

    again = Demo(tmp_path / "city")
    demos.append(again)
    again.wait("bus")
    assert again.count("Vehicle") == 600
    assert again.get("/api/v1/state")["position"] > position
    assert not next(one for one in again.get("/api/v1/feeds") if one["name"] == "register-fire")["payloads"]
    assert "Traceback" not in again.end()


def _sees_arrivals(demo: Demo) -> None:
    """Buses are on their way to some stop."""
    until = time.monotonic() + 60
    while not demo.count("ArrivalEstimation"):
        assert time.monotonic() < until
        time.sleep(1)


def test_the_child_ends_when_its_parent_is_gone(tmp_path: Path) -> None:
    line = [sys.executable, "-m", "zhicheng.demo", "--tied", "--keep", str(tmp_path)]
    child = subprocess.Popen(line, stdin=subprocess.PIPE)
    assert child.stdin is not None
    child.stdin.close()
    assert child.wait(120) == 0
