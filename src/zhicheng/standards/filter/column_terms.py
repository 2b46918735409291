"""Terms on columns: numbers and instants at once, text and JSON once a distinct value through `values.holds`."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator

import numpy as np
import orjson

from zhicheng.kernel import instants
from zhicheng.kernel.columns import F8, I8, Coded, Mask
from zhicheng.standards.changes import Form
from zhicheng.standards.filter import patterns
from zhicheng.standards.filter.document import below
from zhicheng.standards.filter.moments import moment
from zhicheng.standards.filter.source import Cells, ReadSub, Source, by_text
from zhicheng.standards.filter.tree import (
    ATTRIBUTE_MEMBERS,
    DEFAULT_INSTANCE,
    ENTITY_MEMBERS,
    Between,
    Compare,
    Exists,
    In,
    Matches,
    Operand,
    Order,
    Term,
)
from zhicheng.standards.filter.values import Target, holds, target
from zhicheng.standards.ngsild.model import Json, Kind

ORDER: dict[Order, Callable[..., Mask]] = {
    "==": np.equal,
    "!=": np.not_equal,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}
TEXT_ORDER: dict[Order, Callable[[str, str], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
Reading = Callable[[Operand], float | None]
"""The number to compare a column with; None for an operand of another type."""


def term_mask(term: Term, source: Source, read_sub: ReadSub) -> Mask:
    """Which rows of the table fulfil a term."""
    path = term.path
    if path.attribute in ENTITY_MEMBERS:
        ticks = source.created_at if ENTITY_MEMBERS[path.attribute] == "createdAt" else source.modified_at
        return _instants(term, ticks)
    mask = np.zeros(source.count, np.bool_)
    for cells in source.cells(path.attribute):
        if path.dataset is None or path.dataset == (cells.dataset or DEFAULT_INSTANCE):
            mask |= _cells_mask(term, cells, read_sub)
    return mask


def _cells_mask(term: Term, cells: Cells, read_sub: ReadSub) -> Mask:
    sub, trail = term.path.sub, term.path.trail
    if not sub:
        return _json(term, cells) if trail else _values(term, cells)
    there = cells.form != Form.NOTHING
    if len(sub) == 1 and sub[0] in ATTRIBUTE_MEMBERS:
        return _member(term, cells, ATTRIBUTE_MEMBERS[sub[0]], there)

    def inner(texts: list[str]) -> Iterator[bool]:
        for text in texts:
            found = (at for each in read_sub(text).get(sub[0], ()) for at in below(each, sub[1:], trail))
            yield any(holds(term, each) for each in found)

    return by_text(cells.sub, there, inner)


def _member(term: Term, cells: Cells, name: str, there: Mask) -> Mask:
    match name:
        case "observedAt":
            return _instants(term, cells.observed_at) & there
        case "createdAt":
            return _instants(term, cells.created_at) & there
        case "modifiedAt":
            return _instants(term, cells.modified_at) & there
        case "unitCode":
            return by_text(cells.unit, there, _text_test(term))
        case _:
            known = cells.dataset is not None and all(_text_test(term)([cells.dataset]))
            return there & known


def _values(term: Term, cells: Cells) -> Mask:
    """The attribute's own value."""
    form = cells.form
    if isinstance(term, Exists):
        return np.not_equal(form, Form.NOTHING)
    mask: Mask = form == Form.NUMBER
    if mask.any():
        mask &= _numbers(term, cells.number)
    texts: Mask = form == Form.TEXT
    if texts.any():
        mask |= _texts(term, cells, texts)
    booleans: Mask = form == Form.BOOLEAN
    if booleans.any():
        mask |= booleans & _ordered(term, cells.number, _boolean)
    mask |= _json(term, cells)
    return mask


def _texts(term: Term, cells: Cells, rows: Mask) -> Mask:
    plain: Mask = rows & (cells.kind == Kind.PROPERTY)
    if isinstance(term, Compare) and term.order == "==" and _plain(term.operand):
        mask = _equal(cells.text, str(term.operand.value)) & plain
    else:
        mask = by_text(cells.text, plain, _text_test(term))
    mask |= _by_kind(term, cells, rows & ~plain, lambda text: text)
    return mask


def _equal(column: Coded, wanted: str) -> Mask:
    """Which rows hold exactly this text."""
    try:
        code = column.values.index(wanted)
    except ValueError:
        return np.zeros(len(column), np.bool_)
    return np.equal(column.codes, code)


def _plain(operand: Operand) -> bool:
    """Whether it is text that tells no time, so that letters decide."""
    return operand.kind == "text" and moment(str(operand.value)) is None


def _json(term: Term, cells: Cells) -> Mask:
    return _by_kind(term, cells, cells.form == Form.JSON, _decoded)


def _decoded(text: str) -> Json:
    try:
        value: Json = orjson.loads(text)
    except orjson.JSONDecodeError:  # a text of another row, that is not JSON
        return None
    return value


def _by_kind(term: Term, cells: Cells, rows: Mask, read: Callable[[str], Json]) -> Mask:
    mask = np.zeros(len(rows), np.bool_)
    if not rows.any():
        return mask
    kinds = cells.kind
    for kind in np.unique(kinds[rows]).tolist():

        def test(texts: list[str], kind: int = kind) -> Iterator[bool]:
            for text in texts:
                found = target(kind, read(text), term.path.trail)
                yield found is not None and holds(term, found)

        mask |= by_text(cells.text, rows & (kinds == kind), test)
    return mask


def _text_test(term: Term) -> Callable[[list[str]], Iterable[bool]]:
    """The term on single texts."""
    if isinstance(term, Matches):
        return lambda texts: patterns.search(term.pattern, texts) != term.negated
    if isinstance(term, Compare) and _plain(term.operand):
        wanted, compare = str(term.operand.value), TEXT_ORDER[term.order]
        return lambda texts: [compare(text, wanted) for text in texts]
    return lambda texts: [holds(term, Target((text,))) for text in texts]


def _operands(term: Term) -> tuple[Operand, ...]:
    match term:
        case Compare():
            return (term.operand,)
        case In():
            return term.operands
        case Between():
            return (term.low, term.high)
        case _:
            return ()


def _numbers(term: Term, column: F8) -> Mask:
    if any(operand.kind == "number" and float(operand.value) != operand.value for operand in _operands(term)):
        return _one_by_one(term, column, float)  # integers that no double holds
    return _ordered(term, column, lambda operand: float(operand.value) if operand.kind == "number" else None)


def _boolean(operand: Operand) -> float | None:
    return float(operand.value) if operand.kind == "boolean" else None


def _instants(term: Term, ticks: I8) -> Mask:
    there: Mask = ticks != instants.ABSENT
    if isinstance(term, Exists):
        return there
    texts = [operand for operand in _operands(term) if operand.kind == "text"]
    if isinstance(term, Matches) or any(_tick(operand) is None for operand in texts):
        mask = np.zeros(len(ticks), np.bool_)
        mask[there] = _one_by_one(term, ticks[there], instants.format)
        return mask
    there &= _ordered(term, ticks, _tick)
    return there


def _tick(operand: Operand) -> float | None:
    if operand.kind == "instant":
        return int(operand.value)
    found = moment(str(operand.value)) if operand.kind == "text" else None
    return found[1] if found and found[0] == "instant" else None


def _one_by_one(term: Term, column: F8 | I8, atom: Callable[..., Json]) -> Mask:
    distinct, places = np.unique(column, return_inverse=True)
    table: Mask = np.array([holds(term, Target((atom(value),))) for value in distinct.tolist()], np.bool_)
    return table[places]


def _ordered(term: Term, column: F8 | I8, read: Reading) -> Mask:
    """A term on a column of one type; operands of another type equal nothing."""
    match term:
        case Compare():
            value = read(term.operand)
            return np.full(len(column), term.order == "!=") if value is None else ORDER[term.order](column, value)
        case In():
            wanted = [value for operand in term.operands if (value := read(operand)) is not None]
            return np.not_equal(np.isin(column, wanted), term.negated)
        case Between():
            low, high = read(term.low), read(term.high)
            if low is None or high is None:
                return np.full(len(column), term.negated)
            return np.not_equal((column >= low) & (column <= high), term.negated)
        case _:
            return np.full(len(column), isinstance(term, Exists))
