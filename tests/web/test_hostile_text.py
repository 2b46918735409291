"""Script in whatever people, devices and feeds may name or say, on every page of a running city: shown, never run."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import orjson
import pytest

from tests.acceptance.running import running
from tests.web import doors_city, operations_city, scene
from tests.web.opened import Opened

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, Dialog, Page

    from tests.acceptance.running import Running

pytestmark = [pytest.mark.browser, pytest.mark.slow]
RUN = "<img src=x onerror=owned()>"
MORE = f"{RUN}<svg onload=owned()><script>owned()</script>{{{{owned()}}}}[a](javascript:owned())\"'><b onclick=owned()>"
KIND = "urn:x:'-owned()-'"
"""The worst that a type, an attribute or an id may be called: other characters are no URI."""
THING = "urn:ngsi-ld:Lot:'-owned()-'"
OWNER = "urn:ngsi-ld:Organization:evil"
CITY = doors_city.CITY.replace("simulated = true", f'simulated = true\nowner = "{OWNER}"')
WATCH = """
window.ran = [];
window.owned = () => window.ran.push("script");
document.addEventListener("securitypolicyviolation", (one) => window.ran.push(one.violatedDirective + one.blockedURI));
"""
MADE = (
    "[onerror], [onload], [onclick], iframe, object, embed, script:not([src]), img[src='x'], a[href^='javascript:'], "
    "a[href^='data:']"
)
"""Elements that our pages never hold."""


def prop(value: object, **more: object) -> dict[str, object]:
    return {"type": "Property", "value": value, **more}


def named(place: str) -> dict[str, object]:
    return prop(f"{place} {MORE}")


def both(place: str) -> dict[str, object]:
    return {"type": "LanguageProperty", "languageMap": {"zh": f"{place} {MORE}", "en": f"{place} {MORE}"}}


def entities() -> Iterator[dict[str, Any]]:
    """A thing whose every part is script, and what the pages show by name."""
    now = time.time()
    yield {
        "id": THING, "type": ["Lot", KIND], "name": named("thing"), "location": operations_city.place(3),
        "description": named("told"), "icon": prop("<svg xmlns='http://www.w3.org/2000/svg' onload='owned()'/>"),
        KIND: named("odd"), "link": prop("javascript:owned()"),
        "picture": prop("data:text/html,<script>owned()</script>"),
        "level": prop(5, unitCode=RUN, observedAt=operations_city.stamp(now), note=named("sub")),
        "inside": {"type": "Relationship", "object": doors_city.PARK},
    }  # fmt: skip
    yield {"id": OWNER, "type": "Organization", "name": named("owner")}
    yield {"id": doors_city.PARK, "type": "OffStreetParking", "name": named("park")}
    yield {"id": doors_city.STOP, "type": "GtfsStop", "name": named("stop")}
    yield {"id": doors_city.LINE, "type": "GtfsRoute", "name": named("line"), "shortName": prop(RUN)}
    yield {"id": "urn:ngsi-ld:AirQualityObserved:003", "type": "AirQualityObserved", "name": named("air")}
    yield {"id": "urn:ngsi-ld:Vehicle:nn:00", "type": "Vehicle", "name": named("bus")}
    for number, category in enumerate(("weather", "traffic")):
        yield {
            "id": f"urn:ngsi-ld:Alert:{number}", "type": "Alert", "name": both("alert"), "description": both("more"),
            "category": prop(category), "severity": prop("high"), "dateIssued": prop(operations_city.stamp(now)),
            "affects": {"type": "Relationship", "object": doors_city.LINE}, "location": operations_city.place(9),
        }  # fmt: skip


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory, static: Path) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("hostile")
    file = folder / "city.toml"
    file.write_text(CITY, "utf-8")
    with running(file, folder / "data", {}) as platform:
        base = scene.basemap()
        base["attribution"] = MORE
        features = [one for one in base["features"] if one["properties"]["layer"] != "building"]  # type: ignore[attr-defined]  # a list
        for feature in features:
            if "name" in feature["properties"]:
                feature["properties"] |= {"name": f"street {RUN}", "name_en": f"street {RUN}"}
        doors_city.push(platform, "map", orjson.dumps({**base, "features": features}))
        doors_city.push(platform, "timetable", doors_city.timetable())
        now = time.time()
        doors_city.push(platform, "city", orjson.dumps([*operations_city.entities(now), *doors_city.buses(now)]))
        made = platform.http.post("/ngsi-ld/v1/entityOperations/upsert", json=[*entities()])
        assert made.status_code in (201, 204), made.text
        http = platform.http
        assert http.post("/api/v1/session", json={"name": RUN, "password": "x" * 20}).status_code == 401
        person = {"name": "evil", "shown": RUN, "roles": ["reader"], "departments": [OWNER]}
        assert http.post("/api/v1/people", json=person).status_code == 201
        platform.wait(lambda: "alert" in http.get("/api/v1/attention").text, 60, "attention")
        yield platform


@pytest.fixture(scope="module")
def room(city: Running) -> str:
    """A room in which everything that people say is script."""
    made = city.http.post("/api/v1/rooms", json={"name": f"room {RUN}", "view": {}, "as": f"p {RUN}"})
    key = str(made.json()["key"])
    at = f"/api/v1/rooms/{key}"
    point = {"type": "Point", "coordinates": [108.366, 22.817]}
    session = "s" * 16
    for method, path, body in (
        ("PUT", f"{at}/people/{session}", {"as": f"p {RUN}"}),
        ("POST", f"{at}/notes", {"text": f"note {MORE}", "as": f"p {RUN}"}),
        ("POST", f"{at}/marks", {"location": point, "text": f"mark {RUN}", "as": f"p {RUN}"}),
    ):
        answer = city.http.request(method, path, json=body)
        assert answer.status_code < 300, (path, answer.text)
    return key


def check(page: Page, dialogs: list[str]) -> None:
    assert page.evaluate("window.ran") == [] and dialogs == [], page.url
    assert page.evaluate(f'document.querySelectorAll("{MADE}").length') == 0, page.url


def text(page: Page) -> str:
    """What can be read on a page, in its fields and in what is told to those who do not see it."""
    said: str = page.evaluate(
        "document.body.innerText + [...document.querySelectorAll('*')].map((one) => (one.value ?? '') + "
        "(one.title ?? '') + (one.ariaLabel ?? '')).join(' ')"
    )
    return said


SAYS = (
    "/", "/audit", "/people", "/operations", "/wall", "/rooms", "/rooms/{room}", "/rooms/{room}/record", "/resources",
    f"/resources/{quote(KIND, safe='')}", f"/resources/list?type={quote(KIND)}", f"/sign/{doors_city.STOP}",
    f"/object/{quote(THING, safe='')}", f"/object/{doors_city.PARK}", f"/map?entity={quote(THING, safe='')}",
)  # fmt: skip
"""Pages that show what is named so."""
TAKES = (
    f"/sign-in?error={quote(MORE)}&next={quote('javascript:owned()')}", f"/docs/{quote(RUN, safe='')}",
    f"/consent?client_id={quote(RUN)}", "/fragmentation",
    f"/map?layers={quote(RUN)}&at={quote(RUN)}", f"/citizen?stop={quote(RUN)}&line={quote(RUN)}", f"/welcome#{RUN}",
    f"/resources/list?type=Lot&attribute={quote(RUN)}", f"/sign/{quote(RUN, safe='')}",
)  # fmt: skip
"""Pages with script in their address, or that do not show what is named so at once."""


def test_no_text_is_markup_on_any_page(chromium: Browser, city: Running, room: str) -> None:
    opened = Opened(chromium, city, {"width": 1280, "height": 720})
    opened.context.add_init_script(WATCH)
    dialogs: list[str] = []

    def dismiss(dialog: Dialog) -> None:
        dialogs.append(dialog.message)
        dialog.dismiss()

    opened.page.on("dialog", dismiss)
    for path in (one.replace("{room}", room) for one in (*SAYS, *TAKES)):
        page = opened.to(path)
        page.wait_for_selector("main *", state="attached")
        for _ in range(40):
            page.wait_for_timeout(250)
            if path in TAKES or "owned()" in text(page):
                break
        else:
            raise AssertionError(f"{path} does not show what it is to show")
        check(page, dialogs)
    _asked(opened.to("/"), "input[role=combobox]", "thing")
    _asked(opened.to("/map"), "input[role=combobox]", "thing")
    check(opened.page, dialogs)
    page = opened.to(f"/sql?q={quote('SELECT text, count(*) AS n FROM entities GROUP BY text ORDER BY text')}")
    page.locator("textarea").press("Control+Enter")
    page.locator("td", has_text="owned()").first.wait_for()
    page.get_by_role("button", name="图").click()
    page.locator("canvas").first.wait_for()
    check(page, dialogs)
    outside = [one for one in opened.wrong if not one.startswith("Failed to load resource")]
    assert outside == [] and f"{city.port}/x" not in " ".join(opened.asked)
    opened.wrong.clear()  # of what was not found, the browser tells; the pages say so, too
    opened.close()


def _asked(page: Page, field: str, wish: str) -> None:
    page.locator(field).first.fill(wish)
    page.locator("[role=option]", has_text="owned()").first.wait_for()
