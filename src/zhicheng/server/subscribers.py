"""The subscriptions of every tenant at work: each has its system space and its notifier."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from functools import partial

from zhicheng.hub.subscriptions.model import Maker
from zhicheng.hub.subscriptions.notifier import Notifier
from zhicheng.hub.subscriptions.settings import SubscriptionSettings
from zhicheng.kernel.instants import Clock
from zhicheng.server.space import Space
from zhicheng.storage.port import Store
from zhicheng.storage.records import Records


class Subscribers:
    """Notifiers by tenant; `home` is the tenant whose notifications need not name it.

    sight: what the maker of a tenant's subscription may see now
    """

    def __init__(
        self, settings: SubscriptionSettings, home: str, clock: Clock, sight: Callable[[str, Maker], Store]
    ) -> None:
        self._settings = settings
        self._home = home
        self._clock = clock
        self._sight = sight
        self._notifiers: dict[str, Notifier] = {}
        self._records: list[Records] = []
        self._starting: set[asyncio.Task[None]] = set()
        self._running = False

    def add(self, space: Space, records: Records) -> None:
        """A tenant that is opened; one that comes while the city is at work begins at once."""
        self._records.append(records)
        name = None if space.tenant == self._home else space.tenant
        notifier = Notifier(
            space.store, records, space.contexts, self._settings,
            sights=partial(self._sight, space.tenant), tenant=name, clock=self._clock, chance=random.random,
        )  # fmt: skip
        self._notifiers[space.tenant] = notifier
        if self._running:
            task = asyncio.get_running_loop().create_task(notifier.start())
            self._starting.add(task)
            task.add_done_callback(self._starting.discard)

    def of(self, space: Space) -> Notifier:
        """A tenant's notifier."""
        return self._notifiers[space.tenant]

    def all(self) -> dict[str, Notifier]:
        """All of them, by tenant."""
        return self._notifiers

    async def start(self) -> None:
        """Begin to tell."""
        self._running = True
        for notifier in self._notifiers.values():
            await notifier.start()

    async def stop(self) -> None:
        """End, and note how far each subscription is."""
        self._running = False
        await asyncio.gather(*self._starting, return_exceptions=True)
        for notifier in self._notifiers.values():
            await notifier.stop()

    def close(self) -> None:
        """Let go of the files."""
        for records in self._records:
            records.close()
        self._records.clear()
        self._notifiers.clear()
