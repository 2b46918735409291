"""Chromium for pages: headless, drawing WebGL in software, and kept from asking anyone outside."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

ROOT = Path(__file__).parents[2]
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--no-first-run",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
)


@pytest.fixture(scope="session")
def static() -> Path:
    """The built pages."""
    folder = ROOT / "src/zhicheng/server/portals/static"
    if not (folder / "index.html").exists():
        pytest.skip("the web side is not built; `make setup` builds it")
    return folder


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A browser; ZHICHENG_CHROMIUM names another than the one on the path."""
    path = os.environ.get("ZHICHENG_CHROMIUM") or shutil.which("chromium")
    if not path:
        pytest.skip("no Chromium on the path; on Debian: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        browser.close()
