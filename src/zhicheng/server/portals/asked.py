"""What a query string asks of a portal: a language, a count, yes or no."""

from __future__ import annotations

from collections.abc import Mapping

from zhicheng.kernel.errors import Invalid, Language
from zhicheng.server.http import language_of
from zhicheng.server.request import Request


def language_for(request: Request) -> Language:
    """`lang` if it is zh or en, else what the header asks for."""
    wanted = request.query().get("lang")
    if wanted in ("zh", "en"):
        return "zh" if wanted == "zh" else "en"
    return language_of(request.header(b"accept-language"))


def count_of(query: Mapping[str, str], name: str, default: int, most: int, least: int = 1) -> int:
    """A number from `least` on, cut at `most`; Invalid for anything else."""
    text = query.get(name, str(default))
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and int(text) >= least):
        raise Invalid(f"{name} is a number from {least}", f"{name} 应为不小于 {least} 的数", parameter=name)
    return min(int(text), most)


def yes_or_no(query: Mapping[str, str], name: str) -> bool | None:
    """Yes for true, no for false; None where nothing is said."""
    text = query.get(name)
    if text not in (None, "true", "false"):
        raise Invalid(f"{name} is true or false", f"{name} 应为 true 或 false", parameter=name)
    return None if text is None else text == "true"
