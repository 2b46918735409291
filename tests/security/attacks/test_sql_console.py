"""The SQL console as a way to the disk, to settings and to other tenants: by statement and by its every function."""

from __future__ import annotations

import ast
import contextlib
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet
import pytest

from tests.server.conftest import Client
from zhicheng.server.sql import child
from zhicheng.server.sql.question import Asked

Start = Callable[..., Awaitable[Client]]
SQL = "/api/v1/sql"
FILE = "/etc/passwd"
STATEMENTS = (
    "COPY entities FROM '{file}'", "COPY (SELECT 1) TO '{out}'", "EXPORT DATABASE '{out}'",
    "IMPORT DATABASE '{folder}'", "CREATE OR REPLACE MACRO f() AS TABLE FROM read_text('{file}')",
    "ATTACH '{db}' AS other", "ATTACH '{db}' AS other (TYPE sqlite)", "DETACH memory", "USE memory", "CHECKPOINT",
    "CREATE SECRET s (TYPE s3, KEY_ID 'a', SECRET 'b')",
    "INSTALL httpfs FROM 'http://127.0.0.1:1/'", "LOAD '{out}'", "FORCE INSTALL spatial", "UPDATE EXTENSIONS",
    "PRAGMA enable_external_access", "PRAGMA temp_directory='{folder}'", "SET GLOBAL lock_configuration=false",
    "RESET lock_configuration", "SET allowed_directories=['/']", "SET VARIABLE x = getenv('HOME')", "VACUUM",
    "PREPARE p AS SELECT * FROM read_text('{file}')", "EXECUTE p", "DESCRIBE SELECT * FROM '{file}'",
    "SUMMARIZE '{file}'",
    "EXPLAIN ANALYZE COPY (SELECT 1) TO '{out}'", "EXPLAIN SELECT * FROM read_text('{file}')", "SHOW ALL TABLES",
    "SELECT 1 /* ; */; COPY (SELECT 1) TO '{out}' --", "WITH x AS (DELETE FROM entities RETURNING *) SELECT * FROM x",
    "FROM '{db}'", "FROM '{segments}'", "SELECT * FROM \"{file}\"", "SELECT * FROM query_table('{file}')",
    "SELECT * FROM query('SELECT * FROM read_text(''{file}'')')", "SELECT getenv('SECRET')",
    "SELECT current_setting('SECRET')",
    "SELECT json_execute_serialized_sql(json_serialize_sql('SELECT * FROM read_text(''{file}'')'))",
    "SELECT * FROM json_execute_serialized_sql(json_serialize_sql('SELECT * FROM read_text(''{file}'')'))",
    "SELECT * FROM read_csv('{file}', columns = {{'a': 'VARCHAR'}}, delim = '\\0', header = false)",
    "SELECT * FROM (VALUES ('{file}')) t(n), LATERAL read_text(n)", "INSERT INTO entities SELECT * FROM entities",
    "ALTER TABLE entities ADD COLUMN x INTEGER", "DROP VIEW entities", "TRUNCATE history", "BEGIN; COMMIT",
)  # fmt: skip
FUNCTIONS = (
    "SELECT DISTINCT function_name, function_type FROM duckdb_functions() "
    "WHERE function_type IN ('table', 'table_macro') OR function_name LIKE '%file%' OR function_name LIKE '%env%'"
)


SEGMENT = "qzxsegment"


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with what a console must not open, beside the folder of a question; and a secret in the environment."""
    monkeypatch.setenv("SECRET", "qzxsecret")
    (tmp_path / "question").mkdir()
    (tmp_path / "audit.key").write_text("PRIVATE KEY qzxkey")
    pyarrow.parquet.write_table(pa.table({"note": [SEGMENT]}), tmp_path / "other.parquet")
    with contextlib.closing(sqlite3.connect(tmp_path / "control.db")) as made:
        made.execute("CREATE TABLE tokens (digest TEXT)")
        made.commit()
    return tmp_path


class Console:
    """The engine of a question's child process, set up as there."""

    def __init__(self, data: Path) -> None:
        asked = Asked("", str(data / "question"), 100_000_000, 5, 1000, "json")
        self.connection = child.connected(data / "question", asked)

    def says(self, sql: str) -> str:
        """The answer or the error."""
        try:
            child.only_reads(sql)
            with child.ended_after(3, self.connection):
                return str(self.connection.sql(sql).limit(1000).fetchall())
        except (duckdb.Error, ValueError, child.OnlyReading) as error:
            return str(error)


def kept(said: str) -> bool:
    """Whether an answer holds nothing of the disk or the environment."""
    return not any(one in said for one in ("root:x", "qzxsecret", SEGMENT, "qzxkey", "SQLite format", "tokens"))


def test_no_statement_reaches_the_disk_or_the_environment(data: Path) -> None:
    there = sorted(str(one) for one in data.rglob("*"))
    names = {"file": FILE, "out": data / "out", "folder": data, "db": data / "control.db",
             "segments": data / "*.parquet"}  # fmt: skip
    for statement in STATEMENTS:
        said = Console(data).says(statement.format_map(names))
        assert kept(said), (statement, said[:300])
    assert sorted(str(one) for one in data.rglob("*")) == there


def test_no_function_of_the_engine_opens_a_file(data: Path) -> None:
    """Each that gives a table or speaks of files, called with files and the folder of the data."""
    console = Console(data)
    names = {name for name, _ in ast.literal_eval(console.says(FUNCTIONS))}
    assert len(names) > 60 and {"read_csv", "read_text", "glob", "sniff_csv"} <= names
    for name in sorted(names):
        for file in (FILE, data / "audit.key", data / "other.parquet"):
            for sql in (f"SELECT * FROM {name}('{file}')", f"SELECT {name}('{file}')", f"FROM {name}(['{file}'])"):
                assert kept(said := console.says(sql)), (sql, said[:300])
        said = console.says(f"SELECT * FROM {name}('{data}/*')").replace(f"{data}/*", "")
        assert str(data) not in said, (name, said[:300])
    assert console.says("SELECT 42") == "[(42,)]", "it was asked to the end"


async def test_a_tenant_asks_for_nothing_of_another(start: Start) -> None:
    client = await start(open_to_all=False)
    for tenant in ("default", "harbour"):
        token = client.city.accounts.create(tenant, tenant, ["writer"])
        client.headers["Authorization"] = f"Bearer {token}"
        lot = {"id": f"urn:x:{tenant}", "type": "Lot", "note": {"type": "Property", "value": f"qzx{tenant}"}}
        assert (await client.post("/ngsi-ld/v1/entities", json=lot)).status_code == 201
    own = await client.post(SQL, json={"sql": "SELECT * FROM entities, history, commit_facts"})
    assert own.status_code == 200 and "qzxharbour" in own.text and "qzxdefault" not in own.text
    segments = client.city.folder.path / "tenants" / "default" / "segments" / "*.parquet"
    refused = await client.post(SQL, json={"sql": f"SELECT * FROM read_parquet('{segments}')"})
    assert refused.status_code == 403
