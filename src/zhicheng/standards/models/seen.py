"""The city at an instant, as whatever reads some of its entities sees it: by short names of the city's models."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Protocol, TypeVar

import pyarrow as pa

from zhicheng.standards.ngsild.model import Entity

T = TypeVar("T")


class Seen(Protocol):
    """The city at an instant. Types and attributes by the short names of the city's models, or IRIs."""

    now: int
    """The instant, microseconds."""
    stale: frozenset[str]
    """Sources that were out of date then."""

    def some(self, type_: str, attribute: str = "", values: Collection[str] = ()) -> list[Entity]:
        """The entities of a type; with an attribute, those of which it is, or points to, one of these values."""

    def one(self, identifier: str) -> Entity | None:
        """The entity of an id."""

    def made(self, tables: str, make: Callable[[Mapping[str, pa.Table]], T]) -> T | None:
        """What `make` makes of a set of reference tables, once for each version; None where there is no such set."""
