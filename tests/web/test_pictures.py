"""Pictures of the map for the documents; with ZHICHENG_PICTURES=docs/images they are kept there."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.web import scene
from tests.web.town import moving, send, town, yesterday

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]

VEHICLES = 3_000
LARGEST = 450_000
PARK = f"urn:ngsi-ld:OffStreetParking:test:{5}"
NEAR = "#13.6/22.8185/108.3545"
PICTURES = {
    "map-zh": (f"lang=zh&entity={PARK}#13.3/22.799/108.403", "light", 1280, 720),
    "map-en-dark": (f"lang=en{NEAR}", "dark", 1280, 720),
    "map-slider": ("lang=zh", "light", 1280, 720),
    "map-phone": (f"lang=zh{NEAR}", "light", 390, 844),
}


def test_pictures(chromium: Browser, static: Path, tmp_path: Path) -> None:
    fleet = scene.Fleet(VEHICLES)
    kept = Path(os.environ.get("ZHICHENG_PICTURES") or tmp_path)
    with town(tmp_path) as platform:
        now = time.time()
        yesterday(platform, scene.Fleet(600), now, 20, 20)
        send(platform, [*scene.car_parks(now), *fleet.entities(now)])
        with moving(platform, fleet):
            for name, (query, theme, width, height) in PICTURES.items():
                context = chromium.new_context(
                    viewport={"width": width, "height": height}, color_scheme="dark" if theme == "dark" else "light"
                )
                page = context.new_page()
                page.goto(f"http://127.0.0.1:{platform.port}/map?{query}")
                page.locator("canvas.markers[data-count]").wait_for(timeout=30_000)
                if name == "map-slider":
                    _past(page)
                page.wait_for_timeout(9_000)
                page.screenshot(path=kept / f"{name}.png")
                assert (kept / f"{name}.png").stat().st_size < LARGEST
                context.close()


def _past(page: Page) -> None:
    slider = page.get_by_role("slider")
    bounds = slider.bounding_box(timeout=30_000)
    assert bounds
    page.mouse.click(bounds["x"] + bounds["width"] * 0.55, bounds["y"] + 10)
    expect(page.locator(".past-note")).to_be_visible(timeout=30_000)
