"""`zhicheng query SQL`: read-only SQL over entities and history, run in a child process that can reach nothing else."""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table

from zhicheng.cli import options, relations
from zhicheng.cli.words import Words
from zhicheng.kernel.errors import Invalid, NotFound, TooLarge
from zhicheng.kernel.settings import duration, size
from zhicheng.kernel.telemetry import printable
from zhicheng.server.documents import contexts_with
from zhicheng.server.folder import DataFolder
from zhicheng.storage.engines.embedded.store import EmbeddedStore

_SHOWN = 200
"""Rows that a table on the screen shows."""
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
    short = contexts_with(file).default.compact
    limits = size(arguments.memory), duration(arguments.time)
    place = Path(tempfile.mkdtemp(prefix=".query-", dir=folder.path))
    try:
        _lay_out(folder, tenant, place, short)
        found = answer(arguments.sql, place, *limits)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    PRINTERS[arguments.format](found, arguments.output, say)
    return 0


def _lay_out(folder: DataFolder, tenant: str, place: Path, short: Callable[[str], str]) -> None:
    """Write the relations as of now to files; a server that has the folder open goes on undisturbed."""
    store = EmbeddedStore(folder.copy_tenant(tenant, place / "copy"))
    try:
        _write(place / "entities.arrow", relations.entities(store.state, short))
        _write(place / "history.arrow", (relations.history(part, short) for _, part in store.relations()))
    finally:
        store.close()


def _write(path: Path, parts: Iterator[pa.Table]) -> None:
    writer: pa.RecordBatchStreamWriter | None = None
    with pa.OSFile(str(path), "wb") as sink:
        for part in parts:
            plain = _plain(part)
            writer = writer or pa.ipc.new_stream(sink, plain.schema)
            writer.write_table(plain)
        if writer is not None:
            writer.close()


def _plain(part: pa.Table) -> pa.Table:
    """The table without dictionaries, which would have to be the same in every part."""
    fields = [
        pa.field(one.name, pa.string()) if pa.types.is_dictionary(one.type) else pa.field(one.name, one.type)
        for one in part.schema
    ]
    return part.cast(pa.schema(fields))


def answer(sql: str, place: Path, memory: int, time: int) -> pa.Table:
    """The result of a statement over the relations in a folder. Invalid for SQL that is wrong or forbidden."""
    asked = json.dumps({"sql": sql, "folder": str(place), "memory": memory})
    command = [sys.executable, "-m", "zhicheng.cli.sql"]
    try:
        child = subprocess.run(command, input=asked.encode(), capture_output=True, timeout=time / 1e6, check=False)
    except subprocess.TimeoutExpired:
        raise TooLarge("The query took longer than --time; ask for less", "查询超过 --time 时限；请缩小范围") from None
    if child.returncode == 0:
        return pa.ipc.open_stream(child.stdout).read_all()
    text = child.stderr.decode("utf-8", "replace").strip().splitlines()
    why = text[-1] if text else f"exit {child.returncode}"
    raise Invalid(f"The query failed: {why}", f"查询失败：{why}")


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
