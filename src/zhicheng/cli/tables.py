"""`zhicheng table`: reference tables (the base map, timetables) put into a data folder that no server has open."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pyarrow as pa

from zhicheng.cli import options
from zhicheng.cli.words import Words
from zhicheng.kernel.errors import BadConfiguration, NotFound
from zhicheng.sensing.decoded import DecodeSettings
from zhicheng.sensing.decoders import DECODERS, decoder
from zhicheng.server.documents import checks_of, contexts_of, models_of
from zhicheng.server.folder import DataFolder
from zhicheng.server.space import Space, make_space
from zhicheng.server.tables import keep
from zhicheng.storage.engines.embedded.records import EmbeddedRecords
from zhicheng.storage.engines.embedded.store import EmbeddedStore

_LARGEST = 512 << 20
_SHOWN = 5


def add(parser: argparse.ArgumentParser, say: Words) -> None:
    """Options."""
    below = parser.add_subparsers(dest="what", required=True, metavar=say("操作", "WHAT"))
    put = below.add_parser("put", help=say("存入文件，成为新版本", "keep files as a new version"))
    show = below.add_parser("show", help=say("查看一组参考表", "show a set of tables"))
    for one in (put, show):
        one.add_argument("name", help=say("参考表名称，如 basemap", "the set's name, such as basemap"))
        options.add_data(one, say)
        options.add_city(one, say)
        options.add_tenant(one, say)
    put.add_argument("files", nargs="+", type=Path, metavar="FILE", help=say("文件", "files"))
    put.add_argument(
        "--decoder", help=say("解码器（默认按名称选择）", "what reads the files (unless given, the one of that name)")
    )
    put.add_argument(
        "--option", action="append", default=[], metavar="KEY=VALUE",
        help=say("解码器选项，如 datum=GCJ02", "an option of the decoder, such as datum=GCJ02"),
    )  # fmt: skip


def run(arguments: argparse.Namespace, say: Words) -> int:
    """Keep or show."""
    file = options.city_of(arguments)
    folder = DataFolder(options.data_of(arguments))
    folder.make()
    tenant = options.tenant_of(arguments, file.settings.city.tenant)
    place = folder.tenant(tenant)
    with (
        folder.lock("zhicheng table"), closing(EmbeddedStore(place, file.settings.storage)) as store,
        closing(EmbeddedRecords(place)) as records,
    ):  # fmt: skip
        models = models_of(file)
        space = make_space(tenant, store, records, models, contexts_of(file), checks_of(file, models))
        return _put(arguments, space, say) if arguments.what == "put" else _show(arguments.name, space, say)


def _put(arguments: argparse.Namespace, space: Space, say: Words) -> int:
    chosen = decoder(arguments.decoder or _fitting(arguments.name))
    told = dict(_pair(text) for text in arguments.option)
    tables: dict[str, pa.Table] = {}
    refused = 0
    for path in arguments.files:
        decoded = chosen.decode(
            _read(path), DecodeSettings(arguments.name, limit=_LARGEST, options=told, name=path.name)
        )
        if not decoded.tables:
            raise BadConfiguration(f"{path} holds no reference tables", f"{path} 中没有参考表")
        tables |= decoded.tables
        refused += len(decoded.refused)
        for one in decoded.refused[:_SHOWN]:
            print(f"  {path.name} {one.id}: {say(one.zh, one.en)}")
    version = keep(space, arguments.name, tables, beside=bool(chosen.keeps))
    rows = sum(len(table) for table in tables.values())
    print(
        say(
            f"{arguments.name} 版本 {version}：{'、'.join(tables)}，{rows:,} 行，拒收 {refused:,} 个",
            f"{arguments.name} version {version}: {', '.join(tables)}, {rows:,} rows, {refused:,} refused",
        )
    )
    return 0


def _fitting(name: str) -> str:
    """The decoder whose tables are a set of that name, else that of timetables."""
    return next((one.name for one in DECODERS.values() if one.keeps == name), "gtfs")


def _pair(text: str) -> tuple[str, object]:
    key, sign, value = text.partition("=")
    if not sign:
        raise BadConfiguration(f"--option {text!r} is not of the form key=value", f"--option {text!r} 不符合 键=值")
    return key, value


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > _LARGEST:
            raise BadConfiguration(f"{path} is larger than 512 MiB", f"{path} 超过 512 MiB")
        return path.read_bytes()
    except OSError as error:
        raise BadConfiguration(
            f"{path} cannot be read: {error.strerror}", f"无法读取 {path}：{error.strerror}"
        ) from None


def _show(name: str, space: Space, say: Words) -> int:
    version = space.store.table_version(name)
    if not version:
        raise NotFound(f"There are no reference tables {name!r}", f"没有参考表 {name!r}")
    tables: Mapping[str, pa.Table] = space.store.tables(name, version)
    print(say(f"{name} 版本 {version}", f"{name} version {version}"))
    for part, table in tables.items():
        print(f"  {part}: {len(table):,} × {', '.join(table.column_names)}")
    return 0
