"""Draws docs/coverage.md from docs/seeds.toml; with --check says what is wrong with either."""

from __future__ import annotations

import re
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec

ROOT = Path(__file__).resolve().parent.parent
SEEDS = ROOT / "docs" / "seeds.toml"
TABLE = ROOT / "docs" / "coverage.md"

GROUPS = {
    "L": "The five layers · 五层",
    "S": "The three supports · 三个支撑体系",
    "A": "A Platform · 平台",
    "B": "B Government data and services · 政务数据与服务",
    "C": "C Transport · 交通",
    "D": "D Utilities, energy, environment, weather · 公用事业、能源、环境、气象",
    "E": "E Safety and emergency · 安全与应急",
    "G": "G People · 民生",
    "H": "H Tourism, commerce, logistics · 旅游、商业、物流",
    "I": "I Security and operations systems · 安全与运行体系",
}
STATES = {"planned": "planned · 规划", "partial": "partial · 部分", "works": "works · 可用"}


class System(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One system of docs/seeds.toml, whose head explains the fields."""

    id: str
    zh: str
    en: str
    words: tuple[tuple[str, str], ...]
    state: str
    figures: tuple[str, ...] = ()
    page: str = ""
    interface: str = ""
    test: str = ""


def systems(path: Path = SEEDS) -> list[System]:
    """All systems, in the file's order; a wrong or missing key is a msgspec.ValidationError."""
    return msgspec.convert(tomllib.loads(path.read_text("utf-8"))["system"], list[System])


def faults(rows: list[System], root: Path = ROOT) -> Iterator[str]:
    """What contradicts itself, one sentence each."""
    for id_, times in Counter(row.id for row in rows).items():
        if times > 1:
            yield f"{id_} stands {times} times"
    for row in rows:
        yield from (f"{row.id}: {fault}" for fault in _faults(row, root))


def _faults(row: System, root: Path) -> Iterator[str]:
    if not re.fullmatch(r"[LSABCDEGHI]\d+", row.id):
        yield "no such group of ids"
    if row.state not in STATES:
        yield f"state is '{row.state}', not one of {', '.join(STATES)}"
    if not row.zh or not row.en or not row.words:
        yield "needs a name in both languages and its original words"
    if row.state == "planned":
        return
    if not _test_exists(row.test, root):
        yield f"is '{row.state}' but its test '{row.test}' does not exist"
    if row.state == "works" and not (row.page or row.interface):
        yield "is 'works' but names neither a page nor an interface"


def _test_exists(test: str, root: Path) -> bool:
    path, _, name = test.partition("::")
    file = root / path
    if not path.startswith("tests/") or not file.is_file():
        return False
    return not name or re.search(rf"^\s*(async )?def {re.escape(name)}\b", file.read_text("utf-8"), re.M) is not None


def table(rows: list[System]) -> str:
    """The page docs/coverage.md."""
    count = Counter(row.state for row in rows)
    head = [
        "# Coverage · 覆盖情况",
        "",
        "What the source documents ask for, and how far each part is. Written by `python tools/coverage.py` from",
        "[seeds.toml](seeds.toml); do not edit. 由 seeds.toml 生成，请勿手工修改。",
        "",
        " · ".join(f"**{count[state]}** {name}" for state, name in STATES.items()),
    ]
    for letter, title in GROUPS.items():
        head += ["", f"## {title}", "", "| id | 名称 | name | figures | where | state |", "|---|---|---|---|---|---|"]
        head += [_line(row) for row in rows if row.id[0] == letter]
    return "\n".join(head) + "\n"


def _line(row: System) -> str:
    where = ", ".join(f"`{place}`" for place in (row.page, row.interface) if place)
    state = STATES[row.state] + (f" ([test](../{row.test.partition('::')[0]}))" if row.test else "")
    return f"| {row.id} | {row.zh} | {row.en} | {'; '.join(row.figures)} | {where} | {state} |"


def main(arguments: list[str]) -> int:
    """Write the page, or with --check compare it."""
    rows = systems()
    found = list(faults(rows))
    if found:
        print("docs/seeds.toml:", *found, sep="\n  ")
        return 1
    if "--check" not in arguments:
        TABLE.write_text(table(rows), "utf-8")
    elif not TABLE.is_file() or TABLE.read_text("utf-8") != table(rows):
        print("docs/coverage.md is not what docs/seeds.toml says; run: python tools/coverage.py")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
