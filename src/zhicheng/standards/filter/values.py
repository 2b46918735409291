"""What a term says of one value: the semantics of CIM 009 4.9 that all evaluators share.

A target is what a path leads to in one attribute instance. An equality asks whether any of its atoms is equal, an
inequality whether none is; order and patterns ask any atom of a single value or a language map, never a list or a
reference (4.9: "data type different", "Relationship ... any operator different than equal or unequal").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from zhicheng.standards.filter import patterns
from zhicheng.standards.filter.moments import moment
from zhicheng.standards.filter.tree import ANY, Between, Compare, Exists, In, Matches, Operand, Order, Term
from zhicheng.standards.ngsild.model import Json, Kind

SIGNS: dict[Order, frozenset[int]] = {
    "==": frozenset((0,)),
    "<": frozenset((-1,)),
    ">": frozenset((1,)),
    "<=": frozenset((-1, 0)),
    ">=": frozenset((0, 1)),
}
"""Results of `compare` that fulfil an order."""
REFERENCES = frozenset((Kind.RELATIONSHIP, Kind.LIST_RELATIONSHIP))


@dataclass(frozen=True, slots=True)
class Target:
    """What is compared: its atoms, and whether order and patterns apply to them."""

    atoms: tuple[Json, ...]
    ordered: bool = True


def target(kind: int, value: Json, trail: tuple[str, ...] = ()) -> Target | None:
    """What the trail leads to in a value of a kind; None where it leads nowhere.

    >>> target(Kind.LANGUAGE, {"en": "red", "fr": "rouge"}, ("en",))
    Target(atoms=('red',), ordered=True)
    """
    if kind == Kind.LANGUAGE and isinstance(value, dict):
        return _language(value, trail)
    if kind in REFERENCES or kind == Kind.VOCABULARY:
        if trail:
            return None
        return Target(_atoms(value), kind == Kind.VOCABULARY and not isinstance(value, list))
    for step in trail:
        if isinstance(value, dict) and step in value:
            value = value[step]
        elif isinstance(value, list) and step.isdecimal() and len(step) < 9 and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return Target(_atoms(value), not isinstance(value, list))


def _language(value: dict[str, Json], trail: tuple[str, ...]) -> Target | None:
    if len(trail) > 1:
        return None
    tag = trail[0].lower() if trail else ANY
    chosen = [words for key, words in value.items() if tag in (ANY, key.lower())]
    if trail and not chosen:
        return None
    return Target(tuple(atom for words in chosen for atom in _atoms(words)))


def _atoms(value: Json) -> tuple[Json, ...]:
    return tuple(_plain(item) for item in value) if isinstance(value, list) else (_plain(value),)


def _plain(value: Json) -> Json:
    """A JSON-LD typed value's lexical form."""
    return value["@value"] if isinstance(value, dict) and "@value" in value else value


def compare(atom: Json, operand: Operand) -> Literal[-1, 0, 1] | None:
    """How an atom stands to an operand: below, equal, above; None if their types differ.

    >>> compare(5, Operand("number", 5.0)), compare("5", Operand("number", 5))
    (0, None)
    """
    wanted: int | float | str = operand.value
    if operand.kind == "text":
        if not isinstance(atom, str):
            return None
        mine, theirs = moment(atom), moment(str(wanted))
        if mine and theirs and mine[0] == theirs[0]:
            return _sign(mine[1], theirs[1])
        return _sign(atom, wanted)
    if operand.kind in ("instant", "time"):
        mine = moment(atom) if isinstance(atom, str) else None
        return _sign(mine[1], wanted) if mine and mine[0] == operand.kind else None
    if isinstance(atom, bool) != (operand.kind == "boolean") or not isinstance(atom, int | float):
        return None
    return _sign(atom, wanted)


def _sign(left: int | float | str, right: int | float | str) -> Literal[-1, 0, 1]:
    return 0 if left == right else -1 if left < right else 1  # type: ignore[operator]  # callers pass like types


def holds(term: Term, found: Target) -> bool:
    """Whether a target fulfils a term.

    >>> from zhicheng.standards.filter.tree import Path
    >>> holds(Compare(Path("urn:tags"), "!=", Operand("text", "a")), Target(("a", "b"), False))
    False
    """
    match term:
        case Exists():
            return True
        case Compare(order="!="):
            return not _equals(found, (term.operand,))
        case Compare(order="=="):
            return _equals(found, (term.operand,))
        case Compare():
            signs = SIGNS[term.order]
            return found.ordered and any(compare(atom, term.operand) in signs for atom in found.atoms)
        case In():
            return _equals(found, term.operands) != term.negated
        case Between():
            return (found.ordered and any(_between(atom, term) for atom in found.atoms)) != term.negated
        case Matches():
            texts = [atom for atom in found.atoms if isinstance(atom, str)]
            if not found.ordered or not texts:
                return False
            return bool(patterns.search(term.pattern, texts).any()) != term.negated


def _equals(found: Target, operands: tuple[Operand, ...]) -> bool:
    return any(compare(atom, operand) == 0 for atom in found.atoms for operand in operands)


def _between(atom: Json, term: Between) -> bool:
    return compare(atom, term.low) in (0, 1) and compare(atom, term.high) in (-1, 0)
