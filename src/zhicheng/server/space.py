"""A tenant at work: its store, and the hub and contexts over it."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock

from zhicheng.hub.classified import Classified
from zhicheng.hub.intake import Intake, IntakeSettings
from zhicheng.hub.query import Query
from zhicheng.hub.readings import Readings
from zhicheng.hub.temporal import Temporal
from zhicheng.hub.veil import Veil
from zhicheng.hub.veiled_store import VeiledStore
from zhicheng.server.past import Past
from zhicheng.standards.models.catalogue import Catalogue
from zhicheng.standards.ngsild.context import Contexts
from zhicheng.standards.ngsild.model import Json
from zhicheng.standards.ngsild.names import LOCATION
from zhicheng.storage.engines.embedded.store import EmbeddedStore
from zhicheng.storage.live import State
from zhicheng.storage.port import Store
from zhicheng.storage.records import Records


@dataclass(frozen=True, slots=True, eq=False)
class Space:
    """One tenant: nothing of another can be reached from it."""

    tenant: str
    store: Store
    models: Catalogue
    contexts: Contexts
    intake: Intake
    readings: Readings
    query: Query
    temporal: Temporal
    past: Past | VeiledPast
    classified: Classified
    engine: EmbeddedStore | None = None
    """The store itself, for what reads its files; None for who sees only a part of it."""
    number: int = field(default_factory=itertools.count().__next__)
    """Tells spaces apart, also those of one tenant: what is remembered of one is not for another."""
    keeping: Lock = field(default_factory=Lock)
    """Held while reference tables are replaced in part."""


def make_space(
    tenant: str, store: EmbeddedStore, records: Records, models: Catalogue, documents: Mapping[str, Json],
    checks: IntakeSettings,
) -> Space:  # fmt: skip
    """The hub over a store; `documents` are the contexts of the city's file and those that clients uploaded."""
    contexts = Contexts(documents, models=models.context())  # type: ignore[arg-type]  # a dict of dicts of str is Json
    intake = Intake(store, models, checks)
    query = Query(store)
    return Space(
        tenant,
        store,
        models,
        contexts,
        intake,
        Readings(intake),
        query,
        Temporal(store, query),
        Past(store, models),
        Classified(store, records),
        store,
    )


def whole(space: Space) -> Store:
    """The store of the whole tenant, for what veils its answers itself."""
    return space.store.behind if isinstance(space.store, VeiledStore) else space.store


class VeiledPast:
    """Past states as far as they may be seen; made once for all who look."""

    def __init__(self, past: Past, store: VeiledStore) -> None:
        self._past = past
        self._store = store

    async def at(self, instant: int) -> State:
        """See `Past`."""
        return self._store.veiled(await self._past.at(instant))


def veiled(space: Space, veil: Veil) -> Space:
    """The same tenant for those who may see, or write, a part of it only."""
    assert isinstance(space.past, Past)  # of the whole tenant
    store = VeiledStore(space.store, veil, LOCATION)
    intake = Intake(store, space.models, space.intake.settings)
    query = Query(store)
    return Space(
        space.tenant, store, space.models, space.contexts, intake, Readings(intake), query, Temporal(store, query),
        VeiledPast(space.past, store), space.classified, keeping=space.keeping,
    )  # fmt: skip
