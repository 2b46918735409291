"""The child process of a question in SQL: DuckDB over two relations, with nothing else in reach.

Reads a JSON object (`Asked`) from stdin and writes the answer to stdout. What went wrong, or what is to be known of
the answer, stands as one JSON object on stderr.

What is in reach: Arrow relations that were laid out in one folder. Files, network, extensions, settings and the
environment are not: access is off and locked before the statement is looked at, and the process itself may neither
outgrow its memory nor its time.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import resource
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import msgspec
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.fs

from zhicheng.server.sql import answers, seen
from zhicheng.server.sql.question import Asked
from zhicheng.standards.changes import CODED, Act, Form
from zhicheng.standards.ngsild.model import Kind

OVERHEAD = 1_500_000_000
"""Bytes that the process may have beside the memory of the statement: libraries, buffers, the answer."""
_KINDS = (
    (duckdb.InterruptException, "time"),
    (duckdb.ParserException, "syntax"),
    (duckdb.CatalogException, "unknown"),
    (duckdb.BinderException, "unknown"),
    (duckdb.OutOfMemoryException, "memory"),
    (MemoryError, "memory"),
    (duckdb.PermissionException, "forbidden"),
    (duckdb.ConversionException, "value"),
    (duckdb.OutOfRangeException, "value"),
    (duckdb.InvalidTypeException, "value"),
    (pa.ArrowException, "data"),
    (OSError, "data"),
)
"""What an error is about, for its words in two languages; the first that fits."""


class OnlyReading(Exception):
    """The statement is not one that only reads."""


class Damaged(Exception):
    """A file of the log is not what was written."""


def main() -> int:
    """Answer one question."""
    asked = msgspec.json.decode(sys.stdin.buffer.read(), type=Asked)
    bounded(asked)
    began = time.perf_counter()
    try:
        only_reads(asked.sql)
        connection = connected(Path(asked.folder), asked)
        with ended_after(asked.seconds, connection):
            told = answers.write(connection.sql(asked.sql), asked.format, asked.encoding, asked.rows, sys.stdout.buffer)
    except Exception as error:  # noqa: BLE001  (the edge of the process: every error is told as JSON)
        return _tell({"error": kind_of(error), "message": str(error)[:4000]}, 1)
    return _tell({**told, "seconds": round(time.perf_counter() - began, 4)}, 0)


def _tell(said: dict[str, object], status: int) -> int:
    sys.stderr.write(json.dumps(said, ensure_ascii=False) + "\n")
    sys.stderr.flush()
    with contextlib.suppress(OSError):
        sys.stdout.flush()
    return status


@contextlib.contextmanager
def ended_after(seconds: float, connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Interrupt the statement when its time is over; a process that does not listen is ended from outside."""
    timer = threading.Timer(seconds, connection.interrupt)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def kind_of(error: Exception) -> str:
    """What an error is about."""
    if isinstance(error, OnlyReading):
        return "reading"
    if isinstance(error, Damaged):
        return "damaged"
    if isinstance(error, seen.Unveiled):
        return "unveiled"
    if isinstance(error, answers.TooMuch):
        return "size"
    if isinstance(error, pa.ArrowMemoryError):
        return "memory"
    return next((kind for known, kind in _KINDS if isinstance(error, known)), "query")


def bounded(asked: Asked) -> None:
    """The least that the process needs, and no more: memory, processor time, file size; and it gives way to others."""
    memory = asked.memory + OVERHEAD
    seconds = int(asked.seconds * asked.threads) + 5
    for limit, most in (
        (resource.RLIMIT_DATA, memory),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, max(asked.memory, 64_000_000)),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (most, most))
    with contextlib.suppress(OSError):
        os.nice(5)


def only_reads(sql: str) -> None:
    """One statement, and one that reads: anything else is refused."""
    statements = duckdb.extract_statements(sql)
    if len(statements) != 1 or not _reads(statements[0]):
        raise OnlyReading("one SELECT statement is wanted; nothing can be changed here")


def _reads(statement: duckdb.Statement) -> bool:
    try:
        return statement.type in (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN)
    except ValueError:  # a kind that the engine's binding has no name for
        return False


def connected(folder: Path, asked: Asked) -> duckdb.DuckDBPyConnection:
    """A connection that knows the relations and can neither read files nor change its own settings."""
    limits: dict[str, str | bool | int | float | list[str]] = {
        "threads": asked.threads,
        "memory_limit": f"{max(asked.memory // 1_000_000, 32)}MB",
        "temp_directory": str(folder / "spill"),
        "max_temp_directory_size": f"{max(asked.memory // 1_000_000, 64)}MB",
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "allow_community_extensions": False,
        "allow_persistent_secrets": False,
    }
    connection = duckdb.connect(":memory:", config=limits)
    if (folder / "entities.arrow").exists():
        connection.register("entities", opened(folder / "entities.arrow"))
    if (folder / "log.json").exists():
        history(connection, folder, asked)
    connection.execute("SET TimeZone='UTC'")
    connection.execute("SET python_enable_replacements=false")
    connection.execute("SET enable_external_access=false")
    connection.execute("SET lock_configuration=true")
    return connection


def opened(path: Path) -> pa.Table:
    """A relation that was laid out; mapped into memory, not copied."""
    if not path.stat().st_size:
        return pa.table({"entity": pa.array([], pa.string())})
    return pa.ipc.open_stream(pa.memory_map(str(path))).read_all()


# history ------------------------------------------------------------------------------------------------------


def history(connection: duckdb.DuckDBPyConnection, folder: Path, asked: Asked) -> None:
    """The relation `history`: sealed segments and the open end as one, with what their commits say.

    Segments are read by column, and skipped where a condition on entity or observed_at cannot hold in them. What
    commits say is looked up by position, which costs nothing where nobody asks for it. Who does not see all is given
    the segments behind a filter, and of commits what those say of which a row is seen.
    """
    partly = (folder / seen.SHOWN).exists()
    if partly:
        seen.tried(connection)
    open_end, commits, sealed = opened(folder / "open.arrow"), opened(folder / "commits.arrow"), segments(folder)
    if partly and sealed is not None:
        sealed = seen.veiled(sealed, folder)
    connection.register("open_end", open_end)
    if sealed is not None:
        connection.register("sealed", sealed)
    facts(connection, commits.slice(0, 0) if partly else commits)
    columns = ", ".join(_COLUMNS)
    parts = [f"SELECT {columns} FROM {name}" for name in (("sealed",) if sealed is not None else ()) + ("open_end",)]
    log = " UNION ALL ".join(parts)
    connection.execute(f"CREATE VIEW history AS {_HISTORY.format(log=log, **_words(asked.names))}")
    if partly and looks_up(connection, asked.sql):
        facts(connection, seen.own_commits(commits, sealed, open_end))


def facts(connection: duckdb.DuckDBPyConnection, commits: pa.Table) -> None:
    """What commits say, in the place of what was said before."""
    connection.register("commits_in", _lists(commits))
    connection.execute("CREATE OR REPLACE TABLE commit_facts AS SELECT * FROM commits_in")
    connection.unregister("commits_in")


def looks_up(connection: duckdb.DuckDBPyConnection, sql: str) -> bool:
    """Whether a statement, as it will be carried out, looks at what commits say; of what cannot be told it is taken."""
    try:
        plan = connection.execute(f"EXPLAIN (FORMAT json) {sql}").fetchall()
    except duckdb.Error:
        return True
    return "commit_facts" in str(plan)


_COLUMNS = (
    "entity", "attribute", "dataset", "life", "kind", "form", "act", "target", "number", "text", "observed_at", "unit",
    "quality", "sub", "owner", "classification", "position", "ordinal",
)  # fmt: skip
_RECORDED = "list_extract((SELECT recorded_at FROM commit_facts), position)"
_HISTORY = (
    "SELECT entity, {attribute} AS attribute, dataset, coalesce(observed_at, " + _RECORDED + ") AS effective_at, "
    "life, {kind} AS kind, {form} AS form, {act} AS act, target, number, text, observed_at, unit, quality, sub, "
    "owner, classification, position, ordinal, " + _RECORDED + " AS recorded_at, {source} AS source, "
    "{principal} AS principal FROM ({log})"
)


def _words(names: dict[str, str]) -> dict[str, str]:
    """The expressions that make names and words of what the log holds."""
    return {
        "attribute": _case("attribute", names, "attribute"),
        "kind": _case("kind", {kind.value: kind.name.lower() for kind in Kind}, "kind::VARCHAR"),
        "form": _case("form", {form.value: form.name.lower() for form in Form}, "form::VARCHAR"),
        "act": _case("act", {act.value: act.name.lower() for act in Act}, "act::VARCHAR"),
        "source": _of_commit("source"),
        "principal": _of_commit("principal"),
    }


def _case(column: str, words: dict[str, str] | dict[int, str], rest: str) -> str:
    if not words:
        return column
    cases = " ".join(f"WHEN {_literal(key)} THEN {_literal(word)}" for key, word in words.items())
    return f"CASE {column} {cases} ELSE {rest} END"


def _literal(value: str | int) -> str:
    return str(value) if isinstance(value, int) else "'" + value.replace("'", "''") + "'"


def _of_commit(name: str) -> str:
    code = f"list_extract((SELECT {name}_code FROM commit_facts), position)"
    return f"list_extract((SELECT {name} FROM commit_facts), {code} + 1)"


def _lists(commits: pa.Table) -> pa.Table:
    """One row whose lists hold what each commit says, by position."""
    columns = {"recorded_at": _listed(commits.column("recorded_at"))}
    for name in ("source", "principal"):
        coded = commits.column(name).combine_chunks()
        coded = coded if pa.types.is_dictionary(coded.type) else coded.dictionary_encode()
        columns[name] = _listed(coded.dictionary)
        columns[f"{name}_code"] = _listed(coded.indices.cast(pa.int32()))
    return pa.table(columns)


def _listed(values: pa.Array | pa.ChunkedArray) -> pa.ListArray:
    whole = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    return pa.ListArray.from_arrays(pa.array([0, len(whole)], pa.int32()), whole)


def segments(folder: Path) -> ds.Dataset | None:
    """The sealed log as one data set, each file with what is known of it; Damaged where a digest is wrong."""
    entries = json.loads((folder / "log.json").read_bytes())
    form = ds.ParquetFileFormat(dictionary_columns=list(CODED))
    parts = [_segment(folder, form, entry) for entry in entries]
    if not parts:
        return None
    return ds.FileSystemDataset(parts, parts[0].physical_schema, form, parts[0].filesystem)


def _segment(folder: Path, form: ds.ParquetFileFormat, entry: dict[str, object]) -> ds.ParquetFileFragment:
    path = folder / str(entry["file"])
    with path.open("rb") as file:
        found = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=32)).hexdigest()
    if found != entry["digest"]:
        raise Damaged(f"{path.name} does not match its digest")
    entity, observed = ds.field("entity"), ds.field("observed_at")
    earliest, latest = (pa.scalar(entry[name], pa.timestamp("us", tz="UTC")) for name in ("earliest", "latest"))
    known = (entity >= str(entry["first_entity"])) & (entity <= str(entry["last_entity"]))
    known = known & ((observed >= earliest) | observed.is_null()) & ((observed <= latest) | observed.is_null())
    return form.make_fragment(str(path), pa.fs.LocalFileSystem(), known)


if __name__ == "__main__":
    # everything is told: what threads of the engine meet while an interpreter is taken down must not undo the answer
    os._exit(main())
