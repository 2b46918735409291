from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.network.server import Server, reply
from zhicheng.kernel.errors import BadConfiguration, Invalid, StorageFull
from zhicheng.kernel.instants import MINUTE, SECOND
from zhicheng.kernel.settings import Where, parse, read
from zhicheng.kernel.telemetry import Prometheus
from zhicheng.network.feed import Feed, Pace
from zhicheng.network.files import time_in
from zhicheng.network.settings import FeedSettings, make_source
from zhicheng.network.source import Cursor, Payload


class City:
    """A clock, sleeping that only turns it, and a sink that keeps what it is given."""

    def __init__(self) -> None:
        self.now = 1_700_000_000 * SECOND
        self.slept: list[float] = []
        self.bodies: list[bytes] = []
        self.payloads: list[Payload] = []
        self.errors: list[Exception] = []
        self.woken = asyncio.Event()

    def clock(self) -> int:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += round(seconds * SECOND)
        await asyncio.sleep(0)
        self.woken.set()

    async def sink(self, payload: Payload) -> None:
        if self.errors:
            raise self.errors.pop(0)
        self.bodies.append(payload.body)
        self.payloads.append(payload)

    def feed(
        self, text: str, at: Path = Path(), cursor: str | None = None, telemetry: Prometheus | None = None
    ) -> Feed:
        settings = read(FeedSettings, parse(f'decoder = "x"\n{text}', "city.toml"), Where("city.toml", "feeds.bus"))
        source = make_source(settings, at, {"KEY": "secret"}, clock=self.clock, sleep=self.sleep)
        return Feed(
            "bus", source, self.sink, cursor=cursor, pace=settings.pace(), clock=self.clock, sleep=self.sleep,
            chance=random.Random(1), telemetry=telemetry,
        )  # fmt: skip


@pytest.fixture
def city() -> City:
    return City()


async def test_polls_and_skips_what_did_not_change(server: Server, city: City) -> None:
    telemetry = Prometheus()
    feed = city.feed(f'url = "{server.url("/d")}"\nheaders = {{ X-Key = "env:KEY" }}', telemetry=telemetry)
    for body in (b"1", b"1", b"2"):
        server.routes["/d"] = reply(body)
        assert await feed.step() == 30.0
    assert city.bodies == [b"1", b"2"] and [one.sequence for one in city.payloads] == [1, 2]
    assert (feed.health.payloads, feed.health.unchanged, feed.health.bytes) == (2, 1, 2)
    assert server.seen[0][1]["x-key"] == "secret"
    assert b'zhicheng_feed_payloads_total{feed="bus"} 2.0' in telemetry.exposition()
    again = city.feed(f'url = "{server.url("/d")}"', cursor=city.payloads[-1].cursor.text())
    await again.step()
    assert city.bodies == [b"1", b"2"] and again.health.unchanged == 1


async def test_backs_off_with_jitter_up_to_a_cap_and_recovers(server: Server, city: City) -> None:
    server.routes["/d"] = reply(b"", 500)
    feed = city.feed(f'url = "{server.url("/d")}"')
    waits = [await feed.step() or 0 for _ in range(12)]
    assert 2.5 <= waits[0] <= 5 and all(wait <= 300 for wait in waits) and waits[-1] >= 150
    assert feed.health.status(city.now) == "failed" and "answers 500" in feed.health.error_en and feed.health.error_zh
    server.routes["/d"] = reply(b"well")
    await feed.step()
    assert feed.health.status(city.now) == "ok" and feed.health.failures == 0


async def test_waits_as_long_as_the_peer_asks(server: Server, city: City) -> None:
    server.routes["/d"] = reply(b"", 503, {"Retry-After": "77"})
    assert await city.feed(f'url = "{server.url("/d")}"').step() == 77.0


async def test_late_then_stale(server: Server, city: City) -> None:
    server.routes["/d"] = reply(b"1")
    feed = city.feed(f'url = "{server.url("/d")}"\nstale_after = "10 min"')
    assert feed.health.status(city.now) == "starting"
    await feed.step()
    assert feed.health.status(city.now) == "ok"
    assert feed.health.status(city.now + 3 * MINUTE) == "late"
    city.now += 11 * MINUTE
    await feed.step()  # it answers, but with nothing new
    assert feed.health.status(city.now) == "stale"


async def test_a_body_that_cannot_be_read_is_handed_over_once(server: Server, city: City) -> None:
    server.routes["/d"] = reply(b"broken")
    feed = city.feed(f'url = "{server.url("/d")}"')
    city.errors = [Invalid("no protobuf", "不是 protobuf")]
    await feed.step()
    for _ in range(3):
        await feed.step()
    assert city.bodies == [] and feed.health.refused == 1 and feed.health.status(city.now) == "failed"
    assert feed.health.error_en == "no protobuf"
    server.routes["/d"] = reply(b"good")
    await feed.step()
    assert city.bodies == [b"good"] and feed.health.status(city.now) == "ok"


async def test_what_could_not_be_stored_comes_again(server: Server, city: City) -> None:
    server.routes["/d"] = reply(b"1", headers={"ETag": '"a"'})
    feed = city.feed(f'url = "{server.url("/d")}"')
    city.errors = [StorageFull("full", "已满"), TypeError("a defect")]
    await feed.step()
    await feed.step()
    assert feed.cursor == Cursor().text() and feed.health.failures == 2
    await feed.step()
    assert city.bodies == [b"1"] and city.payloads[0].sequence == 1


async def test_runs_until_cancelled(server: Server, city: City) -> None:
    server.routes["/d"] = reply(b"1")
    task = asyncio.create_task(city.feed(f'url = "{server.url("/d")}"').run())
    await asyncio.wait_for(city.woken.wait(), 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert city.bodies == [b"1"]


def written(folder: Path, name: str, body: bytes, ago: float, city: City) -> None:
    path = folder / name
    path.write_bytes(body)
    at = city.now / SECOND - ago
    os.utime(path, (at, at))


async def drained(feed: Feed) -> None:
    while True:
        before = feed.health.unchanged
        wait = await feed.step()
        if wait is None or feed.health.unchanged > before:
            return


async def test_folder_gives_complete_files_in_order(tmp_path: Path, city: City) -> None:
    written(tmp_path, "1700000060.pb", b"b", 10, city)
    written(tmp_path, "1700000000.pb", b"a", 10, city)
    written(tmp_path, ".hidden.pb", b"x", 10, city)
    written(tmp_path, "1700000090.pb.tmp", b"x", 10, city)
    written(tmp_path, "1700000120.pb", b"half", 0, city)
    written(tmp_path, "notes.txt", b"x", 10, city)
    text = 'folder = "."\npattern = "*.pb*"'
    feed = city.feed(text, tmp_path)
    await drained(feed)
    assert city.bodies == [b"a", b"b"]
    written(tmp_path, "1700000120.pb", b"whole", 0, city)
    city.now += 3 * SECOND
    written(tmp_path, "1700000030.pb", b"came late", 5, city)
    await drained(feed)
    assert city.bodies == [b"a", b"b", b"came late", b"whole"]
    again = city.feed(text, tmp_path, feed.cursor)
    await drained(again)
    assert len(city.bodies) == 4
    written(tmp_path, "1700000180.pb", b"new", 5, city)
    await drained(again)
    assert city.bodies[-1] == b"new" and city.payloads[-1].sequence == 5


async def test_folder_passes_over_what_cannot_be_read(tmp_path: Path, city: City) -> None:
    written(tmp_path, "1.gz", b"\x1f\x8bnot gzip", 30, city)
    written(tmp_path, "2.csv", b"x" * 2000, 20, city)
    written(tmp_path, "3.csv", b"refused", 15, city)
    written(tmp_path, "4.csv", b"good", 10, city)
    feed = city.feed('folder = "."\nmax_size = "1 kB"', tmp_path)
    city.errors = [Invalid("bad", "坏")]
    await drained(feed)
    assert city.bodies == [b"good"] and feed.health.refused == 3
    assert feed.health.status(city.now) == "ok" and feed.health.error_en == "bad"


def recorded(tmp_path: Path, data: Callable[[str], Path] | None = None) -> Path:
    for at in (0, 60, 120, 240):
        (tmp_path / f"{1_700_000_000 + at}.pb").write_bytes(str(at).encode())
    return tmp_path


async def test_replay_keeps_the_pace_of_the_record(tmp_path: Path, city: City) -> None:
    feed = city.feed('replay = "."\nspeed = 60', recorded(tmp_path))
    await feed.run()
    assert city.bodies == [b"0", b"60", b"120", b"240"]
    assert [wait for wait in city.slept if wait] == [1.0, 1.0, 2.0]
    assert feed.health.status(city.now) == "ended"


async def test_replay_goes_on_where_it_was_stored(tmp_path: Path, city: City) -> None:
    recorded(tmp_path)
    feed = city.feed('replay = "."\nspeed = 0', tmp_path)
    await feed.step()
    await feed.step()
    city.errors = [StorageFull("full", "已满")]
    await feed.step()
    resumed = city.feed('replay = "."\nspeed = 0', tmp_path, feed.cursor)
    await resumed.run()
    assert city.bodies == [b"0", b"60", b"120", b"240"]
    assert [one.sequence for one in city.payloads] == [1, 2, 3, 4]
    assert city.slept == [0.0, 0.0]


async def test_replays_the_recorded_subway(data: Callable[[str], Path], city: City) -> None:
    folder = data("gtfs_rt/nyct_ace_20240208")
    feed = city.feed(f'replay = "{folder}"\npattern = "*.pb"\nspeed = 60')
    began = city.now
    await feed.run()
    assert feed.health.payloads == 40 and city.payloads[-1].name == "1707399512.ace.pb"
    assert city.now - began == pytest.approx((1707399512 - 1707397157) * SECOND / 60, rel=0.001)


@pytest.mark.parametrize(
    ("name", "seconds"),
    [
        ("1707397157.ace.pb", 1707397157),
        ("1707397157250.json", 1707397157.25),
        ("2024-02-08.csv", 1707350400),
        ("20240208T125917Z.xml", 1707397157),
        ("feed_2024-02-08_12-59-17.json", 1707397157),
        ("2024-02-08T20:59:17+08:00.json", 1707397157),
        ("2024-13-08.csv", None),
        ("stations.json", None),
    ],
)
def test_times_in_names(name: str, seconds: float | None) -> None:
    assert time_in(name) == (None if seconds is None else round(seconds * SECOND))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "needs one of url, folder, replay and push"),
        ('url = "http://x"\nfolder = "y"', "needs one of url, folder, replay and push"),
        ('url = "gopher://x"', "does not start with http"),
        ('url = "http://x"\nintervall = "3 s"', "did you mean 'interval'?"),
        ('url = "http://x"\ninterval = "1 ms"', "at least 100 ms"),
        ('replay = "."\nspeed = -1', "speed must not be negative"),
        ('folder = "/no/such/folder"', "There is no folder"),
        ('url = "http://x"\nheaders = { A = "env:MISSING" }', "no variable MISSING"),
    ],
)
def test_settings_say_what_is_wrong(city: City, text: str, message: str) -> None:
    with pytest.raises(BadConfiguration) as caught:
        city.feed(text)
    assert message in caught.value.en


def test_pace_defaults() -> None:
    assert Pace().after(3, 0.0) == 2.0
