"""What an application shows of its own: a view is a pure function from the city at an instant to a document.

The server gives each view a path, asks for the right to it, and hands in the city as far as the asker may see it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf
from typing import Any, TypeAlias

from zhicheng.kernel.errors import Language
from zhicheng.standards.models.model import Label
from zhicheng.standards.models.seen import Seen
from zhicheng.standards.ngsild.model import Json

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Asked:
    """How a view is asked: parameters of the query string, the media type to answer in, the language of texts."""

    query: Mapping[str, str]
    media: str = JSON
    language: Language = "zh"

    def number(self, name: str, usual: float, least: float = -inf, most: float = inf) -> float:
        """A number asked for, or the usual one, brought within bounds.

        >>> Asked({"count": "50"}).number("count", 5, 1, 20), Asked({}).number("count", 5)
        (20, 5.0)
        """
        return min(max(float(self.query.get(name, usual)), least), most)


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
