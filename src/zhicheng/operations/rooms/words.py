"""What people may put into a room: texts, views and marks, checked and cut to what a room bears."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Final

from zhicheng.kernel import geometry, instants
from zhicheng.kernel.errors import Invalid
from zhicheng.standards.ngsild.model import Json

LONGEST_NAME, LONGEST_NOTE, LONGEST_MARK = 80, 4000, 500
MOST_POSITIONS = 500
MOST_LAYERS = 60
_SHAPES: Final = ("Point", "LineString", "Polygon")
_COLOUR = re.compile(r"#[0-9a-f]{6}")
_NUMBERS: Mapping[str, tuple[float, float]] = {
    "zoom": (0, 24), "bearing": (-360, 360), "pitch": (0, 85), "speed": (0, 3600),
}  # fmt: skip


def text(value: object, name: str, most: int, *, empty: bool = False) -> str:
    r"""A text of a person, without control characters but line breaks; Invalid where it is none, or too long.

    >>> text(" 积水\x00点 ", "note", 10)
    '积水点'
    """
    if not isinstance(value, str):
        raise Invalid(f"{name} is a text", f"{name} 应为文字", parameter=name)
    kept = "".join(sign for sign in value if sign == "\n" or unicodedata.category(sign) not in ("Cc", "Cs")).strip()
    if len(kept) > most:
        raise Invalid(f"{name} has at most {most} characters", f"{name} 不超过 {most} 字", parameter=name)
    if not kept and not empty:
        raise Invalid(f"{name} is empty", f"{name} 不能为空", parameter=name)
    return kept


def view(value: object) -> dict[str, Json]:
    """What a map shows: centre, zoom, bearing, pitch, at (nothing: live), speed, layers.

    >>> view({"centre": [108.3, 22.8], "zoom": 12})
    {'centre': [108.3, 22.8], 'zoom': 12.0}
    """
    if not isinstance(value, dict):
        raise Invalid("view is an object", "view 应为对象", parameter="view")
    known = {"centre", "at", "layers", *_NUMBERS}
    if stray := value.keys() - known:
        raise Invalid(f"view has no {min(stray)[:40]}", f"view 没有 {min(stray)[:40]}", parameter="view")
    made: dict[str, Json] = {}
    if "centre" in value:
        made["centre"] = _position(value["centre"])
    for name, (least, most) in _NUMBERS.items():
        if value.get(name) is not None:
            made[name] = _number(value[name], name, least, most)
    if value.get("at"):
        made["at"] = instants.format(instants.parse(text(value["at"], "at", 40)))
    if value.get("layers") is not None:
        listed = value["layers"]
        if not isinstance(listed, list) or len(listed) > MOST_LAYERS:
            raise Invalid(f"layers is a list of at most {MOST_LAYERS}", f"layers 为不超过 {MOST_LAYERS} 项的列表")
        made["layers"] = [text(one, "layers", 200) for one in listed]
    return made


def _position(value: object) -> list[Json]:
    geometry.check({"type": "Point", "coordinates": value})
    return [float(one) for one in value[:2]]  # type: ignore[index]  # looked at in the line before


def _number(value: object, name: str, least: float, most: float) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not least <= value <= most:
        raise Invalid(f"{name} lies between {least} and {most}", f"{name} 应在 {least} 到 {most} 之间", parameter=name)
    return float(value)


def shape(value: object) -> dict[str, Json]:
    """The geometry of a mark: a point, line or area of at most `MOST_POSITIONS` positions."""
    if not isinstance(value, dict) or value.get("type") not in _SHAPES:
        raise Invalid(f"location is one of {', '.join(_SHAPES)}", f"location 应为 {'、'.join(_SHAPES)} 之一")
    geometry.check(value)
    if len(geometry.positions(value)) > MOST_POSITIONS:
        raise Invalid(f"A mark has at most {MOST_POSITIONS} positions", f"标注不超过 {MOST_POSITIONS} 个点")
    return {"type": value["type"], "coordinates": value["coordinates"]}


def colour(value: object) -> str:
    """A colour as #rrggbb."""
    if not isinstance(value, str) or not _COLOUR.fullmatch(value.lower()):
        raise Invalid("colour is written as #rrggbb", "颜色写作 #rrggbb", parameter="colour")
    return value.lower()
