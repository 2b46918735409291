"""What a client asks to see: its message read and checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from zhicheng.hub.live import Look
from zhicheng.hub.sheets import DEEPEST, cover
from zhicheng.kernel import instants
from zhicheng.kernel.errors import Invalid
from zhicheng.standards.filter import q, tree
from zhicheng.standards.ngsild.context import Context

_LAYERS = 24
_KEY = 200
_Q = 2000
_FASTEST = 3600.0
EVERYWHERE = (-180.0, -85.0, 180.0, 85.0)


@dataclass(frozen=True, slots=True)
class Watch:
    """layers: looks by the client's own key; zoom, tiles: the cut of the map
    at: None for now; speed: 0 stands still; since: the position up to which the client knows all
    """

    layers: Mapping[str, Look]
    zoom: int
    tiles: frozenset[int]
    at: int | None = None
    speed: float = 0.0
    since: int | None = None


def parse(text: str | bytes, context: Context) -> Watch:
    """The watch of a message. Invalid says what is wrong with it, in words for its sender."""
    try:
        message = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise Invalid(f"The message is not JSON: {error}", f"消息不是 JSON：{error}") from None
    asked = message.get("watch") if isinstance(message, dict) else None
    if not isinstance(asked, dict):
        raise Invalid(
            'Send {"watch": {"box": ..., "zoom": ..., "layers": [...]}}',
            '请发送 {"watch": {"box": ..., "zoom": ..., "layers": [...]}}',
        )
    return watch_of(asked, context)


def watch_of(asked: Mapping[str, object], context: Context) -> Watch:
    """The same of its members."""
    box = _box(asked.get("box"))
    zoom, tiles = cover(box, _number(asked, "zoom", 0.0, DEEPEST + 10, DEEPEST))
    at, since = asked.get("at"), asked.get("since")
    if at is not None and not isinstance(at, str):
        raise Invalid("at is a date-time or null", "at 应为日期时间或 null", parameter="at")
    if since is not None and (not isinstance(since, int) or isinstance(since, bool) or since < 0):
        raise Invalid("since is a position or null", "since 应为日志位置或 null", parameter="since")
    return Watch(
        _layers(asked.get("layers"), context),
        zoom,
        tiles,
        instants.parse(at) if at else None,
        _number(asked, "speed", 0.0, _FASTEST, 0.0),
        since,
    )


def _number(asked: Mapping[str, object], name: str, least: float, most: float, default: float) -> float:
    found = asked.get(name)
    if found is None:
        return default
    if isinstance(found, bool) or not isinstance(found, int | float) or not least <= found <= most:
        raise Invalid(
            f"{name} is a number from {least:g} to {most:g}", f"{name} 应为 {least:g} 到 {most:g} 的数", parameter=name
        )
    return float(found)


def _box(found: object) -> tuple[float, float, float, float]:
    if found is None:
        return EVERYWHERE
    if isinstance(found, list) and len(found) == 4 and all(_degrees(one) for one in found) and found[1] <= found[3]:
        west, south, east, north = (float(one) for one in found)
        return west, south, east, north
    raise Invalid(
        "box is [west, south, east, north] in degrees", "box 应为以度表示的 [西, 南, 东, 北]", parameter="box"
    )


def _degrees(one: object) -> bool:
    return isinstance(one, int | float) and not isinstance(one, bool) and -720 <= one <= 720


def _layers(found: object, context: Context) -> dict[str, Look]:
    if not isinstance(found, list) or len(found) > _LAYERS:
        raise Invalid(
            f"layers is a list of at most {_LAYERS}", f"layers 应为不超过 {_LAYERS} 项的列表", parameter="layers"
        )
    layers: dict[str, Look] = {}
    for one in found:
        if not isinstance(one, dict):
            raise Invalid("A layer is an object with a type", "图层应为带有 type 的对象", parameter="layers")
        name = _text(one, "type", _KEY)
        if name is None:
            raise Invalid("A layer needs a type", "图层需要 type", parameter="layers")
        key = _text(one, "key", _KEY) or name
        if key in layers:
            raise Invalid(f"Two layers have the key {key!r}", f"两个图层的 key 同为 {key!r}", parameter="layers")
        layers[key] = look_of(name, _text(one, "attribute", _KEY), _text(one, "q", _Q), context)
    return layers


def _text(one: Mapping[str, object], name: str, most: int) -> str | None:
    found = one.get(name)
    if found is None or found == "":
        return None
    if not isinstance(found, str) or len(found) > most:
        raise Invalid(f"{name} is a text of at most {most}", f"{name} 应为不超过 {most} 字的文本", parameter=name)
    return found


def look_of(name: str, attribute: str | None, text: str | None, context: Context) -> Look:
    """What a layer shows: a type, an attribute, and a filter in NGSI-LD's query language."""
    iri = context.expand(name)
    where = tree.all_of([tree.Type(iri), q.parse(text, context.expand) if text else None])
    return Look(iri, None if attribute is None else context.expand(attribute), where)
