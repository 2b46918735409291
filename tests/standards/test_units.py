"""Units convert there and back, and only within their quantity."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhicheng.kernel.errors import Invalid
from zhicheng.standards.units import UNITS, comparable, convert, convert_column, unit

CODES = st.sampled_from(sorted(UNITS))


@pytest.mark.parametrize(
    ("value", "source", "target", "result"),
    [
        (212, "FAH", "CEL", 100),
        (0, "CEL", "KEL", 273.15),
        (-40, "FAH", "CEL", -40),
        (36, "KMH", "MTS", 10),
        (1, "KNT", "KMH", 1.852),
        (60, "HM", "KMH", 96.56064),
        (1, "KWH", "JOU", 3.6e6),
        (1013.25, "A97", "KPA", 101.325),
        (180, "DD", "C81", np.pi),
        (55, "P1", "C62", 0.55),
        (1, "MQH", "E32", 1000),
        (250, "GQ", "GP", 0.25),
        (25, "H67", "MTS", 25e-3 / 3600),
        (2, "H18", "KMK", 0.02),
    ],
)
def test_known_conversions(value: float, source: str, target: str, result: float) -> None:
    assert convert(value, source, target) == pytest.approx(result)
    assert convert_column(np.array([value, value]), source, target).tolist() == pytest.approx([result, result])


@given(CODES, CODES, st.floats(-1e6, 1e6))
def test_there_and_back_or_not_at_all(source: str, target: str, value: float) -> None:
    if comparable(source, target):
        back = convert(convert(value, source, target), target, source)
        assert back == pytest.approx(value, rel=1e-9, abs=1e-6)
        assert comparable(target, source)
    else:
        assert UNITS[source].quantity != UNITS[target].quantity
        with pytest.raises(Invalid):
            convert(value, source, target)


def test_every_unit_has_names_and_its_quantity_an_si_unit() -> None:
    for code, found in UNITS.items():
        assert found.code == code
        assert found.name("en").isascii()
        assert not found.name("zh").isascii()
        assert found.factor > 0
    # information and density are held in field units only
    anchored = {found.quantity for found in UNITS.values() if found.factor == 1 and not found.offset}
    assert {found.quantity for found in UNITS.values()} - anchored == {"information", "density", "conductivity"}


def test_an_unknown_code_is_named() -> None:
    with pytest.raises(Invalid, match="'KMPH' is not a UN/CEFACT unit code"):
        unit("KMPH")
    assert not comparable("KMPH", "KMH")
    assert comparable("KMPH", "KMPH")
