"""The map in a browser over a platform that runs: layers, filters, an object, the past, replay, search, a lost line."""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.web import scene
from tests.web.town import moving, send, town, yesterday

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, Page, Route, WebSocketRoute

    from tests.acceptance.running import Running

pytestmark = pytest.mark.browser

FLEET = scene.Fleet(200)
PARK = 3
WAIT = 20_000
Open = Callable[..., "Page"]
expect.set_options(timeout=WAIT)


@pytest.fixture(scope="module")
def platform(static: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The made-up city with six hours behind it."""
    with town(tmp_path_factory.mktemp("town")) as running:
        now = time.time()
        yesterday(running, FLEET, now, 30, 6)
        send(running, [*scene.car_parks(now), *FLEET.entities(now)])
        yield running


@pytest.fixture
def show(chromium: Browser, platform: Running) -> Iterator[Open]:
    """Opens the map; at the end nothing may have been refused, failed or asked of anybody else."""
    wrong: list[str] = []
    home = f"http://127.0.0.1:{platform.port}"
    contexts = []

    def opened(
        query: str = "lang=en",
        *,
        width: int = 1920,
        height: int = 1080,
        expect_errors: bool = False,
        begin: Callable[[Page], None] = lambda _: None,
    ) -> Page:
        context = chromium.new_context(viewport={"width": width, "height": height}, reduced_motion="reduce")
        context.set_default_timeout(WAIT)
        contexts.append(context)
        page = context.new_page()
        if not expect_errors:
            page.on("console", lambda said: wrong.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        inside = (home, home.replace("http", "ws"), "blob:", "data:")
        page.on("request", lambda asked: None if asked.url.startswith(inside) else wrong.append(asked.url))
        begin(page)
        page.goto(f"{home}/map?{query}")
        return page

    yield opened
    for context in contexts:
        for page in context.pages:
            page.unroute_all(behavior="ignoreErrors")
        context.close()
    assert not [one for one in wrong if "GPU stall" not in one and "GroupMarker" not in one]


def drawn(page: Page) -> int:
    """How many markers are drawn."""
    return int(page.locator("canvas.markers").get_attribute("data-count") or 0)


def until(page: Page, done: Callable[[], bool], what: str) -> None:
    """Wait for what Playwright has no words for."""
    end = time.monotonic() + WAIT / 1000
    while not done():
        assert time.monotonic() < end, what
        page.wait_for_timeout(100)


def all_drawn(page: Page) -> None:
    """Every marker is there."""
    until(page, lambda: drawn(page) == FLEET.count + len(scene.CAR_PARKS), f"{drawn(page)} markers")


def test_layers_have_legends_that_filter(show: Open) -> None:
    page = show()
    all_drawn(page)
    layers = page.get_by_role("list", name="Layers")
    expect(layers.get_by_role("checkbox", name="Show Buses and trains")).to_be_checked()
    expect(layers.get_by_text("200", exact=True)).to_be_visible()
    layers.get_by_role("button", name="At a stop").click()
    at_stop = int((FLEET.positions(time.time())[2] == 2).sum())
    until(page, lambda: 0 < drawn(page) < FLEET.count, "the legend filters")
    assert drawn(page) - len(scene.CAR_PARKS) == pytest.approx(at_stop, abs=30)
    expect(layers.get_by_role("button", name="At a stop")).to_have_attribute("aria-pressed", "true")
    layers.get_by_role("button", name="At a stop").click()
    all_drawn(page)
    layers.get_by_role("checkbox", name="Show Buses and trains").uncheck()
    until(page, lambda: drawn(page) == len(scene.CAR_PARKS), "the layer is off")


def test_an_experts_condition_filters_and_a_wrong_one_is_explained(show: Open) -> None:
    page = show()
    all_drawn(page)
    page.get_by_role("button", name="Buses and trains: condition (q)").click()
    box = page.get_by_role("textbox", name="Buses and trains: condition (q)")
    box.fill('name=="A00007"')
    box.press("Enter")
    until(page, lambda: drawn(page) == 1 + len(scene.CAR_PARKS), "one vehicle is left")
    box.fill("speed>>")
    box.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text(re.compile("q|query", re.I))
    page.get_by_role("button", name="Show all").click()
    all_drawn(page)


def test_lines_take_their_legends_colours_and_are_filtered(show: Open) -> None:
    page = show(
        f"lang=en&layers=GtfsRoute#13/{scene.CENTRE[1]}/{scene.CENTRE[0]}", begin=_with_legend, width=1000, height=700
    )
    asked: list[str] = []
    page.on("request", lambda one: asked.append(one.url) if "/tiles/GtfsRoute/" in one.url else None)
    steps = page.get_by_role("group", name=re.compile("legend$"))
    expect(steps).to_be_visible()
    until(page, lambda: colors_seen(page) == (True, True), "the colours of the legend are seen")
    steps.get_by_role("button", name="One").click()
    until(page, lambda: colors_seen(page) == (True, False), "only what is let through is seen")
    assert all("value=shortName" in url for url in asked) and any("q=shortName" in url for url in asked)
    steps.get_by_role("button", name="One").click()
    page.get_by_role("button", name=re.compile("condition")).first.click()
    box = page.get_by_role("textbox", name=re.compile("condition"))
    box.fill('shortName=="2"')
    box.press("Enter")
    until(
        page, lambda: colors_seen(page) == (False, True), f"a condition filters lines: {colors_seen(page)} {asked[-1:]}"
    )
    box.fill("shortName>>")
    box.press("Enter")
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.locator(".map-warning")).to_be_hidden()


MAGENTA, GREEN = "#ff00ff", "#00ff00"


def _with_legend(page: Page) -> None:
    """The lines as an application would show them."""

    def told(route: Route) -> None:
        found = route.fetch().json()
        legend = [
            {"color": color, "label": {"zh": name, "en": name}, "value": value}
            for color, name, value in ((MAGENTA, "One", "1"), (GREEN, "Two", "2"))
        ]
        lines = [{**one, "attribute": "shortName", "legend": legend} for one in found if one["type"] == "GtfsRoute"]
        route.fulfill(json=lines)

    page.route(re.compile("/api/v1/layers"), told)


COUNT = """async ([picture, colors]) => {
  const bytes = Uint8Array.from(atob(picture), (letter) => letter.charCodeAt(0));
  const image = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
  const context = new OffscreenCanvas(image.width, image.height).getContext("2d");
  context.drawImage(image, 0, 0);
  const { data } = context.getImageData(0, 0, image.width, image.height);
  return colors.map((color) => {
    const [red, green, blue] = [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16));
    let count = 0;
    for (let at = 0; at < data.length; at += 4) {
      const off = [data[at] - red, data[at + 1] - green, data[at + 2] - blue].map(Math.abs);
      if (Math.max(...off) < 90) count++;
    }
    return count > 200;
  });
}"""


def colors_seen(page: Page) -> tuple[bool, bool]:
    """Whether the map has lines of either colour; a dot in the legend is smaller."""
    picture = base64.b64encode(page.screenshot()).decode()
    one, two = page.evaluate(COUNT, [picture, [MAGENTA, GREEN]])
    return bool(one), bool(two)


def test_names_of_places_are_written_above_the_markers(show: Open) -> None:
    page = show("lang=zh")
    all_drawn(page)
    name = page.locator(".place-names span", has_text="青秀区")
    expect(name).to_have_count(1)
    assert page.evaluate(
        """() => document.querySelector("canvas.markers")
        .compareDocumentPosition(document.querySelector(".place-names")) === Node.DOCUMENT_POSITION_FOLLOWING"""
    )
    before = name.bounding_box()
    page.get_by_role("button", name="放大").click()
    until(page, lambda: name.count() == 1 and name.bounding_box() != before, "it moves with the map")
    page.get_by_role("button", name="Switch to English").click()
    expect(page.locator(".place-names span", has_text="Qingxiu District")).to_have_count(1)


def test_a_click_on_a_marker_opens_what_is_known_of_it(show: Open) -> None:
    lon, lat = scene.place_of_park(PARK)
    page = show(f"lang=en&layers=parking.OffStreetParking#17/{lat}/{lon}")
    until(page, lambda: drawn(page) > 0, "the markers near it are drawn")
    box = page.locator(".map-canvas").bounding_box()
    assert box
    panel = page.get_by_role("region", name="Object")

    def clicked() -> bool:
        page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        page.wait_for_timeout(500)
        return panel.is_visible()

    until(page, clicked, "the marker is clicked")
    expect(panel.get_by_role("heading")).to_have_text(f"{scene.CAR_PARKS[PARK]}停车场")
    occupancy = panel.get_by_role("button", name=re.compile("^occupancy (?!to come)"))
    expect(occupancy).to_contain_text("application Parking")
    expect(occupancy).to_have_attribute("aria-expanded", "true")
    expect(panel.locator(".chart canvas")).to_be_visible()
    derived = panel.get_by_role("region", name="Derived by the application")
    derived.get_by_role("button", name="places free").click()
    free = panel.get_by_role("button", name=re.compile("^places free "))
    expect(free).to_have_attribute("aria-expanded", "true")
    expect(free).to_contain_text(re.compile(r"ngsi-ld.*(just now|ago)"))
    panel.get_by_role("button", name="Close").click()
    expect(panel).to_be_hidden()


def test_the_slider_shows_the_past_and_returns_to_live(show: Open) -> None:
    page = show()
    all_drawn(page)
    slider = page.get_by_role("slider", name="Time slider")
    note = page.get_by_text("You are looking at the past")
    bounds = slider.bounding_box()
    assert bounds

    def vehicles() -> bool:
        return drawn(page) > len(scene.CAR_PARKS)

    def none() -> bool:
        return drawn(page) == 0

    for part, there in ((0.4, False), (0.9, True)):
        page.mouse.move(bounds["x"] + bounds["width"] * 0.97, bounds["y"] + 10)
        page.mouse.down()
        page.mouse.move(bounds["x"] + bounds["width"] * part, bounds["y"] + 10, steps=5)
        page.mouse.up()
        expect(note).to_be_visible()
        # fourteen hours ago there was nothing, two hours ago there was
        until(page, vehicles if there else none, f"{drawn(page)} markers at {part}")
    assert "at=" in page.url
    before = slider.get_attribute("aria-valuenow")
    slider.press("ArrowLeft")
    until(page, lambda: slider.get_attribute("aria-valuenow") != before, "a key moves the slider")
    slider.press("End")
    expect(note).to_be_hidden()
    all_drawn(page)
    assert "at=" not in page.url


def test_a_replay_runs_stops_and_goes_on_live(show: Open) -> None:
    page = show()
    all_drawn(page)
    page.get_by_role("slider").press("PageDown")
    expect(page.get_by_text("You are looking at the past")).to_be_visible()
    page.get_by_role("combobox", name="Speed of the replay").select_option("600×")
    page.get_by_role("button", name="Replay from here").click()
    slider = page.get_by_role("slider")
    first = int(slider.get_attribute("aria-valuenow") or 0)
    until(page, lambda: int(slider.get_attribute("aria-valuenow") or 0) > first + 600, "ten minutes are replayed")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("You are looking at the past")).to_be_visible()
    page.get_by_role("button", name="Replay from here").click()
    expect(page.locator(".past-note")).to_be_hidden(timeout=30_000)
    all_drawn(page)


def test_search_goes_there_by_keys_alone(show: Open) -> None:
    page = show()
    all_drawn(page)
    search = page.get_by_role("combobox", name="Search things, lines, stops, places")
    search.fill(scene.CAR_PARKS[PARK])
    expect(page.get_by_role("option").first).to_contain_text(scene.CAR_PARKS[PARK])
    search.press("Enter")
    expect(page.get_by_role("region", name="Object").get_by_role("heading")).to_contain_text(scene.CAR_PARKS[PARK])
    until(page, lambda: "#15" in page.url or "#16" in page.url, "the map goes there")


def test_what_moves_is_seen_without_asking_again(show: Open, platform: Running) -> None:
    page = show(f"lang=en&entity={scene.car_parks(0)[PARK]['id']}")
    all_drawn(page)
    canvas = page.locator("canvas.markers")
    before = int(canvas.get_attribute("data-position") or 0)
    with moving(platform, FLEET, every=2, parts=2):
        until(page, lambda: int(canvas.get_attribute("data-position") or 0) > before + 2, "positions are drawn")


def test_a_lost_line_is_said_and_taken_up_again(show: Open, platform: Running) -> None:
    page = show(expect_errors=True)
    lost: list[bool] = [False]
    lines: list[WebSocketRoute] = []

    def line(route: WebSocketRoute) -> None:
        if lost[0]:
            route.close(code=1011)
        else:
            lines.append(route)
            route.connect_to_server()

    page.route_web_socket(re.compile("/api/v1/stream"), line)
    page.reload()
    all_drawn(page)
    lost[0] = True
    lines[-1].close(code=1011)
    note = page.get_by_text("Connection lost, trying again")
    expect(note).to_be_visible()
    send(platform, scene.Fleet(FLEET.count + 5).entities(time.time(), slice(FLEET.count, None)))
    lost[0] = False
    expect(note).to_be_hidden()
    until(page, lambda: drawn(page) == FLEET.count + 5 + len(scene.CAR_PARKS), "what came meanwhile is drawn")
    for number in range(FLEET.count, FLEET.count + 5):
        assert platform.http.delete(f"/ngsi-ld/v1/entities/urn:ngsi-ld:Vehicle:test:{number}").status_code == 204
    all_drawn(page)


@pytest.mark.parametrize(("language", "live", "layers"), [("zh", "实时", "图层"), ("en", "Live", "Layers")])
def test_a_phone_shows_all_of_it(show: Open, language: str, live: str, layers: str) -> None:
    page = show(f"lang={language}", width=390, height=844)
    all_drawn(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    expect(page.get_by_role("button", name=live)).to_be_visible()
    sheet = page.get_by_role("complementary", name=layers)
    low = sheet.bounding_box()
    sheet.get_by_role("button").first.click()
    until(
        page, lambda: (sheet.bounding_box() or {"height": 0})["height"] > (low or {"height": 0})["height"] + 200, "up"
    )


def test_both_languages_and_themes_and_every_control_has_a_name(show: Open) -> None:
    page = show("lang=zh")
    all_drawn(page)
    expect(page).to_have_title("城市运行图 · 智城")
    page.get_by_role("button", name="Switch to English").click()
    expect(page).to_have_title("City operations map · Zhicheng")
    page.get_by_role("button", name="Switch to dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page.get_by_text(re.compile("[\u4e00-\u9fff]"))).to_have_count(2)
    unnamed = page.evaluate(
        """() => [...document.querySelectorAll("button, input, select, [role=slider], a")].filter((one) =>
        !(one.ariaLabel || one.innerText?.trim() || one.labels?.length || one.title)).map((one) => one.outerHTML)"""
    )
    assert not unnamed
