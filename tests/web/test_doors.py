"""From the entry through each of the four doors to one useful answer in at most three clicks; every page, as people
open it.

With ZHICHENG_IMAGES it takes the pictures of the documents: ZHICHENG_IMAGES=docs/images pytest tests/web/test_doors.py
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlparse

import pytest
from playwright.sync_api import expect

from tests.web import doors_city
from tests.web.opened import PHONE, SCREEN, WALL, Opened, paths

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from tests.acceptance.running import Running

pytestmark = [pytest.mark.browser, pytest.mark.slow]
expect.set_options(timeout=60_000)
LARGEST = 500_000
LARGE = 1.3
TARGET = 48
Open = Callable[..., Opened]


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory, static: Path) -> Iterator[Running]:
    with doors_city.small_city(tmp_path_factory.mktemp("doors")) as platform:
        yield platform


@pytest.fixture
def opened(chromium: Browser, city: Running) -> Iterator[Open]:
    made: list[Opened] = []

    def open_one(size: dict[str, int] = SCREEN, **more: Any) -> Opened:
        made.append(Opened(chromium, city, size, **more))
        return made[-1]

    yield open_one
    for one in made:
        one.close()


def picture(page: Page, name: str) -> None:
    """A picture for the documents; small enough for a repository."""
    page.wait_for_timeout(800)
    taken = page.screenshot()
    assert len(taken) < LARGEST, name
    if folder := os.environ.get("ZHICHENG_IMAGES"):
        (Path(folder) / f"{name}.png").write_bytes(taken)


# the entry


@pytest.mark.parametrize(("language", "size", "name"), [("zh", SCREEN, "entry-zh"), ("en", SCREEN, "entry-en"),
                                                         ("zh", PHONE, "entry-phone"), ("en", WALL, "")])  # fmt: skip
def test_the_entry_has_four_doors_and_live_figures(
    opened: Open, language: str, size: dict[str, int], name: str
) -> None:
    page = opened(size, language=language).to("/")
    doors = {
        "zh": ("信息资源中心", "市民", "企业", "运行监测"),
        "en": ("Information-resource centre", "Citizens", "Enterprises", "Operations"),
    }[language]
    expect(page.locator(".doors .door h2")).to_have_text(list(doors))
    expect(page.locator(".figure-card .standing-dot").nth(2)).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_contain_text("示例城市" if language == "zh" else "Example city")
    assert page.evaluate("document.querySelector('main').scrollWidth <= document.querySelector('main').clientWidth")
    if name:
        picture(page, name)


def test_a_figure_opens_to_the_entities_that_it_comes_from(opened: Open) -> None:
    page = opened().to("/")
    page.locator(".figure-card:not(.attention)", has_text="PM2.5").click()
    expect(page.get_by_role("region", name="成因").locator(".makers button").first).to_be_visible()


def test_one_search_by_keyboard_over_lines_stops_places_things_pages_and_documents(opened: Open) -> None:
    page = opened().to("/")
    box = page.get_by_role("combobox")
    box.wait_for()
    page.keyboard.press("/")
    expect(box).to_be_focused()
    box.fill("南湖")
    page.get_by_role("option", name=re.compile("南湖公园北门")).wait_for()
    groups = page.locator(".find-found h3")
    expect(groups).to_contain_text(["站点", "地点"])
    for text, label in (("2路", "2路"), ("south lake", "南湖"), ("PARKING", ""), ("参考", "参考模型"), ("术语", "")):
        box.fill(text)
        if label:
            expect(page.get_by_role("option", name=re.compile(label)).first).to_be_visible()
    box.fill("没有这个东西")
    expect(page.get_by_text("没有找到“没有这个东西”")).to_be_visible()
    box.fill("南湖公园")
    page.get_by_role("option", name=re.compile("南湖公园北门")).wait_for()
    expect(box).to_have_attribute("aria-activedescendant", re.compile("-0$"))
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/citizen$"))
    expect(page.locator(".stop-card .board-head strong")).to_have_text("南湖公园北门")


def test_a_place_that_was_searched_for_is_marked_on_the_map_until_something_else_is_looked_at(opened: Open) -> None:
    page = opened().to("/")
    page.get_by_role("combobox").fill("南湖")
    page.get_by_role("option", name="南湖 South Lake").click()
    pin = page.locator(".map-pin")
    expect(pin).to_have_text("南湖")
    page.wait_for_url(re.compile("place=.*南湖|place=.*%E5%8D%97%E6%B9%96"))
    page.reload()
    expect(pin).to_be_visible()
    page.get_by_role("combobox", name="搜索").fill("兴宁")
    page.get_by_role("option", name=re.compile("兴宁区")).first.click()
    expect(pin).to_have_text("兴宁区")
    page.locator(".map-canvas canvas").first.press("Escape")
    expect(pin).to_have_count(0)
    page.get_by_role("combobox", name="搜索").fill("兴宁")
    page.get_by_role("option", name=re.compile("兴宁区")).first.click()
    expect(pin).to_be_visible()
    page.get_by_role("combobox", name="搜索").fill("火车站1号停车场")
    page.get_by_role("option", name=re.compile("火车站1号停车场")).first.click()
    expect(page.get_by_role("region", name="对象")).to_be_visible()
    expect(pin).to_have_count(0)


# through each door, in at most three clicks


def test_through_the_centre_to_what_a_type_holds(opened: Open) -> None:
    page = opened().to("/")
    page.locator(".door", has_text="信息资源中心").click()
    page.get_by_role("link", name=re.compile("停车场")).first.click()
    expect(page.get_by_text("火车站1号停车场").first).to_be_visible()


def test_through_operations_to_who_makes_a_figure_what_it_is(opened: Open) -> None:
    page = opened().to("/")
    page.locator(".door", has_text="运行监测").click()
    page.locator(".vital", has_text="PM2.5").click()
    expect(page.get_by_role("region", name="成因").locator(".makers button").first).to_be_visible()


def test_through_the_enterprises_door_to_their_desk(opened: Open) -> None:
    if "/enterprise" not in paths():
        pytest.skip("the enterprises' page is not built yet")
    page = opened().to("/")
    page.locator(".door", has_text="企业").click()
    page.wait_for_url(re.compile("/enterprise"))
    expect(page.locator("main h1, main h2").first).to_be_visible()


def test_through_the_citizens_door_to_when_the_bus_comes(opened: Open) -> None:
    page = opened(PHONE).to("/")
    page.locator(".door", has_text="市民").click()
    page.locator(".choices button", has_text="人民医院").click()
    expect(page.locator(".board li", has_text="2路").locator(".board-when strong")).to_contain_text("分钟")


# the citizens' platform


def test_my_stop_and_my_line_on_a_phone_are_remembered_here_alone(opened: Open, city: Running) -> None:
    browser = opened(PHONE)
    page = browser.to("/citizen")
    box = page.get_by_role("combobox", name="搜索站点名称或编号")
    box.fill("1001")
    page.get_by_role("option", name=re.compile("南湖公园北门")).click()
    expect(page.locator(".board li")).to_have_count(3)
    expect(page.locator(".stop-card .made-mark")).to_be_visible()
    page.get_by_role("button", name="查看2路").click()
    stops = page.locator(".line-stops li")
    expect(stops).to_have_count(10)
    expect(page.locator(".line-vehicle").first).to_contain_text("公交10")
    expect(page.locator(".line-stops .mine")).to_contain_text("南湖公园北门")
    page.get_by_role("button", name="开往 市民中心").click()
    expect(stops.first).to_contain_text("会展中心")
    expect(page.locator(".parks li")).to_have_count(5)
    expect(page.locator(".park-chance b").first).to_contain_text("空位")
    expect(page.locator(".air-word strong")).to_contain_text("空气质量")
    expect(page.locator(".published-card")).to_contain_text("暴雨蓝色预警信号")
    page.reload()
    expect(page.locator(".stop-card .board-head strong")).to_have_text("南湖公园北门")
    expect(page.locator(".line-card .board-head")).to_contain_text("2路")
    page.get_by_role("heading", name="市民服务").scroll_into_view_if_needed()
    picture(page, "citizen-phone")
    page.get_by_role("button", name="清除我的选择").click()
    expect(page.locator(".board")).to_have_count(0)
    assert page.evaluate("localStorage.getItem('zhicheng.citizen')") is None
    assert not browser.sent, "nothing is written down at the server"


def test_a_place_is_asked_of_the_device_on_a_tap_alone_and_leaves_the_browser_rounded(opened: Open) -> None:
    exact = {"latitude": 22.8123456, "longitude": 108.3634567}
    browser = opened(PHONE, geolocation=exact, permissions=["geolocation"])
    page = browser.to("/citizen")
    expect(page.locator(".parks li").first).to_be_visible()
    expect(page.locator(".where-now strong")).to_have_text("市中心")
    page.get_by_role("button", name="定位").click()
    expect(page.locator(".where-now strong")).to_contain_text("我的位置")
    expect(page.locator(".parking-card")).to_contain_text("我的位置")
    page.wait_for_timeout(1500)
    asked = [parse_qs(urlparse(url).query) for url in browser.asked if "lon=" in url]
    assert asked and all(len(one["lon"][0].partition(".")[2]) <= 3 for one in asked)
    assert asked[-1]["lon"] == ["108.363"] and not [url for url in browser.asked if "108.3634" in url]


def test_without_the_devices_place_one_is_chosen_by_name_and_a_map_comes_when_it_is_wanted(opened: Open) -> None:
    browser = opened(PHONE, language="en")
    page = browser.to("/citizen")
    page.get_by_role("button", name="Find me").click()
    expect(page.get_by_role("alert")).to_contain_text("could not be had")
    page.get_by_role("combobox", name="Choose a place or stop").fill("south")
    page.get_by_role("option", name=re.compile("South Lake")).click()
    expect(page.locator(".where-now strong")).to_have_text("South Lake")
    assert not [url for url in browser.asked if "maplibre" in url]
    page.get_by_role("button", name="Show on the map").click()
    expect(page.get_by_role("img", name="Map of car parks nearby").locator(".map-mark").nth(4)).to_be_attached()


# 大字版


def test_large_text_loses_nothing(opened: Open, city: Running) -> None:
    plain, large = opened(PHONE), opened(PHONE, large=True)
    measure = "getComputedStyle(document.querySelector('.brand strong')).fontSize"
    height = "document.querySelector('.brand strong').getBoundingClientRect().height"
    assert large.to("/").evaluate(height) >= LARGE * plain.to("/").evaluate(height), large.page.evaluate(measure)
    plain.page.wait_for_timeout(1500)
    words = [opening.page.locator(".doors").inner_text() for opening in (plain, large)]
    assert re.sub(r"[\d,]+", "", words[0]) == re.sub(r"[\d,]+", "", words[1])
    for path in ("/", "/citizen"):
        page = large.settled(path)
        small = page.evaluate(
            """least => [...document.querySelectorAll('button, select, input:not([type=checkbox]), .door, nav a')]
                .filter(one => one.offsetParent && one.getBoundingClientRect().height < least - 0.5)
                .map(one => `${one.className} ${one.textContent} ${one.getBoundingClientRect().height}`)""",
            TARGET,
        )
        assert not small, (path, small)
        assert page.evaluate("document.querySelector('main').scrollWidth <= document.querySelector('main').clientWidth")
    picture(large.page, "citizen-large")
    large.page.get_by_role("button", name="大字版").click()
    assert large.page.evaluate("document.documentElement.hasAttribute('data-large')") is False
    assert large.page.evaluate("localStorage.getItem('zhicheng.large')") is None


# every page


@pytest.mark.parametrize("path", paths())
def test_every_page_opens_without_a_complaint_and_asks_nobody_outside(opened: Open, city: Running, path: str) -> None:
    page = opened(PHONE).settled(path.replace("{room}", room(city)))
    assert page.title().endswith("智城")


def room(city: Running) -> str:
    """The key of a room, which is opened when there is none."""
    answer = city.http.get("/api/v1/rooms").json()
    listed = answer["rooms"] if isinstance(answer, dict) else answer
    if listed:
        return str(listed[0]["key"])
    made = city.http.post("/api/v1/rooms", json={"name": "防汛会商", "view": {}, "as": "值班员"})
    assert made.status_code in (200, 201), made.text
    return str(made.json()["key"])
