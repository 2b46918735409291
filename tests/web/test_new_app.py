"""An application that was just scaffolded is a layer of the map: its name, its legend, its value in the panel."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.server.test_apps import STATION, wheel_of
from tests.web.town import send, town

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser

pytestmark = [pytest.mark.browser, pytest.mark.slow]
WAIT = 30_000


def test_a_new_application_is_a_layer(
    chromium: Browser, static: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = wheel_of("dust", tmp_path)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(wheel), os.environ.get("PYTHONPATH", ""))))
    with town(tmp_path, base=False) as platform:
        send(platform, [STATION])
        layers = platform.get("/api/v1/layers")
        layer = next(one for one in layers if one["key"] == "dust.AirQualityObserved")
        page = chromium.new_page()
        page.goto(f"http://127.0.0.1:{platform.port}/map?lang=en&layers={layer['key']}&entity={STATION['id']}")
        expect(page.get_by_role("checkbox", name=f"Show {layer['label']['en']}")).to_be_checked(timeout=WAIT)
        for step in layer["legend"]:
            expect(
                page.get_by_role("list", name="Layers").get_by_role("button", name=step["label"]["en"])
            ).to_be_visible()
        level = page.get_by_role("region", name="Object").get_by_role("button", name="Dust level")
        expect(level).to_contain_text("40", timeout=WAIT)
        page.close()
