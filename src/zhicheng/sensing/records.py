"""JSON records to tables: which records a document holds, and their members as columns."""

from __future__ import annotations

from collections.abc import Iterable

import orjson
import pyarrow as pa

from zhicheng.kernel.errors import Invalid

Record = dict[str, object]


def parse_json(body: bytes) -> object:
    """A JSON document; what breaks it is said with its place."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Invalid(f"This is not valid JSON: {error}", f"不是有效的 JSON：{error}") from None


def records_at(body: bytes, pointer: str = "") -> list[Record]:
    """The list of objects at a JSON pointer (RFC 6901) of a document, or the lines of JSON lines.

    A single object counts as a list of one; with members nested in it as `a.b`.

    >>> records_at(b'{"data": {"stations": [{"id": 1, "at": {"lat": 2.5}}]}}', "/data/stations")
    [{'id': 1, 'at.lat': 2.5}]
    """
    found = _documents(body) if not pointer else _at(parse_json(body), pointer)
    items = found if isinstance(found, list) else [found]
    objects = [item for item in items if isinstance(item, dict)]
    if len(objects) < len(items):
        raise Invalid(
            f"at {pointer or 'the top'} the document holds no list of objects; set records to their JSON pointer",
            f"文档的 {pointer or '顶层'} 处不是对象列表；请用 records 给出其 JSON 指针",
        )
    return [flat(item) for item in objects]


def _documents(body: bytes) -> object:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        lines = [line for line in body.splitlines() if line.strip()]
        if len(lines) < 2 or not lines[0].lstrip().startswith(b"{"):
            return parse_json(body)
        return [_line(line, at) for at, line in enumerate(lines, 1)]


def _line(line: bytes, at: int) -> object:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise Invalid(f"line {at} is not valid JSON: {error}", f"第 {at} 行不是有效的 JSON：{error}", line=at) from None


def _at(document: object, pointer: str) -> object:
    at = document
    for step in pointer.removeprefix("/").split("/"):
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(at, dict) and name in at:
            at = at[name]
        elif isinstance(at, list) and name.isdecimal() and int(name) < len(at):
            at = at[int(name)]
        else:
            known = ", ".join(list(at)[:12]) if isinstance(at, dict) else "no members"
            raise Invalid(
                f"the document has nothing at {pointer!r}: no {name!r} among {known}",
                f"文档中没有 {pointer!r}：{name!r} 不在 {known} 之中",
                pointer=pointer,
            )
    return at


def flat(record: Record, prefix: str = "") -> Record:
    """Nested objects unfolded into members `a.b`; geometries stay whole.

    >>> flat({"a": {"b": 1, "c": {"d": 2}}, "e": [3]})
    {'a.b': 1, 'a.c.d': 2, 'e': [3]}
    """
    result: Record = {}
    for name, value in record.items():
        if isinstance(value, dict) and value and not _geometry(value):
            result.update(flat(value, f"{prefix}{name}."))
        else:
            result[prefix + name] = value
    return result


def _geometry(value: Record) -> bool:
    return "coordinates" in value and isinstance(value.get("type"), str)


def feature_records(body: bytes) -> list[Record]:
    """The features of a GeoJSON document: their properties, with `id` and `geometry` beside them.

    >>> feature_records(b'{"type":"Feature","id":7,"properties":{"a":1},"geometry":null}')
    [{'a': 1, 'id': 7, 'geometry': None}]
    """
    document = parse_json(body)
    if not isinstance(document, dict) or document.get("type") not in ("Feature", "FeatureCollection"):
        raise Invalid(
            'GeoJSON is an object of type "FeatureCollection" or "Feature"',
            'GeoJSON 应为 "FeatureCollection" 或 "Feature" 类型的对象',
        )
    features = document.get("features") if document["type"] == "FeatureCollection" else [document]
    if not isinstance(features, list) or not all(isinstance(feature, dict) for feature in features):
        raise Invalid("features is no list of objects", "features 不是对象列表")
    return [_feature(feature) for feature in features]


def _feature(feature: Record) -> Record:
    properties = feature.get("properties")
    record = flat(properties) if isinstance(properties, dict) else {}
    if "id" in feature:
        record["id"] = feature["id"]
    record["geometry"] = feature.get("geometry")
    return record


def column_names(records: Iterable[Record]) -> list[str]:
    """All members of all records, in order of first appearance."""
    return list(dict.fromkeys(name for record in records for name in record))


def table_of_records(records: list[Record], names: list[str]) -> pa.RecordBatch:
    """Columns of the named members: numbers, booleans or texts where all values are, else the values as texts.

    >>> table_of_records([{"a": 1, "b": "x"}, {"a": 2.5, "b": 3}], ["a", "b"]).to_pydict()
    {'a': [1.0, 2.5], 'b': ['x', '3']}
    """
    columns = [_column([record.get(name) for record in records]) for name in names]
    return pa.RecordBatch.from_arrays(columns, names)


def _column(values: list[object]) -> pa.Array:
    kinds = {type(value) for value in values if value is not None}
    for kind, arrow in (({int}, pa.int64()), ({int, float}, pa.float64()), ({bool}, pa.bool_()), ({str}, pa.string())):
        if kinds <= kind:
            try:
                return pa.array(values, arrow)
            except (pa.ArrowInvalid, OverflowError):
                break
    return pa.array([_text(value) for value in values], pa.string())


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return orjson.dumps(value).decode()
