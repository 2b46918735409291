"""The pages: files built by web/ into `static`, with strict headers; a clear word where they are not built."""

from __future__ import annotations

import mimetypes
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path

from zhicheng.kernel.errors import NotFound
from zhicheng.security.actions import Named
from zhicheng.server.http import Answer, Headers, language_of
from zhicheng.server.request import Request

STATIC = Path(__file__).with_name("static")
PAGES: tuple[tuple[str, Named], ...] = (
    ("/", Named("首页", "The first page")),
    ("/citizen", Named("市民", "Citizens")),
    ("/map", Named("城市运行图", "The operations map")),
    ("/resources", Named("信息资源中心", "Information-resource centre")),
    ("/resources/list", Named("数字背后的实体", "The entities behind a number")),
    ("/resources/{type}", Named("目录中的一个类型", "A type in the catalogue")),
    ("/fragmentation", Named("信息碎片化指数", "Fragmentation index")),
    ("/object/{id}", Named("全息档案", "One object, all departments")),
    ("/sql", Named("SQL 查询", "SQL")),
    ("/reference", Named("参考模型", "The reference model")),
    ("/docs", Named("文档", "Documents")),
    ("/docs/{name}", Named("一篇文档", "A document")),
    ("/sign/{stop}", Named("电子站牌", "The sign of a stop")),
    ("/sign-in", Named("登录", "Sign in")),
    ("/sign-out", Named("退出登录", "Sign out")),
    ("/welcome", Named("一次性链接", "Where a link leads that works once")),
    ("/consent", Named("授权", "What an application may have")),
    ("/account", Named("我的账号", "One's own account")),
    ("/people", Named("账号管理", "Accounts")),
    ("/enterprise", Named("企业开发者平台", "The developer desk")),
    ("/audit", Named("审计日志", "The log of acts")),
    ("/operations", Named("运行监测", "Operations")),
    ("/wall", Named("运行监测大屏", "The operations wall")),
    ("/rooms", Named("研讨室", "Decision rooms")),
    ("/rooms/{key}", Named("研讨", "A decision room")),
    ("/rooms/{key}/record", Named("研讨记录", "The record of a room, to be printed")),
)
"""Where a page is: all are index.html, whose script draws what its own table (web/src/pages) has for the path."""
_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' blob: data:; "
    "font-src 'self'; connect-src 'self'; worker-src 'self' blob:; child-src blob:; manifest-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""MapLibre sets styles of its own and works in a worker; everything else comes from here alone."""
PAGE_HEADERS: Headers = (
    (b"content-security-policy", _CSP.encode()),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=(self)"),
)
_MISSING = {
    "zh": "页面尚未构建：请在源码目录运行 make setup。接口可照常使用，见 /openapi.json。",
    "en": "The pages are not built yet: run make setup in the source folder. The interfaces work: see /openapi.json.",
}
_TYPES = {".js": "text/javascript", ".mjs": "text/javascript", ".webmanifest": "application/manifest+json"}


async def page(request: Request) -> Answer:
    """GET of a path of PAGES."""
    index = STATIC / "index.html"
    if not index.is_file():
        language = language_of(request.header(b"accept-language"))
        text = (
            f'<!doctype html><html lang="{language}"><meta charset="utf-8"><title>智城</title><p>{_MISSING[language]}'
        )
        return Answer(200, text.encode(), "text/html; charset=utf-8", PAGE_HEADERS)
    return _answer(request, index, b"no-cache")


async def static(request: Request) -> Answer:
    """GET /static/...: files whose names change with their content may be kept for good."""
    path = _file(request.path["..."])
    if path is None:
        raise NotFound("There is no such file", "没有该文件")
    kept = b"public, max-age=31536000, immutable" if path.parent.name == "assets" else b"no-cache"
    return _answer(request, path, kept)


def _file(name: str) -> Path | None:
    """A file of the page; None for what is none, or lies elsewhere."""
    try:
        path = (STATIC / name).resolve()
        return path if path.is_relative_to(STATIC) and path.is_file() else None
    except (OSError, ValueError):  # a name that no file can have
        return None


async def icon(request: Request) -> Answer:
    """GET /favicon.ico."""
    path = STATIC / "icon.svg"
    if not path.is_file():
        raise NotFound("There is no icon", "没有图标")
    return _answer(request, path, b"public, max-age=86400")


def _answer(request: Request, path: Path, kept: bytes) -> Answer:
    stamp = path.stat()
    body, tag = _read(path, stamp.st_mtime_ns, stamp.st_size)
    headers = ((b"etag", tag), (b"cache-control", kept), *PAGE_HEADERS)
    if (request.header(b"if-none-match") or "").encode() == tag:
        return Answer(304, b"", "", headers)
    media = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    text = media.startswith("text/") or media.endswith(("+json", "+xml", "/json"))
    return Answer(200, body, f"{media}; charset=utf-8" if text else media, headers)


@lru_cache(maxsize=64)
def _read(path: Path, written: int, size: int) -> tuple[bytes, bytes]:
    body = path.read_bytes()
    return body, b'"' + blake2b(body, digest_size=12).hexdigest().encode() + b'"'
