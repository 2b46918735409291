"""The information-resource centre in a browser: from a block or a number to what is behind it, in both languages, on a
screen and a phone, by keyboard; nothing is asked of anyone else.

With ZHICHENG_IMAGES it takes the pictures of the documents: ZHICHENG_IMAGES=docs/images pytest tests/web/test_centre.py
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

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SCREEN, PHONE = {"width": 1920, "height": 1080}, {"width": 390, "height": 844}
OWNER = "urn:ngsi-ld:Organization:{}"
DEPARTMENTS = {
    "planning": "市规划局",
    "fire": "市公安消防支队",
    "tax": "市国家税务局",
    "housing": "市住房保障和房产管理局",
}
CITY = (
    '[city]\ntime_zone = "Asia/Shanghai"\nname = { zh = "江城（模拟）", en = "River City (made up)" }\n'
    + "".join(
        f'[feeds.{name}]\ndecoder = "ngsi-ld"\npush = true\nowner = "{OWNER.format(name)}"\nsimulated = true\n'
        'late_after = "30 d"\nstale_after = "30 d"\n'
        for name in DEPARTMENTS
    )
    + '[feeds.beat]\ndecoder = "ngsi-ld"\npush = true\n'
)
NAMES = ("江滨小学", "南湖医院", "朝阳商场", "民族影城", "星湖公寓", "金洲大厦", "青秀公寓", "望园商厦")


def prop(value: object) -> dict[str, object]:
    return {"type": "Property", "value": value}


def point(number: int, aside: float = 0) -> dict[str, object]:
    coordinates = [108.30 + number / 200 + aside, 22.80 + number % 3 / 300]
    return {"type": "GeoProperty", "value": {"type": "Point", "coordinates": coordinates}}


def building(number: int, kind: str = "", **more: object) -> dict[str, object]:
    return {"id": f"urn:ngsi-ld:Building:{kind}{number}", "type": "Building", **more}


def records(department: str) -> list[dict[str, object]]:
    """What a department tells: planning and housing of the same entities, fire and tax in records of their own."""
    found: list[dict[str, object]] = [
        {"id": OWNER.format(department), "type": "Organization", "name": prop(DEPARTMENTS[department])}
    ]
    for n, name in enumerate(NAMES):
        if department == "planning":
            found.append(building(n, name=prop(name), location=point(n), floorsAboveGround=prop(n + 3)))
        elif department == "housing" and n % 2:
            found.append(building(n, peopleCapacity=prop(120 + n)))
        elif department == "fire" and n < 6:
            same = {"sameAs": {"type": "Relationship", "object": f"urn:ngsi-ld:Building:{n}"}} if n < 4 else {}
            found.append(
                building(n, "fire", name=prop(f"{name}消防档案"), location=point(n, 0.0001),
                         floorsAboveGround=prop(n + 3 + n % 2), **same)
            )  # fmt: skip
        elif department == "tax" and n > 5:
            found.append(building(n, "tax", name=prop(f"{name}（房产税）"), location=point(n)))
    return found


class Server:
    """A city served by a process of its own."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.base = f"http://127.0.0.1:{port}"
        (folder / "city.toml").write_text(CITY, "utf-8")
        command = [sys.executable, "-m", "zhicheng.cli.main", "run", "--data", str(folder / "data"), "--no-auth"]
        command += ["--city", str(folder / "city.toml"), "--port", str(port)]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(600):
            try:
                if httpx.get(f"{self.base}/health").status_code == 200:
                    break
            except httpx.TransportError:
                time.sleep(0.1)
        for department in DEPARTMENTS:
            self.push(department, records(department))
        device = {"id": "urn:ngsi-ld:Device:1", "type": "Device", "name": prop("总水表 1"), "location": point(1)}
        device["controlledAsset"] = {"type": "Relationship", "object": "urn:ngsi-ld:Building:1"}
        assert httpx.post(f"{self.base}/ngsi-ld/v1/entities", json=device).status_code == 201

    def push(self, feed: str, entities: list[dict[str, object]]) -> None:
        answer = httpx.post(f"{self.base}/api/v1/feeds/{feed}", json=entities, timeout=60)
        assert answer.status_code == 200, answer.text

    def end(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)


@pytest.fixture(scope="module")
def server(static: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = Server(tmp_path_factory.mktemp("centre"))
    yield made
    made.end()


class Opened:
    """A page that must not complain and must not ask anyone else."""

    def __init__(self, chromium: Browser, server: Server, size: dict[str, int], language: str) -> None:
        self.server = server
        size_: Any = size
        self.context = chromium.new_context(viewport=size_, locale="zh-CN", color_scheme="light")
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(60_000)
        self.complaints: list[str] = []
        self.strangers: list[str] = []
        self.page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.look(request.url))
        self.language = language

    def look(self, url: str) -> None:
        if not url.startswith((self.server.base, "blob:", "data:")):
            self.strangers.append(url)

    def to(self, path: str) -> Page:
        self.page.goto(f"{self.server.base}{path}{'&' if '?' in path else '?'}lang={self.language}")
        return self.page

    def picture(self, name: str) -> None:
        if folder := os.environ.get("ZHICHENG_IMAGES"):
            path = Path(folder) / f"{name}.png"
            self.page.wait_for_timeout(1500)
            self.page.screenshot(path=path)
            assert path.stat().st_size < 400_000

    def close(self) -> None:
        wide = self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, "the page is wider than the screen"
        self.context.close()
        assert not self.complaints and not self.strangers, (self.complaints, self.strangers)


@pytest.fixture(params=[("zh", SCREEN), ("en", SCREEN), ("zh", PHONE)], ids=["zh", "en", "phone"])
def opened(request: pytest.FixtureRequest, chromium: Browser, server: Server) -> Iterator[Opened]:
    language, size = request.param
    made = Opened(chromium, server, size, language)
    made.name = request.node.callspec.id  # type: ignore[attr-defined]  # for the names of pictures
    yield made
    made.close()


def test_a_block_of_the_model_leads_to_its_documents_and_tests(opened: Opened) -> None:
    page = opened.to("/reference")
    page.locator(".model-block").nth(7).wait_for()
    assert page.locator(".model-block").count() == 8
    opened.picture(f"reference-{opened.name}")  # type: ignore[attr-defined]  # set by the fixture
    page.locator(".model-block").filter(has_text="L3").click()
    page.locator('.detail a[href="/docs/sql"]').click()
    page.locator(".prose h1").wait_for()
    assert page.locator(".prose h1").inner_text().startswith("SQL")
    page.go_back()
    page.locator(".coverage tbody tr").nth(50).wait_for()
    page.locator(".coverage input").fill("碎片化")
    page.locator("#B25").wait_for()
    page.locator("#B25 summary").click()
    assert "同一时空对象" in page.locator("#B25 details").inner_text()


def test_a_number_of_the_catalogue_opens_to_the_entities_it_counts(opened: Opened) -> None:
    page = opened.to("/resources")
    row = page.locator("tbody tr").filter(has_text="Building").first
    row.wait_for()
    opened.picture(f"resources-{opened.name}")  # type: ignore[attr-defined]  # set by the fixture
    number = int(row.locator("td.right a").first.inner_text().replace(",", ""))
    row.locator("td.right a").first.click()
    page.locator(".lines li").first.wait_for()
    assert int(page.locator("header h2.number").inner_text().replace(",", "")) == number == len(NAMES) + 8
    page.locator(".lines a").first.click()
    page.locator(".department").first.wait_for()


def test_a_type_shows_lineage_and_ways_in(opened: Opened) -> None:
    page = opened.to("/resources/Building")
    page.locator(".lineage article").first.wait_for()
    opened.picture(f"type-{opened.name}")  # type: ignore[attr-defined]  # set by the fixture
    assert "planning" in page.locator(".lineage").inner_text()
    page.get_by_role("button", name="Python").click()
    assert opened.server.base in page.locator(".example").inner_text()
    page.locator(".centre-head a").first.click()
    page.locator(".departments").wait_for()


def test_one_object_shows_what_every_department_says(opened: Opened) -> None:
    page = opened.to("/object/urn:ngsi-ld:Building:1")
    page.locator(".department").nth(2).wait_for()
    page.locator(".mini-map canvas").wait_for()
    opened.picture(f"object-{opened.name}")  # type: ignore[attr-defined]  # set by the fixture
    said = page.locator(".cards").inner_text()
    assert all(DEPARTMENTS[name] in said for name in ("planning", "fire", "housing"))
    assert page.locator(".department .chip.warn").count() >= 2
    assert "总水表 1" in page.locator("aside").inner_text()
    page.locator(".department .about button").first.click()
    page.locator(".past").wait_for()


def test_the_index_opens_to_objects_and_candidates(opened: Opened) -> None:
    page = opened.to("/fragmentation")
    page.locator(".row-button").first.wait_for()
    page.locator(".row-button").first.click()
    page.locator(".objects li").first.wait_for()
    assert "消防档案" in page.locator(".objects").first.inner_text()
    page.locator(".matrix button").first.click()
    page.locator(".pager").wait_for()
    opened.picture(f"fragmentation-{opened.name}")  # type: ignore[attr-defined]  # set by the fixture


def test_a_question_is_asked_by_keyboard_drawn_and_downloaded(opened: Opened) -> None:
    page = opened.to("/sql")
    page.locator("textarea").fill(
        "SELECT type, count(DISTINCT entity) AS entities FROM entities GROUP BY type ORDER BY 2 DESC"
    )
    page.locator("textarea").press("Control+Enter")
    page.locator(".answer tbody tr").first.wait_for()
    assert "Building" in page.locator(".answer").inner_text()
    page.locator(".result header button").nth(1).click()
    page.locator(".result-chart canvas").wait_for()
    opened.picture(f"sql-{opened.name}")  # type: ignore[attr-defined]  # set by the fixture
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV GB 18030").click()
    assert Path(download.value.path()).read_bytes().decode("gb18030").startswith("type,entities")


def test_a_wrong_question_is_told_in_words(chromium: Browser, server: Server) -> None:
    made = Opened(chromium, server, SCREEN, "zh")
    page = made.to("/sql?q=SELECT%20*%20FROM%20'/etc/passwd'")
    page.locator(".error").wait_for()
    assert "查询失败" in page.locator(".error").inner_text()
    made.complaints.clear()  # the browser itself notes an answer of 4xx
    made.close()


def test_a_feed_that_falls_silent_turns_its_block_on_the_page(chromium: Browser, server: Server) -> None:
    made = Opened(chromium, server, SCREEN, "zh")
    for number in range(7):
        server.push("beat", [{"id": "urn:ngsi-ld:Device:beat", "type": "Device", "batteryLevel": prop(number / 10)}])
        time.sleep(0.3)
    page = made.to("/reference")
    page.locator(".model-block.ok").filter(has_text="L1").wait_for()
    began = time.monotonic()
    page.locator(".model-block.attention").filter(has_text="L1").wait_for(timeout=60_000)
    assert time.monotonic() - began < 30
    made.close()


def test_pages_can_be_used_by_keyboard_alone(chromium: Browser, server: Server) -> None:
    made = Opened(chromium, server, SCREEN, "en")
    page = made.to("/reference")
    page.locator(".model-block").nth(7).wait_for()
    page.locator(".model-block").first.focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.locator(".detail h2").inner_text().startswith("L4")
    for control in page.locator("main button, main a, main input, main summary").all()[:60]:
        assert (
            control.get_attribute("aria-label") or control.inner_text().strip() or control.get_attribute("placeholder")
        )
    made.close()
