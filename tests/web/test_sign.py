"""The stop sign in a browser: what it shows in both languages, upright and across, and when its server is gone.

With ZHICHENG_IMAGES it takes the pictures of the documents: ZHICHENG_IMAGES=docs/images pytest tests/web/test_sign.py
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from zhicheng.kernel import instants
from zhicheng.kernel.instants import MINUTE, SECOND

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

CITY = '[city]\ntime_zone = "Asia/Shanghai"\nname = { zh = "南宁", en = "Nanning" }\n'
LINES = (
    ("2路", "1B7F5C", "火车东站", (0.3, 9, 21)),
    ("7路", "C8102E", "广西大学", (4.2, 16)),
    ("12路", "0057B8", "五象新区体育中心", (2.1, 11, 33)),
    ("B01", "F2A900", "朝阳广场", (6.5, 14, 27)),
    ("机场快线2号", "6D3FA0", "吴圩国际机场", (18, 74)),
)
STOP = "urn:ngsi-ld:GtfsStop:nn:101"
WALL, PHONE, POST = {"width": 1920, "height": 1080}, {"width": 390, "height": 844}, {"width": 1080, "height": 1920}


def prop(value: object, at: str | None = None) -> dict[str, object]:
    return {"type": "Property", "value": value} | ({"observedAt": at} if at else {})


def to(urn: str) -> dict[str, object]:
    return {"type": "Relationship", "object": urn}


def arrival(line: int, turn: int, minutes: float, now: int) -> dict[str, object]:
    """The arrival of a line's bus, and of it at the stops before."""
    time_ = instants.format(now + round(minutes * MINUTE) // SECOND * SECOND)
    at = instants.format(now)
    return {
        "id": f"urn:ngsi-ld:ArrivalEstimation:nn:{line}-{turn}:101", "type": "ArrivalEstimation",
        "hasStop": to(STOP), "hasTrip": to(f"urn:ngsi-ld:GtfsTrip:nn:{line}-{turn}"),
        "hasRoute": to(f"urn:ngsi-ld:GtfsRoute:nn:{line}"), "arrivalTime": prop(time_, at), "stopSequence": prop(20),
    }  # fmt: skip


def before(line: int, turn: int, minutes: float, now: int) -> list[dict[str, object]]:
    found = []
    for step in range(min(int(minutes * 0.7), 12)):
        one = arrival(line, turn, 0.2 + step * minutes / 13, now)
        stop = f"urn:ngsi-ld:GtfsStop:nn:b{step}"
        found.append({**one, "id": f"{one['id']}:{step}", "hasStop": to(stop), "stopSequence": prop(step)})
    return found


def city_entities(now: int) -> list[dict[str, Any]]:
    place = {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [108.36, 22.81]}}
    entities: list[dict[str, Any]] = [
        {"id": STOP, "type": "GtfsStop", "code": prop("101"), "location": place,
         "name": {"type": "LanguageProperty", "languageMap": {"zh": "南湖公园北门", "en": "Nanhu Park North Gate"}}},
        {"id": "urn:ngsi-ld:WeatherObserved:nn", "type": "WeatherObserved", "location": place,
         "weatherType": prop("lightRain", instants.format(now)),
         "temperature": {**prop(22.4, instants.format(now)), "unitCode": "CEL"}},
        {"id": "urn:ngsi-ld:Alert:nn:1", "type": "Alert", "affects": to("urn:ngsi-ld:GtfsRoute:nn:2"),
         "category": prop("traffic"), "dateIssued": prop(instants.format(now)), "severity": prop("medium"),
         "name": {"type": "LanguageProperty", "languageMap": {
             "zh": "12路因民族大道施工绕行，不停靠金湖广场",
             "en": "Line 12 is diverted and does not call at Jinhu Square"}}},
    ]  # fmt: skip
    for line, (name, colour, headsign, minutes) in enumerate(LINES):
        entities.append({
            "id": f"urn:ngsi-ld:GtfsRoute:nn:{line}", "type": "GtfsRoute", "name": prop(name),
            "shortName": prop(name), "routeColor": prop(colour),
        })  # fmt: skip
        for turn, one in enumerate(minutes):
            trip = f"urn:ngsi-ld:GtfsTrip:nn:{line}-{turn}"
            entities.append({"id": trip, "type": "GtfsTrip", "headSign": prop(headsign)})
            entities += [arrival(line, turn, one, now), *before(line, turn, one, now)]
    return entities


class Server:
    """A city served by a process of its own."""

    def __init__(self, folder: Path, *options: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.base = f"http://127.0.0.1:{self.port}"
        self.folder, self.options = folder, options
        self.begin()

    def begin(self) -> None:
        command = [sys.executable, "-m", "zhicheng.cli.main", "run", "--data", str(self.folder / "data"), "--city"]
        command += [str(self.folder / "city.toml"), "--port", str(self.port), *self.options]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(300):
            try:
                if httpx.get(f"{self.base}/health").status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.1)
        raise AssertionError("the server does not start")

    def end(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)


@pytest.fixture
def server(static: Path, tmp_path: Path) -> Iterator[Server]:
    (tmp_path / "city.toml").write_text(CITY, "utf-8")
    one = Server(tmp_path, "--no-auth")
    fill(one)
    yield one
    one.end()


def fill(server: Server, token: str = "") -> None:
    answer = httpx.post(
        f"{server.base}/ngsi-ld/v1/entityOperations/upsert", json=city_entities(instants.system_clock()), timeout=30,
        headers={"authorization": f"Bearer {token}"} if token else {},
    )  # fmt: skip
    assert answer.status_code in (201, 204), answer.text


def opened(browser: Browser, address: str, size: dict[str, int], faults: list[str]) -> Page:
    page = browser.new_page(viewport=size, device_scale_factor=2 if size is PHONE else 1)  # type: ignore[arg-type]  # a dict
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(address)
    page.locator('.sign[data-state="live"] .lines li .badge').first.wait_for()
    return page


def picture(page: Page, name: str) -> None:
    folder = os.environ.get("ZHICHENG_IMAGES")
    if folder:
        page.evaluate("document.fonts.ready")
        path = Path(folder) / name
        page.screenshot(path=path, animations="disabled")
        assert path.stat().st_size < 400_000


def readable(page: Page, selector: str, least: float) -> None:
    """Every text of the selector is at least so many pixels high."""
    sizes = page.eval_on_selector_all(selector, "all => all.map(one => parseFloat(getComputedStyle(one).fontSize))")
    assert sizes and min(sizes) >= least, sizes


def whole(page: Page, selector: str) -> None:
    """No text of the selector is cut off, and every line is within its list."""
    over = page.eval_on_selector_all(selector, "all => all.map(one => one.scrollWidth - one.clientWidth)")
    assert over and max(over) <= 0, over
    inside = page.eval_on_selector_all(
        ".lines li",
        "all => all.map(one => one.getBoundingClientRect().bottom - one.parentNode.getBoundingClientRect().bottom)",
    )
    assert max(inside) <= 1, inside


def test_it_is_read_from_five_metres_in_chinese_and_english(chromium: Browser, server: Server) -> None:
    faults: list[str] = []
    page = opened(chromium, f"{server.base}/sign/nn:101", WALL, faults)
    assert page.locator("h1").inner_text().split("\n") == ["南湖公园北门", "Nanhu Park North Gate"]
    assert page.locator(".badge").all_inner_texts() == ["2路", "7路", "12路", "B01", "机场快线2号"]
    first = page.locator(".lines li").first
    assert first.locator(".large").inner_text().split("\n")[0] == "即将到站"
    assert page.locator(".lines li").nth(2).locator(".large .figure").inner_text() in ("1", "2")
    assert "小雨 22°C" in page.locator(".weather").inner_text()
    assert "绕行" in page.locator(".notice").inner_text()
    # on a screen of 400 mm height 60 pixels are 22 mm, which is read from five metres
    readable(page, ".large .figure, .to, h1 span, .wall-clock", 58)
    whole(page, ".badge, .to, h1 span")
    picture(page, "sign-zh.png")
    page.close()
    page = opened(chromium, f"{server.base}/sign/101?lang=en", WALL, faults)
    assert page.locator("h1").inner_text() == "Nanhu Park North Gate"
    assert page.locator(".lines li").first.locator(".large .here").inner_text() == "Arriving"
    assert "diverted" in page.locator(".notice").inner_text()
    picture(page, "sign-en.png")
    page.close()
    assert not faults


@pytest.mark.parametrize("size", [PHONE, POST], ids=["phone", "upright"])
def test_it_fits_a_phone_and_an_upright_screen(chromium: Browser, server: Server, size: dict[str, int]) -> None:
    faults: list[str] = []
    page = opened(chromium, f"{server.base}/sign/nn:101", size, faults)
    assert page.locator(".lines li").count() == len(LINES)
    for place in range(len(LINES)):
        box = page.locator(".lines li").nth(place).locator(".large").bounding_box()
        assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= size["width"]
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    readable(page, ".large .figure", 28)
    whole(page, ".badge, .to, h1 span")
    if size is PHONE:
        picture(page, "sign-phone.png")
    elif os.environ.get("ZHICHENG_LOOK"):
        page.screenshot(path=Path(os.environ["ZHICHENG_LOOK"]) / "sign-upright.png")
    page.close()
    assert not faults


def test_it_keeps_what_it_has_when_the_server_is_gone_and_goes_on_when_it_is_back(
    chromium: Browser, server: Server
) -> None:
    page = opened(chromium, f"{server.base}/sign/nn:101", WALL, [])
    minutes = int(page.locator(".lines li").nth(3).locator(".large .figure").inner_text())
    server.end()
    page.locator('.sign[data-state="lost"]').wait_for(timeout=30_000)
    assert "连接中断" in page.locator(".trouble").inner_text()
    assert int(page.locator(".lines li").nth(3).locator(".large .figure").inner_text()) in (minutes, minutes - 1)
    server.begin()
    page.locator('.sign[data-state="live"]').wait_for(timeout=30_000)
    assert page.locator(".trouble").count() == 0
    page.close()


def test_a_stop_that_there_is_not_is_said(chromium: Browser, server: Server) -> None:
    page = chromium.new_page(viewport=WALL)  # type: ignore[arg-type]  # a dict of two numbers
    page.goto(f"{server.base}/sign/nn:nowhere")
    page.get_by_text("没有该站点").wait_for()
    page.close()


def token_of(folder: Path, role: str) -> str:
    command = [
        sys.executable,
        "-m",
        "zhicheng.cli.main",
        "token",
        "create",
        role,
        "--role",
        role,
        "--data",
        str(folder),
    ]
    made = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return next(word for word in made.split() if word.startswith("zc_"))


def test_a_screen_is_given_its_token_once_and_shows_nothing_without(
    chromium: Browser, static: Path, tmp_path: Path
) -> None:
    (tmp_path / "city.toml").write_text(CITY, "utf-8")
    server = Server(tmp_path)
    try:
        fill(server, token_of(tmp_path / "data", "writer"))
        reader = token_of(tmp_path / "data", "reader")
        page = opened(chromium, f"{server.base}/sign/nn:101#token={reader}", WALL, [])
        assert page.url == f"{server.base}/sign/nn:101"
        page.close()
        page = chromium.new_context(viewport=WALL).new_page()  # type: ignore[arg-type]  # a dict of two numbers
        page.goto(f"{server.base}/sign/nn:101")
        page.wait_for_url("**/sign-in?next=**")
        assert page.locator(".badge").count() == 0
        page.close()
    finally:
        server.end()
