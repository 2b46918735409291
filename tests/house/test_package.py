"""What is installed is what is locked, and what is built holds what it needs."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STATIC = ROOT / "src" / "zhicheng" / "server" / "portals" / "static"


def pins(lock: str) -> dict[str, set[str]]:
    """Name to pinned versions; more than one where Pythons differ."""
    found: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([\w.-]+)==([^\s;]+)", (ROOT / lock).read_text("utf-8"), re.M):
        found.setdefault(name.replace("_", "-").lower(), set()).add(version)
    return found


def wanted(requirements: list[str]) -> set[str]:
    return {re.split(r"[\[<>=!~ ;]", requirement)[0].lower() for requirement in requirements}


def test_locks_hold_what_the_project_asks_for_and_agree() -> None:
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    run, develop = pins("requirements.lock"), pins("requirements-dev.lock")
    assert wanted(pyproject["project"]["dependencies"]) <= run.keys()
    assert wanted(pyproject["dependency-groups"]["dev"]) <= develop.keys()
    assert {name: versions for name, versions in run.items() if develop.get(name) != versions} == {}
    assert wanted(pyproject["project"]["optional-dependencies"]["sim"]) <= pins("requirements-sim.lock").keys()


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock", "requirements-sim.lock"])
def test_every_pin_has_its_hash_and_no_address(lock: str) -> None:
    text = (ROOT / lock).read_text("utf-8")
    blocks = re.split(r"\n(?=\S)", text.strip())
    assert [block for block in blocks if "--hash=sha256:" not in block] == []
    assert "://" not in text


def test_the_wheel_holds_types_licence_and_the_web_side(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    built = {f"zhicheng/{path.relative_to(ROOT / 'src' / 'zhicheng')}" for path in STATIC.rglob("*") if path.is_file()}
    assert {"zhicheng/py.typed", *built} <= names
    documents = {f"zhicheng/documentation/{path.relative_to(ROOT / 'docs')}" for path in (ROOT / "docs").rglob("*.*")}
    assert {"zhicheng/documentation/seeds.toml"} <= documents <= names
    assert any(name.endswith("licenses/NOTICE") for name in names)
    assert [name for name in names if name.startswith("tests/") or name.endswith(".pyc")] == []
