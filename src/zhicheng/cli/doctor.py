"""`zhicheng doctor`: looks at the machine, the city's file and the data folder, and says what to do."""

from __future__ import annotations

import argparse
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import apsw
import duckdb
import pyarrow as pa

from zhicheng.cli import options
from zhicheng.cli.run import check_port
from zhicheng.cli.words import Words
from zhicheng.kernel.errors import ZhichengError
from zhicheng.server.accounts import Accounts
from zhicheng.server.decoding import settings_of
from zhicheng.server.documents import contexts_of, contexts_with
from zhicheng.server.folder import DataFolder
from zhicheng.server.portals.pages import STATIC
from zhicheng.server.settings import CityFile, load_city
from zhicheng.storage.engines.embedded.store import EmbeddedStore

_LEAST_FREE = 2_000_000_000
_MARKS = {"good": "✓", "note": "·", "warn": "!", "bad": "✗"}


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found: how it is, what it is, and what to do."""

    mark: Literal["good", "note", "warn", "bad"]
    zh: str
    en: str


def add(parser: argparse.ArgumentParser, say: Words) -> None:
    """Options."""
    options.add_data(parser, say)
    options.add_city(parser, say)
    options.add_address(parser, say)


def run(arguments: argparse.Namespace, say: Words) -> int:
    """Print every finding; 1 where one is bad."""
    worst = 0
    for finding in findings(arguments):
        print(f"{_MARKS[finding.mark]} {say(finding.zh, finding.en)}", flush=True)
        worst = max(worst, finding.mark == "bad")
    return int(worst)


def findings(arguments: argparse.Namespace) -> Iterator[Finding]:
    """Everything there is to say."""
    yield _versions()
    yield _page()
    try:
        file = options.city_of(arguments)
    except ZhichengError as error:
        yield Finding("bad", error.zh, error.en)
        file = load_city(None, {})
    else:
        yield from guarded(lambda: _city(file))
    holder = None
    if arguments.data is not None:
        folder = DataFolder(Path(arguments.data))
        yield from guarded(lambda: _folder(folder, file))
        holder = folder.holder() if folder.format() is not None else None
    else:
        yield Finding("note", "未指定数据文件夹（--data），跳过其检查", "No data folder named (--data): not looked at")
    if holder is None:
        yield from guarded(
            lambda: _port(arguments.host or file.settings.server.host, arguments.port or file.settings.server.port)
        )


def guarded(look: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """What a look finds; an error ends it as a finding of its own."""
    try:
        yield from look()
    except ZhichengError as error:
        yield Finding("bad", error.zh, error.en)


def _versions() -> Finding:
    text = (
        f"Python {platform.python_version()}, SQLite {apsw.sqlite_lib_version()}, DuckDB {duckdb.__version__}, "
        f"Arrow {pa.__version__}, {platform.system()} {platform.machine()}"
    )
    good = (3, 11) <= sys.version_info[:2] < (3, 14)
    return Finding("good" if good else "warn", text, text)


def _page() -> Finding:
    if (STATIC / "index.html").is_file():
        return Finding("good", "地图页面已构建", "The map page is built")
    return Finding("warn", "地图页面未构建：请运行 make setup", "The map page is not built: run make setup")


def _city(file: CityFile) -> Iterator[Finding]:
    yield Finding("good", f"城市配置 {file.name} 可读", f"The city's file {file.name} can be read")
    documents = contexts_of(file)
    contexts = contexts_with(file)
    for url in documents:
        contexts.of(url)
    yield Finding("good", f"@context 文件 {len(documents)} 个均可用", f"{len(documents)} mapped @contexts can be used")
    for name, feed in file.settings.feeds.items():
        try:
            settings_of(name, feed, contexts, file.name)
        except ZhichengError as error:
            yield Finding("bad", error.zh, error.en)
            continue
        place = feed.folder or feed.replay
        if place and not (file.folder / place).is_dir():
            yield Finding(
                "bad",
                f"数据源 {name} 的文件夹 {file.folder / place} 不存在",
                f"Feed {name}: there is no folder {file.folder / place}",
            )
        else:
            yield Finding("good", f"数据源 {name} 配置有效", f"Feed {name} makes sense")


def _folder(folder: DataFolder, file: CityFile) -> Iterator[Finding]:
    folder.check()
    yield Finding(
        "good",
        f"数据文件夹 {folder.path}，格式 {folder.format()}",
        f"Data folder {folder.path}, format {folder.format()}",
    )
    holder = folder.holder()
    if holder is not None:
        yield Finding("note", f"正被 {holder} 使用，检查其副本", f"In use by {holder}: a copy is looked at")
    yield _disk(folder.path)
    accounts = Accounts(folder.path)
    tenants, tokens = accounts.tenants(), accounts.tokens()
    accounts.close()
    yield Finding(
        "good", f"租户 {len(tenants)} 个，令牌 {len(tokens)} 个", f"{len(tenants)} tenants, {len(tokens)} tokens"
    )
    for tenant in tenants:
        if folder.tenant(tenant).is_dir():
            yield from _tenant(folder, tenant)


def _disk(path: Path) -> Finding:
    free = shutil.disk_usage(path).free
    text = f"{free / 1e9:.1f} GB"
    if free < _LEAST_FREE:
        return Finding(
            "bad", f"磁盘仅剩 {text}：请清理或换盘", f"Only {text} free on the disk: make room or move the folder"
        )
    return Finding("good", f"磁盘剩余 {text}", f"{text} free on the disk")


def _tenant(folder: DataFolder, tenant: str) -> Iterator[Finding]:
    place = Path(tempfile.mkdtemp(prefix=".doctor-", dir=folder.path))
    try:
        store = EmbeddedStore(folder.copy_tenant(tenant, place / "copy"))
        try:
            damage, figures = store.verify(), store.figures()
        finally:
            store.close()
    finally:
        shutil.rmtree(place, ignore_errors=True)
    for error in damage:
        yield Finding("bad", f"{tenant}：{error.zh}；请从备份恢复", f"{tenant}: {error.en}; restore it from a backup")
    if not damage:
        yield Finding(
            "good",
            f"租户 {tenant}：实体 {figures.entities:,}，位置 {figures.position:,}，"
            f"变更 {figures.rows_sealed + figures.rows_open:,} 行，{figures.bytes_total / 1e6:,.1f} MB，校验和全部正确",
            f"Tenant {tenant}: {figures.entities:,} entities, position {figures.position:,}, "
            f"{figures.rows_sealed + figures.rows_open:,} rows, "
            f"{figures.bytes_total / 1e6:,.1f} MB, all checksums right",
        )


def _port(host: str, port: int) -> Iterator[Finding]:
    check_port(host, port)
    yield Finding("good", f"{host}:{port} 可监听", f"{host}:{port} is free")
