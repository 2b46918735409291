from __future__ import annotations

import gzip
import io
import json
import lzma
import tarfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import openpyxl
import pyarrow as pa
import pyarrow.parquet
import pytest

from zhicheng.kernel.errors import BadConfiguration
from zhicheng.kernel.settings import parse
from zhicheng.sensing.decoded import DecodeSettings
from zhicheng.sensing.decoders import decoder
from zhicheng.sensing.imports import Batch, Opened, Totals, batches
from zhicheng.sensing.mapping import read_mappings
from zhicheng.standards.ngsild.context import Contexts
from zhicheng.standards.ngsild.decode import decode_entity

MAPPING = """
[mappings.bins]
type = "Bin"
id = "urn:ngsi-ld:Bin:{编号}"
[mappings.bins.attributes]
fill = { column = "满度", kind = "number" }
name = { column = "名称", kind = "text" }
"""
ROWS = [("b1", 0.5, "桶，一"), ("b2", 0.25, "桶二")]
EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "german-parking.toml"


def imported(name: str, body: bytes, more: str = "", **limits: int) -> list[Batch]:
    text = MAPPING.replace("[mappings.bins.attributes]", more + "\n[mappings.bins.attributes]")
    mappings = read_mappings(parse(text, "m.toml"), "m.toml")
    opened = Opened(name, io.BytesIO(body), len(body))
    context = Contexts().default
    return list(batches([opened], mappings, "https://x/".__add__, lambda one: decode_entity(one, context), **limits))


def check(found: list[Batch]) -> None:
    assert [refusal for batch in found for refusal in batch.refusals] == []
    numbers = [value for batch in found for value in batch.changes.number.tolist() if value == value]
    names = [value for batch in found for value in batch.changes.text.list() if value]
    assert numbers == [0.5, 0.25] and names == ["桶，一", "桶二"]
    assert found[-1].bytes_done == found[-1].bytes_total


def csv_text(delimiter: str = ",") -> str:
    lines = [delimiter.join(("编号", "满度", "名称"))]
    return "\n".join([*lines, *(f'{one}{delimiter}{fill}{delimiter}"{name}"' for one, fill, name in ROWS)]) + "\n"


def xlsx() -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(("编号", "满度", "名称"))
    for one, fill, name in ROWS:
        sheet.append((one, fill, name))
    sheet.append((None, None, None))
    book.save(stream := io.BytesIO())
    return stream.getvalue()


def parquet() -> bytes:
    numbers, fills, names = zip(*ROWS, strict=True)
    pyarrow.parquet.write_table(pa.table({"编号": numbers, "满度": fills, "名称": names}), stream := io.BytesIO())
    return stream.getvalue()


def records() -> list[dict[str, object]]:
    return [{"编号": one, "满度": fill, "名称": name} for one, fill, name in ROWS]


def zipped(name: str, body: bytes) -> bytes:
    with zipfile.ZipFile(stream := io.BytesIO(), "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("folder/", b"")
        archive.writestr(name, body)
    return stream.getvalue()


def tarred(name: str, body: bytes, mode: Literal["w:xz", "w:gz"]) -> bytes:
    with tarfile.open(fileobj=(stream := io.BytesIO()), mode=mode) as archive:
        info = tarfile.TarInfo(name)
        info.size = len(body)
        archive.addfile(info, io.BytesIO(body))
    return stream.getvalue()


UTF8 = csv_text().encode()
FEATURES = {
    "type": "FeatureCollection",
    "features": [{"type": "Feature", "geometry": None, "properties": one} for one in records()],
}
FILES = {
    "utf-8": ("x.csv", UTF8, ""),
    "utf-8 with mark": ("x.csv", b"\xef\xbb\xbf" + UTF8, ""),
    "gb 18030": ("x.csv", csv_text().encode("gb18030"), ""),
    "gb 18030 after much ascii": ("x.csv", csv_text().encode("gb18030"), 'encoding = "gb18030"'),
    "utf-16": ("x.csv", csv_text().encode("utf-16"), ""),
    "semicolons": ("x.csv", csv_text(";").encode(), ""),
    "tabs": ("x.tsv", csv_text("\t").encode(), ""),
    "windows line ends": ("x.csv", UTF8.replace(b"\n", b"\r\n"), ""),
    "blank lines": ("x.csv", UTF8 + b"\n\n", ""),
    "header further down": ("x.csv", b"Report of the bins\n\n" + UTF8, "header = 3"),
    "xlsx": ("x.xlsx", xlsx(), ""),
    "parquet": ("x.parquet", parquet(), ""),
    "json": ("x.json", json.dumps(records()).encode(), ""),
    "json inside": ("x.json", json.dumps({"data": {"rows": records()}}).encode(), 'records = "/data/rows"'),
    "json lines": ("x.jsonl", "\n".join(json.dumps(one) for one in records()).encode(), ""),
    "geojson": ("x.geojson", json.dumps(FEATURES).encode(), ""),
    "gz": ("x.csv.gz", gzip.compress(UTF8), ""),
    "xz": ("x.csv.xz", lzma.compress(UTF8), ""),
    "zip": ("x.zip", zipped("../../evil.csv", UTF8), ""),
    "tar.xz": ("x.tar.xz", tarred("/etc/evil.csv", UTF8, "w:xz"), ""),
    "xlsx in a zip": ("x.zip", zipped("x.xlsx", xlsx()), ""),
    "parquet in a tar": ("x.tar.gz", tarred("x.parquet", parquet(), "w:gz"), ""),
    "tar.gz": ("x.tgz", tarred("a/x.csv", UTF8, "w:gz"), ""),
}


@pytest.mark.parametrize("case", list(FILES))
def test_reads_every_kind_of_file(case: str) -> None:
    check(imported(*FILES[case]))


def test_ngsi_ld_files() -> None:
    documents: list[object] = [{"id": f"urn:ngsi-ld:Bin:{at}", "type": "Bin", "fill": at} for at in range(3)]
    documents[1] = {"id": "urn:ngsi-ld:Bin:1"}
    for name, body in (
        ("x.jsonld", json.dumps(documents).encode()),
        ("x.jsonld", "\n".join(json.dumps(one) for one in documents).encode()),
    ):
        (batch,) = imported(name, body)
        assert [one.id for one in batch.entities] == ["urn:ngsi-ld:Bin:0", "urn:ngsi-ld:Bin:2"]
        assert [(one.row, one.value) for one in batch.refusals] == [(2, "urn:ngsi-ld:Bin:1")] and batch.rows == 3


BROKEN = {
    "xlsx": ("x.xlsx", b"PK\x03\x04 no workbook", "", "not a readable XLSX"),
    "xlsx without xml": ("x.xlsx", zipped("xl/workbook.xml", b"<"), "", "not a readable XLSX"),
    "no such sheet": ("x.xlsx", xlsx(), 'sheet = "Tabelle9"', "no sheet 'Tabelle9'"),
    "parquet": ("x.parquet", b"PAR1 no PAR1", "", "not a readable Parquet"),
    "json": ("x.json", b'{"a": ', "", "not valid JSON"),
    "json of numbers": ("x.json", b"[1, 2]", "", "no list of objects"),
    "json elsewhere": ("x.json", b'{"data": []}', 'records = "/date"', "nothing at '/date'"),
    "geojson": ("x.geojson", b'{"type": "Topology"}', "", "FeatureCollection"),
    "zip": ("x.zip", zipped("a.csv", UTF8)[:-30], "", "damaged or no archive"),
    "tar": ("x.tar.xz", tarred("a.csv", UTF8, "w:xz")[:40], "", "damaged or no archive"),
    "gz": ("x.csv.gz", gzip.compress(UTF8)[:-12], "", "damaged or no archive"),
    "empty": ("x.csv", b"", "", "no header row"),
    "binary": ("x.csv", bytes(range(256)) * 9, "", ""),
    "wrong columns": ("x.csv", b"a,b\n1,2\n", "", "The file has no column '编号'"),
    "unknown ending": ("x.dat", UTF8, "", "set format in the mapping"),
    "unknown encoding": ("x.csv", UTF8, 'encoding = "klingon"', "is not an encoding"),
    "an open quote": ("x.csv", UTF8[:20] + b'\nb1,1,"' + b"x,y\n" * 2_500_000, "", "quotation mark"),
}  # fmt: skip


@pytest.mark.parametrize("case", list(BROKEN))
def test_a_broken_file_is_one_refusal_and_stores_nothing(case: str) -> None:
    name, body, more, message = BROKEN[case]
    found = imported(name, body, more)
    refusals = [refusal for batch in found for refusal in batch.refusals]
    assert refusals and message in refusals[-1].en and refusals[-1].zh
    assert refusals[-1].row == 0 and sum(len(batch.changes) for batch in found) == 0


def test_a_bomb_stops_at_the_limit() -> None:
    for name, body in (
        ("x.csv.gz", gzip.compress(UTF8 + b"\n" * 30_000_000)),
        ("x.zip", zipped("x.csv", UTF8 + b"\n" * 30_000_000)),
        ("x.tar.xz", tarred("x.csv", UTF8 + b"\n" * 30_000_000, "w:xz")),
    ):
        assert len(body) < 100_000
        found = imported(name, body, member_limit=1_000_000)
        assert "unpacks to more than is allowed" in [one for batch in found for one in batch.refusals][-1].en


def test_rows_keep_their_numbers_over_blocks_and_oddities() -> None:
    lines = ["编号,满度,名称"]
    lines += [f'b{at},{"x" if at in (3, 300_000) else at},"a\nb"' for at in range(2, 10)]
    lines += ["too,few", "too,many,cells,here", ""]
    lines += [f"b{at},{'x' if at in (3, 300_000) else at},c" for at in range(13, 400_001)]
    found = imported("x.csv", "\n".join(lines).encode())
    refusals = [(one.row, one.column, one.value, one.en) for batch in found for one in batch.refusals]
    assert len(found) > 1
    assert refusals == [
        (3, "满度", "x", "not a number"),
        (10, None, "too,few", "2 cells instead of 3"),
        (11, None, "too,many,cells,here", "4 cells instead of 3"),
        (300_000, "满度", "x", "not a number"),
    ]
    assert sum(batch.rows for batch in found) == 399_998


def test_undecodable_bytes_are_refused_in_their_cells() -> None:
    found = imported("x.csv", UTF8 + b"b3,1,\xff\xfe\n", 'encoding = "utf-8"')
    refusals = [(one.row, one.column) for batch in found for one in batch.refusals]
    assert refusals == [(4, "名称")]


def test_files_no_mapping_takes_are_named() -> None:
    totals = Totals()
    for batch in imported("x.zip", zipped("LIESMICH.txt", b"x"), 'files = ["*.csv"]'):
        totals.add(batch)
    assert totals.skipped == ["LIESMICH.txt"] and totals.rows == 0


def test_decoders_of_feeds() -> None:
    contexts = Contexts()
    mapping = read_mappings(parse(MAPPING, "m.toml"), "m.toml").mappings["bins"]
    settings = DecodeSettings("bins", mapping=mapping, contexts=contexts)
    body = json.dumps([*records(), {"编号": "b3", "满度": "voll"}]).encode()
    found = decoder("json").decode(body, settings)
    assert found.changes is not None and len(found.changes) == 4
    assert [(one.id, one.en) for one in found.refused] == [("row 3, 满度", "'voll': not a number")]
    assert found.changes.attribute.values[0] == contexts.default.expand("fill")
    with pytest.raises(BadConfiguration, match=r"needs \[feeds.bins.mapping\]"):
        decoder("csv").decode(UTF8, DecodeSettings("bins"))


def test_three_months_of_german_car_parks(data: Callable[[str], Path]) -> None:
    """94 files in one archive: every reading, the places, and what no mapping takes."""
    (archive,) = data("parking").glob("*.tar.xz")
    mappings = read_mappings(parse(EXAMPLE.read_text(encoding="utf-8"), EXAMPLE.name), EXAMPLE.name)
    totals, readings, places, largest = Totals(), 0, 0, 0
    began = time.process_time()
    with archive.open("rb") as stream:
        for batch in batches([Opened(archive.name, stream, archive.stat().st_size)], mappings, "https://x/".__add__):
            totals.add(batch)
            largest = max(largest, len(batch.changes))
            if batch.mapping == "occupancy":
                readings += len(batch.changes)
                located = False
            elif batch.mapping == "places":
                places += len(batch.changes.types)
                located = "https://x/location" in batch.changes.attribute.values
    seconds = time.process_time() - began
    assert readings == 3_600_276 and totals.rows - places == 20_715 and len(totals.files) == 93
    assert totals.skipped == ["README.md"] and totals.refused_cells == 0 and not totals.duplicates
    assert located or places
    assert largest < 100_000, "a batch holds one day"
    assert seconds < 15, "6 s of one quiet core are the aim; it takes 2"
