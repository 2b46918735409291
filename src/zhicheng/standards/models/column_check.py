"""The model check of rows of the log: kinds, forms, units and ranges column-wise, words once per distinct text."""

from __future__ import annotations

import json
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from zhicheng.standards import units
from zhicheng.standards.changes import Act, Form
from zhicheng.standards.models.check import allowed_kinds, check_value
from zhicheng.standards.models.violations import quality_of
from zhicheng.standards.ngsild.model import Attribute, Kind, Quality

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from zhicheng.kernel.columns import F8, I1, I4, I8, Mask
    from zhicheng.standards.changes import Changes
    from zhicheng.standards.models.catalogue import Catalogue
    from zhicheng.standards.models.model import AttributeModel, Model
    from zhicheng.standards.models.violations import Violation
    from zhicheng.standards.ngsild.model import Json

_FORMS = {
    "number": (Form.NUMBER,),
    "integer": (Form.NUMBER,),
    "string": (Form.TEXT,),
    "boolean": (Form.BOOLEAN,),
}
_EVERY = np.uint32(0xFFFFFFFF)
_CARRYING = (Act.OBSERVE, Act.SET, Act.CORRECT)


class Table(NamedTuple):
    """What the models ask of each (model, attribute) pair, flat; the last cell asks nothing.

    kinds, forms: bit masks; lowest, highest: in the model's unit; whole: integers only
    worded, structured: its texts, its JSON go through the schema
    attributes: the pair's attribute; None for the last, and for one the model does not have
    """

    kinds: npt.NDArray[np.uint32]
    forms: npt.NDArray[np.uint32]
    lowest: F8
    highest: F8
    whole: Mask
    worded: Mask
    structured: Mask
    attributes: list[AttributeModel | None]


def models_of(changes: Changes, catalogue: Catalogue, types: Mapping[str, Sequence[str]]) -> tuple[list[Model], I4]:
    """The models the changes fall under, and for each distinct entity (`changes.entity.values`) which, -1 for none.

    `types`: of the entities that exist; the others' come with the changes.
    """
    models: dict[str, int] = {}
    found: list[Model] = []
    which = np.full(len(changes.entity.values), -1, np.int32)
    for code, entity in enumerate(changes.entity.values):
        model = catalogue.first(types.get(entity) or changes.types.get(entity, ()))
        if model is not None:
            which[code] = models.setdefault(model.iri, len(found))
            if which[code] == len(found):
                found.append(model)
    return found, which


def check_columns(changes: Changes, models: Sequence[Model], which: I4) -> I1:
    """Quality bits of each row: MODEL for a wrong kind, form, unit or word, RANGE for a number out of range.

    `which[k]` is the place in `models` of the model of `changes.entity.values[k]`, -1 where it has none
    (`models_of` makes both). Rows without a value, and attributes no model knows, get no bit.
    """
    if not models or not len(changes):
        return np.zeros(len(changes), np.uint8)
    table = _table(tuple(models), tuple(changes.attribute.values))
    cell = _cells(changes, which, len(models))
    kind, form = changes.kind.astype(np.uint32), changes.form.astype(np.uint32)
    main = np.isin(changes.kind, (Kind.PROPERTY, Kind.RELATIONSHIP, Kind.GEO))
    wrong = ((table.kinds[cell] >> kind) & 1) == 0
    wrong |= main & (((table.forms[cell] >> form) & 1) == 0)
    number, unit_wrong = _in_model_units(changes, cell, table)
    wrong |= unit_wrong
    numbers = (changes.form == Form.NUMBER) & ~wrong
    wrong |= numbers & table.whole[cell] & (number != np.floor(number))
    wrong |= numbers & _not_a_choice(number, cell, table)
    outside = numbers & ((number < table.lowest[cell]) | (number > table.highest[cell]))
    bits = np.where(wrong, Quality.MODEL, 0) | np.where(outside, Quality.RANGE, 0)
    return (bits | _worded(changes, cell, table, models, ~wrong)).astype(np.uint8)


def explain(changes: Changes, row: int, model: Model) -> list[Violation]:
    """In words, what in one row breaks the model: for the report of refused rows."""
    attribute = model.attributes.get(changes.attribute[row] or "")
    if attribute is None or changes.form[row] == Form.NOTHING:
        return []
    return check_value(_instance(changes, row), attribute, model)


def _instance(changes: Changes, row: int) -> Attribute:
    return Attribute(Kind(int(changes.kind[row])), _value(changes, row), unit=changes.unit[row])


def _value(changes: Changes, row: int) -> Json:
    form, number, text = changes.form[row], float(changes.number[row]), changes.text[row]
    if form == Form.NUMBER:
        return int(number) if number.is_integer() else number
    if form == Form.BOOLEAN:
        return bool(number)
    if form == Form.JSON:
        with suppress(ValueError):
            value: Json = json.loads(text or "null")
            return value
    return text


@lru_cache(maxsize=64)
def _table(models: tuple[Model, ...], attributes: tuple[str, ...]) -> Table:
    cells = [model.attributes.get(iri) for model in models for iri in attributes]
    cells.append(None)
    return Table(
        kinds=np.array([_mask(allowed_kinds(cell)) if cell else _EVERY for cell in cells], np.uint32),
        forms=np.array([_mask(_forms(cell)) if cell else _EVERY for cell in cells], np.uint32),
        lowest=np.array([cell.lowest if cell else -np.inf for cell in cells]),
        highest=np.array([cell.highest if cell else np.inf for cell in cells]),
        whole=np.array([cell is not None and (cell.range == {"integer"}) for cell in cells]),
        worded=np.array([cell is not None and cell.kind is Kind.PROPERTY and cell.worded for cell in cells]),
        structured=np.array([cell is not None and cell.kind is Kind.PROPERTY for cell in cells]),
        attributes=cells,
    )


def _mask(members: frozenset[Kind] | frozenset[Form]) -> int:
    return sum(1 << int(member) for member in members)


def _forms(attribute: AttributeModel) -> frozenset[Form]:
    """Forms a value of the attribute may be stored in; what is inside JSON the schema sees."""
    if attribute.kind is Kind.GEO:
        return frozenset({Form.JSON})
    if attribute.kind is Kind.RELATIONSHIP:
        return frozenset({Form.TEXT, Form.JSON})
    types = attribute.range | attribute.items
    if not types:
        return frozenset(Form)
    return frozenset({Form.JSON, *(form for name in types for form in _FORMS.get(name, ()))})


def _cells(changes: Changes, which: I4, models: int) -> I8:
    """The place in the table of each row; the last one where nothing is asked."""
    attributes = len(changes.attribute.values)
    model = which[changes.entity.codes].astype(np.int64)
    asked = (model >= 0) & (changes.attribute.codes >= 0) & (changes.form != Form.NOTHING)
    asked &= np.isin(changes.act, _CARRYING)
    cells: I8 = np.where(asked, model * attributes + changes.attribute.codes, models * attributes)
    return cells


def _in_model_units(changes: Changes, cell: I8, table: Table) -> tuple[F8, Mask]:
    """The numbers in the models' units, and which rows have a unit that does not convert."""
    number = changes.number
    wrong = np.zeros(len(changes), np.bool_)
    given = np.flatnonzero(changes.unit.codes >= 0)
    if not len(given):
        return number, wrong
    number = number.copy()
    count = len(changes.unit.values)
    pairs, place = np.unique(cell[given] * count + changes.unit.codes[given], return_inverse=True)
    for ordinal, pair in enumerate(pairs.tolist()):
        attribute, unit = table.attributes[pair // count], changes.unit.values[pair % count]
        if attribute is None or attribute.unit is None or attribute.unit == unit:
            continue
        rows = given[place == ordinal]
        if units.comparable(unit, attribute.unit):
            number[rows] = units.convert_column(number[rows], unit, attribute.unit)
        else:
            wrong[rows] = True
    return number, wrong


def _not_a_choice(number: F8, cell: I8, table: Table) -> Mask:
    """Numbers that are not in the list of an attribute that has one."""
    wrong = np.zeros(len(number), np.bool_)
    for place, attribute in enumerate(table.attributes):
        chosen = [choice for choice in attribute.choices if isinstance(choice, int | float)] if attribute else []
        if chosen:
            wrong |= (cell == place) & ~np.isin(number, chosen)
    return wrong


def _worded(changes: Changes, cell: I8, table: Table, models: Sequence[Model], fit: Mask) -> I1:
    """Bits of the rows whose text or JSON the schema refuses; each distinct one is asked once."""
    bits = np.zeros(len(changes), np.uint8)
    attributes = len(changes.attribute.values)
    asked = np.where(
        changes.form == Form.JSON, table.structured[cell], (changes.form == Form.TEXT) & table.worded[cell]
    )
    rows = np.flatnonzero(fit & asked)
    if not len(rows):
        return bits
    count = len(changes.text.values)
    pairs = cell[rows] * count + changes.text.codes[rows]
    _, first, place = np.unique(pairs, return_index=True, return_inverse=True)
    verdict = np.zeros(len(first), np.uint8)
    for ordinal, row in enumerate(rows[first].tolist()):
        attribute = table.attributes[int(cell[row])]
        if attribute is not None:
            model = models[int(cell[row]) // attributes]
            verdict[ordinal] = quality_of(check_value(_instance(changes, row), attribute, model))
    bits[rows] = verdict[place]
    return bits
