"""The built pages load from this server alone, under a strict content security policy, and are small."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any

from zhicheng.server.portals.pages import PAGES

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "web/src"
FIRST_LOAD_LIMIT = 1_200_000
DRAW_A_MAP = {"map", "operations", "wall", "room"}
"""Folders of pages whose first load brings MapLibre; the map's own files are shared by all of them."""


def test_the_page_has_no_inline_code_and_names_only_our_files(static: Path) -> None:
    html = (static / "index.html").read_text()
    addresses = re.findall(r'(?:src|href)="([^"]+)"', html)
    assert addresses and all(address.startswith("/static/") for address in addresses)
    assert all((static / address.removeprefix("/static/")).exists() for address in addresses)
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\bstyle=|\bon\w+=", html)


def test_the_server_answers_at_the_path_of_every_page() -> None:
    routes = list(SOURCE.glob("pages/*/route.ts")) + list(SOURCE.glob("sign/route.ts"))
    paths = {found for file in routes for found in re.findall(r'path: "([^"]+)"', file.read_text())}
    assert "/map" in paths and len(paths) == len(routes)
    assert {re.sub(r":(\w+)", r"{\1}", path) for path in paths} <= {path for path, _ in PAGES}


def _loaded(manifest: dict[str, Any], name: str) -> set[str]:
    """The files of a chunk and of all it needs at once."""
    files: set[str] = set()
    waiting, seen = [name], set[str]()
    while waiting:
        chunk = waiting.pop()
        if chunk not in seen:
            seen.add(chunk)
            files |= {manifest[chunk]["file"], *manifest[chunk].get("css", ())}
            waiting += manifest[chunk].get("imports", ())
    return files


def test_the_first_load_of_each_page_is_small_and_maps_and_charts_come_where_they_are_needed(static: Path) -> None:
    manifest = json.loads((static / "manifest.json").read_text())
    shell = _loaded(manifest, "index.html")
    pages = {name: shell | _loaded(manifest, name) for name in manifest if re.match(r"src/(pages/|sign/)", name)}
    assert {name.split("/")[2] for name in pages} >= DRAW_A_MAP - {"map"}
    for name, files in pages.items():
        sizes = {file: len(gzip.compress((static / file).read_bytes())) for file in files}
        if name.split("/")[2] in DRAW_A_MAP:
            worker = next(static.glob("assets/maplibre-gl-worker-*.mjs"))
            sizes[worker.name] = len(gzip.compress(worker.read_bytes()))
        else:
            assert not [file for file in files if "maplibre" in file], name
        assert not [file for file in files if "chart" in file]
        assert sum(sizes.values()) < FIRST_LOAD_LIMIT, (name, sizes)
    assert list(static.glob("assets/chart-*.js"))


def test_the_lock_names_no_registry() -> None:
    assert '"resolved"' not in (ROOT / "web/package-lock.json").read_text()
