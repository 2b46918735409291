"""`zhicheng app`: the applications of a city: what they are, how they do, and running them over the log by hand."""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from rich.console import Console
from rich.table import Table

from zhicheng.cli import options
from zhicheng.cli.words import Words
from zhicheng.compute.app import AnyApp
from zhicheng.compute.figures import Explained
from zhicheng.compute.runner import Runner
from zhicheng.kernel import instants
from zhicheng.kernel.errors import NotFound
from zhicheng.kernel.settings import Where, unknown
from zhicheng.server.apps import BACKLOG, Chosen
from zhicheng.server.documents import applications_of, chosen_of, models_of
from zhicheng.server.folder import DataFolder
from zhicheng.server.settings import CityFile
from zhicheng.storage.engines.embedded.store import EmbeddedStore


def add(parser: argparse.ArgumentParser, say: Words) -> None:
    """Options."""
    below = parser.add_subparsers(dest="what", required=True, metavar=say("操作", "WHAT"))
    listing = below.add_parser("list", help=say("列出应用", "list the applications"))
    explain = below.add_parser("explain", help=say("说明应用及其运行情况", "what one is and how it is doing"))
    run = below.add_parser("run", help=say("处理日志直到末尾", "take one, or all, to the end of the log"))
    backfill = below.add_parser("backfill", help=say("从头重新计算", "derive everything anew from history"))
    for one in (listing, explain, run, backfill):
        options.add_data(one, say)
        options.add_city(one, say)
    explain.add_argument("name", help=say("应用名称", "the application's name"))
    run.add_argument("name", nargs="?", help=say("应用名称（默认全部）", "the application's name (all)"))
    backfill.add_argument("name", help=say("应用名称", "the application's name"))
    backfill.add_argument(
        "--since", metavar="TIME",
        help=say("只写入该时刻及之后的结果", "write only what is of that instant or later"),
    )  # fmt: skip


def run(arguments: argparse.Namespace, say: Words) -> int:
    """Do it."""
    file = options.city_of(arguments)
    if arguments.what == "list":
        _list(file, say)
        return 0
    chosen = {one.app.name: one for one in chosen_of(file)}
    if arguments.name is not None and arguments.name not in chosen:
        raise unknown(Where(file.name).of("apps"), arguments.name, chosen)
    folder = DataFolder(options.data_of(arguments))
    folder.check()
    if arguments.what == "explain":
        _explain(chosen[arguments.name], file, folder, say)
        return 0
    named = [chosen[arguments.name]] if arguments.name else [*chosen.values()]
    since = None if arguments.what == "run" or arguments.since is None else instants.parse(arguments.since)
    with folder.lock(f"zhicheng app {arguments.what}"), _opened(folder.tenant(_tenant(file)), file) as store:
        for one in named:
            with closing(_runner(one, store, file)) as runner:
                _ = runner.run() if arguments.what == "run" else runner.backfill(since)
                found = runner.explain()
            print(_line(one.app, found, say), flush=True)
    return 0


def _tenant(file: CityFile) -> str:
    return file.settings.city.tenant


def _runner(one: Chosen, store: EmbeddedStore, file: CityFile) -> Runner:
    return Runner(one.app, store, one.params, models_of(file).terms())


@contextmanager
def _opened(place: Path, file: CityFile) -> Iterator[EmbeddedStore]:
    if not place.is_dir():
        raise NotFound(f"There is no tenant {place.name}", f"没有租户 {place.name}")
    with closing(EmbeddedStore(place, file.settings.storage)) as store:
        yield store


def _list(file: CityFile, say: Words) -> None:
    table = Table(say("名称", "name"), say("说明", "what"), say("读取", "reads"), say("写入", "writes"))
    told = file.settings.apps
    for name, app in applications_of(file).items():
        state = "" if name not in told or told[name].enabled else say("（停用）", " (off)")
        table.add_row(name + state, say(app.label.zh, app.label.en), *(", ".join(part) for part in _cells(app)))
    Console().print(table)


def _cells(app: AnyApp) -> tuple[list[str], list[str]]:
    reads = [f"{one.type}.{name}" for one in app.reads for name in one.attributes]
    return reads, [f"{one.type}.{output.attribute}" for one in app.writes for output in one.outputs]


def _explain(one: Chosen, file: CityFile, folder: DataFolder, say: Words) -> None:
    """From a copy as of now, so that a running server goes on undisturbed."""
    place = Path(tempfile.mkdtemp(prefix=".app-", dir=folder.path))
    try:
        copy = folder.copy_tenant(_tenant(file), place / "copy")
        with _opened(copy, file) as store, closing(_Looked(_runner(one, store, file))) as runner:
            found = runner.explain()
    finally:
        shutil.rmtree(place, ignore_errors=True)
    app = one.app
    reads, writes = _cells(app)
    table = Table(show_header=False, box=None)
    for name, value in {
        say("应用", "application"): f"{app.name}: {say(app.label.zh, app.label.en)}",
        "": say(app.description.zh, app.description.en),
        say("读取", "reads"): "\n".join(reads),
        say("写入", "writes"): "\n".join(writes),
        say("参数", "parameters"): str(one.params),
        **_figures(found, say),
    }.items():
        table.add_row(name, value)
    Console().print(table)


class _Looked:
    """A runner that is only looked at: closing it notes nothing."""

    def __init__(self, runner: Runner) -> None:
        self.explain = runner.explain
        self._host = runner.pipeline.host

    def close(self) -> None:
        self._host.close()


def _figures(found: Explained, say: Words) -> Mapping[str, str]:
    return {
        say("位置", "position"): f"{found.position:,} / {found.end:,}",
        say("滞后", "lag"): f"{found.end - found.position:,} ({found.lag / 1e6:,.1f} s)",
        say("已处理日志", "read of the log"): _done(found, say),
        say("读入行", "rows in"): f"{found.given:,} {say('，日志行', 'of')} {found.read:,}",
        say("迟到、重复、超前、更正", "late, repeated, future, amending"): (
            f"{found.late:,}, {found.repeated:,}, {found.future:,}, {found.amending:,}"
        ),
        say("写出行", "rows out"): f"{found.written:,} {say('，产生', 'of')} {found.derived:,}",
        say("每读入一行写出", "rows out per row in"): f"{found.out_per_in:.3f}",
        say("CPU 时间", "CPU"): f"{found.cpu_seconds:.2f} s",
        say("每 CPU 秒行数", "rows a CPU second"): f"{found.rate:,.0f}",
        say("状态字节", "state bytes"): f"{found.state_bytes:,}",
        say("轮次", "epoch"): str(found.epoch),
    }


def _done(found: Explained, say: Words) -> str:
    """The share, and where it is far behind how long the rest takes: half a core is what a server gives it."""
    share = f"{found.done:.1%}"
    if found.rows_left <= BACKLOG or found.cpu_left is None:
        return share
    minutes = 2 * found.cpu_left / 60
    return share + say(f"，约剩 {minutes:.0f} 分钟", f", about {minutes:.0f} min left")


def _line(app: AnyApp, found: Explained, say: Words) -> str:
    return say(
        f"{app.name}：读入 {found.given:,} 行，写出 {found.written:,} 行，CPU {found.cpu_seconds:.2f} 秒",
        f"{app.name}: {found.given:,} rows in, {found.written:,} rows out, {found.cpu_seconds:.2f} s of CPU",
    )
