from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhicheng.kernel import instants
from zhicheng.kernel.errors import BadConfiguration, Invalid
from zhicheng.kernel.instants import ABSENT, SECOND
from zhicheng.kernel.settings import Where, parse, read
from zhicheng.sensing.mapping import TableMapping, read_mappings
from zhicheng.sensing.refusals import Refusals
from zhicheng.sensing.tables import decode_table
from zhicheng.standards.changes import Act, Changes, Form
from zhicheng.standards.ngsild.model import Kind

X = "https://x/"


def mapped(text: str) -> TableMapping:
    return read(
        TableMapping, parse('type = "Bin"\nid = "urn:ngsi-ld:Bin:{n}"\n' + text, "m.toml"), Where("m.toml", "m")
    )


def decoded(text: str, **columns: Any) -> tuple[Changes, Refusals]:
    rows = len(next(iter(columns.values())))
    columns.setdefault("n", [str(at) for at in range(rows)])
    return decode_table(pa.table(columns), mapped(text), X.__add__)


def values(changes: Changes, name: str = "v") -> dict[str, object]:
    """Number, boolean, text or parsed JSON by the last part of the entity's id."""
    read_as: dict[Form, Callable[[int], object]] = {
        Form.NUMBER: lambda row: changes.number[row],
        Form.BOOLEAN: lambda row: bool(changes.number[row]),
        Form.TEXT: lambda row: changes.text[row],
        Form.JSON: lambda row: json.loads(changes.text[row] or ""),
    }
    rows = [row for row in range(len(changes)) if changes.attribute[row] == X + name]
    return {str(changes.entity[row]).rsplit(":", 1)[-1]: read_as[Form(changes.form[row])](row) for row in rows}


def coordinates(changes: Changes) -> list[Any]:
    place = values(changes, "location")["0"]
    assert isinstance(place, dict)
    return list(place["coordinates"])


def reasons(refusals: Refusals) -> list[tuple[int, str | None, str | None, str]]:
    return [(one.row, one.column, one.value, one.en) for one in refusals]


KINDS = [
    ('v = "c"', ["1.5", "007", "x", None, "true"], {"0": 1.5, "1": "007", "2": "x", "4": "true"}, []),
    ('v = "c"', [1, 2, None], {"0": 1.0, "1": 2.0}, []),
    ('v = "c"', [True, None], {"0": True}, []),
    ('v = "c"', [[1, 2], None], {"0": [1, 2]}, []),
    ('v = { column = "c", kind = "number", scale = 0.1, offset = 5 }', ["10", " 20 "], {"0": 6.0, "1": 7.0}, []),
    ('v = { column = "c", kind = "number" }', ["１２", "+3", "1e3"], {"0": 12.0, "1": 3.0, "2": 1000.0}, []),
    (
        'v = { column = "c", kind = "number" }',
        ["1", "nan", "inf", "1,5", "0x1", "1e999"],
        {"0": 1.0},
        ["not a finite number"] * 2 + ["not a number"] * 2 + ["not a finite number"],
    ),
    ('v = { column = "c", kind = "number" }', [1.0, float("nan"), None], {"0": 1.0}, ["not a finite number"]),
    ('v = { column = "c", kind = "number" }', [2**60, 1], {"0": 2**60, "1": 1.0}, []),
    ('v = { column = "c", kind = "number", min = 0, max = 1 }', ["0", "1", "-0.1", "2"], {"0": 0.0, "1": 1.0},
     ["outside min and max of the mapping"] * 2),
    ('v = { column = "c", kind = "text" }', ["12", "无", "a\ufffdb"], {"0": "12"},
     ["characters that the file's encoding does not have"]),
    ('v = { column = "c", kind = "text" }', [12.0, 1.5], {"0": "12", "1": "1.5"}, []),
    ('v = { column = "c", kind = "boolean" }', ["是", "NO", "maybe"], {"0": True, "1": False},
     ["neither true nor false"]),
    ('v = { column = "c", values = { "0" = "closed", "1" = "open" } }', ["0", "1", "2"], {"0": "closed", "1": "open"},
     ["not among the mapping's values"]),
    ('v = { column = "c", values = { "0" = false, "1" = true } }', [0, 1], {"0": False, "1": True}, []),
    ('v = { column = "c", kind = "json" }', ['{"a":1}', "{"], {"0": {"a": 1}}, ["not valid JSON"]),
    ('v = { column = "c", kind = "time", zone = "Asia/Shanghai" }', ["2024-02-08 08:00:00", "x"],
     {"0": "2024-02-08T00:00:00Z"}, ["not a time in the given format"]),
    ('v = { kind = "relationship", id = "urn:ngsi-ld:Road:{c}" }', ["a b", None], {"0": "urn:ngsi-ld:Road:a%20b"}, []),
    ('v = { column = "c", kind = "vocabulary" }', ["https://x/y", "no uri"], {"0": "https://x/y"}, ["not a URI"]),
    ('v = { column = "c", kind = "language", language = "zh" }', ["桶"], {"0": {"zh": "桶"}}, []),
    ('v = { column = "c", kind = "geometry" }', ["POINT (8 53)", '{"type":"Point","coordinates":[8,99]}', "?"],
     {"0": {"type": "Point", "coordinates": [8.0, 53.0]}},
     ["latitude beyond 90 or longitude beyond 180 degrees", "neither a GeoJSON geometry nor WKT"]),
    ('v = { members = { a = "c", b = "n" } }', ["x", None], {"0": {"a": "x", "b": "0"}, "1": {"b": "1"}}, []),
    ('v = { value = 3 }', ["x", "y"], {"0": 3.0, "1": 3.0}, []),
]  # fmt: skip


@pytest.mark.parametrize(("attribute", "cells", "expected", "refused"), KINDS)
def test_kinds_of_values(attribute: str, cells: list[object], expected: dict[str, object], refused: list[str]) -> None:
    changes, refusals = decoded(f"[attributes]\n{attribute}", c=cells)
    assert values(changes) == expected
    assert [one.en for one in refusals] == refused and all(one.zh for one in refusals)


def test_kinds_of_changes() -> None:
    text = """
        time = "t"
        location = { lat = "lat", lon = "lon" }
        [attributes]
        fill = { column = "f", unit = "P1", kind = "number", dataset = "urn:d:1" }
        road = { kind = "relationship", id = "urn:ngsi-ld:Road:{r}" }
    """
    changes, refusals = decoded(text, t=["2024-02-08T12:59:15Z"], f=["3"], r=["9"], lat=["53"], lon=["8"])
    assert not len(refusals)
    assert changes.attribute.list() == [X + "fill", X + "road", X + "location"]
    assert changes.kind.tolist() == [Kind.PROPERTY, Kind.RELATIONSHIP, Kind.GEO]
    assert changes.unit.list() == ["P1", None, None] and changes.dataset.list() == ["urn:d:1", None, None]
    assert set(changes.observed_at.tolist()) == {instants.parse("2024-02-08T12:59:15Z")}
    assert set(changes.act.tolist()) == {Act.OBSERVE}
    assert changes.types == {"urn:ngsi-ld:Bin:0": (X + "Bin",)}
    changes, _ = decoded('[attributes]\nfill = "f"', f=["3"])
    assert changes.act.tolist() == [Act.SET] and changes.observed_at.tolist() == [ABSENT]


def test_a_table_may_hold_since_one_instant() -> None:
    changes, refusals = decoded('time = { at = "1970-01-01T00:00:01Z" }\n[attributes]\nv = "c"', c=["a", "b"])
    assert changes.observed_at.tolist() == [SECOND, SECOND] and set(changes.act.tolist()) == {Act.OBSERVE}
    assert len(refusals) == 0


def test_rows_without_id_or_time_are_refused_whole() -> None:
    text = 'time = { column = ["d", "t"], zone = "UTC" }\n[attributes]\nv = { column = "c", kind = "number" }'
    changes, refusals = decoded(
        text,
        n=["a", None, "c", "d", None],
        d=["2024-01-01", "2024-01-01", None, "2024-99-01", None],
        t=["10:00", "10:00", None, "10:00", None],
        c=["1", "2", "3", "4", None],
    )
    assert values(changes) == {"a": 1.0}
    assert reasons(refusals) == [
        (3, "n", None, "the cell that names the entity is empty"),
        (4, "d t", None, "the row has no time"),
        (5, "d t", "2024-99-01 10:00", "not a time in the given format"),
    ]  # row 6 is blank, and no mistake
    assert refusals.row_count() == 3


POSITIONS = [
    ("53.1", "8.2", None),
    (None, None, None),
    ("53.1", None, "a latitude without a longitude, or the reverse"),
    ("nan", "8.2", "not a finite number"),
    ("inf", "8.2", "not a finite number"),
    ("x", "8.2", "not a number"),
    ("91", "8.2", "latitude beyond 90 or longitude beyond 180 degrees"),
    ("53.1", "180.1", "latitude beyond 90 or longitude beyond 180 degrees"),
    ("0", "0", "0, 0 stands for an unknown place"),
]


@pytest.mark.parametrize(("lat", "lon", "reason"), POSITIONS)
def test_impossible_positions_are_refused_and_the_row_kept(
    lat: str | None, lon: str | None, reason: str | None
) -> None:
    text = 'location = { lat = "lat", lon = "lon" }\n[attributes]\nv = "c"'
    changes, refusals = decoded(text, lat=[lat], lon=[lon], c=["1"])
    assert values(changes) == {"0": 1.0}
    assert [one.en for one in refusals] == ([reason] if reason else [])
    assert len(values(changes, "location")) == (1 if lat == "53.1" and lon == "8.2" else 0)


def test_positions_of_chinese_maps_are_converted() -> None:
    for datum, lon, lat in (("GCJ-02", 116.41024, 39.9164), ("BD-09", 116.41662, 39.92274), ("WGS84", 116.404, 39.915)):
        text = f'location = {{ lat = "lat", lon = "lon", datum = "{datum}" }}\n[attributes]\nv = "n"'
        changes, _ = decoded(text, lat=[lat], lon=[lon])
        assert coordinates(changes) == pytest.approx([116.404, 39.915], abs=1e-4)
    text = 'location = { geometry = "g", datum = "GCJ02" }\n[attributes]\nv = "n"'
    changes, _ = decoded(text, g=["LINESTRING (116.41024 39.9164, 116.41024 39.9164)"])
    assert coordinates(changes)[1] == pytest.approx([116.404, 39.915], abs=1e-4)


def test_duplicates_are_counted_and_kept() -> None:
    text = 'time = "t"\n[attributes]\nv = "c"'
    changes, refusals = decoded(text, n=["a", "a", "b"], t=["2024-01-01T00:00:00Z"] * 3, c=["1", "2", "3"])
    assert len(changes) == 3 and refusals.duplicates == 1 and len(refusals) == 0


def test_ids_of_several_columns_and_of_whole_uris() -> None:
    mapping = read(TableMapping, {"type": "S", "id": "urn:x:{a}:{b}", "attributes": {"v": "a"}}, Where("m"))
    table = pa.table({"a": ["1", "1", "a/b", None], "b": ["x", "y", "停车", "z"]})
    changes, refusals = decode_table(table, mapping, X.__add__)
    assert changes.entity.list() == ["urn:x:1:x", "urn:x:1:y", "urn:x:a%2Fb:停车"] and len(refusals) == 1
    mapping = read(TableMapping, {"type": "S", "id": "{a}", "attributes": {"v": "b"}}, Where("m"))
    changes, refusals = decode_table(pa.table({"a": ["urn:x:1", "no uri"], "b": [1, 2]}), mapping, X.__add__)
    assert changes.entity.list() == ["urn:x:1"] and reasons(refusals) == [(3, "a", "no uri", "does not make a URI")]


WIDE = (
    'wide = true\nid = "urn:x:{column}"\ntype = "P"\ntime = "t"\nskip = ["note"]\n[attributes]\nv = { kind = "number" }'
)


def test_wide_tables() -> None:
    mapping = read(TableMapping, parse(WIDE, "m"), Where("m"))
    table = pa.table({
        "t": ["2024-01-01T00:00:00Z", "2024-01-01T00:05:00Z", "bad", None],
        "p 1": ["1", None, "3", None],
        "note": ["x", "y", "z", None],
        "p2": [None, "five", "6", None],
    })  # fmt: skip
    changes, refusals = decode_table(table, mapping, X.__add__)
    assert changes.entity.list() == ["urn:x:p%201"] and changes.number.tolist() == [1.0]
    assert changes.types == {"urn:x:p%201": (X + "P",)}
    assert reasons(refusals) == [
        (3, "p2", "five", "not a number"),
        (4, "t", "bad", "not a time in the given format"),
    ]


@given(
    st.lists(
        st.tuples(st.integers(0, 10**6), *[st.none() | st.integers(-(10**6), 10**6)] * 3),
        max_size=20,
        unique_by=lambda row: row[0],
    )
)
def test_a_wide_table_says_the_same_as_its_long_one(rows: list[tuple[int, int | None, int | None, int | None]]) -> None:
    wide = read(TableMapping, parse(WIDE.replace('"t"', '{ column = "t", format = "unix" }'), "m"), Where("m"))
    times = [row[0] for row in rows]
    columns = {name: pa.array([row[at] for row in rows], pa.int64()) for at, name in enumerate("abc", 1)}
    changes, refusals = decode_table(pa.table({"t": pa.array(times, pa.int64()), **columns}), wide, X.__add__)
    found = set(zip(changes.entity.list(), changes.observed_at.tolist(), changes.number.tolist(), strict=True))
    expected = {
        (f"urn:x:{name}", row[0] * 10**6, float(value))
        for row in rows
        for name, value in zip("abc", row[1:], strict=True)
        if value is not None
    }
    assert found == expected and len(changes) == len(expected) and not len(refusals)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[attributes]\nv = "fil"', "The file has no column 'fil'; did you mean 'fill'?"),
        ('time = "zzz"\n[attributes]\nv = "fill"', "The file has no column 'zzz'; it has: n, fill"),
    ],
)
def test_missing_columns_name_the_nearest(text: str, message: str) -> None:
    with pytest.raises(Invalid) as caught:
        decoded(text, fill=["1"], n=["1"])
    assert message in caught.value.en.replace("it has: fill, n", "it has: n, fill") and "没有列" in caught.value.zh


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('typ = "x"', "[mappings.m] has no key 'typ'; did you mean 'type'?"),
        ('type = "x"', "needs type and id"),
        ('type = "x"\nid = "{"', "is not a template"),
        ('type = "x"\nid = "no-uri-{a}"', "must be a URI with columns in braces"),
        ('type = "x"\nid = "urn:x:1"', "must be a URI with columns in braces"),
        ('type = "x"\nid = "urn:x:{a}"', "needs [attributes] or location"),
        ('type = "x"\nid = "urn:x:{a}"\nwide = true\nattributes = { v = {} }', "needs time"),
        ('type = "x"\nid = "urn:x:{a}"\nwide = true\ntime = "t"\nattributes = { v = {} }', 'is "...{column}"'),
        ('type = "x"\nid = "urn:x:{a}"\nattributes = { v = {} }', "attribute v needs a column or a value"),
        ('type = "x"\nid = "urn:x:{a}"\ntime = { zone = "UTC" }\nattributes = { v = "c" }', "time needs column or at"),
        ('type = "x"\nid = "urn:x:{a}"\ntime = { at = "May" }\nattributes = { v = "c" }', "is not a date-time"),
        ('type = "x"\nid = "urn:x:{a}"\nlocation = { lat = "y" }', "[mappings.m.location] location needs lat and lon"),
        (
            'type = "x"\nid = "urn:x:{a}"\nattributes = { v = { column = "c", kind = "numbr" } }',
            "did you mean 'number'?",
        ),
        ('type = "x"\nid = "urn:x:{a}"\nattributes = { v = { column = "c", colunm = "c" } }', "did you mean 'column'?"),
        ('type = "x"\nid = "urn:x:{a}"\nattributes = { v = { kind = "relationship" } }', "a relationship needs id"),
    ],
)
def test_mapping_mistakes_are_named(text: str, message: str) -> None:
    with pytest.raises(BadConfiguration) as caught:
        read_mappings({"mappings": {"m": parse(text, "m.toml")}}, "m.toml")
    assert message in caught.value.en


def test_mappings_by_name() -> None:
    with pytest.raises(BadConfiguration, match=r"has no \[mappings.NAME\] table"):
        read_mappings({}, "m.toml")
    tables = {"mappings": {"bins": {"type": "B", "id": "urn:x:{a}", "attributes": {"v": "a"}}}}
    with pytest.raises(BadConfiguration, match="did you mean 'bins'"):
        read_mappings(tables, "m.toml", ["bin"])


def test_an_empty_table_gives_nothing() -> None:
    changes, refusals = decoded('[attributes]\nv = "c"', c=pa.array([], pa.string()), n=pa.array([], pa.string()))
    assert len(changes) == 0 and len(refusals) == 0 and changes.observed_at.dtype == np.int64
