"""Texts can be read: their contrast with each ground they stand on is at least WCAG's 4.5 to 1, light and dark."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

CSS = (Path(__file__).parents[2] / "web/src/tokens.css").read_text()
ON_GROUNDS = {
    "text": ("surface", "sunken", "hover", "raised", "land"),
    "muted": ("surface", "sunken", "hover", "land"),
    "accent": ("surface", "hover"),
    "bad": ("surface",),
    "warn-text": ("warn",),
    "on-accent": ("accent",),
}


def _themes() -> dict[str, dict[str, str]]:
    light, dark = re.findall(r"\{(.*?)\}", CSS, re.S)
    return {
        name: dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block))
        for name, block in (("light", light), ("dark", dark))
    }


def _luminance(color: str) -> float:
    parts = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(
    ("ink", "ground"), [(ink, ground) for ink, grounds in ON_GROUNDS.items() for ground in grounds]
)
def test_contrast(theme: str, ink: str, ground: str) -> None:
    colors = _themes()[theme]
    darker, lighter = sorted((_luminance(colors[ink]), _luminance(colors[ground])))
    assert (lighter + 0.05) / (darker + 0.05) >= 4.5


def test_both_themes_have_the_same_tokens() -> None:
    themes = _themes()
    assert themes["light"].keys() == themes["dark"].keys()
