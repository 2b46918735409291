"""Tells a tenant's subscribers what changes: follows the log, fills the lines, keeps how far each has come.

Each is told what its maker may see, as long as they may have a subscription; that is looked at again every second.

One follower stands at the head of the log for everyone. A line that was full, or slept through a restart, is caught up
by a follower of its own, in another thread, until it is where the head is. The head waits for neither.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from collections.abc import Callable, Coroutine, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import TypeVar

import httpx
import msgspec

from zhicheng.hub.query import EntityQuery, Query
from zhicheng.hub.subscriptions.follow import Follower, Step
from zhicheng.hub.subscriptions.letters import DeadLetters, retold
from zhicheng.hub.subscriptions.line import Chance, Line
from zhicheng.hub.subscriptions.making import made
from zhicheng.hub.subscriptions.model import Kept, Letter, Maker, Notice, Progress, Subscription, Trigger
from zhicheng.hub.subscriptions.notification import MOST_ENTITIES, entity_document, notification_id
from zhicheng.hub.subscriptions.settings import SubscriptionSettings
from zhicheng.hub.subscriptions.watch import Watch
from zhicheng.hub.veil import Veil
from zhicheng.hub.veiled_store import VeiledStore
from zhicheng.kernel.errors import AlreadyExists, Forbidden, Invalid, NotFound, PeerFailed, TooMany, ZhichengError
from zhicheng.kernel.instants import SECOND, Clock, system_clock
from zhicheng.network.guard import Resolve, system_resolve
from zhicheng.network.post import Poster
from zhicheng.standards.ngsild.context import Contexts
from zhicheng.storage.log import Batch
from zhicheng.storage.port import Store
from zhicheng.storage.records import Key, Record, Records

_log = logging.getLogger(__name__)
T = TypeVar("T")
Sights = Callable[[Maker], Store]
"""What whoever made a subscription may see now; Forbidden where they may not have one any more."""
KEPT, PROGRESS = "subscription", "subscription-progress"
_SAVE = 0.5
"""Seconds between two looks at how far the lines are; what a killed process had not noted is told once more."""
_CATCH_UP = 0.2
"""Seconds between two looks for lines that can be caught up."""
_LOOK = 1.0
"""Seconds between two looks at what makers of subscriptions may see."""
_GATHER = 0.02
"""Seconds in which commits gather: ten together cost a fifth of ten alone."""


class Notifier:
    """The subscriptions of one tenant."""

    def __init__(
        self,
        store: Store,
        records: Records,
        contexts: Contexts,
        settings: SubscriptionSettings | None = None,
        *,
        sights: Sights | None = None,
        tenant: str | None = None,
        clock: Clock = system_clock,
        resolve: Resolve = system_resolve,
        tls: ssl.SSLContext | None = None,
        chance: Chance = lambda: 0.5,
    ) -> None:
        self.store = store
        self.records = records
        self.settings = settings or SubscriptionSettings()
        self.letters = DeadLetters(records, self.settings.dead_letters)
        self.kept: dict[str, Kept] = {}
        self.lines: dict[str, Line] = {}
        self.broken: dict[str, ZhichengError] = {}
        self.head_position = store.state.position
        self._contexts = contexts
        self._tenant = tenant
        self._clock = clock
        self._resolve = resolve
        self._tls = tls
        self._chance = chance
        self._sights = sights or (lambda maker: store)
        self._head: Follower | None = None
        self._changing = asyncio.Lock()
        self._news = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = ThreadPoolExecutor(1, "notifier")
        self._second = ThreadPoolExecutor(1, "notifier-catch-up")
        self._tasks: list[asyncio.Task[None]] = []
        self._clocks: dict[str, asyncio.Task[None]] = {}
        self._load()
        store.listen(self._hear)

    def _load(self) -> None:
        for _, identifier, content in self.records.all(KEPT):
            self.kept[identifier] = msgspec.json.decode(content, type=Kept)

    def _hear(self, batch: Batch) -> None:
        """On the writer's thread: as little as can be."""
        loop = self._loop
        if loop is not None and self.lines:
            with contextlib.suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(self._news.set)

    # life -------------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Begin: those that slept are caught up."""
        self._loop = asyncio.get_running_loop()
        async with self._changing:
            for identifier in self.kept:
                if identifier not in self.lines:
                    self._begin(identifier)
            await self._watch_anew()
            for line in self.lines.values():
                line.behind = line.seen < self.head_position and not line.one.interval
        self._tasks = [
            asyncio.create_task(self._guarded(run), name=f"notifier {run.__name__}")
            for run in (self._follow, self._catch_up, self._save, self._look)
        ]

    def _begin(self, identifier: str) -> None:
        """A line for a subscription that is kept; one that cannot be understood any more is shown as failed."""
        try:
            one = self._made(self.kept[identifier])
        except ZhichengError as error:
            self.broken[identifier] = error
            _log.error("subscription %s cannot be used: %s", identifier, error)
            return
        content = self.records.get(PROGRESS, identifier)
        progress = Progress(self.head_position) if content is None else msgspec.json.decode(content, type=Progress)
        self._open(one, progress)

    def _open(self, one: Subscription, progress: Progress) -> Line:
        line = self.lines[one.id] = Line(
            one, self._poster(one), progress, self.settings, self._put_aside, self._clock, self._chance, self._tenant
        )
        line.start()
        self._set_clock(line)
        return line

    def _poster(self, one: Subscription) -> Poster:
        if self._tls is None:
            self._tls = httpx.create_ssl_context()
        return Poster(one.endpoint.to, self._tls, allowed=self.settings.allow, resolve=self._resolve)

    async def _guarded(self, run: Callable[[], Coroutine[None, None, None]]) -> None:
        """A defect of ours is told and does not end the telling."""
        while True:
            try:
                await run()
            except Exception:  # noqa: BLE001  (an edge of the runner: a defect is logged, the others are told on)
                _log.exception("the notifier failed; it goes on in a second")
                await asyncio.sleep(1)

    async def stop(self) -> None:
        """End, and note where every line stands."""
        for task in (*self._tasks, *self._clocks.values()):
            task.cancel()
        await asyncio.gather(*self._tasks, *self._clocks.values(), return_exceptions=True)
        self._thread.shutdown(wait=True, cancel_futures=True)
        self._second.shutdown(wait=True, cancel_futures=True)
        await asyncio.gather(*(line.stop() for line in self.lines.values()))
        self._loop = None
        self.records.write(self._progress(self.lines.values()))

    async def _in(self, thread: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(thread, work)

    # subscriptions ----------------------------------------------------------------------------------------------

    def get(self, identifier: str) -> Kept:
        """A subscription; NotFound."""
        found = self.kept.get(identifier)
        if found is None:
            raise NotFound(
                f"There is no subscription {identifier[:200]}", f"没有订阅 {identifier[:200]}", id=identifier[:200]
            )
        return found

    async def create(self, kept: Kept) -> None:
        """A new one: what is committed from now on is told."""
        identifier = str(kept.document["id"])
        async with self._changing:
            if identifier in self.kept:
                raise AlreadyExists(f"{identifier} exists already", f"{identifier} 已存在", id=identifier)
            if len(self.kept) >= self.settings.most:
                raise TooMany(
                    f"There are {self.settings.most} subscriptions already; see most of [subscriptions]",
                    f"订阅数已达 {self.settings.most}；参见 [subscriptions] 的 most",
                )
            one = await self._usable(kept)
            await asyncio.to_thread(self.records.write, [_record(kept)])
            self.kept[identifier] = kept
            self._open(one, Progress(self.store.state.position))
            await self._watch_anew()

    async def change(self, kept: Kept) -> None:
        """Another document for one that there is."""
        identifier = str(kept.document["id"])
        async with self._changing:
            self.get(identifier)
            one = await self._usable(kept)
            await self._up_to_now()
            await asyncio.to_thread(self.records.write, [_record(kept)])
            self.kept[identifier] = kept
            self.broken.pop(identifier, None)
            line = self.lines.get(identifier)
            if line is None:
                self._open(one, Progress(self.store.state.position))
            else:
                slept = line.one.status(self._clock()) != "active"
                await line.change(one, self._poster(one))
                if slept:  # what happened while it was paused is not told
                    line.seen, line.behind = max(line.seen, self.store.state.position), False
                self._set_clock(line)
            await self._watch_anew()

    async def remove(self, identifier: str) -> None:
        """Forget one, with everything that waits."""
        async with self._changing:
            self.get(identifier)
            drop = [Key(KEPT, identifier), Key(PROGRESS, identifier)]
            drop += self.letters.keys(identifier, self.letters.of(identifier))
            await asyncio.to_thread(partial(self.records.write, drop=drop))
            del self.kept[identifier]
            self.broken.pop(identifier, None)
            line = self.lines.pop(identifier, None)
            clock = self._clocks.pop(identifier, None)
            if clock is not None:
                clock.cancel()
            if line is not None:
                await line.stop()
            await self._watch_anew()

    async def _usable(self, kept: Kept) -> Subscription:
        """The subscription, if it can be understood and may be sent to where it wants."""
        self._sights(kept.maker)
        one = self._made(kept)
        try:
            await self._poster(one).check()
        except PeerFailed as error:
            if error.facts.get("refused") == "address":
                raise refused(error) from None
        return one

    def _made(self, kept: Kept) -> Subscription:
        veil, barred = self._sight(kept.maker)
        return replace(made(kept, self._contexts, self.settings), veil=veil, barred=barred)

    def _sight(self, maker: Maker) -> tuple[Veil | None, bool]:
        """What a maker of subscriptions may see, None for everything, and whether they may have any no more."""
        try:
            sight = self._sights(maker)
        except Forbidden:
            return None, True
        return (sight.veil if isinstance(sight, VeiledStore) else None), False

    async def _look(self) -> None:
        """Permission changes: look again what the makers of subscriptions may see."""
        while True:
            await asyncio.sleep(_LOOK)
            sights = {maker: self._sight(maker) for maker in {kept.maker for kept in self.kept.values()}}
            for identifier, line in tuple(self.lines.items()):
                kept = self.kept.get(identifier)  # it may be removed while another is changed
                veil, barred = line.one.sight if kept is None else sights.get(kept.maker, line.one.sight)
                if (veil, barred) != line.one.sight:
                    async with self._changing:
                        await line.change_sight(replace(line.one, veil=veil, barred=barred))
                        await self._watch_anew()

    async def _up_to_now(self) -> None:
        """What was committed before a subscription changes is told as it was."""
        head, now = self._head, self.store.state.position
        while head is not None and head.position < now:
            self._deal(await self._in(self._thread, head.step))

    async def _watch_anew(self) -> None:
        """The head follows what the subscriptions of now are about."""
        now = self._clock()
        told = [line.one for line in self.lines.values() if not line.one.interval and line.one.status(now) == "active"]
        if not told:
            self._head = None
            self.head_position = self.store.state.position
            return
        watch = Watch(told)
        head = self._head
        if head is not None and head.covers(watch):
            await self._in(self._thread, partial(setattr, head, "watch", watch))
            return
        fresh = await self._in(self._thread, partial(Follower.present, self.store, watch))
        if head is not None:  # what it had not said yet is said before another takes its place
            while head.position < fresh.position:
                self._deal(await self._in(self._thread, head.step))
        self._head = fresh
        self.head_position = max(self.head_position, fresh.position) if head is not None else fresh.position
        self._news.set()

    # following --------------------------------------------------------------------------------------------------

    async def _follow(self) -> None:
        """The head of the log, for everyone who keeps up."""
        while True:
            self._news.clear()
            async with self._changing:
                head = self._head
                if head is not None:
                    step = await self._in(self._thread, head.step)
                    self._deal(step)
            if head is None or head.position >= self.store.state.position:
                await self._news.wait()
            await asyncio.sleep(_GATHER)

    def _deal(self, step: Step) -> None:
        """Put what was found into the lines that keep up."""
        by_line = _by_subscription(step.notices)
        self.head_position = max(self.head_position, step.position)
        for identifier, line in self.lines.items():
            if step.erased:
                line.forget(step.erased)
            if not line.behind and line.one.status(self._clock()) == "active":
                line.offer(by_line.get(identifier, ()), step.position)
            elif not line.behind:
                line.seen = max(line.seen, step.position)

    async def _catch_up(self) -> None:
        """Lines that are behind, those that stand at one place together."""
        while True:
            now = self._clock()
            behind = [line for line in self.lines.values() if line.behind and line.one.status(now) == "active"]
            ready = [line for line in behind if line.roomy]
            if not ready:
                await asyncio.sleep(_CATCH_UP)
                continue
            place = ready[0].seen
            await self._bring([line for line in ready if line.seen == place], place)

    async def _bring(self, lines: list[Line], place: int) -> None:
        """Read the log for these lines from a place until each is where the head is, or full."""
        ones = {line.one.id: line.one for line in lines}
        follower = await self._in(self._second, partial(Follower.past, self.store, place, Watch(list(ones.values()))))
        while lines:
            step = await self._in(self._second, follower.step)
            by_line, there = _by_subscription(step.notices), step.position >= self.head_position
            lines = [line for line in lines if self.lines.get(line.one.id) is line and ones[line.one.id] is line.one]
            lines = [line for line in lines if line.offer(by_line.get(line.one.id, ()), step.position)]
            for line in lines if there else ():
                line.behind = False
            if there:
                return

    async def _save(self) -> None:
        """Note, every now and then, how far the lines have come."""
        while True:
            await asyncio.sleep(_SAVE)
            dirty = [line for line in self.lines.values() if line.dirty]
            if dirty:
                records = self._progress(dirty)
                await asyncio.to_thread(partial(self.records.write, records, durable=False))

    def _progress(self, lines: Iterable[Line]) -> list[Record]:
        records = []
        for line in lines:
            line.dirty = False
            line.progress.position = line.position
            records.append(Record(PROGRESS, line.one.id, msgspec.json.encode(line.progress)))
        return records

    # what is told by the clock ----------------------------------------------------------------------------------

    def _set_clock(self, line: Line) -> None:
        before = self._clocks.pop(line.one.id, None)
        if before is not None:
            before.cancel()
        if line.one.interval:
            self._clocks[line.one.id] = asyncio.create_task(self._by_clock(line), name=f"clock {line.one.id}")

    async def _by_clock(self, line: Line) -> None:
        """Every interval everything that the subscription asks for, whether it changed or not."""
        while True:
            one = line.one
            due = max(line.progress.last_notification + one.interval, 0)
            await asyncio.sleep(max(0.0, due - self._clock()) / SECOND)
            now = self._clock()
            if one.status(now) == "active" and line.idle:
                with contextlib.suppress(Forbidden):  # since a moment ago
                    store = self._sights(self.kept[one.id].maker)
                    notice = await asyncio.to_thread(self._everything, one, store, now)
                    if notice.data:
                        line.tell(notice)
            line.progress.last_notification = max(line.progress.last_notification, now)
            line.dirty = True

    def _everything(self, one: Subscription, store: Store, now: int) -> Notice:
        page = Query(store).select(EntityQuery(one.where, limit=MOST_ENTITIES))
        data = [(entity.id, entity_document(one, entity)) for entity in page.entities]
        return Notice(one.id, f"{notification_id(one.id, 0)}:{now}", 0, now, Trigger(0), data)

    # what was put aside -----------------------------------------------------------------------------------------

    async def _put_aside(self, identifier: str, letter: Letter) -> None:
        if identifier in self.lines:
            await self.letters.put(identifier, letter)

    async def drop_letter(self, identifier: str, letter: str) -> None:
        """Forget that it could not be delivered; NotFound."""
        self.get(identifier)
        await self.letters.drop(identifier, self.letters.one(identifier, letter))

    async def retry_letter(self, identifier: str, letter: str) -> bool:
        """Send it again; False where what it told of is not in the log any more."""
        self.get(identifier)
        found = self.letters.one(identifier, letter)
        line = self.lines.get(identifier)
        if line is None:
            raise NotFound(f"The subscription {identifier} cannot be used", f"订阅 {identifier} 无法使用")
        notices = await asyncio.to_thread(retold, self.store, line.one, found)
        await self.letters.drop(identifier, found)
        for notice in notices:
            line.tell(notice)
        return bool(notices)


def _by_subscription(notices: Sequence[Notice]) -> dict[str, list[Notice]]:
    found: dict[str, list[Notice]] = {}
    for notice in notices:
        found.setdefault(notice.subscription, []).append(notice)
    return found


def _record(kept: Kept) -> Record:
    return Record(KEPT, str(kept.document["id"]), msgspec.json.encode(kept))


def refused(error: PeerFailed) -> ZhichengError:
    """A target that the guard refuses, as the fault of whoever named it."""
    host = str(error.facts.get("host", ""))
    return Invalid(
        f"/notification/endpoint/uri: {host} is at an address inside the network; whoever runs the city can allow it "
        f'by name: [subscriptions] allow = ["{host}"]',
        f"/notification/endpoint/uri：{host} 位于内部网络地址；城市运营者可以按名称允许："
        f'[subscriptions] allow = ["{host}"]',
        path="/notification/endpoint/uri",
    )
