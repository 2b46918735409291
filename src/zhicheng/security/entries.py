"""An entry of the log of acts: who did what, when, to what, with which outcome; one line of JSON for ever."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import cast

import orjson

from zhicheng.kernel import instants
from zhicheng.kernel.errors import Corrupt
from zhicheng.standards.ngsild.model import Json

LONGEST = 1024
"""Characters of one text: what outsiders send must not fill the log."""
_OPTIONAL = ("resource", "purpose", "network", "request", "why")
BEGINNING = b'{"action":'
"""How the line of every entry begins, and no other line does: keys are sorted."""


class Act(StrEnum):
    """What kind of act it was."""

    SIGN_IN = "sign-in"
    DECISION = "decision"
    """A decision on protected data, whatever it was."""
    ADMINISTRATION = "administration"
    EXPORT = "export"
    REFUSAL = "refusal"
    KEY = "key"
    """The log's own key came into use; facts: public, and after the first: previous, endorsement."""


class Outcome(StrEnum):
    """What came of it."""

    ALLOWED = "allowed"
    DENIED = "denied"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Entry:
    """One act.

    at: microseconds; action: as security/actions.py or a policy names it; resource: what it was done to
    purpose, network, request: what it was for, the address it came from, the id of the request
    why: what decided (a policy's id, an error's code); facts: a few more values
    """

    at: int
    kind: Act
    action: str
    outcome: Outcome
    principal: str
    tenant: str
    resource: str | None = None
    purpose: str | None = None
    network: str | None = None
    request: str | None = None
    why: str | None = None
    facts: Mapping[str, str] | None = None

    def line(self) -> bytes:
        r"""The entry as it is stored: JSON with sorted keys in UTF-8, without what is absent; no line break in it.

        >>> Entry(0, Act.SIGN_IN, "sign-in", Outcome.DENIED, "a\nb", "t").line().decode()[-27:]
        'cipal":"a\\nb","tenant":"t"}'
        """
        held: dict[str, object] = {
            "action": _short(self.action),
            "at": instants.format(self.at),
            "kind": self.kind,
            "outcome": self.outcome,
            "principal": _short(self.principal),
            "tenant": _short(self.tenant),
        }
        for name in _OPTIONAL:
            text: str | None = getattr(self, name)
            if text is not None:
                held[name] = _short(text)
        if self.facts:
            held["facts"] = {_short(name): _short(value) for name, value in self.facts.items()}
        try:
            return orjson.dumps(held, option=orjson.OPT_SORT_KEYS)
        except TypeError:  # half of a surrogate pair
            return orjson.dumps(_written(held), option=orjson.OPT_SORT_KEYS)


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _written(value: object) -> object:
    """The same with whatever is no text replaced."""
    if isinstance(value, dict):
        return {_written(key): _written(each) for key, each in value.items()}
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


def entry_of(line: bytes) -> Entry:
    """The entry that a stored line holds; what a later version added is left out.

    >>> entry = Entry(1_500_000, Act.EXPORT, "entities:read", Outcome.ALLOWED, "clerk", "t", why="p1")
    >>> entry_of(entry.line()) == entry
    True
    """
    try:
        held = cast("dict[str, Json]", orjson.loads(line))
        facts = held.get("facts")
        resource, purpose, network, request, why = (_text(held.get(name)) for name in _OPTIONAL)
        return Entry(
            instants.parse(str(held["at"])), Act(str(held["kind"])), str(held["action"]),
            Outcome(str(held["outcome"])), str(held["principal"]), str(held["tenant"]),
            resource, purpose, network, request, why,
            {name: str(value) for name, value in facts.items()} if isinstance(facts, dict) else None,
        )  # fmt: skip
    except (ValueError, KeyError, TypeError) as error:
        raise Corrupt(
            f"A line of the log of acts is no entry: {error}", f"审计日志中有一行不是有效记录：{error}"
        ) from None


def _text(value: Json) -> str | None:
    return None if value is None else str(value)
