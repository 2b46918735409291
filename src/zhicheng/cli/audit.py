"""`zhicheng audit`: look at the log of acts, check it, prove what is in it, hand it to other systems."""

from __future__ import annotations

import argparse
import fcntl
import json
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import orjson
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from zhicheng.cli import acting, options
from zhicheng.cli.words import Words
from zhicheng.hub.audit import exports, verifier
from zhicheng.hub.audit.journal import MOST, Found, Journal, Search
from zhicheng.kernel import instants
from zhicheng.kernel.errors import NotFound
from zhicheng.kernel.logs import printable
from zhicheng.kernel.settings import duration
from zhicheng.security.entries import Act, Entry, Outcome
from zhicheng.server.audit_key import KeyFile, open_journal, rotate
from zhicheng.server.folder import DataFolder

FORMATS = ("json", "syslog", "otlp")
_SEARCHED = ("tenant", "principal", "action", "kind", "outcome", "resource")
_CHOICES = {"kind": [str(act) for act in Act], "outcome": [str(outcome) for outcome in Outcome]}


def add(parser: argparse.ArgumentParser, say: Words) -> None:
    """Options."""
    below = parser.add_subparsers(dest="what", required=True, metavar=say("操作", "WHAT"))
    below.add_parser("verifier", help=say("输出独立的校验程序", "print the stand-alone verifier"))
    search = below.add_parser("search", help=say("查询记录，最新的在前", "look for entries, newest first"))
    export = below.add_parser("export", help=say("导出记录，最旧的在前", "hand entries over, oldest first"))
    for one in (search, export):
        _add_search(one, say)
    search.add_argument("--limit", type=int, default=50, help=say("条数（默认 50）", "how many (50)"))
    search.add_argument("--before", type=int, help=say("从该编号之前继续", "go on below this number"))
    export.add_argument("--format", choices=FORMATS, default="json", help=say("格式", "format"))
    check = below.add_parser("verify", help=say("校验整个日志", "check the whole log"))
    check.add_argument("--key", help=say("日志最初的公钥（十六进制）", "the public key it began with, in hex"))
    check.add_argument("--head", help=say("以前保存的树头文件", "a head that was saved earlier (a file)"))
    head = below.add_parser("head", help=say("输出已签名的树头", "print a signed head"))
    prove = below.add_parser("prove", help=say("证明某条记录在日志中", "prove that an entry is in the log"))
    prove.add_argument("number", type=int, help=say("记录编号", "the entry's number"))
    turn = below.add_parser("rotate", help=say("更换签名密钥", "replace the signing key"))
    expire = below.add_parser(
        "expire", help=say("删除过期记录（至少保留 180 天）", "let go of entries over 180 days old")
    )
    expire.add_argument("--keep", default="180 d", help=say("保留时间", "how long to keep them (180 d)"))
    for one in (search, export, check, head, prove, turn, expire):
        options.add_data(one, say)


def _add_search(parser: argparse.ArgumentParser, say: Words) -> None:
    for name in _SEARCHED:
        choices = _CHOICES.get(name)
        parser.add_argument(f"--{name}", choices=choices, help=say("只要这样的记录", "only such entries"))
    parser.add_argument("--from", dest="start", metavar="TIME", help=say("起始时间（含）", "from this time on"))
    parser.add_argument("--to", dest="end", metavar="TIME", help=say("结束时间（不含）", "before this time"))


def run(arguments: argparse.Namespace, say: Words) -> int:
    """Do it; a server may be running over the same folder."""
    if arguments.what == "verifier":
        print(Path(verifier.__file__).read_text("utf-8"), end="")
        return 0
    folder = DataFolder(options.data_of(arguments))
    folder.check()
    if arguments.what == "verify":
        return _verify(folder.path / "audit", arguments)
    journal = open_journal(folder.path)
    try:
        return _run(journal, folder.path, arguments, say)
    finally:
        journal.ledger.close()


def _run(journal: Journal, folder: Path, arguments: argparse.Namespace, say: Words) -> int:
    who = acting.who()
    match arguments.what:
        case "search":
            asked = replace(_asked(arguments), limit=arguments.limit, before=arguments.before)
            page = journal.search(asked)
            _show(page.found, say)
            if page.next is not None:
                print(say(f"更多记录：--before {page.next}", f"more: --before {page.next}"))
        case "export":
            entry = Entry(journal.now(), Act.EXPORT, "audit:export", Outcome.ALLOWED, who, "*", why=arguments.format)
            journal.log(entry)
            _export(journal, _asked(arguments), arguments.format)
        case "head":
            print(json.dumps(journal.head()))
        case "prove":
            print(json.dumps(journal.inclusion(arguments.number), ensure_ascii=False))
        case "rotate":
            key = rotate(journal, KeyFile(folder / "audit.key"), who)
            print(say(f"新公钥：{key.public.hex()}", f"New public key: {key.public.hex()}"))
        case _:
            gone = journal.expire(duration(arguments.keep), who)
            print(say(f"已删除 {gone} 条记录", f"{gone} entries are no longer kept"))
    return 0


def _verify(folder: Path, arguments: argparse.Namespace) -> int:
    """Run the verifier while nobody is in the middle of a write."""
    if not folder.is_dir():
        raise NotFound(f"There is no log of acts in {folder.parent} yet", f"{folder.parent} 中还没有审计日志")
    words = [str(folder)]
    for name in ("key", "head"):
        if getattr(arguments, name):
            words += [f"--{name}", getattr(arguments, name)]
    with (folder / "lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        return verifier.main(words)


def _asked(arguments: argparse.Namespace) -> Search:
    return Search(
        None if arguments.start is None else instants.parse(arguments.start),
        None if arguments.end is None else instants.parse(arguments.end),
        arguments.tenant, arguments.principal, arguments.action,
        None if arguments.kind is None else Act(arguments.kind),
        None if arguments.outcome is None else Outcome(arguments.outcome), arguments.resource,
    )  # fmt: skip


def _show(found: list[Found], say: Words) -> None:
    table = Table(
        say("编号", "no."), say("时间", "at"), say("类别", "kind"), say("操作", "action"), say("结果", "outcome"),
        say("主体", "principal"), say("租户", "tenant"), say("对象", "resource"), say("依据", "why"),
    )  # fmt: skip
    for one in found:
        entry = one.entry
        cells = (entry.kind, entry.action, entry.outcome, entry.principal, entry.tenant, entry.resource, entry.why)
        table.add_row(str(one.number), instants.format(entry.at), *(escape(printable(cell or "-")) for cell in cells))
    Console().print(table)


def _export(journal: Journal, asked: Search, form: str) -> None:
    host = socket.gethostname()
    for page in _oldest_first(journal, asked):
        match form:
            case "syslog":
                print(*(exports.syslog(one, host) for one in page), sep="\n")
            case "otlp":
                print(exports.opentelemetry(page, host).decode())
            case _:
                for one in page:
                    document = {"number": one.number, "entry": orjson.loads(one.entry.line())}
                    print(orjson.dumps(document).decode())


def _oldest_first(journal: Journal, asked: Search) -> Iterator[list[Found]]:
    """Pages of entries in the order in which they came: which ones are found first, by number."""
    numbers: list[int | None] = [None]
    while (page := journal.search(replace(asked, limit=MOST, before=numbers[-1]))).next is not None:
        numbers.append(page.next)
    for before in reversed(numbers):
        found = journal.search(replace(asked, limit=MOST, before=before)).found
        if found:
            yield found[::-1]
