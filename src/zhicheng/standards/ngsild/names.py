"""What may be a URI, a name or a scope (GS CIM 009 clauses 4.6.2, 4.18), and the IRIs of the standard itself."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Generic, TypeVar

NAMESPACE = "https://uri.etsi.org/ngsi-ld/"
DEFAULT_VOCABULARY = NAMESPACE + "default-context/"
"""Where names go that no @context knows."""

NULL = "urn:ngsi-ld:null"
"""NGSI-LD Null: in a fragment, "take this away"; in history, "was taken away"."""

LOCATION = NAMESPACE + "location"
OWNER, CLASSIFICATION = DEFAULT_VOCABULARY + "owner", DEFAULT_VOCABULARY + "classification"
"""What an entity as a whole says of whose it is and who may see it; policies ask for them."""
LONGEST = 2048
"""Characters in a URI or name; longer ones are a mistake or an attack."""

_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:[^\s<>\"{}|\\^`\x00-\x1f\x7f]+")
_SCOPE = re.compile(r"/?[^\W\d_]\w*(?:/[^\W\d_]\w*)*")

Key = TypeVar("Key")
Value = TypeVar("Value")


class Memo(dict[Key, Value], Generic[Key, Value]):
    """A dict that computes what it lacks and never outgrows `most`: the fastest cache of a pure function.

    >>> squares = Memo(lambda n: n * n)
    >>> squares[3], len(squares)
    (9, 1)
    """

    __slots__ = ("compute", "most")

    def __init__(self, compute: Callable[[Key], Value], most: int = 8192) -> None:
        super().__init__()
        self.compute = compute
        self.most = most

    def __missing__(self, key: Key) -> Value:
        value = self.compute(key)
        if len(self) >= self.most:
            self.clear()
        self[key] = value
        return value


def is_uri(text: object) -> bool:
    """Whether it is an absolute URI; letters beyond ASCII are allowed, as in IRIs.

    >>> [is_uri(text) for text in ("urn:ngsi-ld:Bus:7", "urn:公交:7", "https://x.org/a?b", "Bus7", "urn:a b", 7)]
    [True, True, True, False, False, False]
    """
    return type(text) is str and len(text) <= LONGEST and _URI.fullmatch(text) is not None


def is_name(text: str) -> bool:
    """Whether it is a plain name: a letter, then letters, numbers and underscores, of any script.

    >>> [is_name(text) for text in ("speed", "空气质量", "pm2_5", "2nd", "a-b", "")]
    [True, True, True, False, False, False]
    """
    return text[:1].isalpha() and text.replace("_", "a").isalnum() and len(text) <= LONGEST


def scope_of(text: object) -> str | None:
    """A scope in its one form, with a leading slash; None where it is not a scope.

    >>> scope_of("Madrid/Gardens"), scope_of("/上海/浦东"), scope_of("/a//b"), scope_of("#")
    ('/Madrid/Gardens', '/上海/浦东', None, None)
    """
    if type(text) is not str or len(text) > LONGEST or not _SCOPE.fullmatch(text):
        return None
    return text if text[0] == "/" else "/" + text
