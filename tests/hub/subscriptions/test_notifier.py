"""The notifier with real receivers: full lines, dead letters, restarts, erasure."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.hub.subscriptions.receivers import Receiver, receiving, saying
from zhicheng.hub.subscriptions import notifier as module
from zhicheng.hub.subscriptions.document import read
from zhicheng.hub.subscriptions.model import Kept
from zhicheng.hub.subscriptions.notifier import Notifier
from zhicheng.hub.subscriptions.settings import SubscriptionSettings
from zhicheng.hub.veil import Veil
from zhicheng.hub.veiled_store import VeiledStore
from zhicheng.kernel.errors import NotFound
from zhicheng.standards.changes import Act, ChangesBuilder, Form
from zhicheng.standards.filter.tree import EVERYTHING
from zhicheng.standards.ngsild.context import Contexts
from zhicheng.standards.ngsild.model import Json, Kind
from zhicheng.standards.ngsild.names import LOCATION
from zhicheng.storage.engines.embedded.records import EmbeddedRecords
from zhicheng.storage.engines.embedded.store import EmbeddedStore
from zhicheng.storage.log import Commit
from zhicheng.storage.port import Store
from zhicheng.storage.records import Key, Record

CONTEXTS = Contexts()
CORE = CONTEXTS.default
SPEED = CORE.expand("speed")
QUICK = SubscriptionSettings(
    allow=("127.0.0.1",), queue=8, attempts=2, first_retry=20_000, longest_retry=50_000, timeout=2_000_000
)
ONE = "urn:ngsi-ld:Subscription:1"
Open = Callable[[], Awaitable[Notifier]]


class City:
    """A store with a bus or two."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = EmbeddedStore(folder)
        self.records = EmbeddedRecords(folder)

    def bus(self, number: int) -> str:
        return f"urn:ngsi-ld:Vehicle:{number}"

    def born(self, *numbers: int) -> None:
        rows = ChangesBuilder()
        for number in numbers:
            rows.add(self.bus(number), None, kind=Kind.LIFE, act=Act.SET)
            types = f'["{CORE.expand("Vehicle")}"]'
            rows.add(self.bus(number), None, kind=Kind.TYPES, act=Act.SET, form=Form.JSON, text=types)
        self.store.commit(Commit(rows, "t", "t"))

    def speed(self, value: float, number: int = 1) -> int:
        rows = ChangesBuilder()
        rows.add(self.bus(number), SPEED, act=Act.SET, form=Form.NUMBER, number=value)
        return self.store.commit(Commit(rows, "t", "t")).position

    def erase(self, number: int) -> None:
        rows = ChangesBuilder()
        rows.add(self.bus(number), None, kind=Kind.LIFE, act=Act.ERASE)
        self.store.commit(Commit(rows, "t", "t"))

    def close(self) -> None:
        self.records.close()
        self.store.close()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as one:
        yield one


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    made = City(tmp_path / "tenant")
    made.born(1, 2)
    yield made
    made.close()


@pytest.fixture
async def opened(city: City) -> AsyncIterator[Open]:
    async with AsyncExitStack() as stack:

        async def begin() -> Notifier:
            notifier = Notifier(city.store, city.records, CONTEXTS, QUICK)
            await notifier.start()
            stack.push_async_callback(notifier.stop)
            return notifier

        yield begin


def kept(receiver: Receiver, **more: Json) -> Kept:
    document: Json = {
        "id": ONE,
        "type": "Subscription",
        "entities": [{"type": "Vehicle"}],
        "notification": {"format": "keyValues", "endpoint": {"uri": receiver.url}},
        **more,
    }
    return Kept(read(document, CORE, 0), None, None, None, "t", 0, 0)  # type: ignore[arg-type]  # Json is object


async def until(done: Callable[[], object], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end
        await asyncio.sleep(0.01)


def speeds(receiver: Receiver) -> list[float]:
    return [entity["speed"] for entity in receiver.data]


async def test_what_a_full_line_cannot_hold_is_read_from_the_log(city: City, opened: Open, receiver: Receiver) -> None:
    notifier = await opened()
    await notifier.create(kept(receiver))
    receiver.answer = saying(204, after=0.02)
    for value in range(60):
        city.speed(value)
    line = notifier.lines[ONE]
    await until(lambda: line.behind)
    assert line.waiting().queue <= QUICK.queue + QUICK.parallel
    await receiver.heard(60, 30)
    assert speeds(receiver) == list(range(60))
    await until(lambda: not line.behind and line.position == city.store.state.position)
    city.speed(99)
    await receiver.heard(61)


async def test_a_restart_goes_on_where_it_was(city: City, opened: Open, receiver: Receiver) -> None:
    first = await opened()
    await first.create(kept(receiver))
    city.speed(1)
    await receiver.heard(1)
    await until(lambda: first.lines[ONE].idle)
    await first.stop()
    for value in (2, 150, 3):
        city.speed(value)
    second = await opened()
    await receiver.heard(4)
    assert speeds(receiver) == [1, 2, 150, 3]
    assert len({document["id"] for document in receiver.documents}) == 4
    await until(lambda: not second.lines[ONE].behind)
    city.speed(4)
    await receiver.heard(5)


async def test_a_transient_that_happened_while_it_slept_is_told(city: City, opened: Open, receiver: Receiver) -> None:
    first = await opened()
    await first.create(kept(receiver, q="speed>100"))
    await first.stop()
    for value in (2, 150, 3):
        city.speed(value)
    await opened()
    assert [one.document["data"][0]["speed"] for one in await receiver.heard(1)] == [150]
    await receiver.quiet()


async def test_dead_letters_are_sent_again_from_the_log_or_dropped(
    city: City, opened: Open, receiver: Receiver
) -> None:
    notifier = await opened()
    await notifier.create(kept(receiver))
    receiver.answer = saying(500)
    city.speed(7)
    city.speed(8, 2)
    await until(lambda: len(notifier.letters.of(ONE)) == 2)
    letters = notifier.letters.of(ONE)
    assert {letter.attempts for letter in letters} == {2} and letters[0].error_zh
    assert not any(b'"speed"' in record.body for record in city.records.all("subscription-letter"))
    receiver.answer = saying(204)
    count = len(receiver.seen)
    city.speed(9)
    await receiver.heard(count + 1)
    assert await notifier.retry_letter(ONE, letters[0].id)
    await receiver.heard(count + 2)
    again = receiver.documents[-1]
    assert again["id"] == letters[0].id and again["data"][0]["speed"] in (7, 8)
    await notifier.drop_letter(ONE, letters[1].id)
    assert notifier.letters.of(ONE) == []
    with pytest.raises(NotFound):
        await notifier.drop_letter(ONE, letters[1].id)


async def test_what_a_receiver_refuses_for_good_is_not_tried_twice(
    city: City, opened: Open, receiver: Receiver
) -> None:
    notifier = await opened()
    await notifier.create(kept(receiver))
    receiver.answer = saying(422)
    city.speed(7)
    await until(lambda: notifier.letters.of(ONE))
    assert len(receiver.seen) == notifier.letters.of(ONE)[0].attempts == 1


async def test_what_is_erased_is_told_of_but_not_told(city: City, opened: Open, receiver: Receiver) -> None:
    notifier = await opened()
    await notifier.create(kept(receiver, notificationTrigger=["attributeUpdated", "attributeCreated", "entityDeleted"]))
    receiver.answer = saying(204, after=0.3)
    for value in range(6):
        city.speed(value, 2)
    await receiver.heard(1)
    await asyncio.to_thread(city.erase, 2)
    await until(lambda: "deletedAt" in receiver.data[-1])
    gone = receiver.data[-1]
    assert set(gone) == {"id", "type", "deletedAt"} and gone["id"] == city.bus(2)
    assert len(speeds_before(receiver)) < 6


def speeds_before(receiver: Receiver) -> list[object]:
    return [entity["speed"] for entity in receiver.data if "speed" in entity]


async def test_what_was_committed_before_a_change_is_told_as_it_was(
    city: City, opened: Open, receiver: Receiver
) -> None:
    notifier = await opened()
    await notifier.create(kept(receiver, q="speed>100"))
    for value in (50, 150):
        city.speed(value)
    await notifier.change(kept(receiver))
    city.speed(51)
    await receiver.heard(2)
    assert speeds(receiver) == [150, 51]


async def test_no_commit_waits_for_a_subscriber(city: City, opened: Open, receiver: Receiver) -> None:
    notifier = await opened()
    receiver.answer = saying(204, after=3)
    await notifier.create(kept(receiver))
    began = time.monotonic()
    for value in range(20):
        await asyncio.to_thread(city.speed, value)
    assert time.monotonic() - began < 2.5


def test_records_are_kept_all_or_none(tmp_path: Path) -> None:
    records = EmbeddedRecords(tmp_path)
    records.write([Record("a", "1", b"x"), Record("a", "2", b"y"), Record("b", "1", b"z")])
    records.write([Record("a", "1", b"w")], [Key("a", "2"), Key("a", "3")], durable=False)
    records.close()
    again = EmbeddedRecords(tmp_path)
    assert again.all("a") == [Record("a", "1", b"w")] and again.get("b", "1") == b"z" and again.get("b", "2") is None
    assert (tmp_path / "system.db").stat().st_mode & 0o077 == 0
    again.close()


async def test_what_is_under_way_when_its_maker_comes_to_see_less_is_told_as_it_is_seen_then(
    city: City, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_LOOK", 0.05)
    seen: list[Store] = [city.store]
    receiver.answer = saying(503, after=1)
    notifier = Notifier(city.store, city.records, CONTEXTS, QUICK, sights=lambda maker: seen[-1])
    await notifier.start()
    await notifier.create(kept(receiver))
    city.speed(41)
    await receiver.heard(1)
    seen.append(VeiledStore(city.store, Veil(EVERYTHING, lambda name, owner, one: True), LOCATION))
    await until(lambda: notifier.lines[ONE].one.veil is not None)
    receiver.answer = saying(204)
    tries = len(receiver.documents)
    await until(lambda: len(receiver.documents) > tries and notifier.lines[ONE].idle)
    assert speeds(receiver)[-1] == 41
    assert notifier.lines[ONE].position == city.store.state.position
    await notifier.stop()
