"""`zhicheng query SQL`: read-only SQL over entities and history, run in a child process that can reach nothing else."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table

from zhicheng.cli import options
from zhicheng.cli.words import Words
from zhicheng.kernel.errors import Invalid, NotFound
from zhicheng.kernel.logs import printable
from zhicheng.kernel.settings import duration, size
from zhicheng.server.documents import contexts_with
from zhicheng.server.folder import DataFolder
from zhicheng.server.sql import asking
from zhicheng.server.sql.asking import Limits
from zhicheng.server.sql.question import Asked
from zhicheng.server.sql.relations import Short
from zhicheng.storage.engines.embedded.store import EmbeddedStore

_SHOWN = 200
"""Rows that a table on the screen shows."""
_MOST = 10_000_000
FORMATS = ("table", "csv", "json", "parquet")


def add(parser: argparse.ArgumentParser, say: Words) -> None:
    """Options."""
    parser.add_argument(
        "sql", metavar="SQL", help=say("SELECT 语句；表：entities、history", "a SELECT; relations: entities, history")
    )
    options.add_data(parser, say)
    options.add_city(parser, say)
    options.add_tenant(parser, say)
    parser.add_argument("--format", choices=FORMATS, default="table", help=say("输出格式", "how to print it"))
    parser.add_argument("--output", type=Path, metavar="FILE", help=say("写入文件", "write to a file"))
    parser.add_argument("--memory", default="1 GB", help=say("内存上限（默认 1 GB）", "memory limit (1 GB)"))
    parser.add_argument("--time", default="60 s", help=say("时间上限（默认 60 s）", "time limit (60 s)"))
    parser.add_argument(
        "--rows", type=int, default=_MOST, help=say("行数上限（默认一千万）", "at most so many rows (10 million)")
    )


def run(arguments: argparse.Namespace, say: Words) -> int:
    """Run it and print what comes."""
    if arguments.format == "parquet" and arguments.output is None:
        raise Invalid("parquet needs --output FILE", "parquet 格式需要 --output 文件")
    file = options.city_of(arguments)
    folder = DataFolder(options.data_of(arguments))
    folder.check()
    tenant = options.tenant_of(arguments, file.settings.city.tenant)
    if not folder.tenant(tenant).is_dir():
        raise NotFound(f"There is no tenant {tenant} in {folder.path}", f"{folder.path} 中没有租户 {tenant}")
    limits = Limits(size(arguments.memory), duration(arguments.time), arguments.rows)
    place = asking.made(folder.path)
    try:
        store = EmbeddedStore(folder.copy_tenant(tenant, place / "copy"))
        try:
            found = answer(arguments.sql, store, contexts_with(file).default.compact, place, limits)
        finally:
            store.close()
    finally:
        asking.cleared(place)
    PRINTERS[arguments.format](found, arguments.output, say)
    return 0


def answer(sql: str, store: EmbeddedStore, short: Short, place: Path, limits: Limits) -> pa.Table:
    """The result of a statement over a store. Invalid for SQL that is wrong, Forbidden for what is out of reach."""
    asking.check(sql)
    asking.lay_out(store, sql, short, place)
    asked = Asked(
        sql, str(place), limits.memory, limits.time / 1e6, limits.rows, names=asking.names_of(store, short)
    )  # fmt: skip
    return pa.ipc.open_stream(asking.ask(asked, limits).body).read_all()


def _print_table(found: pa.Table, output: Path | None, say: Words) -> None:
    shown = Table(*found.column_names)
    for row in found.slice(0, _SHOWN).to_pylist():
        shown.add_row(*("" if value is None else printable(str(value)) for value in row.values()))
    console = Console(file=output.open("w", encoding="utf-8") if output else None, width=None if not output else 240)
    console.print(shown, markup=False)
    if found.num_rows > _SHOWN:
        more = found.num_rows - _SHOWN
        console.print(say(f"还有 {more:,} 行；用 --format csv 查看全部", f"{more:,} more rows; --format csv gives all"))


def _print_csv(found: pa.Table, output: Path | None, say: Words) -> None:
    if output is not None:
        pacsv.write_csv(found, output)
    else:
        pacsv.write_csv(found, sys.stdout.buffer)


def _print_json(found: pa.Table, output: Path | None, say: Words) -> None:
    text = json.dumps(found.to_pylist(), default=str, ensure_ascii=False, indent=1)
    if output is not None:
        output.write_text(text + "\n", "utf-8")
    else:
        print(text)


def _write_parquet(found: pa.Table, output: Path | None, say: Words) -> None:
    pq.write_table(found, output, compression="zstd")


PRINTERS: dict[str, Callable[[pa.Table, Path | None, Words], None]] = {
    "table": _print_table,
    "csv": _print_csv,
    "json": _print_json,
    "parquet": _write_parquet,
}
