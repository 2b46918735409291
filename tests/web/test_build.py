"""The built pages load from this server alone, under a strict content security policy, and are small."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
FIRST_LOAD_LIMIT = 1_200_000


def test_the_page_has_no_inline_code_and_names_only_our_files(static: Path) -> None:
    html = (static / "index.html").read_text()
    addresses = re.findall(r'(?:src|href)="([^"]+)"', html)
    assert addresses and all(address.startswith("/static/") for address in addresses)
    assert all((static / address.removeprefix("/static/")).exists() for address in addresses)
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\bstyle=|\bon\w+=", html)


def test_the_first_load_is_small_and_charts_come_later(static: Path) -> None:
    html = (static / "index.html").read_text()
    first = [static / name.removeprefix("/static/") for name in re.findall(r'"(/static/[^"]+)"', html)]
    first += static.glob("assets/maplibre-gl-worker-*.mjs")
    assert not [file for file in first if "chart" in file.name]
    assert list(static.glob("assets/chart-*.js"))
    assert sum(len(gzip.compress(file.read_bytes())) for file in first) < FIRST_LOAD_LIMIT


def test_the_lock_names_no_registry() -> None:
    assert '"resolved"' not in (ROOT / "web/package-lock.json").read_text()
