"""Past states of a tenant: a few of them kept, made once for all who ask for the same instant."""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict
from weakref import WeakKeyDictionary

import numpy as np

from zhicheng.hub.known import complete
from zhicheng.standards.changes import Act
from zhicheng.standards.models.catalogue import Catalogue
from zhicheng.storage.live import State
from zhicheng.storage.log import Batch
from zhicheng.storage.port import Store

_NEVER = 2**62
_KEPT = 12
_ENTITIES = 500_000
"""How many states are kept, and how many entities they may hold together; the newest is always kept."""


class Past:
    """The city as it was at an instant, by all that is known now: what the time slider shows.

    A state is forgotten when something is recorded that changes it: a late row, a correction. To be used from one
    event loop; states are read as the live one is, with their lock held, and never written.
    """

    def __init__(self, store: Store, models: Catalogue) -> None:
        self._store = store
        self._models = models
        self._kept: OrderedDict[int, asyncio.Task[State]] = OrderedDict()
        self._spoilt = _NEVER
        self._mark = threading.Lock()
        self._one = asyncio.Semaphore(1)
        store.listen(self._heard)

    async def at(self, instant: int) -> State:
        """The state as of an instant, in microseconds."""
        self._drop_spoilt()
        found = self._kept.get(instant)
        if found is None:
            found = self._kept[instant] = asyncio.create_task(self._made(instant))
            found.add_done_callback(lambda task: self._failed(instant, task))
        self._kept.move_to_end(instant)
        self._drop_oldest()
        return await asyncio.shield(found)

    async def _made(self, instant: int) -> State:
        async with self._one:  # each takes a processor for itself
            return await asyncio.to_thread(self._make, instant)

    def _make(self, instant: int) -> State:
        state = self._store.as_of(instant)
        complete(state, self._store.state, self._models, instant)
        return state

    def _failed(self, instant: int, task: asyncio.Task[State]) -> None:
        if (task.cancelled() or task.exception() is not None) and self._kept.get(instant) is task:
            del self._kept[instant]

    def _heard(self, batch: Batch) -> None:
        """From the writer's thread: from which instant on the past is not what it was."""
        if not len(batch):
            return
        amending = bool((batch.changes.act >= Act.CORRECT).any())
        since = -_NEVER if amending else int(np.minimum(batch.effective, batch.recorded_at).min())
        with self._mark:
            self._spoilt = min(self._spoilt, since)

    def _drop_spoilt(self) -> None:
        with self._mark:
            since, self._spoilt = self._spoilt, _NEVER
        for instant in [instant for instant in self._kept if instant >= since]:
            del self._kept[instant]

    def _drop_oldest(self) -> None:
        while len(self._kept) > 1 and (len(self._kept) > _KEPT or self._entities() > _ENTITIES):
            self._kept.popitem(last=False)

    def _entities(self) -> int:
        made = (task for task in self._kept.values() if task.done() and not task.cancelled() and not task.exception())
        return sum(len(task.result()) for task in made)


_NEWEST: WeakKeyDictionary[State, dict[str, int]] = WeakKeyDictionary()


def newest_of(state: State) -> dict[str, int]:
    """The same of a past state that does not change, remembered."""
    known = _NEWEST.get(state)
    if known is None:
        known = _NEWEST[state] = newest(state)
    return known


def newest(state: State) -> dict[str, int]:
    """When each source last said something that holds in a state: the latest effective time of its values."""
    found: dict[str, int] = {}
    with state.lock:
        for table in state.tables:
            for cells in table.columns.values():
                codes = cells.codes["source"][: cells.count]
                present = (codes >= 0) & (cells.form > 0)
                latest = np.full(len(cells.pools["source"].values), -_NEVER)
                np.maximum.at(latest, codes[present], cells.arrays["effective"][: cells.count][present])
                for source, at in zip(cells.pools["source"].values, latest.tolist(), strict=True):
                    found[source] = max(found.get(source, -_NEVER), at)
    return found
