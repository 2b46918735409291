"""Pages opened as people open them: nothing may be said on the console, and nobody outside may be asked."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlparse

from tests.web import doors_city

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from tests.acceptance.running import Running

SOURCE = Path(__file__).parents[2] / "web/src"
SCREEN, WALL, PHONE = {"width": 1920, "height": 1080}, {"width": 3840, "height": 1080}, {"width": 390, "height": 844}
PATIENT = 60_000
FILLED = {
    "/docs/:name": "/docs/glossary",
    "/object/:id": f"/object/{doors_city.PARK}",
    "/resources/:type": "/resources/OffStreetParking",
    "/resources/list": "/resources/list?type=OffStreetParking",
    "/rooms/:key": "/rooms/{room}",
    "/rooms/:key/record": "/rooms/{room}/record",
    "/sign/:stop": f"/sign/{doors_city.STOP}",
}
"""What stands in the place of a path's parameters."""


REFUSED = {"/account": "403", "/consent": "403", "/welcome": "401"}
"""What these pages ask is refused in a city without accounts or links, and they say so; the browser says it, too."""


def paths() -> list[str]:
    """The path of every page there is, with its parameters filled in; {room} is a room's key."""
    routes = [*SOURCE.glob("pages/*/route.ts"), *SOURCE.glob("sign/route.ts")]
    found = sorted(path for file in routes for path in re.findall(r'path: "([^"]+)"', file.read_text("utf-8")))
    filled = [FILLED.get(path, path) for path in found]
    missing = [path for path in filled if ":" in path.partition("urn:")[0]]
    assert not missing, f"say in tests/web/opened.py what stands in the place of the parameters of {missing}"
    return filled


class Opened:
    """A browser of one person; `wrong` is what it complained of and whom outside it asked, `sent` where it wrote."""

    def __init__(
        self, chromium: Browser, city: Running, size: dict[str, int] = SCREEN, *, language: str = "zh",
        theme: str = "light", large: bool = False, **more: Any,
    ) -> None:  # fmt: skip
        phone = size is PHONE
        viewport: Any = size
        self.base = f"http://127.0.0.1:{city.port}"
        self.context = chromium.new_context(viewport=viewport, locale="zh-CN", has_touch=phone, is_mobile=phone, **more)
        kept = {"language": language, "theme": theme, "large": "1" if large else "0"}
        once = "if (localStorage.getItem({0!r}) === null) localStorage.setItem({0!r}, {1!r});"
        # what the person chooses later stays
        script = "".join(once.format(f"zhicheng.{name}", value) for name, value in kept.items() if value != "0")
        self.context.add_init_script(script)
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(PATIENT)
        self.wrong: list[str] = []
        self.asked: list[str] = []
        self.sent: list[str] = []
        self.page.on("console", lambda said: self._hear(said.text) if said.type == "error" else None)
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("request", lambda request: self._look(request.url, request.method))

    def _hear(self, text: str) -> None:
        expected = REFUSED.get(urlparse(self.page.url).path)
        if expected is None or expected not in text:
            self.wrong.append(text)

    def _look(self, url: str, method: str) -> None:
        self.asked.append(url)
        if method != "GET":
            self.sent.append(url)
        if not url.startswith((self.base, "blob:", "data:")):
            self.wrong.append(f"asked outside: {url}")

    def to(self, path: str) -> Page:
        self.page.goto(f"{self.base}{path}")
        return self.page

    def settled(self, path: str) -> Page:
        """Opened, and so far that nothing more comes of it for a while."""
        page = self.to(path)
        page.wait_for_selector("main *", state="attached")
        page.wait_for_timeout(1200)
        return page

    def close(self) -> None:
        self.context.close()
        assert not self.wrong, self.wrong
