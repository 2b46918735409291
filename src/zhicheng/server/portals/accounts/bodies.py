"""Bodies of the account interface: JSON objects of texts, with nothing in them that is not asked for."""

from __future__ import annotations

from zhicheng.kernel.errors import Invalid
from zhicheng.server.request import Request

_LONGEST = 2000


async def object_of(request: Request, *known: str) -> dict[str, object]:
    """The body's members; one that is not known is an error, so that nobody sets what is not theirs to set."""
    said = await request.json("application/json")
    if not isinstance(said, dict):
        raise Invalid("The body is a JSON object", "正文应为 JSON 对象")
    for name in said:
        if name not in known:
            raise Invalid(
                f"There is no member {str(name)[:40]!r} here; there are {', '.join(known)}",
                f"没有成员 {str(name)[:40]!r}；可用：{'、'.join(known)}",
                parameter=str(name)[:40],
            )
    return said


async def texts_of(request: Request, *known: str) -> dict[str, str]:
    """The body's members, each a text; "" for those that are not there."""
    said = await object_of(request, *known)
    found = {name: said.get(name, "") for name in known}
    for name, value in found.items():
        if not isinstance(value, str) or len(value) > _LONGEST:
            raise Invalid(f"{name} is a text", f"{name} 应为文本", parameter=name)
    return {name: str(value) for name, value in found.items()}


def list_of(said: dict[str, object], name: str) -> list[str]:
    """A member that is a list of texts."""
    value = said.get(name, [])
    if not isinstance(value, list) or len(value) > 100 or not all(isinstance(one, str) for one in value):
        raise Invalid(f"{name} is a list of texts", f"{name} 应为文本列表", parameter=name)
    return [str(one) for one in value]


def text_of(said: dict[str, object], name: str) -> str:
    """A member that is a text."""
    value = said.get(name, "")
    if not isinstance(value, str) or len(value) > _LONGEST:
        raise Invalid(f"{name} is a text", f"{name} 应为文本", parameter=name)
    return value
