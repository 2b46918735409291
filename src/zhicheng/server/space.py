"""A tenant at work: its store, and the hub and contexts over it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock

from zhicheng.hub.intake import Intake, IntakeSettings
from zhicheng.hub.query import Query
from zhicheng.hub.readings import Readings
from zhicheng.hub.temporal import Temporal
from zhicheng.server.past import Past
from zhicheng.standards.models.catalogue import Catalogue
from zhicheng.standards.ngsild.context import Contexts
from zhicheng.standards.ngsild.model import Json
from zhicheng.storage.engines.embedded.store import EmbeddedStore


@dataclass(frozen=True, slots=True)
class Space:
    """One tenant: nothing of another can be reached from it."""

    tenant: str
    store: EmbeddedStore
    models: Catalogue
    contexts: Contexts
    intake: Intake
    readings: Readings
    query: Query
    temporal: Temporal
    past: Past
    keeping: Lock = field(default_factory=Lock)
    """Held while reference tables are replaced in part."""


def make_space(
    tenant: str, store: EmbeddedStore, models: Catalogue, documents: Mapping[str, Json], checks: IntakeSettings
) -> Space:
    """The hub over a store; `documents` are the contexts of the city's file and those that clients uploaded."""
    contexts = Contexts(documents, models=models.context())  # type: ignore[arg-type]  # a dict of dicts of str is Json
    intake = Intake(store, models, checks)
    query = Query(store)
    return Space(
        tenant, store, models, contexts, intake, Readings(intake), query, Temporal(store, query), Past(store, models)
    )
