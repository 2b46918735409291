"""The documents on the running server: Markdown to HTML in which nothing is markup but Markdown."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import zhicheng
from zhicheng.kernel.errors import NotFound

if TYPE_CHECKING:
    from markdown_it.token import Token

_INSTALLED = Path(zhicheng.__file__).with_name("documentation")
_SOURCES = Path(zhicheng.__file__).resolve().parents[2]
FOLDER = _INSTALLED if _INSTALLED.is_dir() else _SOURCES / "docs"
"""docs/ as the package carries it, or that of the sources it runs from."""
_NAME = re.compile(r"[\w-]+(?:/[\w-]+)*")
_PICTURES = {".png": "image/png", ".svg": "image/svg+xml", ".toml": "text/plain; charset=utf-8"}
FILES = "/api/v1/docs/files/"
_GUIDES = ("first-ten-minutes", "operators", "integrators")
_FIRST = (
    *(f"guides/{language}/{name}" for language in ("zh", "en") for name in _GUIDES),
    "architecture",
    "reference-model",
    "catalogue",
    "sql",
    "feeds",
    "applications",
    "configuration",
    "glossary",
)


@dataclass(frozen=True, slots=True)
class Page:
    """A document: its name, title, text as HTML, and its headings (level, id, text)."""

    name: str
    title: str
    html: str
    headings: tuple[tuple[int, str, str], ...]


def names() -> list[str]:
    """All documents, those that explain most first."""
    found = [path.relative_to(FOLDER).with_suffix("").as_posix() for path in FOLDER.rglob("*.md")]
    return sorted(found, key=lambda name: (_FIRST.index(name) if name in _FIRST else len(_FIRST), "/" in name, name))


def title_of(name: str) -> str:
    """The first heading of a document."""
    with (FOLDER / f"{name}.md").open(encoding="utf-8") as file:
        return next((line[2:].strip() for line in file if line.startswith("# ")), name)


def page(name: str) -> Page:
    """A document; NotFound."""
    path = FOLDER / f"{name}.md"
    if not _NAME.fullmatch(name) or not path.is_file():
        raise NotFound(f"There is no document {name[:80]!r}", f"没有文档 {name[:80]!r}")
    return _page(name, path.stat().st_mtime_ns)


@lru_cache(maxsize=64)
def _page(name: str, written: int) -> Page:
    text = (FOLDER / f"{name}.md").read_text("utf-8")
    made, headings = rendered(text, name)
    return Page(name, title_of(name), made, headings)


def rendered(text: str, name: str) -> tuple[str, tuple[tuple[int, str, str], ...]]:
    r"""Markdown as HTML; HTML in it is shown as text, links between documents lead to their pages here.

    >>> rendered("# A\n<script>x</script> [b](../b.md#c) [x](javascript:y)", "adr/a")[0].splitlines()[1]
    '<p>&lt;script&gt;x&lt;/script&gt; <a href="/docs/b#c">b</a> [x](javascript:y)</p>'
    """
    from markdown_it import MarkdownIt  # the first document read waits for it, no start does

    reader = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = reader.parse(text)
    headings = []
    for at, token in enumerate(tokens):
        if token.type == "heading_open":
            said = tokens[at + 1].content
            anchor = _anchor(said)
            token.attrSet("id", anchor)
            headings.append((int(token.tag[1]), anchor, said.replace("`", "")))
        for inner in token.children or ():
            _lead(inner, name)
    return str(reader.renderer.render(tokens, reader.options, {})), tuple(headings)


def _anchor(said: str) -> str:
    return re.sub(r"[^\w-]+", "-", said.lower()).strip("-") or "top"


def _lead(token: Token, name: str) -> None:
    """Point a link or picture of a document to where it is here."""
    key = {"link_open": "href", "image": "src"}.get(token.type)
    target = str(token.attrGet(key) or "") if key else ""
    if not target or re.match(r"[a-z]+:|/|#", target):
        return
    path, mark, anchor = target.partition("#")
    whole = posixpath.normpath(posixpath.join(posixpath.dirname(f"docs/{name}"), path))
    if whole.startswith("docs/") and whole.endswith(".md"):
        token.attrSet(str(key), f"/docs/{quote(whole[5:-3], safe='')}{mark}{anchor}")
    elif whole.startswith("docs/"):
        token.attrSet(str(key), FILES + quote(whole[5:]))
    else:
        token.attrSet(str(key), f"/docs/{quote(f'sources/{whole}', safe='')}")


def _below(folder: Path, name: str) -> Path:
    """Where a name of a path leads to, perhaps elsewhere; NotFound for one that no file can have."""
    try:
        return (folder / name).resolve()
    except (OSError, ValueError):
        raise NotFound("There is no such file", "没有该文件") from None


def file(name: str) -> tuple[bytes, str]:
    """A picture or table beside the documents with its media type; NotFound."""
    path = _below(FOLDER, name)
    media = _PICTURES.get(path.suffix)
    if media is None or not path.is_relative_to(FOLDER.resolve()) or not path.is_file():
        raise NotFound("There is no such file", "没有该文件")
    return path.read_bytes(), media


def source(name: str) -> str:
    """A file of the sources that documents point to, a test for instance; NotFound where only the package is there."""
    path = _below(_SOURCES, name)
    inside = any(path.is_relative_to(_SOURCES / part) for part in ("tests", "examples", "benchmarks"))
    if FOLDER == _INSTALLED or not inside or path.suffix not in (".py", ".toml", ".md") or not path.is_file():
        raise NotFound(
            f"{name[:120]} is in the sources, which are not installed here",
            f"{name[:120]} 在源代码中，此处未安装",
        )
    return path.read_text("utf-8")
