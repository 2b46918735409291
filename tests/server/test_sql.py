"""Questions in SQL: right answers in every form, and nothing but the two relations in reach."""

from __future__ import annotations

import asyncio
import csv
import io
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import openpyxl
import pyarrow as pa
import pytest

from tests.server.conftest import Client, engine_of
from tests.server.parks import ENTITIES, ONE, PARK, park
from zhicheng.server.sql import asking
from zhicheng.server.sql.question import Asked

Start = Callable[..., Awaitable[Client]]
SQL = "/api/v1/sql"
ENDLESS = "SELECT count(*) FROM range(10000000000) a, range(10000000000) b"
STOLEN, LOGGED = Path("/tmp/zhicheng-stolen.csv"), Path("/tmp/zhicheng-log")


async def asked(client: httpx.AsyncClient, sql: str, **more: object) -> httpx.Response:
    return await client.post(SQL, json={"sql": sql, **more})


async def rows(client: httpx.AsyncClient, sql: str, **more: object) -> list[tuple[object, ...]]:
    answer = await asked(client, sql, **more)
    assert answer.status_code == 200, answer.text
    return list(zip(*answer.json()["data"], strict=True))


@pytest.fixture
async def city(start: Start) -> Client:
    client = await start("[apps.parking]\nenabled = false\n[apps.arrival]\nenabled = false\n")
    assert (await client.post(ENTITIES, json=park())).status_code == 201
    for hour, free in ((9, 100), (10, 90), (11, 80)):
        value = {"type": "Property", "value": free, "observedAt": f"2026-11-20T{hour:02d}:00:00Z"}
        assert (await client.post(f"{ONE}/attrs", json={"availableSpotNumber": value})).status_code == 204
    return client


async def test_what_holds_now_and_what_was(city: Client) -> None:
    [(kind, number, lon)] = await rows(
        city, "SELECT type, number, (SELECT lon FROM entities WHERE attribute = 'location') FROM entities "
        "WHERE attribute = 'availableSpotNumber'"
    )  # fmt: skip
    assert (kind, lon) == ("OffStreetParking", 108.315)
    found = await rows(
        city, "SELECT number, effective_at, act, source FROM history WHERE attribute = 'availableSpotNumber' "
        "AND observed_at < '2026-11-21' ORDER BY position"
    )  # fmt: skip
    assert [(n, at) for n, at, _, _ in found] == [
        (121, "2026-11-20T08:00:00Z"),
        (100, "2026-11-20T09:00:00Z"),
        (90, "2026-11-20T10:00:00Z"),
        (80, "2026-11-20T11:00:00Z"),
    ]
    assert {(act, source) for _, _, act, source in found} == {("observe", "ngsi-ld")}
    assert number == 80


async def test_sealed_and_open_history_are_one_and_agree_with_a_plain_count(city: Client) -> None:
    store = engine_of(city.city)
    before = await rows(city, "SELECT * FROM history ORDER BY position, ordinal")
    await asyncio.to_thread(store.seal)
    assert await rows(city, "SELECT * FROM history ORDER BY position, ordinal") == before
    body = {"availableSpotNumber": {"type": "Property", "value": 7, "observedAt": "2026-11-20T12:00:00Z"}}
    assert (await city.post(f"{ONE}/attrs", json=body)).status_code == 204
    plain = sum(len(part) for _, part in store.relations())
    assert await rows(
        city, "SELECT count(*), count(DISTINCT position), max(recorded_at) >= min(recorded_at) FROM history"
    ) == [(plain, store.state.position, True)]
    assert await rows(
        city, "SELECT number FROM history WHERE recorded_at = (SELECT max(recorded_at) FROM history)"
    ) == [(7,)]
    assert await rows(city, "SELECT count(*) FROM history WHERE observed_at > '2031-01-01'") == [(0,)]
    assert await rows(city, f"SELECT count(*) FROM history WHERE entity = '{PARK}'") == [(plain,)]
    assert await rows(city, "SELECT count(*) FROM history WHERE entity = 'urn:zzz'") == [(0,)]


async def test_a_correction_is_a_row_and_leaves_the_corrected_one(city: Client) -> None:
    listed = (await city.get(f"/ngsi-ld/v1/temporal/entities/{PARK}?attrs=availableSpotNumber")).json()
    instance = next(one for one in listed["availableSpotNumber"] if one["value"] == 90)["instanceId"]
    changed = {"availableSpotNumber": {"type": "Property", "value": 91, "observedAt": "2026-11-20T10:00:00Z"}}
    answer = await city.patch(
        f"/ngsi-ld/v1/temporal/entities/{PARK}/attrs/availableSpotNumber/{instance}", json=changed
    )
    assert answer.status_code == 204, answer.text
    found = await rows(city, "SELECT number, target >= 0 FROM history WHERE act = 'correct'")
    assert found == [(91, True)]
    assert await rows(city, "SELECT count(*) FROM history WHERE number = 90") == [(1,)]


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
async def test_csv_in_both_encodings_and_without_formulas(city: Client, encoding: str) -> None:
    answer = await asked(
        city, "SELECT '南宁' AS 名称, '=1+1' AS f, -3.5 AS n, NULL AS nothing", format="csv", encoding=encoding
    )
    assert answer.headers["content-type"] == f"text/csv; charset={encoding}"
    text = answer.content.decode("utf-8-sig" if encoding == "utf-8" else "gb18030")
    assert list(csv.reader(io.StringIO(text))) == [["名称", "f", "n", "nothing"], ["南宁", "'=1+1", "-3.5", ""]]


async def test_a_sheet_and_arrow(city: Client) -> None:
    answer = await asked(city, "SELECT '=HYPERLINK(1)' AS f, 2 AS n, TIMESTAMP '2026-01-01' AS t", format="xlsx")
    sheet = openpyxl.load_workbook(io.BytesIO(answer.content)).active
    assert sheet is not None
    assert [cell.data_type for cell in sheet[2]] == ["s", "n", "d"] and sheet["A2"].value == "=HYPERLINK(1)"
    answer = await asked(city, "SELECT 1 AS a", format="arrow")
    assert pa.ipc.open_stream(answer.content).read_all().to_pydict() == {"a": [1]}


async def test_a_get_is_the_same_question(city: Client) -> None:
    answer = await city.get(SQL, params={"query": "SELECT count(*) AS n FROM entities", "format": "csv"})
    assert answer.status_code == 200 and answer.text.splitlines()[0].endswith("n")
    described = (await city.get(f"{SQL}/relations")).json()
    for relation in described["relations"]:
        names = (await asked(city, f"SELECT * FROM {relation['name']} LIMIT 0")).json()["columns"]
        assert [(one["name"], one["type"]) for one in names] == [(c["name"], c["type"]) for c in relation["columns"]]
    for example in described["examples"]:
        assert (await asked(city, example["sql"])).status_code == 200, example


async def test_rows_are_limited_and_said_to_be(city: Client) -> None:
    answer = (await asked(city, "SELECT * FROM range(100000000)", rows=100)).json()
    assert (answer["rows"], answer["truncated"], len(answer["data"][0])) == (100, True, 100)


@pytest.mark.parametrize(
    ("sql", "status", "kind"),
    [
        ("SELECT * FROM read_csv('/etc/passwd')", 403, "forbidden"),
        ("SELECT * FROM '/etc/passwd'", None, None),
        ("SELECT * FROM read_text('/proc/self/environ')", 403, "forbidden"),
        ("SELECT * FROM read_blob('/etc/hostname')", 403, "forbidden"),
        ("SELECT * FROM glob('/etc/*')", 403, "forbidden"),
        ("SELECT * FROM read_parquet('*.parquet')", 403, "forbidden"),
        ("SELECT * FROM read_csv('http://127.0.0.1:8800/health')", None, None),
        ("SELECT * FROM sqlite_scan('/etc/passwd', 'x')", None, None),
        ("SELECT getenv('PATH')", None, None),
        ("SELECT * FROM duckdb_secrets() WHERE secret_string != ''", 200, None),
        ("COPY (SELECT 1) TO '/tmp/zhicheng-stolen.csv'", 403, "reading"),
        ("ATTACH '/tmp/x.db'", 403, "reading"),
        ("INSTALL httpfs", 403, "reading"),
        ("LOAD httpfs", 403, "reading"),
        ("SET enable_external_access=true", 403, "reading"),
        ("SELECT 1; SELECT 2", 403, "reading"),
        ("DELETE FROM history", 403, "reading"),
        ("CREATE TABLE t AS SELECT 1", 403, "reading"),
        ("PRAGMA database_list", 403, "reading"),
        ("CALL enable_logging(storage='file')", 403, "reading"),
        ("SELECT * FROM enable_logging(storage='file', storage_path='/tmp/zhicheng-log')", None, None),
        ("SELECT * FROM query('COPY (SELECT 1) TO ''/tmp/zhicheng-stolen.csv''')", None, None),
        ("SELEC 1", 400, "syntax"),
        ("SELECT nothing FROM entities", 400, "unknown"),
        ("SELECT * FROM elsewhere", 400, "unknown"),
        ("SELECT CAST('x' AS INTEGER)", 400, "value"),
        ("SELECT " + "(" * 5000 + "1" + ")" * 5000, 400, None),
        ("", 400, None),
        ("\x00", 400, None),
    ],
)
async def test_hostile_and_mistaken_questions(city: Client, sql: str, status: int | None, kind: str | None) -> None:
    answer = await asked(city, sql)
    assert answer.status_code == status if status is not None else 400 <= answer.status_code < 500, answer.text
    if kind is not None:
        said = answer.json()
        assert said["kind"] == kind and said["detail"], said
        chinese = await city.post(SQL, json={"sql": sql}, headers={"accept-language": "zh"})
        assert any("\u4e00" <= mark <= "\u9fff" for mark in chinese.json()["detail"])
    assert "root:" not in answer.text
    assert not STOLEN.exists() and not LOGGED.exists()  # noqa: ASYNC240  (a look at two names)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT count(*) FROM range(10000000000) a, range(10000000000) b",
        "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT max(n) FROM t",
        "SELECT string_agg(repeat('x', 100000), '') FROM range(100000)",
        "SELECT list(i) FROM range(2000000000) t(i)",
        "SELECT length(repeat('abcdefgh', 2000000000))",
        "SELECT * FROM range(100000000) a ORDER BY random()",
    ],
)
async def test_what_takes_too_much_ends_and_the_city_goes_on(start: Start, sql: str) -> None:
    client = await start('[sql]\ntime = "4 s"\nmemory = "100 MB"\n')
    began = time.monotonic()
    answer = await asked(client, sql, rows=10)
    assert answer.status_code in (400, 413), answer.text[:500]
    assert time.monotonic() - began < 20
    assert (await client.get("/health")).json()["status"] == "ok"
    assert not list(client.city.folder.path.glob(".query-*"))


async def test_a_huge_answer_is_refused_or_cut(start: Start) -> None:
    client = await start("[sql]\nrows = 1000000\n")
    answer = await asked(client, "SELECT repeat('x', 30000) FROM range(1000000)", rows=1_000_000)
    assert (answer.status_code, answer.json()["kind"]) == (413, "size")


@pytest.mark.parametrize("how", ["cancelled", "closed"])
async def test_who_goes_away_takes_the_question_along(client: Client, how: str) -> None:
    gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    folder = str(client.city.folder.path)
    asked_for = Asked(ENDLESS, folder, 100_000_000, 30, 10, "json")
    limits = asking.Limits(100_000_000, 30_000_000, 10)
    question = asyncio.ensure_future(
        asked(client, ENDLESS) if how == "cancelled" else asking.answered(asked_for, limits, gone)
    )
    await until(lambda: bool(children()))
    if how == "cancelled":
        question.cancel()
    else:
        gone.set_result(None)
    with pytest.raises((asyncio.CancelledError, asking.Cancelled)):
        await question
    await until(lambda: not children())
    assert not list(client.city.folder.path.glob(".query-*"))


async def until(done: Callable[[], bool]) -> None:
    for _ in range(200):
        if done():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("waited in vain")


def children() -> list[str]:
    """Processes that answer a question for this one."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                command = (entry / "cmdline").read_bytes()
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, ValueError):
                continue
            if b"zhicheng.server.sql.child" in command and parent == os.getpid():
                found.append(entry.name)
    return found


async def test_only_so_many_wait(start: Start) -> None:
    client = await start('[sql]\ntime = "3 s"\nat_once = 1\nwaiting = 1\n')
    answers = await asyncio.gather(*(asked(client, ENDLESS, seconds=2) for _ in range(4)))
    assert sorted(one.status_code for one in answers) == [413, 413, 429, 429]


async def test_a_question_needs_the_action_and_the_right_form(start: Start) -> None:
    client = await start(open_to_all=False)
    assert (await asked(client, "SELECT 1")).status_code == 401
    token = client.city.accounts.create("clerk", client.city.settings.city.tenant, ["reader"])
    client.headers["authorization"] = f"Bearer {token}"
    assert (await asked(client, "SELECT 1")).status_code == 200
    for more in ({"format": "pdf"}, {"folder": "/etc"}, {"rows": 0}, {"seconds": -1}, {"encoding": "ebcdic"}):
        assert (await client.post(SQL, json={"sql": "SELECT 1", **more})).status_code == 400
    assert (await client.post(SQL, json={"sql": 1})).status_code == 400
    assert (await asked(client, "SELECT 1", seconds=1e307)).status_code == 200


async def test_a_damaged_segment_is_not_read(city: Client) -> None:
    store = engine_of(city.city)
    await asyncio.to_thread(store.seal)
    [segment] = (store.folder / "segments").glob("*.parquet")
    content = bytearray(segment.read_bytes())
    content[len(content) // 2] ^= 1
    segment.write_bytes(bytes(content))
    answer = await asked(city, "SELECT count(*) FROM history")
    assert answer.status_code == 500 and "damaged" in answer.json()["detail"]


def test_the_server_itself_never_loads_the_engine() -> None:
    loaded = "import sys, zhicheng.server.table, zhicheng.server.serve; print('duckdb' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "False"
