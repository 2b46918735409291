"""`zhicheng import`: files into a data folder that no server has open, with a progress bar and a report of refusals."""

from __future__ import annotations

import argparse
import asyncio
import csv
import hashlib
import io
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import TextIO

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from zhicheng.cli import options
from zhicheng.cli.words import Words
from zhicheng.hub.intake import Origin
from zhicheng.hub.readings import Readings, Snapshot
from zhicheng.kernel.errors import BadConfiguration
from zhicheng.kernel.settings import parse
from zhicheng.sensing.imports import Batch, Opened, Totals, batches
from zhicheng.sensing.mapping import Mappings, read_mappings
from zhicheng.server.documents import checks_of, contexts_of, models_of
from zhicheng.server.folder import DataFolder
from zhicheng.server.settings import CityFile
from zhicheng.server.space import Space, make_space
from zhicheng.standards.changes import Changes
from zhicheng.standards.ngsild.decode import decode_entity
from zhicheng.standards.ngsild.model import Entity, Quality
from zhicheng.storage.engines.embedded.records import EmbeddedRecords
from zhicheng.storage.engines.embedded.store import EmbeddedStore
from zhicheng.storage.log import Producer

_ROWS = 262_144
"""Changes of one commit."""


def add(parser: argparse.ArgumentParser, say: Words) -> None:
    """Options."""
    parser.add_argument(
        "files", nargs="+", type=Path, metavar="FILE",
        help=say(
            "数据文件或压缩包；.toml 文件为映射", "data files or archives; files that end in .toml hold mappings"
        ),
    )  # fmt: skip
    options.add_data(parser, say)
    options.add_city(parser, say)
    options.add_tenant(parser, say)
    parser.add_argument("--mapping", action="append", default=[], metavar="NAME",
                        help=say("只使用这些映射，可重复", "use these mappings only, may be repeated"))  # fmt: skip
    parser.add_argument(
        "--owner", metavar="URI", help=say("数据归属部门（URI）", "department that owns the values (URI)")
    )
    parser.add_argument(
        "--again", action="store_true",
        help=say("即使导入过相同文件也再次导入", "import even what was imported before, such as after a removal"),
    )  # fmt: skip
    parser.add_argument("--report", type=Path, metavar="FILE", help=say("拒收报告（CSV）", "report of refusals (CSV)"))


def run(arguments: argparse.Namespace, say: Words) -> int:
    """Import; 1 where nothing could be taken."""
    file = options.city_of(arguments)
    data = [path for path in arguments.files if path.suffix != ".toml"]
    mappings = _mappings(arguments, file)
    folder = DataFolder(options.data_of(arguments))
    folder.make()
    tenant = options.tenant_of(arguments, file.settings.city.tenant)
    report = arguments.report or folder.path / "reports" / time.strftime("import-%Y%m%dT%H%M%SZ.csv", time.gmtime())
    with folder.lock("zhicheng import"), ExitStack() as stack:
        opened = [_open(path, stack) for path in data]
        place = folder.tenant(tenant)
        records = stack.enter_context(closing(EmbeddedRecords(place)))
        store = stack.enter_context(closing(EmbeddedStore(place, file.settings.storage)))
        models = models_of(file)
        space = make_space(tenant, store, records, models, contexts_of(file), checks_of(file, models))
        began = time.perf_counter()
        name = "" if arguments.again else _fingerprint(data, mappings, arguments.owner)
        work = _Import(space, report, arguments.owner, name, say)
        with closing(work):
            asyncio.run(work.run(opened, mappings))
        store.compact()
        _summary(work, time.perf_counter() - began, say)
    return 0 if work.totals.changes or work.totals.entities or not work.totals.refused_rows else 1


def _mappings(arguments: argparse.Namespace, file: CityFile) -> Mappings:
    """Those of the TOML files given, else of the city's file, else NGSI-LD documents as they are."""
    found = {}
    for path in arguments.files:
        if path.suffix == ".toml":
            try:
                text = path.read_text("utf-8")
            except OSError as error:
                raise BadConfiguration(
                    f"{path} cannot be read: {error.strerror}", f"无法读取 {path}：{error.strerror}"
                ) from None
            found.update(read_mappings(parse(text, path.name), path.name, arguments.mapping).mappings)
    if not found and file.settings.mappings:
        found = dict(read_mappings(file.table, file.name, arguments.mapping).mappings)
    documents = {"mappings": {"ngsi-ld": {"files": ["*.jsonld", "*.json", "*.ndjson"], "format": "ngsi-ld"}}}
    return Mappings({**found, **read_mappings(documents, "ngsi-ld").mappings})


def _fingerprint(files: list[Path], mappings: Mappings, owner: str | None) -> str:
    """Names an import by what it reads and how, so that the same one stores nothing twice, also after a crash."""
    found = hashlib.blake2b(repr((mappings, owner)).encode(), digest_size=16)
    for path in files:
        with path.open("rb") as file:
            found.update(hashlib.file_digest(file, "sha256").digest())
    return f"import:{found.hexdigest()}"


def _open(path: Path, stack: ExitStack) -> Opened:
    try:
        return Opened(path.name, stack.enter_context(path.open("rb")), path.stat().st_size)
    except OSError as error:
        raise BadConfiguration(
            f"{path} cannot be read: {error.strerror}", f"无法读取 {path}：{error.strerror}"
        ) from None


class _Import:
    """One import under way: reads ahead in a thread while the batch before is stored."""

    def __init__(self, space: Space, report: Path, owner: str | None, name: str, say: Words) -> None:
        self.space = space
        self.readings: Readings = space.readings
        self.report = report
        self._origin = Origin("import", "import", owner)
        self._owner = owner
        self._name = name
        self._commits = 0
        self.totals = Totals()
        self.stored = self.created = self.repeated = self.refused_by_model = 0
        self.say = say
        self._file: TextIO | None = None

    async def run(self, opened: list[Opened], mappings: Mappings) -> None:
        """All files, a batch at a time."""
        with _progress(self.say) as progress:
            bar = progress.add_task("", total=None)
            found = batches(opened, mappings, self.space.contexts.default.expand, self._decode)
            coming = asyncio.create_task(asyncio.to_thread(next, found, None))
            while (batch := await coming) is not None:
                coming = asyncio.create_task(asyncio.to_thread(next, found, None))
                self._regard(batch, mappings)
                await self._take(batch)
                done = self.say(
                    f"{batch.member}  {self.totals.rows:,} 行", f"{batch.member}  {self.totals.rows:,} rows"
                )
                progress.update(bar, completed=batch.bytes_done, total=batch.bytes_total or None, description=done)

    def _regard(self, batch: Batch, mappings: Mappings) -> None:
        """What the mapping says of all its values: whose they are, and whether they are made up."""
        mapping = mappings.mappings.get(batch.mapping or "")
        self._origin = replace(self._origin, owner=(mapping.owner if mapping else "") or self._owner)
        if mapping is not None and mapping.simulated:
            batch.changes = replace(batch.changes, quality=batch.changes.quality | np.uint8(Quality.SIMULATED))

    def origin(self) -> Origin:
        """Of the next commit; with its number, so that it is known when it comes again."""
        self._commits += 1
        return replace(self._origin, producer=Producer(self._name, 0, self._commits)) if self._name else self._origin

    def _decode(self, document: object) -> Entity:
        value = document.get("@context") if isinstance(document, dict) else None
        return decode_entity(document, self.space.contexts.of(value))

    async def _take(self, batch: Batch) -> None:
        self.totals.add(batch)
        if batch.mapping is not None:
            self._write_refusals(batch)
        if batch.entities:
            done = await self.readings.sync(Snapshot(batch.entities), self.origin())
            self._count(done.rows, done.created, done.repeated, done.refused)
        for part in _parts(batch.changes):
            done = await self.readings.observe(part, self.origin())
            self._count(done.rows, done.created, done.repeated, done.refused)

    def _count(self, rows: int, created: int, repeated: int, refused: int) -> None:
        self.stored += rows
        self.created += created
        self.repeated += repeated
        self.refused_by_model += refused

    def _write_refusals(self, batch: Batch) -> None:
        if not len(batch.refusals):
            return
        if self._file is None:
            self.report.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.report.open("w", encoding="utf-8-sig", newline="")
            csv.writer(self._file).writerow(["file", "row", "column", "value", "reason", "原因"])
        lines = io.StringIO()
        writer = csv.writer(lines)
        for one in batch.refusals:
            writer.writerow([batch.member, one.row, one.column or "", _plain(one.value), one.en, one.zh])
        self._file.write(lines.getvalue())

    def close(self) -> None:
        """Finish the report."""
        if self._file is not None:
            self._file.close()

    @property
    def reported(self) -> bool:
        """Whether there is a report."""
        return self._file is not None


def _plain(value: str | None) -> str:
    """A refused value such that no spreadsheet takes it for a formula.

    >>> _plain("=1+1"), _plain("-"), _plain(None)
    ("'=1+1", "'-", '')
    """
    return "" if value is None else f"'{value}" if value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


def _parts(changes: Changes) -> Iterator[Changes]:
    """The rows in commits of a size that the log takes."""
    if not len(changes):
        return
    if len(changes) <= _ROWS:
        yield changes
        return
    for start in range(0, len(changes), _ROWS):
        yield changes.take(np.arange(start, min(start + _ROWS, len(changes)))).compact()


def _progress(say: Words) -> Progress:
    return Progress(
        TextColumn(say("导入", "importing")), BarColumn(), DownloadColumn(), TransferSpeedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.description}"), console=Console(stderr=True),
    )  # fmt: skip


def _summary(work: _Import, seconds: float, say: Words) -> None:
    totals = work.totals
    rate = totals.rows / seconds if seconds else 0
    print(
        say(
            f"{totals.rows:,} 行，存入 {work.stored:,} 条变更，新建 {work.created:,} 个实体，"
            f"{seconds:.1f} 秒（{rate:,.0f} 行/秒）",
            f"{totals.rows:,} rows, {work.stored:,} changes stored, {work.created:,} entities created, "
            f"{seconds:.1f} s ({rate:,.0f} rows/s)",
        )
    )
    print(
        say(
            f"拒收 {totals.refused_rows:,} 行中的 {totals.refused_cells:,} 个单元格；与已有相同 {work.repeated:,} 条",
            f"{totals.refused_cells:,} cells of {totals.refused_rows:,} rows refused; "
            f"{work.repeated:,} changes known before",
        )
    )
    for (en, zh), count in sorted(totals.reasons.items(), key=lambda item: -item[1])[:10]:
        print(f"  {count:,} × {say(zh, en)}")
    if work.refused_by_model:
        print(
            say(
                f"不符合数据模型而拒收 {work.refused_by_model:,} 条",
                f"{work.refused_by_model:,} refused by their model",
            )
        )
    if totals.skipped:
        names = ", ".join(totals.skipped[:5]) + (" ..." if len(totals.skipped) > 5 else "")
        print(
            say(
                f"没有映射的文件 {len(totals.skipped)} 个：{names}",
                f"{len(totals.skipped)} files no mapping takes: {names}",
            )
        )
    if work.reported:
        print(say("拒收报告：", "Report of refusals: ") + str(work.report))
