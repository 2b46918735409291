"""`zhicheng feed`: the feeds of a city's file, and one tried out without storing anything."""

from __future__ import annotations

import argparse
import asyncio
import os
from collections import Counter

import orjson
from rich.console import Console
from rich.table import Table

from zhicheng.cli import options
from zhicheng.cli.words import Words
from zhicheng.kernel import instants
from zhicheng.kernel.errors import PeerFailed
from zhicheng.kernel.settings import Where, unknown
from zhicheng.network.settings import make_source
from zhicheng.network.source import Cursor, Payload
from zhicheng.sensing.decoded import Decoded, DecodeSettings
from zhicheng.sensing.decoders import DECODERS
from zhicheng.server.decoding import settings_of
from zhicheng.server.documents import contexts_with
from zhicheng.server.settings import CityFeed, CityFile
from zhicheng.standards.ngsild.changes import attribute_of
from zhicheng.standards.ngsild.encode import encode_entity
from zhicheng.standards.ngsild.model import Entity
from zhicheng.standards.ngsild.representation import Form, Representation

_ROUNDS = 20


def add(parser: argparse.ArgumentParser, say: Words) -> None:
    """Options."""
    below = parser.add_subparsers(dest="what", required=True, metavar=say("操作", "WHAT"))
    listing = below.add_parser("list", help=say("列出数据源", "list the feeds"))
    options.add_data(listing, say)
    options.add_city(listing, say)
    test = below.add_parser("test", help=say("取一次数据并解码，不存储", "fetch once and decode; nothing is stored"))
    options.add_data(test, say)
    options.add_city(test, say)
    test.add_argument("name", help=say("数据源名称", "the feed's name"))
    test.add_argument(
        "--show", type=int, default=3, metavar="N", help=say("显示几个实体（默认 3）", "entities to show (3)")
    )


def run(arguments: argparse.Namespace, say: Words) -> int:
    """List or try."""
    file = options.city_of(arguments)
    if arguments.what == "list":
        _list(file, say)
        return 0
    if arguments.name not in file.settings.feeds:
        raise unknown(Where(file.name).of("feeds"), arguments.name, file.settings.feeds)
    return _test(arguments.name, file, arguments.show, say)


def _list(file: CityFile, say: Words) -> None:
    table = Table(say("名称", "name"), say("解码器", "decoder"), say("来源", "source"), say("间隔", "interval"))
    for name, feed in file.settings.feeds.items():
        every = f"{feed.interval / instants.SECOND:g} s" if feed.url or feed.folder else f"x{feed.speed:g}"
        state = "" if feed.enabled else say("（停用）", " (off)")
        table.add_row(name + state, feed.decoder, feed.url or feed.folder or feed.replay, every)
    Console().print(table)


async def _fetch(feed: CityFeed, file: CityFile) -> Payload:
    source = make_source(feed, file.folder, os.environ, clock=instants.system_clock, sleep=asyncio.sleep)
    try:
        for _ in range(_ROUNDS):
            poll = await source.next(Cursor())
            if poll.refused is not None:
                raise poll.refused
            if poll.payload is not None:
                return poll.payload
            if poll.ended:
                break
            await asyncio.sleep(min(poll.wait, 3.0))
    finally:
        await source.close()
    raise PeerFailed("The source gave nothing", "数据源没有给出数据")


def _test(name: str, file: CityFile, show: int, say: Words) -> int:
    feed = file.settings.feeds[name]
    contexts = contexts_with(file)
    decode_with: DecodeSettings = settings_of(name, feed, contexts, file.name)
    payload = asyncio.run(_fetch(feed, file))
    decoded = DECODERS[feed.decoder].decode(payload.body, decode_with)
    print(say(f"{payload.name}：{len(payload.body):,} 字节", f"{payload.name}: {len(payload.body):,} bytes"))
    entities = list(decoded.entities) or _entities(decoded)
    counts = Counter(contexts.default.compact(kind) for entity in entities for kind in entity.types)
    for kind, count in counts.most_common():
        print(f"  {kind}: {count:,}")
    for entity in entities[:show]:
        document = encode_entity(entity, contexts.default, Representation(Form.CONCISE))
        print(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode())
    if decoded.refused:
        print(say(f"拒收 {len(decoded.refused):,} 项：", f"{len(decoded.refused):,} refused:"))
        for one in decoded.refused[:10]:
            print(f"  {one.id}: {say(one.zh, one.en)}")
    return 0 if entities or not decoded.refused else 1


def _entities(decoded: Decoded) -> list[Entity]:
    """Rows of a table as the entities they are about."""
    changes = decoded.changes
    if changes is None:
        return []
    found: dict[str, Entity] = {}
    for row in range(len(changes)):
        identifier, name = changes.entity[row] or "", changes.attribute[row] or ""
        entity = found.setdefault(identifier, Entity(identifier, changes.types.get(identifier, ())))
        attribute = attribute_of(
            int(changes.kind[row]), int(changes.form[row]), float(changes.number[row]), changes.text[row],
            observed_at=int(changes.observed_at[row]), dataset=changes.dataset[row], unit=changes.unit[row],
        )  # fmt: skip
        entity.attributes[name] = [attribute]
    return list(found.values())
