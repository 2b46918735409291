"""Names of things: URNs made from type and local parts, and the check that a text is a URI at all."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from urllib.parse import quote, unquote

from zhicheng.kernel.errors import Invalid

PREFIX = "urn:ngsi-ld:"
LONGEST = 2048
"""Characters of the longest URI we take: what browsers and proxies still carry in a path."""

_SHAPE = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:(?:[^\s\x00-\x20\x7f-\x9f<>\"{}|\\^`%\ud800-\udfff]|%[0-9A-Fa-f]{2})+")
_PLAIN = re.compile(r"[A-Za-z0-9\-._~]+")


def make(kind: str, *parts: object) -> str:
    """The URN of a thing: its type's short name, then what tells it apart, each part made safe by `local`.

    Different parts give different URNs, whatever they hold.

    >>> make("ParkingSpot", "P 12", 7)
    'urn:ngsi-ld:ParkingSpot:P%2012:7'
    >>> make("公交站", "人民路/东")
    'urn:ngsi-ld:公交站:人民路%2F东'
    """
    if not parts or not kind:
        raise Invalid("A URN needs a type and at least one part", "URN 需要类型和至少一个部分")
    return check(PREFIX + ":".join([local(kind), *(local(str(part)) for part in parts)]))


def local(text: str) -> str:
    """Any text as one part of a URN.

    Letters and digits of every script stay readable (an IRI, RFC 3987, which NGSI-LD takes for a URI: CIM 009 5.2.1);
    everything else outside RFC 3986's unreserved characters, ":" and "/" too, is percent-encoded as UTF-8.
    Text is normalised to NFC first, so that one name has one form.

    >>> local("a/b:c")
    'a%2Fb%3Ac'
    """
    if _PLAIN.fullmatch(text):
        return text
    text = unicodedata.normalize("NFC", text)
    if not text:
        raise Invalid("A part of a URN must not be empty", "URN 的组成部分不能为空")
    return "".join(letter if _readable(letter) else _encode(letter) for letter in text)


def _readable(letter: str) -> bool:
    return letter in "-._~" or unicodedata.category(letter)[0] in "LMN"


def _encode(letter: str) -> str:
    return quote(letter.encode("utf-8", "replace"), safe="")


@lru_cache(maxsize=65_536)
def check(text: str) -> str:
    """The text itself, if it is an absolute URI or IRI; what it is not is said, with the way to mend it.

    >>> check("urn:ngsi-ld:Vehicle:1")
    'urn:ngsi-ld:Vehicle:1'
    """
    if len(text) > LONGEST:
        raise Invalid(
            f"{text[:40]!r}... is longer than {LONGEST} characters",
            f"{text[:40]!r}... 超过 {LONGEST} 个字符",
            uri=text[:200],
        )
    if not _SHAPE.fullmatch(text):
        raise Invalid(
            f"{text!r} is not a URI such as urn:ngsi-ld:Vehicle:1; other characters are written %XX",
            f"{text!r} 不是 URI（例如 urn:ngsi-ld:Vehicle:1）；其他字符请写成 %XX",
            uri=text,
        )
    return text


def valid(text: object) -> bool:
    """Whether it is an absolute URI or IRI.

    >>> valid("urn:x:1"), valid("vehicle 1"), valid(3)
    (True, False, False)
    """
    if not isinstance(text, str):
        return False
    try:
        check(text)
    except Invalid:
        return False
    return True


def split(urn: str) -> tuple[str, tuple[str, ...]]:
    """Type and parts of a URN made by `make`; the inverse of it.

    >>> split("urn:ngsi-ld:ParkingSpot:P%2012:7")
    ('ParkingSpot', ('P 12', '7'))
    """
    if not urn.startswith(PREFIX) or urn.count(":") < 3:
        raise Invalid(
            f"{urn!r} is not of the form urn:ngsi-ld:Type:name",
            f"{urn!r} 不符合 urn:ngsi-ld:类型:名称 的形式",
            uri=urn,
        )
    kind, *parts = (unquote(part) for part in urn[len(PREFIX) :].split(":"))
    return kind, tuple(parts)
