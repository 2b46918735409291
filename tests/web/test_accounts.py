"""From the first start to people who work, as they do it: in a browser, on a platform of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pyotp
import pytest

from tests.acceptance.running import ROOT, command, free_port

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, WebSocket

pytestmark = [pytest.mark.browser, pytest.mark.slow]
PASSWORD = "four words and more"
HOME = re.compile(r"^https?://[^/]+/(\?.*)?$")
IMAGES = ROOT / "docs/images"


class Closed:
    """`zhicheng run` without --no-auth; `link` is what its first start printed."""

    def __init__(self, data: Path, *more: str | Path) -> None:
        self.port = free_port()
        self.url = f"http://localhost:{self.port}"
        words: list[str | Path] = ["run", "--data", data, "--port", str(self.port), *more]
        words += ["--set", f'server.public_url="{self.url}"']
        line, environ = command(*words)
        self.process = subprocess.Popen(line, cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.said = [self.process.stdout.readline(), self.process.stdout.readline()]
        self.link = self.said[1].split()[-1]

    def end(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)


@pytest.fixture
def closed(static: Path, tmp_path: Path) -> Iterator[Closed]:
    made = Closed(tmp_path / "data")
    yield made
    made.end()


@pytest.fixture
def opened(chromium: Browser, closed: Closed) -> Iterator[Callable[..., Page]]:
    """A page in a browser of its own; nothing may go wrong on it unseen."""
    pages: list[Page] = []
    wrong: list[str] = []

    def foreign(url: str) -> None:
        if not url.startswith((closed.url, "data:", "blob:")):
            wrong.append(url)

    def begin(path: str, **more: object) -> Page:
        context = chromium.new_context(locale="zh-CN", **more)  # type: ignore[arg-type]  # Playwright's own options
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda request: foreign(request.url))
        page.goto(path if path.startswith("http") else closed.url + path)
        pages.append(page)
        return page

    yield begin
    for page in pages:
        page.context.close()
    assert not wrong


def fill(page: Page, **fields: str) -> None:
    for label, value in fields.items():
        page.get_by_label(re.compile(f"^{label}")).fill(value)


def picture(page: Page, name: str) -> None:
    """A picture for the docs, where it is asked for: ZHICHENG_PICTURES=1."""
    if os.environ.get("ZHICHENG_PICTURES"):
        page.screenshot(path=IMAGES / name)


def sign_in(page: Page, name: str, password: str = PASSWORD) -> None:
    fill(page, 账号=name, 密码=password)
    page.get_by_role("button", name="继续").click()


def test_from_the_link_of_the_first_start_to_an_operator(closed: Closed, opened: Callable[..., Page]) -> None:
    chief = opened(closed.link, viewport={"width": 1280, "height": 860})
    chief.get_by_role("heading", name="创建管理员").wait_for()
    picture(chief, "welcome-zh.png")
    fill(chief, 账号="chief", 显示名="陈主任", 新密码=PASSWORD, 再输入一次=PASSWORD)
    chief.get_by_role("button", name="启用").click()
    chief.wait_for_url(re.compile(f"{closed.url}/(map)?(\\?.*)?(#.*)?$"))
    chief.goto(f"{closed.url}/people")
    chief.get_by_role("button", name="新建账号").click()
    fill(chief, 账号="li.na", 显示名="李娜")
    chief.get_by_label("运维人员").check()
    chief.get_by_role("button", name="保存").click()
    link = chief.locator(".copy-line code").inner_text()
    picture(chief, "people-zh.png")
    operator = opened(link)
    operator.get_by_role("heading", name="欢迎，li.na").wait_for()
    fill(operator, 新密码=PASSWORD, 再输入一次=PASSWORD)
    operator.get_by_role("button", name="启用").click()
    operator.wait_for_url(re.compile(f"{closed.url}/(map)?(\\?.*)?(#.*)?$"))
    assert operator.evaluate("fetch('/api/v1/feeds').then(answer => answer.status)") == 200
    assert operator.evaluate("fetch('/api/v1/people').then(answer => answer.status)") == 403
    again = opened(link)
    again.get_by_text("已使用或已过期").wait_for()


def test_who_is_not_signed_in_is_taken_to_the_entrance_and_back(closed: Closed, opened: Callable[..., Page]) -> None:
    chief = opened(closed.link)
    fill(chief, 账号="chief", 新密码=PASSWORD, 再输入一次=PASSWORD)
    chief.get_by_role("button", name="启用").click()
    chief.wait_for_url(HOME)
    guest = opened("/map?types=Vehicle", viewport={"width": 390, "height": 844})
    guest.wait_for_url(re.compile("/sign-in"))
    guest.get_by_label("账号", exact=True).wait_for()
    picture(guest, "sign-in-phone.png")
    sign_in(guest, "chief", "not this one, no")
    guest.get_by_role("alert").get_by_text("账号或密码错误").wait_for()
    sign_in(guest, "chief")
    guest.wait_for_url(re.compile("/map"))
    guest.goto(f"{closed.url}/sign-in?next=https://evil.example/")
    sign_in(guest, "chief")
    guest.wait_for_url(re.compile(rf"{closed.url}/(\?.*)?$"))


def test_a_second_factor_and_a_passkey(closed: Closed, opened: Callable[..., Page]) -> None:
    page = opened(closed.link, viewport={"width": 1280, "height": 1000})
    device = page.context.new_cdp_session(page)
    device.send("WebAuthn.enable")
    device.send("WebAuthn.addVirtualAuthenticator", {"options": {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
        "isUserVerified": True, "automaticPresenceSimulation": True,
    }})  # fmt: skip
    fill(page, 账号="chief", 新密码=PASSWORD, 再输入一次=PASSWORD)
    page.get_by_role("button", name="启用").click()
    page.wait_for_url(HOME)
    page.goto(f"{closed.url}/account")
    page.get_by_role("button", name="启用").click()
    secret = page.locator(".by-hand").inner_text().partition("：")[2]
    assert page.locator("img.qr-picture").evaluate("image => image.naturalWidth") > 100, "the QR code is drawn"
    picture(page, "account-zh.png")
    factor = page.locator("section", has=page.get_by_role("heading", name="双因素"))
    factor.get_by_label("动态口令").fill(pyotp.TOTP(secret).now())
    factor.get_by_label("当前密码").fill(PASSWORD)
    factor.get_by_role("button", name="启用").click()
    recovery = factor.locator(".codes li").first.inner_text()
    factor.get_by_role("button", name="我已保存").click()
    factor.get_by_text("剩余 10 个").wait_for()
    passkeys = page.locator("section", has=page.get_by_role("heading", name="通行密钥"))
    passkeys.get_by_label("名称").fill("办公电脑")
    passkeys.get_by_role("button", name="添加通行密钥").click()
    passkeys.get_by_role("listitem").filter(has_text="办公电脑").wait_for()
    page.get_by_role("button", name="退出登录").click()
    page.get_by_role("button", name="用通行密钥登录").click()
    page.wait_for_url(HOME)
    page.goto(f"{closed.url}/account")
    page.get_by_role("button", name="退出登录").click()
    page.wait_for_url(re.compile("out=1"))
    sign_in(page, "chief")
    page.get_by_label("动态口令").fill(recovery)
    page.get_by_role("button", name="继续").click()
    page.wait_for_url(HOME)


def test_an_application_asks_and_the_person_decides(
    closed: Closed, opened: Callable[..., Page], tmp_path: Path
) -> None:
    page = opened(closed.link)
    fill(page, 账号="chief", 新密码=PASSWORD, 再输入一次=PASSWORD)
    page.get_by_role("button", name="启用").click()
    page.wait_for_url(HOME)
    back = f"{closed.url}/health"
    line, environ = command(
        "client",
        "create",
        "公交调度",
        "--redirect",
        back,
        "--scope",
        "openid",
        "--scope",
        "city.read",
        "--data",
        tmp_path / "data",
    )
    said = subprocess.run(line, env=environ, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    client = said.split()[1]
    asked = (
        f"/oauth/authorize?response_type=code&client_id={client}&redirect_uri={back}&scope=openid%20city.read&state=s"
    )
    page.goto(closed.url + asked)
    page.get_by_role("heading", name="公交调度 请求访问").wait_for()
    picture(page, "consent-zh.png")
    page.get_by_role("button", name="拒绝").click()
    page.wait_for_url(re.compile("error=access_denied"))
    page.goto(closed.url + asked)
    page.get_by_role("button", name="同意").click()
    page.wait_for_url(re.compile("/health\\?code=.+&state=s"))


def test_the_map_streams_by_the_cookie_alone_and_leads_to_the_entrance_when_it_ends(
    closed: Closed, opened: Callable[..., Page]
) -> None:
    page = opened(closed.link)
    lines: list[str] = []
    heard: list[str | bytes] = []

    def line(socket: WebSocket) -> None:
        lines.append(socket.url)
        socket.on("framereceived", lambda said: heard.append(said))

    page.on("websocket", line)
    fill(page, 账号="chief", 新密码=PASSWORD, 再输入一次=PASSWORD)
    page.get_by_role("button", name="启用").click()
    page.wait_for_url(re.compile(f"{closed.url}/(map)?(\\?.*)?(#.*)?$"))
    page.goto(f"{closed.url}/map")
    for _ in range(200):
        page.wait_for_timeout(100)
        if any('"mode":"live"' in str(one) for one in heard):
            break
    assert page.evaluate("Object.values(localStorage).join().includes('zc_')") is False
    assert lines and any('"mode":"live"' in str(one) for one in heard), "the stream speaks"
    # signed out elsewhere
    assert page.evaluate("fetch('/api/v1/session', { method: 'DELETE' }).then(answer => answer.ok)")
    page.wait_for_url(re.compile("/sign-in\\?next=/map"), timeout=30_000)


def test_an_auditor_finds_and_checks_what_was_done(closed: Closed, opened: Callable[..., Page]) -> None:
    chief = opened(closed.link)
    fill(chief, 账号="chief", 新密码=PASSWORD, 再输入一次=PASSWORD)
    chief.get_by_role("button", name="启用").click()
    chief.wait_for_url(HOME)
    chief.goto(f"{closed.url}/people")
    chief.get_by_role("button", name="新建账号").click()
    fill(chief, 账号="wu.jing")
    chief.get_by_label("审计管理员").check()
    chief.get_by_role("button", name="保存").click()
    auditor = opened(chief.locator(".copy-line code").inner_text(), viewport={"width": 1280, "height": 860})
    fill(auditor, 新密码=PASSWORD, 再输入一次=PASSWORD)
    auditor.get_by_role("button", name="启用").click()
    auditor.wait_for_url(HOME)
    auditor.goto(f"{closed.url}/audit")
    auditor.get_by_label("类别").select_option(label="管理操作")
    auditor.get_by_role("button", name="查询").click()
    rows = auditor.locator("tbody tr")
    rows.filter(has_text="accounts:write").first.wait_for()
    assert all("管理操作" in text for text in rows.all_inner_texts())
    rows.first.get_by_role("button", name="校验").click()
    auditor.get_by_role("status").get_by_text(re.compile("已校验|本浏览器不能校验签名")).wait_for()
    picture(auditor, "audit-zh.png")
    auditor.set_viewport_size({"width": 390, "height": 844})
    assert auditor.evaluate("document.documentElement.scrollWidth") <= 390, "nothing lies beside a phone's screen"
    auditor.set_viewport_size({"width": 1280, "height": 860})
    with auditor.expect_download() as download:
        auditor.get_by_role("link", name="导出 JSON").click()
    assert "accounts:write" in download.value.path().read_text("utf-8")
