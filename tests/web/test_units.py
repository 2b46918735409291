"""The page's unit symbols are those of the platform."""

from __future__ import annotations

import re
from pathlib import Path

from zhicheng.standards.units import UNITS

SOURCE = (Path(__file__).parents[2] / "web/src/text/format.ts").read_text()


def test_symbols_agree() -> None:
    table = re.search(r"UNITS: Record<string, string> = \{(.*?)\};", SOURCE, re.S)
    assert table
    symbols = dict(re.findall(r'"?(\w+)"?: "([^"]*)"', table[1]))
    assert len(symbols) > 20
    assert symbols == {code: UNITS[code].symbol for code in symbols}
