"""Four who come to a city of their own from its first start on: an operator, a clerk, a citizen, a device."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.acceptance.running import ROOT, command
from tests.web.test_accounts import PASSWORD, Closed, fill, picture

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]
WATER, ROADS = "urn:ngsi-ld:Organization:water", "urn:ngsi-ld:Organization:roads"
CITY = f"""
[city]
name = {{ zh = "小城", en = "Small town" }}
centre = [108.36, 22.82]
[identity]
visitors = "citizens"
[feeds.meters]
decoder = "ngsi-ld"
push = true
owner = "{WATER}"
classification = "internal"
stale_after = "365 d"
[feeds.buildings]
decoder = "ngsi-ld"
push = true
owner = "{ROADS}"
stale_after = "365 d"
"""
ID = "urn:ngsi-ld:Building:1"
PLACE = {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [108.36, 22.82]}}
BUILDING = {"id": ID, "type": "Building", "name": {"type": "Property", "value": "河畔楼"}, "location": PLACE}
METER = {"id": ID, "type": "Building", "waterUse": {"type": "Property", "value": 31.5}}


@pytest.fixture
def closed(static: Path, tmp_path: Path) -> Iterator[Closed]:
    file = tmp_path / "city.toml"
    file.write_text(CITY, "utf-8")
    made = Closed(tmp_path / "data", "--city", file)
    yield made
    made.end()


@pytest.fixture
def opened(chromium: Browser, closed: Closed) -> Iterator[Callable[[str], Page]]:
    pages: list[Page] = []

    def begin(path: str) -> Page:
        page = chromium.new_context(locale="zh-CN", viewport={"width": 1280, "height": 860}).new_page()
        page.goto(path if path.startswith("http") else closed.url + path)
        pages.append(page)
        return page

    yield begin
    for page in pages:
        page.context.close()


def tell(data: Path, *words: str) -> str:
    line, environ = command(*words, "--data", data)
    return subprocess.run(line, env=environ, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def accept(page: Page) -> None:
    """Choose a password behind a link."""
    fill(page, 新密码=PASSWORD, 再输入一次=PASSWORD)
    page.get_by_role("button", name="启用").click()
    page.wait_for_url(lambda url: "/welcome" not in url)


def invited(chief: Page, name: str, role: str, department: str) -> str:
    chief.get_by_role("button", name="新建账号").click()
    chief.get_by_label("账号", exact=True).fill(name)
    for box in chief.locator("fieldset input").all():
        box.uncheck()
    chief.get_by_label(role).check()
    chief.get_by_role("textbox", name=re.compile("^部门")).fill(department)
    chief.get_by_role("button", name="保存").click()
    chief.locator("li", has_text=name).first.wait_for()
    return chief.locator(".copy-line code").inner_text()


def values(page: Page) -> dict[str, object]:
    found: dict[str, object] = page.evaluate(
        "fetch('/ngsi-ld/v1/entities/" + ID + "?options=keyValues').then(answer => answer.json())"
    )
    return found


def test_each_sees_and_does_what_is_theirs(closed: Closed, opened: Callable[[str], Page], tmp_path: Path) -> None:
    chief = opened(closed.link)
    fill(chief, 账号="chief", 显示名="陈主任")
    accept(chief)
    writer = tell(tmp_path / "data", "token", "create", "feeds", "--role", "writer").strip()
    gateway = {"Authorization": f"Bearer {writer}"}
    time.sleep(1.1)
    for feed, entity in (("buildings", BUILDING), ("meters", METER)):
        pushed = httpx.post(f"{closed.url}/api/v1/feeds/{feed}", json=[entity], headers=gateway)
        assert pushed.status_code == 200, pushed.text
    chief.goto(f"{closed.url}/people")
    links = {
        "op": invited(chief, "op", "运维人员", ""),
        "wang": invited(chief, "wang", "部门职员", WATER),
        "zhao": invited(chief, "zhao", "部门职员", ROADS),
    }
    picture(chief, "people-roles-zh.png")

    operator, water, roads = (opened(link) for link in links.values())
    for page in (operator, water, roads):
        accept(page)
    assert operator.evaluate("fetch('/api/v1/feeds').then(answer => answer.status)") == 200
    assert values(water)["waterUse"] == 31.5, "of its own department"
    assert "waterUse" not in values(roads) and values(roads)["name"] == "河畔楼", "of another one, and internal"
    for page, shown in ((water, True), (roads, False)):
        page.goto(f"{closed.url}/map?entity={ID}")
        page.get_by_role("heading", name="河畔楼").first.wait_for(timeout=120_000)
        assert page.get_by_text("31.5").count() == int(shown)
    picture(roads, "clerk-zh.png")

    citizen = opened("/map")
    assert "waterUse" not in values(citizen)
    assert citizen.evaluate("fetch('/api/v1/sql/relations').then(answer => answer.status)") == 401

    device = tell(tmp_path / "data", "token", "create", "meter-7", "--entity", "urn:ngsi-ld:Device:7").strip()
    time.sleep(1.1)
    curl = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-H", f"Authorization: Bearer {device}",
            "-H", "Content-Type: application/json"]  # fmt: skip
    own = '{"id": "urn:ngsi-ld:Device:7", "type": "Device", "batteryLevel": {"type": "Property", "value": 0.8}}'
    foreign = own.replace("Device:7", "Device:8")
    answers = [
        subprocess.run(
            [*curl, "-d", body, f"{closed.url}/ngsi-ld/v1/entities"], capture_output=True, text=True, check=True
        )
        for body in (own, foreign)
    ]
    assert [answer.stdout for answer in answers] == ["201", "403"]
