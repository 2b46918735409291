"""The checks find what they are for."""

from __future__ import annotations

import ast
from pathlib import Path

import grimp
import pytest

from tools import house, tracked


@pytest.mark.parametrize(
    "line",
    [
        "--index-url https://example.org/simple",
        '    "resolved": ' + '"https://example.org/vue.tgz",',
        "open('/" + "home/me/city.toml')",
        "see https://py" + "pi.org/project/vue",
        "<" * 7 + " HEAD",
    ],
)
def test_what_must_never_be_tracked_is_found(line: str) -> None:
    assert [number for number, _ in tracked.faults(f"fine\n{line}\n")] == [2]


@pytest.mark.parametrize(
    "line",
    ["GET /api/v1/work/12", "httpx==0.28.1 \\", "docs/home/index.md", "https://uri.etsi.org/ngsi-ld/v1/", "mirrored"],
)
def test_what_only_looks_alike_is_left_alone(line: str) -> None:
    assert list(tracked.faults(line)) == []


@pytest.mark.parametrize("remark", ["", "  # see", " "])
def test_an_opt_out_needs_its_reason(remark: str) -> None:
    assert list(house.unexplained(f"import x  # type: ignore[import]{remark}")) != []
    assert list(house.unexplained(f"import x  # noqa: F401{remark}")) != []


@pytest.mark.parametrize("remark", ["  # it has no stubs", " - imported for its effect", ": imported for its effect"])
def test_an_opt_out_with_its_reason_passes(remark: str) -> None:
    assert list(house.unexplained(f"import x  # noqa: F401, E402{remark}")) == []


def test_circles_are_counted_module_by_module() -> None:
    graph = grimp.ImportGraph()
    for importer, imported in [("a", "b"), ("b", "c"), ("c", "b"), ("c", "d")]:
        graph.add_import(importer=importer, imported=imported)
    assert house.in_circles(graph) == ["b", "c"]


def test_pure_code_may_not_open_a_file() -> None:
    assert [line for line, _ in house.reached_for(ast.parse("x = 1\nwith open('a') as f:\n    x = f.read()"))] == [2]


def test_every_tracked_file_of_the_repository_passes() -> None:
    paths = tracked.tracked()
    assert Path(tracked.ROOT / "pyproject.toml") in paths
    texts = {path: path.read_bytes().decode("utf-8", "replace") for path in paths if path.suffix != ".png"}
    assert {path: found for path, text in texts.items() if (found := list(tracked.faults(text)))} == {}
