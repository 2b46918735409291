"""What an application shows of its own: a view is a pure function from the city at an instant to a document.

The server gives each view a path, asks for the right to it, and hands in the city as far as the asker may see it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, TypeVar

import pyarrow as pa

from zhicheng.kernel.errors import Language
from zhicheng.standards.models.model import Label
from zhicheng.standards.ngsild.model import Entity, Json

T = TypeVar("T")
JSON = "application/json"


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


@dataclass(frozen=True, slots=True)
class Asked:
    """How a view is asked: parameters of the query string, the media type to answer in, the language of texts."""

    query: Mapping[str, str]
    media: str = JSON
    language: Language = "zh"


@dataclass(frozen=True, slots=True)
class Ask:
    """A parameter of a view."""

    name: str
    label: Label
    number: bool = False


Answered: TypeAlias = "Json | bytes"
"""A document, or a body that is already encoded in the media type asked for."""


@dataclass(frozen=True, slots=True)
class View:
    """A view, served at /api/v1/apps/APP/NAME to whoever may read entities; `at` is a parameter of each.

    answer: (seen, asked, the application's parameters) -> document; errors are those of `kernel.errors`
    path: the path of a standard, at which it is served too
    media: in which types it can be had, the usual one first
    """

    name: str
    label: Label
    answer: Callable[[Seen, Asked, Any], Answered]
    parameters: tuple[Ask, ...] = ()
    path: str = ""
    media: tuple[str, ...] = (JSON,)
