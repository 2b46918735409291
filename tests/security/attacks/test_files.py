"""Files as weapons, wherever one is taken: archives that climb out, links, bombs, XML; and what is given out."""

from __future__ import annotations

import gzip
import io
import os
import stat
import tarfile
import time
import zipfile
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet
import pytest

from tests.server.conftest import Client
from tests.standards.gtfs.timetables import FILES
from zhicheng.kernel.errors import Invalid, ZhichengError
from zhicheng.kernel.settings import parse
from zhicheng.sensing.decoded import DecodeSettings
from zhicheng.sensing.decoders import DECODERS
from zhicheng.sensing.imports import Opened, batches
from zhicheng.sensing.mapping import Mappings, read_mappings
from zhicheng.server.table import all_routes

Start = Callable[..., Awaitable[Client]]
SECRET = "root:x:0:0"
NAMES = (
    "../../../tmp/zhicheng-slip.csv", "/tmp/zhicheng-slip.csv", "..\\..\\zhicheng-slip.csv", "C:\\zhicheng-slip.csv",
    "a/../../../../tmp/zhicheng-slip.csv", "-rf.csv", "$(touch zhicheng-slip).csv",
)  # fmt: skip
MAPPING = '[mappings.x]\ntype = "Bin"\nid = "urn:x:{a}"\n[mappings.x.attributes]\nb = { column = "b", kind = "text" }\n'
CSV = b"a,b\n1,2\n"
BIG = 200_000_000


def link(name: str, target: str) -> zipfile.ZipInfo:
    """A symbolic link, as Unix packs it."""
    made = zipfile.ZipInfo(name)
    made.external_attr = (stat.S_IFLNK | 0o777) << 16
    made.create_system = 3
    return made


def packed(*members: tuple[zipfile.ZipInfo | str, bytes | str]) -> bytes:
    with zipfile.ZipFile(stream := io.BytesIO(), "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in members:
            archive.writestr(name, body, zipfile.ZIP_DEFLATED)
    return stream.getvalue()


def tarred(*infos: tuple[tarfile.TarInfo, bytes]) -> bytes:
    with tarfile.open(fileobj=(stream := io.BytesIO()), mode="w") as archive:
        for info, body in infos:
            info.size = len(body)
            archive.addfile(info, io.BytesIO(body))
    return stream.getvalue()


def info(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, target
    return made


def workbook(**parts: bytes) -> bytes:
    """A workbook, some of whose parts are other bytes."""
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active.append(("a", "b"))
    book.active.append(("1", "two"))
    book.save(stream := io.BytesIO())
    with zipfile.ZipFile(stream) as old:
        files = {name: old.read(name) for name in old.namelist()}
    files |= {name.replace("__", "/") + ".xml": body for name, body in parts.items()}
    return packed(*files.items())


def laughs(text: str = "&j;") -> bytes:
    """A worksheet that defines a billion laughs and another file, and says one of them in its cell."""
    steps = "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefghi", "bcdefghij", strict=True))
    kind = f'<!DOCTYPE worksheet [<!ENTITY a "{"ha" * 50}"><!ENTITY file SYSTEM "file:///etc/passwd">{steps}]>'
    space = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    rows = "".join(
        f'<row r="{at}">' + "".join(f'<c t="inlineStr"><is><t>{one}</t></is></c>' for one in cells) + "</row>"
        for at, cells in ((1, "ab"), (2, ("1", text)))
    )
    return f"<?xml version='1.0'?>{kind}<worksheet {space}><sheetData>{rows}</sheetData></worksheet>".encode()


def parquet(groups: int) -> bytes:
    part = pa.table({"a": pa.array(["x"] * 1_000_000), "b": pa.array(["y" * 20] * 1_000_000)})
    with pyarrow.parquet.ParquetWriter(stream := io.BytesIO(), part.schema, compression="zstd") as writer:
        for _ in range(groups):
            writer.write_table(part, row_group_size=1_000_000)
    return stream.getvalue()


BOMBS: dict[str, tuple[str, Callable[[], bytes]]] = {
    "timetable": ("gtfs", lambda: packed(*((f"{n}.txt", t) for n, t in FILES.items()), ("trips.txt", b"s" * BIG))),
    "workbook": ("xlsx", lambda: workbook(xl__worksheets__sheet1=b"<row/>" * (BIG // 6))),
    "parquet": ("parquet", lambda: parquet(10)),
    "parquet of one cell": ("parquet", lambda: one_cell()),
    "laughs": ("xlsx", lambda: workbook(xl__worksheets__sheet1=laughs())),
    "deep json": ("json", lambda: b"[" * 1_000_000),
    "deep geojson": ("geojson", lambda: b'{"type":"FeatureCollection","features":' + b"[" * 500_000),
    "deep base map": ("basemap", lambda: b'{"a":' * 200_000),
    "deep entities": ("ngsi-ld", lambda: b'[{"id":"urn:x:1","type":"A","v":' + b'{"value":' * 200_000),
    "deep protobuf": ("gtfs-rt", lambda: nested(5_000)),
    "wide csv": ("csv", lambda: b"a," * 500_000 + b"\n" + b"1," * 500_000),
}  # fmt: skip
"""Small files that would be large, deep or wide: which decoder, and what it is sent."""


def one_cell() -> bytes:
    pyarrow.parquet.write_table(pa.table({"a": ["x"], "b": ["y" * BIG]}), stream := io.BytesIO(), compression="zstd")
    return stream.getvalue()


def nested(depth: int) -> bytes:
    """Messages of unknown fields in one another, as groups."""
    return b"\x0b" * depth + b"\x0c" * depth


@pytest.fixture
async def client(start: Start) -> Client:
    """A city to which every kind of decoder's files may be pushed."""
    return await start("".join(
        f'[feeds.{name}]\ndecoder = "{name}"\npush = true\n'
        + ('mapping = { type = "Bin", id = "urn:x:{a}", attributes = { b = { column = "b", kind = "text" } } }\n'
           if "mapping" in one.needs else "")
        for name, one in DECODERS.items()
    ))  # fmt: skip


@pytest.mark.parametrize("kind", list(BOMBS))
async def test_bombs_are_answered_soon_and_in_words(client: Client, kind: str) -> None:
    name, made = BOMBS[kind]
    body = made()
    assert len(body) < 3_000_000
    began = time.process_time()
    answer = await client.post(f"/api/v1/feeds/{name}", content=body, timeout=60)
    assert answer.status_code in (400, 413, 422) or kind == "wide csv", answer.text
    assert time.process_time() - began < 10
    assert (await client.get("/health")).status_code == 200


def test_xxe_no_entity_of_a_workbook_is_another_file() -> None:
    settings = DecodeSettings("x", mapping=read_mappings(parse(MAPPING, "m"), "m").mappings["x"])
    decode = DECODERS["xlsx"].decode
    changes = decode(workbook(xl__worksheets__sheet1=laughs("&a;")), settings).changes
    assert changes is not None and changes.text.list()[-1] == "ha" * 50, "the entities are read"
    with pytest.raises(Invalid, match="undefined entity &file"):
        decode(workbook(xl__worksheets__sheet1=laughs("&file;")), settings)


def archives() -> Iterator[tuple[str, bytes]]:
    for name in NAMES:
        yield "x.zip", packed((name, CSV))
        if "\x00" not in name:
            yield "x.tar", tarred((info(name), CSV))
    yield "x.zip", packed((link("a.csv", "/etc/passwd"), "/etc/passwd"))
    yield "x.zip", packed((link("up", "/tmp"), "/tmp"), ("up/zhicheng-slip.csv", CSV))
    yield "x.tar", tarred((info("a.csv", tarfile.SYMTYPE, "/etc/passwd"), b""))
    yield "x.tar", tarred((info("a.csv", tarfile.LNKTYPE, "/etc/passwd"), b""))
    yield "x.tar", tarred((info("up", tarfile.SYMTYPE, "/tmp"), b""), (info("up/zhicheng-slip.csv"), CSV))
    yield "x.tar", tarred((info("a.csv", tarfile.CHRTYPE), b""), (info("b.csv", tarfile.FIFOTYPE), b""))
    yield (
        "x.csv.gz",
        gzip.compress(CSV).replace(b"\x1f\x8b\x08\x00", b"\x1f\x8b\x08\x08", 1)[:10] + b"/tmp/zhicheng-slip.csv\0",
    )


def read(name: str, body: bytes, mappings: Mappings) -> str:
    """What an import makes of a file, or why not."""
    try:
        return repr(list(batches([Opened(name, io.BytesIO(body), len(body))], mappings, "https://x/".__add__)))
    except ZhichengError as error:
        return repr(error)


def test_zip_slip_no_archive_writes_or_reads_a_file_of_its_choice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mappings = read_mappings(parse(MAPPING, "m"), "m")
    monkeypatch.chdir(tmp_path)
    opened: list[object] = []
    monkeypatch.setattr(os, "symlink", lambda *said: opened.append(said))
    for name, body in archives():
        assert SECRET not in read(name, body, mappings)
    assert list(tmp_path.iterdir()) == [] and opened == []
    assert not list(Path("/tmp").glob("*zhicheng-slip*"))  # the platform's archives are read where they are


async def test_zip_slip_no_timetable_writes_or_reads_a_file_of_its_choice(client: Client) -> None:
    good = {f"{name}.txt": text for name, text in FILES.items()}
    for name in NAMES:
        body = packed(*good.items(), (name, CSV), (link("fare_rules.txt", "/etc/passwd"), "/etc/passwd"))
        answer = await client.post("/api/v1/feeds/gtfs", content=body)
        assert answer.status_code in (200, 400), answer.text
        bad = packed(*((n, t) for n, t in good.items() if n != "stops.txt"), (link("stops.txt", "x"), "/etc/passwd"))
        answer = await client.post("/api/v1/feeds/gtfs", content=bad)
        assert answer.status_code == 400 and SECRET not in answer.text
    assert not list(Path("/tmp").glob("*zhicheng-slip*"))  # noqa: ASYNC240  (a look at names)


SVG = '<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(1)</script></svg>'


async def test_nothing_that_came_in_goes_out_as_a_page(client: Client) -> None:
    """What people and feeds brought is JSON, a picture of our own or an attachment; a browser is told to believe it."""
    lot = {"id": "urn:x:1", "type": "Bin", "b": {"type": "Property", "value": SVG}}
    assert (await client.post("/ngsi-ld/v1/entities", json=lot)).status_code == 201
    await client.post("/api/v1/rooms", json={"name": SVG[:70], "view": {}, "as": "x"})
    statement = "SELECT text FROM entities"
    for form, media in (
        ("csv", "text/csv"),
        ("xlsx", "application/vnd."),
        ("arrow", "application/vnd."),
        ("json", "application/json"),
    ):
        answer = await client.get("/api/v1/sql", params={"query": statement, "format": form})
        assert answer.status_code == 200 and answer.headers["content-type"].startswith(media)
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        if form != "json":
            assert answer.headers["content-disposition"].startswith("attachment"), form
    for route in all_routes({}):
        if route.path.startswith(("/api/v1/audit/export",)):
            answer = await client.get(route.path, params={"format": "json"})
            assert answer.headers["content-disposition"].startswith("attachment")
    listed = (await client.get("/api/v1/docs")).json()
    assert listed
    for name in ("zhicheng.svg", "../README.md", "images/x.svg"):
        answer = await client.get(f"/api/v1/docs/files/{name}")
        assert answer.status_code in (200, 400, 404)
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert (
            "'unsafe-inline'"
            not in answer.headers["content-security-policy"].partition("script-src")[2].partition(";")[0]
        )
