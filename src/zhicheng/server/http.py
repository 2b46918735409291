"""HTTP as routes see it: answers, bodies, query strings, media types, languages."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias
from urllib.parse import unquote_plus

import orjson

from zhicheng.kernel.errors import Invalid, Language, NotAcceptable, TooLarge, Unavailable

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers: TypeAlias = tuple[tuple[bytes, bytes], ...]

JSON = "application/json"
JSON_LD = "application/ld+json"
GEO_JSON = "application/geo+json"
MERGE_PATCH = "application/merge-patch+json"
_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_MOST_PARAMETERS = 200


@dataclass(frozen=True, slots=True)
class Answer:
    """What a handler gives: status, body (already encoded), its media type, further headers.

    pieces: of a body without an end, instead of `body`; closed when the client is gone
    """

    status: int = 200
    body: bytes = b""
    media: str = JSON
    headers: Headers = ()
    pieces: AsyncGenerator[bytes, None] | None = None


NO_CONTENT = Answer(204)


def json_answer(value: object, status: int = 200, media: str = JSON, headers: Headers = ()) -> Answer:
    """A value as JSON."""
    return Answer(status, orjson.dumps(value), media, headers)


def header_of(scope: Scope, name: bytes) -> str | None:
    """A header of a request."""
    found: bytes | None = None
    for key, value in scope["headers"]:
        if key == name:
            found = value if found is None else found + b", " + value
    return None if found is None else found.decode("latin-1")


async def read_body(scope: Scope, receive: Receive, limit: int) -> bytes:
    """All of a body of at most `limit` bytes."""
    announced = header_of(scope, b"content-length")
    if announced is not None and announced.isdecimal() and int(announced) > limit:
        raise _too_large(limit)
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body"):
        body: bytes = message.get("body", b"")
        if len(body) > limit:
            raise _too_large(limit)
        return body
    pieces = bytearray()
    while message["type"] == "http.request":
        pieces += message.get("body", b"")
        if len(pieces) > limit:
            raise _too_large(limit)
        if not message.get("more_body"):
            return bytes(pieces)
        message = await receive()
    raise Unavailable("The client went away", "客户端已断开")


def _too_large(limit: int) -> TooLarge:
    size = f"{limit / 1e6:g} MB"
    return TooLarge(
        f"The body is larger than {size}; send it in parts, or import it as a file (zhicheng import)",
        f"正文超过 {size}；请分批发送，或作为文件导入（zhicheng import）",
        limit=limit,
    )


def parse_json(body: bytes) -> object:
    """A JSON text.

    >>> parse_json(b'{"id":')
    Traceback (most recent call last):
    zhicheng.kernel.errors.Invalid: The body is not JSON: unexpected end of data: line 1 column 7 (char 6)
    """
    if not body:
        raise Invalid("The body is empty; JSON is needed", "正文为空；需要 JSON")
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Invalid(f"The body is not JSON: {error}", f"正文不是 JSON：{error}") from None


@lru_cache(maxsize=1024)
def _parsed(raw: bytes) -> tuple[tuple[str, str], ...]:
    pairs: dict[str, str] = {}
    parts = [part for part in raw.split(b"&") if part]
    if len(parts) > _MOST_PARAMETERS:
        raise Invalid(f"There are more than {_MOST_PARAMETERS} parameters", f"参数超过 {_MOST_PARAMETERS} 个")
    for part in parts:
        name, _, value = part.partition(b"=")
        key = _decoded(name)
        if key in pairs:
            raise Invalid(f"The parameter {key!r} is there twice", f"参数 {key!r} 重复", parameter=key)
        pairs[key] = _decoded(value)
    return tuple(pairs.items())


def _decoded(raw: bytes) -> str:
    try:
        text = raw.decode("utf-8")
        if _ESCAPE.search(text):
            raise ValueError
        return unquote_plus(text, errors="strict")
    except ValueError:
        raise Invalid(
            f"The query string holds {raw[:60]!r}, which is not percent-encoded UTF-8",
            f"查询字符串中的 {raw[:60]!r} 不是百分号编码的 UTF-8",
        ) from None


def parse_query(raw: bytes) -> dict[str, str]:
    """The parameters of a query string.

    >>> parse_query(b"type=A&q=speed%3E5")
    {'type': 'A', 'q': 'speed>5'}
    """
    return dict(_parsed(raw))


@lru_cache(maxsize=512)
def accepted(header: str | None, offered: tuple[str, ...]) -> str:
    """The media type to answer with: of those offered the one the client likes best, the first at a tie.

    >>> accepted("application/ld+json, */*;q=0.1", (JSON, JSON_LD)), accepted(None, (JSON, JSON_LD))
    ('application/ld+json', 'application/json')
    """
    if not header:
        return offered[0]
    best, weight = "", 0.0
    wishes = [_wish(part) for part in header.split(",")]
    for media in offered:
        found = [wish for wish in wishes if wish[0] in (media, media.split("/")[0] + "/*", "*/*")]
        exact = max(found, key=lambda wish: wish[0].count("*") * -1, default=None)
        if exact is not None and exact[1] > weight:
            best, weight = media, exact[1]
    if not best:
        raise NotAcceptable(
            f"Accept is {header[:80]!r}; here there is {', '.join(offered)}",
            f"Accept 为 {header[:80]!r}；此处可提供 {'、'.join(offered)}",
        )
    return best


def _wish(part: str) -> tuple[str, float]:
    media, *parameters = (item.strip() for item in part.split(";"))
    weight = next((item[2:] for item in parameters if item[:2].lower() == "q="), "1")
    try:
        return media.lower(), min(1.0, max(0.0, float(weight)))
    except ValueError:
        return media.lower(), 1.0


@lru_cache(maxsize=512)
def language_of(header: str | None) -> Language:
    """The language for texts, from Accept-Language; English where neither is asked for.

    >>> language_of("zh-CN,zh;q=0.9,en;q=0.8"), language_of("fr, en;q=0.5"), language_of(None)
    ('zh', 'en', 'en')
    """
    best: tuple[float, Language] = (0.0, "en")
    for part in (header or "").split(","):
        tag, weight = _wish(part)
        if tag.split("-")[0] in ("zh", "en") and weight > best[0]:
            best = (weight, "zh" if tag.startswith("zh") else "en")
    return best[1]
