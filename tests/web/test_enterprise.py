"""The developer desk as a developer meets it: sign in, make a key, copy an example that runs, use the sandbox."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.acceptance.running import ROOT, command
from tests.web.test_accounts import PASSWORD, Closed, fill, opened, picture

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]
__all__ = ["opened"]
ROWS = ((120, "2026-11-27T06:00:00Z"), (87, "2026-11-27T06:30:00Z"), (40, "2026-11-27T07:00:00Z"))


@pytest.fixture
def closed(static: Path, tmp_path: Path) -> Iterator[Closed]:
    """A city with an administrator's link and 40 car parks."""
    made = Closed(tmp_path / "data")
    line, environ = command("token", "create", "gateway", "--role", "writer", "--data", tmp_path / "data")
    token = subprocess.run(line, cwd=ROOT, env=environ, capture_output=True, text=True, check=True).stdout.strip()
    parks = [
        {
            "id": f"urn:ngsi-ld:OffStreetParking:p{number}", "type": "OffStreetParking",
            "name": {"type": "Property", "value": f"停车场 {number}"},
            "availableSpotNumber": {"type": "Property", "value": 20 + number},
            "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [108 + number / 900, 22.8]}},
        }
        for number in range(40)
    ]  # fmt: skip
    answer = httpx.post(
        f"{made.url}/ngsi-ld/v1/entityOperations/upsert", json=parks, headers={"Authorization": f"Bearer {token}"}
    )
    assert answer.status_code in (201, 204), answer.text
    yield made
    made.end()


def signed_in(closed: Closed, opened: Callable[..., Page], **more: object) -> Page:
    page = opened(closed.link, **more)
    fill(page, 账号="chief", 新密码=PASSWORD, 再输入一次=PASSWORD)
    page.get_by_role("button", name="启用").click()
    page.wait_for_url(lambda url: "/welcome" not in url)
    page.goto(f"{closed.url}/enterprise")
    page.get_by_role("heading", name="企业开发者平台").wait_for()
    return page


def test_from_signing_in_to_an_example_that_runs(closed: Closed, opened: Callable[..., Page], tmp_path: Path) -> None:
    page = signed_in(closed, opened, viewport={"width": 1920, "height": 1080})
    page.get_by_role("button", name="新建密钥").click()
    page.get_by_label("名称").fill("到站大屏")
    page.get_by_label("权限").select_option("reader")
    page.get_by_role("button", name="创建", exact=True).click()
    key = page.locator(".fresh-key code").inner_text()
    assert re.fullmatch(r"zk_[\w-]{43}", key)
    page.get_by_role("button", name="创建沙箱密钥").click()
    page.get_by_label("名称").fill("自动测试")
    page.get_by_role("button", name="创建", exact=True).click()
    page.locator(".key-table tbody tr").nth(1).wait_for()
    sandbox_key = page.locator(".fresh-key code").inner_text()
    curl = page.locator(".interface pre").inner_text()
    assert sandbox_key in curl, "the newest key is filled in"
    ran = subprocess.run(
        ["bash", "-c", curl.replace(sandbox_key, key)], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert '"OffStreetParking"' in ran.stdout
    page.get_by_role("button", name="Python").click()
    code = page.locator(".interface pre").inner_text().replace(sandbox_key, key)
    ran = subprocess.run(["python3", "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.startswith("40 ")
    httpx.get(f"{closed.url}/ngsi-ld/v1/types", headers={"Authorization": f"Bearer {sandbox_key}"})
    page.get_by_text("回放中").wait_for(timeout=20_000)
    picture(page, "enterprise-zh.png")
    page.on("dialog", lambda dialog: dialog.accept())
    page.locator("tr", has_text="到站大屏").get_by_role("button", name="吊销").click()
    page.locator("tr", has_text="到站大屏").wait_for(state="detached")
    answer = httpx.get(f"{closed.url}/ngsi-ld/v1/types", headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code == 401
    page.reload()
    page.locator(".key-table").wait_for()
    assert sandbox_key not in page.content(), "a key is on the page once"


def test_it_reads_well_in_english_in_the_dark_and_on_a_phone(
    closed: Closed, opened: Callable[..., Page], chromium: Browser, tmp_path: Path
) -> None:
    page = signed_in(closed, opened, viewport={"width": 390, "height": 844})
    for language, theme in (("zh", "light"), ("en", "dark")):
        page.evaluate(f"localStorage.setItem('zhicheng.language', '{language}')")
        page.evaluate(f"localStorage.setItem('zhicheng.theme', '{theme}')")
        for name, width, height in (("phone", 390, 844), ("wide", 1920, 1080)):
            page.set_viewport_size({"width": width, "height": height})
            page.goto(f"{closed.url}/enterprise")
            page.locator(".interface pre").wait_for()
            assert page.evaluate("document.documentElement.scrollWidth") <= width, "nothing hangs over the side"
            if looked := os.environ.get("ZHICHENG_LOOK"):
                page.screenshot(path=Path(looked) / f"enterprise-{language}-{name}.png")


def test_who_is_not_signed_in_sees_what_there_is_to_do(closed: Closed, opened: Callable[..., Page]) -> None:
    page = opened("/enterprise")
    page.wait_for_url(re.compile("/(sign-in|enterprise)"))
    assert "登录" in page.content()
