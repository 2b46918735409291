"""The documents say what the project does: what they name exists, what exists is named."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
READMES = ("README.md", "README.zh-CN.md")
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def shell_blocks(page: str) -> list[str]:
    return re.findall(r"^```sh\n(.*?)^```", (ROOT / page).read_text("utf-8"), re.M | re.S)


def commands(blocks: list[str], program: str) -> set[str]:
    """The words after a program's name, as in `make run`."""
    return {word for block in blocks for word in re.findall(rf"^{program} ([a-z-]+)", block, re.M)}


def requirement_names(requirements: list[str]) -> set[str]:
    return {re.split(r"[\[<>=!~ ;]", requirement)[0].lower() for requirement in requirements}


def test_every_runtime_dependency_has_its_sentence() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    page = (ROOT / "docs" / "dependencies.md").read_text("utf-8")
    rows = re.findall(r"^\| `([^`]+)` \| (.+?) \| (.+?) \|$", page, re.M)
    assert requirement_names(project["dependencies"]) == {name.lower() for name, _, _ in rows}
    assert [name for name, sentence, licence in rows if len(sentence) < 30 or not licence] == []


@pytest.mark.parametrize("readme", READMES)
def test_make_has_what_the_readme_tells_to_type(readme: str) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.M))
    asked = commands(shell_blocks(readme), "make")
    assert {"run", "test", "check", "bench"} <= asked
    assert asked <= targets


def test_both_readmes_tell_to_type_the_same() -> None:
    def without_remarks(page: str) -> list[str]:
        return [re.sub(r"\s*#.*", "", block) for block in shell_blocks(page)]

    assert without_remarks(READMES[0]) == without_remarks(READMES[1])


@pytest.mark.skipif(find_spec("zhicheng.cli.main") is None, reason="there is no command line yet")
def test_zhicheng_has_what_the_readme_tells_to_type() -> None:
    program = Path(sys.executable).with_name("zhicheng")
    said = subprocess.run([program, "--help"], capture_output=True, text=True, check=True)
    missing = {word for word in commands(shell_blocks(READMES[0]), "zhicheng") if word not in said.stdout}
    assert missing == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text("utf-8"))
    inside = [link for link in links if not re.match(r"[a-z]+:", link)]
    assert [link for link in inside if not (page.parent / link).exists()] == []


def test_every_decision_is_on_the_list() -> None:
    folder = ROOT / "docs" / "adr"
    listed = set(re.findall(r"\]\((\d{4}-[^)]+\.md)\)", (folder / "README.md").read_text("utf-8")))
    assert listed == {path.name for path in folder.glob("[0-9]*.md")}
