"""Every step of every guide is taken, in both languages, as it is written."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.guides.running import Block, Terminal, blocks_of

GUIDES = Path(__file__).parents[2] / "docs" / "guides"
NAMES = ("first-ten-minutes", "operators", "integrators")
LANGUAGES = ("en", "zh")


def page(language: str, name: str) -> str:
    return (GUIDES / language / f"{name}.md").read_text("utf-8")


def without_remarks(blocks: list[Block]) -> list[tuple[str, str, str]]:
    return [(one.kind, one.file, re.sub(r"(?m)^\s*# .*\n|  # .*$", "", one.text)) for one in blocks]


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_every_step_works_as_written(name: str, tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    try:
        for block in blocks_of(page("en", name)):
            terminal.do(block)
    finally:
        terminal.stop()


@pytest.mark.parametrize("name", NAMES)
def test_both_languages_have_the_same_steps(name: str) -> None:
    blocks = {language: without_remarks(blocks_of(page(language, name))) for language in LANGUAGES}
    assert blocks["en"] == blocks["zh"]
    assert len(blocks["en"]) >= 10


def test_there_are_no_other_guides_and_no_other_blocks() -> None:
    assert {path.relative_to(GUIDES).as_posix() for path in GUIDES.rglob("*.md")} == {
        f"{language}/{name}.md" for language in LANGUAGES for name in NAMES
    }
    for language in LANGUAGES:
        for name in NAMES:
            text = page(language, name)
            assert text.count("```") == 2 * len(blocks_of(text)), "a block that nobody types"


def test_a_wrong_step_and_a_wrong_output_are_found(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    terminal.do(Block("sh", "", "KEPT=one\necho one two 8800\n"))
    terminal.do(Block("text", "", "one ... 8800\n"))
    terminal.do(Block("sh", "", 'test "$KEPT" = one\n'))
    with pytest.raises(AssertionError):
        terminal.do(Block("sh", "", "false\ntrue\n"))
    with pytest.raises(AssertionError):
        terminal.do(Block("text", "", "three\n"))
