"""`zhicheng new-app NAME`: the skeleton of an application, green from the start."""

from __future__ import annotations

import argparse
import keyword
import re
from importlib.resources import files
from pathlib import Path

import zhicheng
from zhicheng.cli.words import Words
from zhicheng.kernel.errors import AlreadyExists, Invalid

_NAME = re.compile(r"[a-z][a-z0-9_]{1,30}")
OURS = Path(zhicheng.__file__).parent / "apps"
"""The folder of the applications of this package; in it, and only there, a skeleton is no package of its own."""


def add(parser: argparse.ArgumentParser, say: Words) -> None:
    """Options."""
    parser.add_argument("name", help=say("名称：小写字母、数字、下划线", "its name: lower case, digits, underscores"))
    parser.add_argument(
        "--to", type=Path, default=Path(), metavar="DIR",
        help=say("放在哪个文件夹（默认当前文件夹）", "the folder to put it in (the present one)"),
    )  # fmt: skip


def run(arguments: argparse.Namespace, say: Words) -> int:
    """Write it; no file that is there is touched."""
    name = arguments.name
    if not _NAME.fullmatch(name) or keyword.iskeyword(name):
        raise Invalid(
            f"{name!r} is no name for an application; use lower case letters, digits and underscores",
            f"{name!r} 不能作为应用名称；请使用小写字母、数字和下划线",
        )
    written = write(name, arguments.to.resolve())
    for path in written:
        print(path)
    print(say(f"测试：python -m pytest {written[-1]}", f"Test it: python -m pytest {written[-1]}"))
    if arguments.to.resolve() != OURS.resolve():
        print(say(f"安装：pip install -e {written[0].parent}", f"Install it: pip install -e {written[0].parent}"))
    return 0


def write(name: str, folder: Path) -> list[Path]:
    """The files of a skeleton below a folder; the last is its test. AlreadyExists where one is there."""
    places = _inside(name, folder) if folder == OURS.resolve() else _apart(name, folder)
    taken = next((path for path in places.values() if path.exists()), None)
    if taken is not None:
        raise AlreadyExists(f"{taken} is there already", f"{taken} 已存在")
    words = {
        "@name@": name,
        "@Name@": "".join(part.title() for part in name.split("_")),
        "@module@": _module(name, folder),
    }
    for template, path in places.items():
        text = files("zhicheng.cli").joinpath("skeleton", template).read_text("utf-8")
        for mark, word in words.items():
            text = text.replace(mark, word)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return list(places.values())


def _module(name: str, folder: Path) -> str:
    return f"zhicheng.apps.{name}" if folder == OURS.resolve() else f"zhicheng_{name}"


def _inside(name: str, folder: Path) -> dict[str, Path]:
    root = folder.parents[2]
    return {
        **_sources(folder / name),
        "page.md.txt": root / "docs" / "apps" / f"{name}.md",
        "test.py.txt": root / "tests" / "apps" / name / f"test_{name}.py",
    }


def _apart(name: str, folder: Path) -> dict[str, Path]:
    root = folder / f"zhicheng-{name}"
    return {
        "pyproject.toml.txt": root / "pyproject.toml",
        **_sources(root / f"zhicheng_{name}"),
        "page.md.txt": root / "README.md",
        "test.py.txt": root / "tests" / f"test_{name}.py",
    }


def _sources(folder: Path) -> dict[str, Path]:
    return {f"{part}.py.txt": folder / f"{part}.py" for part in ("__init__", "model", "logic", "app")}
