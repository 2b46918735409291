"""A city at work: its tenants' stores, its feeds as tasks, its accounts and clock, all in one process."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Mapping
from typing import Protocol

import orjson

from zhicheng.kernel import instants, zones
from zhicheng.kernel.errors import BadConfiguration, ZhichengError
from zhicheng.kernel.instants import Clock
from zhicheng.kernel.telemetry import Prometheus
from zhicheng.operations.vitals.defaults import FEEDS, RATE
from zhicheng.operations.vitals.model import APPLICATION as VITALS
from zhicheng.operations.vitals.now import Now
from zhicheng.security.actions import PUBLIC
from zhicheng.security.decision import Principal
from zhicheng.server.accounts import Accounts
from zhicheng.server.apps import AppTask, tasks_of
from zhicheng.server.attention import AttentionTask
from zhicheng.server.audit_key import open_journal
from zhicheng.server.decoding import settings_of
from zhicheng.server.documents import checks_of, chosen_of, contexts_of, models_of, vitals_of
from zhicheng.server.feeds import FeedTask, timetables_of
from zhicheng.server.folder import DataFolder
from zhicheng.server.identity.access_keys import SANDBOX
from zhicheng.server.identity.service import Identity
from zhicheng.server.policing import Circumstances, Policing
from zhicheng.server.policy_files import PolicyFiles
from zhicheng.server.problems import defect
from zhicheng.server.quotas import Quotas, Tally
from zhicheng.server.sandbox import Sandbox
from zhicheng.server.settings import CityFile, CitySettings
from zhicheng.server.space import Space, make_space
from zhicheng.server.standing import Standing
from zhicheng.server.subscribers import Subscribers
from zhicheng.server.vitals import Pulse, Rate, Vitals
from zhicheng.standards.ngsild.context import Contexts
from zhicheng.standards.ngsild.model import Json
from zhicheng.storage.engines.embedded.records import EmbeddedRecords
from zhicheng.storage.engines.embedded.store import EmbeddedStore

_log = logging.getLogger(__name__)
_LOOPBACK = frozenset(("127.0.0.1", "::1", "localhost"))


def check_open(host: str) -> None:
    """`--no-auth` lets everyone do everything, so it is for the machine's own address only.

    >>> check_open("127.0.0.1")
    """
    if host not in _LOOPBACK:
        raise BadConfiguration(
            f"--no-auth is refused on {host}: it would let the whole network in; use --host 127.0.0.1, or tokens",
            f"拒绝在 {host} 上使用 --no-auth：这会让整个网络都能访问；请使用 --host 127.0.0.1，或使用令牌",
        )


def address_of(settings: CitySettings) -> str:
    """The address by which browsers and programs know a city."""
    server = settings.server
    host = f"[{server.host}]" if ":" in server.host else server.host
    return server.public_url.rstrip("/") or f"http://{host}:{server.port}"


class Task(Protocol):
    """What runs as long as the city does; `source` is its name."""

    source: str

    async def run(self) -> None:
        """Until cancelled."""


class City:
    """Opens the data folder for as long as it lives; `start` begins the feeds, `stop` ends everything cleanly."""

    def __init__(
        self,
        file: CityFile,
        folder: DataFolder,
        *,
        open_to_all: bool = False,
        clock: Clock = instants.system_clock,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.file = file
        self.settings = file.settings
        self.clock = clock
        self.open = open_to_all
        self.started_at = clock()
        self.ending = False
        """Set when the server is told to stop: connections that stay open end."""
        if open_to_all:
            check_open(self.settings.server.host)
        everyone = Principal("anonymous", self.settings.city.tenant, ("admin",), credential="guest")
        self.guest = everyone if open_to_all else None
        self.telemetry = Prometheus()
        self._chosen = chosen_of(file)
        self.models = models_of(file)
        self._documents = contexts_of(file)
        self._checks = checks_of(file, self.models)
        self._environ = os.environ if environ is None else environ
        for name, feed in file.settings.feeds.items():
            settings_of(name, feed, Contexts(), file.name)
        for one in file.settings.identity.external.values():
            one.secret(self._environ)
        self.folder = folder
        folder.make()
        self._lock = folder.lock(f"zhicheng run at http://{self.settings.server.host}:{self.settings.server.port}")
        self.journal = open_journal(folder.path, clock=clock)
        self.accounts = Accounts(folder.path, clock)
        self.accounts.add_tenant(self.settings.city.tenant)
        self.identity = Identity(
            self.accounts.control, address_of(self.settings), self.settings.identity, clock, self._environ, self.guest
        )
        self.visitor: Principal | None = None
        """Who shows no credential, where the city lets such people look."""
        if file.settings.identity.visitors == "citizens":
            self.visitor = Principal("anonymous", self.settings.city.tenant, ("citizen",), kind="Guest")
        self._policy_files = PolicyFiles(folder.path)
        self._policing: dict[str, Policing] = {}
        zone = zones.zone(self.settings.city.time_zone)
        self.quotas = Quotas(self.settings.quotas, self.accounts.control, self.identity.access_keys, clock, zone)
        self._spaces: dict[str, Space] = {}
        standing = Standing(self.accounts, self.identity, self.guest, self.policing, clock)
        self.subscribers = Subscribers(file.settings.subscriptions, self.settings.city.tenant, clock, standing.sight)
        self.feeds: dict[str, FeedTask] = {}
        self.apps: dict[str, AppTask] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._open_spaces()

    def _open_spaces(self) -> None:
        """Open every tenant and make the feeds ready: a mistake in the city's file shows before anything runs."""
        try:
            for tenant in self.accounts.tenants():
                self.space(tenant)
            self._make_feeds()
            self.apps = tasks_of(self._chosen, self.home.store, self.models, self.telemetry)
            self._make_operations()
            self.sandbox = self._make_sandbox()
        except BaseException:
            self.close()
            raise

    def _make_operations(self) -> None:
        """Vital signs and the list of what needs attention."""
        signs, home = vitals_of(self.file), self.home
        rate = Rate()
        home.store.listen(rate.listen)
        told = {FEEDS: self._feeds_current, RATE: rate.now}
        self.vitals = Vitals(signs, home, self.settings.city.time_zone, told)
        self.pulse = Pulse(home, told, signs, self.clock)
        self.attention = AttentionTask(home, self.vitals, self.feeds, self.apps, self.clock, self.now)

    def _make_sandbox(self) -> Sandbox:
        """The developers' sandbox; what is erased from the city is erased from it."""
        home, settings = self.home, self.settings.sandbox
        zone = zones.zone(self.settings.city.time_zone)
        made = Sandbox(
            settings, self._sandbox_space, lambda: SANDBOX in self._spaces, home.store, self._plainly, self.clock,
            self.now, zone,
        )  # fmt: skip
        home.store.listen(made.listen)
        return made

    def _sandbox_space(self) -> Space:
        self.accounts.add_tenant(SANDBOX)
        return self.space(SANDBOX)

    def _plainly(self) -> Space:
        """The city as every reader may see it."""
        reader = Principal(SANDBOX, self.settings.city.tenant, ("reader",))
        return self.policing(reader.tenant).sight(reader, "history:read", Circumstances())

    def tally(self, principal: Principal | None, network: str, action: str) -> Tally:
        """A request counts for the quotas of who asks; what is public, and who may do everything, for none."""
        if action == PUBLIC or (self.guest is not None and principal is self.guest):
            return Tally.NONE
        return self.quotas.enter(principal, network)

    def _feeds_current(self) -> Now | None:
        """The share of feeds that are up to date, in per cent."""
        now = self.clock()
        states = [feed.health.status(now) for feed in self.feeds.values()]
        at_work = [state for state in states if state not in ("ended", "starting")]
        if not at_work:
            return None
        good = at_work.count("ok")
        return Now(round(100 * good / len(at_work), 1), len(at_work), len(at_work) - good, now)

    # tenants

    @property
    def home(self) -> Space:
        """The tenant that the city's file describes."""
        return self.space(self.settings.city.tenant)

    def space(self, tenant: str) -> Space:
        """A tenant; one that a credential names for the first time is opened."""
        found = self._spaces.get(tenant)
        if found is None:
            found = self._spaces[tenant] = self._make_space(tenant)
        return found

    def _make_space(self, tenant: str) -> Space:
        store = EmbeddedStore(self.folder.tenant(tenant), self.settings.storage, self.clock)
        documents: dict[str, Json] = dict(self._documents)
        records = EmbeddedRecords(self.folder.tenant(tenant))
        space = make_space(tenant, store, records, self.models, documents, self._checks)
        for hosted in self.accounts.contexts(tenant):
            with contextlib.suppress(ZhichengError):
                space.contexts.host(hosted.url, _json(hosted.body))
        self.subscribers.add(space, records)
        return space

    def policing(self, tenant: str) -> Policing:
        """A tenant's policies at work."""
        found = self._policing.get(tenant)
        if found is None:
            zone = zones.zone(self.settings.city.time_zone)
            found = self._policing[tenant] = Policing(self.space(tenant), self._policy_text, self.clock, zone)
        return found

    def _policy_text(self) -> tuple[int, str]:
        version = self._policy_files.current()
        return version.number, version.text

    def spaces(self) -> Mapping[str, Space]:
        """All tenants that are open."""
        return self._spaces

    # time and staleness

    def now(self) -> int:
        """The city's now: the clock's, or where recordings are played, the latest instant they have reached."""
        reached = [feed.taken.issued_at for feed in self.feeds.values() if feed.replays]
        known = [instant for instant in reached if instant is not None]
        return max(known) if known else self.clock()

    def stale_sources(self) -> frozenset[str]:
        """Sources whose feed is out of date: what they brought is shown so."""
        now = self.clock()
        return frozenset(feed.source for feed in self.feeds.values() if feed.out_of_date(now))

    def stale_in(self, space: Space) -> frozenset[str]:
        """The same, as far as a tenant sees it: only the one that the city's file describes has feeds."""
        return self.stale_sources() if space.tenant == self.settings.city.tenant else frozenset()

    def stale_as_of(self, space: Space, newest: Mapping[str, int], instant: int) -> frozenset[str]:
        """Sources that had been silent at a past instant for longer than their feed promises.

        newest: when each last said something that held then
        """
        if space.tenant != self.settings.city.tenant:
            return frozenset()
        after = {feed.source: feed.health.stale_after for feed in self.feeds.values()}
        return frozenset(source for source in after if source in newest and instant - newest[source] > after[source])

    # life

    def _make_feeds(self) -> None:
        space = self.home
        timetables = timetables_of(self.settings.feeds, space)
        for name, settings in self.settings.feeds.items():
            if settings.enabled:
                self.feeds[name] = FeedTask(
                    name, settings, self.file, space, timetables, self._environ, self.clock, self.telemetry
                )

    async def start(self) -> None:
        """Begin the feeds, the applications and the subscriptions."""
        await self.subscribers.start()
        others: list[Task] = [self.attention, self.quotas, self.sandbox]
        if VITALS in self.apps:
            others.append(self.pulse)
        at_work: list[Task] = [*self.feeds.values(), *self.apps.values(), *others]
        self._tasks = [asyncio.create_task(self._guarded(one), name=one.source) for one in at_work]

    async def _guarded(self, one: Task) -> None:
        """A feed's or an application's defect ends that one, loudly, and no other."""
        try:
            await one.run()
        except Exception:  # noqa: BLE001  (the edge of the runner: a defect is logged with its number)
            defect(one.source)

    def stopped(self) -> frozenset[str]:
        """Sources whose task has ended though it should run: its feed or application does nothing any more."""
        ended = {feed.source for feed in self.feeds.values() if feed.health.ended}
        return frozenset(task.get_name() for task in self._tasks if task.done()) - ended

    async def stop(self) -> None:
        """End feeds and applications, finish what was accepted, let go of the folder."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        for app in self.apps.values():
            await app.stop()
        await self.subscribers.stop()
        self.quotas.note()
        await self.identity.externals.close()
        await asyncio.to_thread(self.close)

    def close(self) -> None:
        """Close the stores and let go of the folder."""
        self.subscribers.close()
        for space in self._spaces.values():
            space.store.close()
        self._spaces.clear()
        self.accounts.close()
        self.journal.ledger.close()
        self._lock.release()


def _json(body: bytes) -> Json:
    found: Json = orjson.loads(body)
    return found
