"""Every page of the product read by axe-core, in both themes and both languages: no serious finding. And the keyboard
alone leads through each door."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests.web import doors_city
from tests.web.opened import PHONE, Opened, paths
from tests.web.test_doors import room

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from tests.acceptance.running import Running

pytestmark = [pytest.mark.browser, pytest.mark.slow]
AXE = Path(__file__).parents[2] / "web/node_modules/axe-core/axe.min.js"
"""For tests alone: it is never shipped."""
GRAVE = {"serious", "critical"}
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


@pytest.fixture(scope="module")
def axe() -> str:
    if not AXE.exists():
        pytest.skip("axe-core is not there; `npm ci` in web/ brings it")
    return AXE.read_text("utf-8")


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory, static: Path) -> Iterator[Running]:
    with doors_city.small_city(tmp_path_factory.mktemp("accessibility")) as platform:
        yield platform


def findings(page: Page, axe: str) -> list[str]:
    """What axe finds to be serious, one line for each."""
    page.evaluate(axe)
    told: list[dict[str, Any]] = page.evaluate(
        "async tags => (await axe.run(document, {runOnly: {type: 'tag', values: tags}, resultTypes: ['violations']}))"
        ".violations",
        TAGS,
    )
    return [
        f"{one['id']}: {node['target']} {node['html'][:160]} {node.get('failureSummary', '')[:240]}"
        for one in told
        if one["impact"] in GRAVE
        for node in one["nodes"]
    ]


def dresses(chromium: Browser, city: Running, path: str) -> Iterator[tuple[str, Page]]:
    """A page in both languages and both themes: opened once and changed by its bar, or, where it has none, anew."""
    opened = Opened(chromium, city, reduced_motion="reduce")
    page = opened.settled(path)
    yield "zh light", page
    bar = page.locator(".top-bar .settings button")
    if bar.count() == 3:
        for number, dress in ((2, "zh dark"), (1, "en dark"), (2, "en light")):
            bar.nth(number).click()
            page.wait_for_timeout(400)
            yield dress, page
        opened.close()
        return
    opened.close()
    for language, theme in (("zh", "dark"), ("en", "dark"), ("en", "light")):
        opened = Opened(chromium, city, language=language, theme=theme, reduced_motion="reduce")
        yield f"{language} {theme}", opened.settled(f"{path}?lang={language}&theme={theme}")
        opened.close()


@pytest.mark.parametrize("path", paths())
def test_no_page_has_a_serious_finding_in_any_dress(chromium: Browser, city: Running, axe: str, path: str) -> None:
    path = path.replace("{room}", room(city))
    found = [f"{dress}: {line}" for dress, page in dresses(chromium, city, path) for line in findings(page, axe)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("path", ["/", "/citizen"])
def test_nor_has_one_behind_a_door_on_a_phone_in_large_text(
    chromium: Browser, city: Running, axe: str, path: str
) -> None:
    opened = Opened(chromium, city, PHONE, large=True, reduced_motion="reduce")
    told = findings(opened.settled(path), axe)
    opened.close()
    assert not told, "\n".join(told)


def test_the_keyboard_alone_leads_through_a_door(chromium: Browser, city: Running) -> None:
    opened = Opened(chromium, city)
    page = opened.to("/")
    expect(page.locator(".door").first).to_be_visible()
    reached: list[str] = []
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.getAttribute('href') ?? document.activeElement.className"))
        outlined = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outlined != "none" or reached[-1] == "", reached
        if reached[-1] == "/citizen" and reached.count("/citizen") == 2:
            break
    assert {"/resources", "/citizen"} <= set(reached), "the menu and the doors are reached one after the other"
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/citizen$"))
    opened.close()
