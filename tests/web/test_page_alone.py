"""The page without its server's interface: it says so, in both languages, and asks nobody else."""

from __future__ import annotations

import functools
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class _Files(SimpleHTTPRequestHandler):
    def translate_path(self, path: str) -> str:
        wanted = path.partition("?")[0]
        return super().translate_path("/index.html" if wanted == "/map" else wanted.removeprefix("/static"))

    def end_headers(self) -> None:
        self.send_header("Content-Security-Policy", POLICY)
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def address(static: Path) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Files, directory=str(static)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(("language", "title"), [("zh", "加载失败"), ("en", "Could not be loaded")])
def test_a_missing_interface_is_said_in_words(chromium: Browser, address: str, language: str, title: str) -> None:
    page = chromium.new_page()
    outside: list[str] = []
    refused: list[str] = []
    page.on("request", lambda request: outside.append(request.url))
    page.on("console", lambda message: refused.append(message.text) if "Content Security" in message.text else None)
    page.on("pageerror", lambda error: refused.append(str(error)))
    page.goto(f"{address}/map?lang={language}")
    page.get_by_role("alert").get_by_text(title).wait_for()
    page.locator("canvas.maplibregl-canvas").wait_for()
    assert page.locator("html").get_attribute("lang") == {"zh": "zh-CN", "en": "en"}[language]
    assert not refused
    assert all(url.startswith((address, "blob:", "data:")) for url in outside)
    page.close()
