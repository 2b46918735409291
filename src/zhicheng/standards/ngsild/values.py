"""Attribute values: what each kind may hold, checked and brought into one form; and where in a document a flaw is."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from math import isfinite
from typing import cast

import numpy as np
import orjson

from zhicheng.kernel import instants
from zhicheng.kernel.errors import Invalid
from zhicheng.standards.ngsild.context import Context
from zhicheng.standards.ngsild.model import Json
from zhicheng.standards.ngsild.names import NAMESPACE, NULL, is_uri

DEEPEST = 32
"""Levels of objects and lists in a document."""

GEOMETRIES = {"Point": 0, "MultiPoint": 1, "LineString": 1, "MultiLineString": 2, "Polygon": 2, "MultiPolygon": 3}
"""GeoJSON types and how many lists there are around a position; no GeometryCollection (clause 4.7.1)."""

_LANGUAGE = re.compile(r"[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*")
_DATE = re.compile(r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])")
_TIME = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:[.,]\d{1,6})?Z")
_MANY = 32


class Flaw(Exception):
    """Something is wrong at a place; the levels above add their part of the path, the outermost makes it Invalid."""

    def __init__(self, en: str, zh: str) -> None:
        super().__init__(en)
        self.en = en
        self.zh = zh
        self.path: list[str | int] = []

    def at(self, part: str | int) -> Flaw:
        """The same flaw, seen from one level up."""
        self.path.append(part)
        return self

    def invalid(self) -> Invalid:
        """As the error a person meets, with the JSON Pointer (RFC 6901) of the place.

        >>> Flaw("a value is missing", "缺少值").at("value").at("a/b").invalid().en
        '/a~1b/value: a value is missing'
        """
        parts = [str(part).replace("~", "~0").replace("/", "~1") for part in reversed(self.path)]
        path = "".join(f"/{part}" for part in parts)
        return Invalid(f"{path or 'document'}: {self.en}", f"{path or '文档'}：{self.zh}", path=path)


def flaw_of(error: Invalid) -> Flaw:
    """An error of a check that knows nothing of places, as a flaw here."""
    return Flaw(error.en, error.zh)


def read_instant(text: object) -> int:
    """A date-time in UTC, as clause 4.6.3 wants it, in microseconds.

    >>> read_instant("2026-11-20T12:00:00Z")
    1795176000000000
    """
    if type(text) is str and text[-1:] == "Z" and text[10:11] == "T":
        try:
            return instants.parse(text)
        except Invalid:
            pass
    raise Flaw(
        f"{_shown(text)} is not a date-time in UTC, such as 2024-02-08T12:59:15Z",
        f"{_shown(text)} 不是 UTC 日期时间，例如 2024-02-08T12:59:15Z",
    )


def read_uri(text: object) -> str:
    """A URI, or a flaw."""
    if text == NULL:
        raise null_flaw()
    if not is_uri(text):
        raise Flaw(
            f"{_shown(text)} is not a URI, such as urn:ngsi-ld:Vehicle:7",
            f"{_shown(text)} 不是 URI，例如 urn:ngsi-ld:Vehicle:7",
        )
    return cast(str, text)


def read_text(text: object) -> str:
    """Text with something in it, or a flaw."""
    if type(text) is not str or not text:
        raise Flaw(f"{_shown(text)} is not text", f"{_shown(text)} 不是文本")
    if text == NULL:
        raise null_flaw()
    return text


def check_json(value: object, depth: int, nulls: bool = False, raw: bool = False) -> None:
    """Whether a value can be kept: JSON, finite, not too deep; null only if `raw`, NGSI-LD Null only if `nulls`."""
    kind = type(value)
    if kind is str:
        if value == NULL and not nulls and not raw:
            raise null_flaw()
    elif kind is float:
        if not isfinite(cast(float, value)):
            raise Flaw(f"{value} is not a number JSON knows", f"{value} 不是 JSON 数字")
    elif kind is int:
        if not -(2**63) <= cast(int, value) < 2**64:
            raise Flaw("whole numbers have at most 64 bits", "整数不得超过 64 位")
    elif kind is dict or kind is list:
        _check_inside(cast("dict[object, object] | list[object]", value), depth, nulls, raw)
    elif value is None:
        if not raw:
            raise Flaw(
                f'null is no value here; to take something away, send "{NULL}"', f'不允许 null；如需删除请使用 "{NULL}"'
            )
    elif kind is not bool:
        raise Flaw(f"{kind.__name__} is not a type of JSON", f"{kind.__name__} 不是 JSON 类型")


def _check_inside(value: dict[object, object] | list[object], depth: int, nulls: bool, raw: bool) -> None:
    if depth >= DEEPEST:
        raise Flaw(f"nested more than {DEEPEST} deep", f"嵌套超过 {DEEPEST} 层")
    if isinstance(value, list):
        items: Iterator[tuple[object, object]] = iter(enumerate(value))
    else:
        items = iter(value.items())
        raw = raw or value.get("@type") == "@json"
    part: object = ""
    try:
        for part, item in items:  # noqa: B007  (part is what the flaw below names)
            check_json(item, depth + 1, nulls, raw)
    except Flaw as flaw:
        raise flaw.at(part if isinstance(part, int) else str(part)) from None


def null_flaw() -> Flaw:
    """NGSI-LD Null where nothing can be taken away."""
    return Flaw(f"{NULL} only has a meaning when updating or merging", f"{NULL} 仅在更新或合并时有意义")


def read_typed(value: dict[str, Json], context: Context) -> Json:
    """A JSON-LD typed value: dates and times checked, other data types expanded, a bare @value unwrapped."""
    given = value.get("@type")
    if given is None:
        return value["@value"] if len(value) == 1 else value
    if given == "@json":
        return value
    if type(given) is not str:
        raise Flaw("must be the name or IRI of a data type", "必须是数据类型的名称或 IRI").at("@type")
    iri = context.expand_value(given)
    text = value["@value"]
    name = iri.removeprefix(NAMESPACE)
    if name == "DateTime":
        read_instant_at(text, "@value")
    elif (name == "Date" and not _matches(_DATE, text)) or (name == "Time" and not _matches(_TIME, text)):
        raise Flaw(f"{_shown(text)} is not a {name}", f"{_shown(text)} 不是 {name}").at("@value")
    return {**value, "@type": name if name in ("DateTime", "Date", "Time") else iri}


def read_instant_at(text: object, part: str) -> int:
    """`read_instant`, with the place of a flaw."""
    try:
        return read_instant(text)
    except Flaw as flaw:
        raise flaw.at(part) from None


def _matches(pattern: re.Pattern[str], text: object) -> bool:
    return type(text) is str and pattern.fullmatch(text) is not None


def is_geometry(value: object) -> bool:
    """Whether it looks like a GeoJSON geometry: enough to infer a GeoProperty.

    >>> is_geometry({"type": "Point", "coordinates": [1, 2]}), is_geometry({"type": "Feature"})
    (True, False)
    """
    if type(value) is not dict or "coordinates" not in value:
        return False
    return type(value.get("type")) is str and value["type"] in GEOMETRIES


def read_geometry(value: object, depth: int) -> Json:
    """A GeoJSON geometry in WGS 84, also when given as text (clause 4.7.2), with every position checked.

    >>> read_geometry({"type": "Point", "coordinates": [121.47, 31.23]}, 0)
    {'type': 'Point', 'coordinates': [121.47, 31.23]}
    """
    if type(value) is str:
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            raise _geometry_flaw() from None
    if not isinstance(value, dict):
        raise _geometry_flaw()
    geometry = cast("dict[str, Json]", value)
    kind = geometry.get("type")
    levels = GEOMETRIES.get(kind) if type(kind) is str else None
    if levels is None:
        raise Flaw(f"must be one of {', '.join(GEOMETRIES)}", f"必须是 {', '.join(GEOMETRIES)} 之一").at("type")
    if len(geometry) > 2:
        check_json({key: item for key, item in geometry.items() if key != "coordinates"}, depth)
    try:
        if levels == 0:
            _check_position(geometry.get("coordinates"))
        else:
            _check_shape(geometry.get("coordinates"), levels, cast(str, kind))
    except Flaw as flaw:
        raise flaw.at("coordinates") from None
    return geometry


def _geometry_flaw() -> Flaw:
    return Flaw(
        "must be a GeoJSON geometry with type and coordinates", "必须是带 type 和 coordinates 的 GeoJSON 几何对象"
    )


def _check_shape(value: object, levels: int, kind: str) -> None:
    if not isinstance(value, list) or not value:
        raise Flaw("must be a list with something in it", "必须是非空列表")
    if levels == 1:
        _check_line(value, kind)
        return
    for at, item in enumerate(value):
        try:
            _check_shape(item, levels - 1, kind)
        except Flaw as flaw:
            raise flaw.at(at) from None


def _check_line(line: list[object], kind: str) -> None:
    if len(line) <= _MANY or not _check_many(line):
        for at, position in enumerate(line):
            try:
                _check_position(position)
            except Flaw as flaw:
                raise flaw.at(at) from None
    if kind in ("LineString", "MultiLineString") and len(line) < 2:
        raise Flaw("a line has at least 2 positions", "线至少需要 2 个位置")
    if kind in ("Polygon", "MultiPolygon") and (len(line) < 4 or line[0] != line[-1]):
        raise Flaw("a ring has at least 4 positions and ends where it begins", "环至少需要 4 个位置，且首尾相同")


def _check_many(line: list[object]) -> bool:
    """Whether a long run of positions is sound, at once; False says look one by one."""
    if not all(type(position) is list for position in line):
        return False
    try:
        table = np.asarray(line)
    except ValueError:
        return False
    if table.ndim != 2 or table.shape[1] not in (2, 3) or table.dtype.kind not in "fiu":
        return False
    return bool(np.isfinite(table).all() and (np.abs(table[:, 0]) <= 180).all() and (np.abs(table[:, 1]) <= 90).all())


def _check_position(position: object) -> None:
    if type(position) is not list or not 2 <= len(position) <= 3:
        raise Flaw(
            "a position is [longitude, latitude] or [longitude, latitude, height]",
            "位置应为 [经度, 纬度] 或 [经度, 纬度, 高度]",
        )
    for item in position:
        if (type(item) is not float or not isfinite(item)) and type(item) is not int:
            raise Flaw("a position holds numbers", "位置必须由数字组成")
    if not (-180 <= position[0] <= 180 and -90 <= position[1] <= 90):
        raise Flaw(
            f"{position[:2]} is outside longitude -180..180, latitude -90..90; are they swapped?",
            f"{position[:2]} 超出经度 -180..180、纬度 -90..90；是否颠倒了顺序？",
        )


def read_language_map(value: object, nulls: bool) -> Json:
    """Texts by language tag (RFC 5646) or @none; a list of one text is that text.

    >>> read_language_map({"zh": "南宁", "en": ["Nanning"]}, False)
    {'zh': '南宁', 'en': 'Nanning'}
    """
    if not isinstance(value, dict) or not value:
        raise Flaw("must be an object of texts by language tag", "必须是按语言标签给出文本的对象")
    texts: dict[str, Json] = {}
    for tag, item in value.items():
        if tag != "@none" and not _LANGUAGE.fullmatch(tag):
            raise Flaw("is not a language tag", "不是语言标签").at(tag)
        if item == NULL and not nulls:
            raise null_flaw().at(tag)
        try:
            texts[tag] = NULL if item == NULL else _one_or_list(item, read_text)
        except Flaw as flaw:
            raise flaw.at(tag) from None
    return NULL if texts == {"@none": NULL} else texts


def read_objects(value: object) -> Json:
    """What a relationship points to: a URI, or several."""
    return _one_or_list(value, read_uri)


def read_vocabulary(value: object, context: Context) -> Json:
    """Words of a vocabulary as IRIs: one, or several."""
    return _one_or_list(value, lambda text: context.expand_value(read_text(text)))


def read_object_list(value: object) -> Json:
    """An ordered list of URIs, each given plain or as {"object": uri}."""
    if not isinstance(value, list):
        raise Flaw("must be a list of URIs", "必须是 URI 列表")
    objects: list[Json] = []
    for at, item in enumerate(value):
        if isinstance(item, dict) and set(item) == {"object"}:
            item = item["object"]
        try:
            objects.append(read_uri(item))
        except Flaw as flaw:
            raise flaw.at(at) from None
    return objects


def _one_or_list(value: object, read: Callable[[object], str]) -> Json:
    if not isinstance(value, list):
        return read(value)
    if not value:
        raise Flaw("the list is empty", "列表为空")
    items: list[Json] = []
    for at, item in enumerate(value):
        try:
            items.append(read(item))
        except Flaw as flaw:
            raise flaw.at(at) from None
    return items[0] if len(items) == 1 else items


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
