"""The child process of `zhicheng query`: DuckDB over two relations, with nothing else in reach.

Reads a JSON object {sql, folder, memory} from stdin and writes the result to stdout as an Arrow stream.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import duckdb
import pyarrow as pa

RELATIONS = ("entities", "history")


def opened(path: Path) -> pa.Table:
    """A relation that was laid out; mapped into memory, not copied."""
    if not path.stat().st_size:
        return pa.table({"entity": pa.array([], pa.string())})
    return pa.ipc.open_stream(pa.memory_map(str(path))).read_all()


def connected(folder: Path, memory: int) -> duckdb.DuckDBPyConnection:
    """A connection that knows the relations and can neither read files nor change its own settings."""
    spill = str(folder / "spill")
    limits: dict[str, str | bool | int | float | list[str]] = {
        "threads": 2, "memory_limit": f"{memory // 1_000_000}MB", "temp_directory": spill,
    }  # fmt: skip
    connection = duckdb.connect(":memory:", config=limits)
    for name in RELATIONS:
        connection.register(name, opened(folder / f"{name}.arrow"))
    connection.execute("SET TimeZone='UTC'")
    connection.execute("SET python_enable_replacements=false")
    connection.execute("SET enable_external_access=false")
    connection.execute("SET lock_configuration=true")
    return connection


def only_reads(sql: str) -> None:
    """One statement, and one that reads: anything else is refused."""
    statements = duckdb.extract_statements(sql)
    if len(statements) != 1 or statements[0].type not in (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN):
        raise duckdb.InvalidInputException("one SELECT statement is wanted; nothing can be changed here")


def main() -> int:
    """Run one statement."""
    asked = json.loads(sys.stdin.buffer.read())
    try:
        only_reads(asked["sql"])
        found: pa.Table = connected(Path(asked["folder"]), asked["memory"]).execute(asked["sql"]).to_arrow_table()
    except (duckdb.Error, pa.ArrowException, MemoryError) as error:
        print(" ".join(str(error).split()), file=sys.stderr)
        return 1
    with pa.ipc.new_stream(sys.stdout.buffer, found.schema) as writer:
        writer.write_table(found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
