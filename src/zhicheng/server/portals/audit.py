"""The log of acts for auditors: looking for entries, handing them over, signed heads and proofs."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator, Iterator
from dataclasses import replace
from typing import TypeVar

import orjson

from zhicheng.hub.audit import exports
from zhicheng.hub.audit.journal import MOST, Found, Journal, Search
from zhicheng.kernel import instants
from zhicheng.kernel.errors import Invalid, NotFound
from zhicheng.security.actions import Named
from zhicheng.security.entries import Act, Outcome
from zhicheng.server.audit_key import KeyFile
from zhicheng.server.http import Answer, Headers, json_answer
from zhicheng.server.request import Request
from zhicheng.server.routes import Parameter, Response, Route

_NO_STORE: Headers = ((b"cache-control", b"no-store"),)
_PAGE = 100
_FORMATS = {"json": "application/x-ndjson", "syslog": "text/plain; charset=utf-8", "otlp": "application/json"}
_NAMES = {"json": "ndjson", "syslog": "log", "otlp": "otlp.json"}
_Choice = TypeVar("_Choice", Act, Outcome)


def _tenants(request: Request) -> frozenset[str]:
    """Whose acts may be seen: the tenant's own; and in the city's own tenant those on the whole installation."""
    home = request.city.settings.city.tenant
    return frozenset((request.space.tenant, *(("*",) if request.space.tenant == home else ())))


def _asked(request: Request) -> Search:
    said = request.query()
    unknown = said.keys() - request.known
    if unknown:
        name = min(unknown)
        raise Invalid(f"There is no parameter {name[:40]!r}", f"没有参数 {name[:40]!r}", parameter=name[:40])
    start, end = (instants.parse(said[name]) if name in said else None for name in ("from", "to"))
    return Search(
        start, end, None, said.get("principal"), said.get("action"), _chosen(Act, said.get("kind")),
        _chosen(Outcome, said.get("outcome")), said.get("resource"), _number(said.get("before")),
        _number(said.get("limit")) or _PAGE, _tenants(request),
    )  # fmt: skip


def _chosen(of: type[_Choice], text: str | None) -> _Choice | None:
    if text is None:
        return None
    known = [str(one) for one in of.__members__.values()]
    if text not in known:
        raise Invalid(f"{text[:40]!r} is none of {', '.join(known)}", f"{text[:40]!r} 不在可选值中：{'、'.join(known)}")
    return of(text)


def _number(text: str | None) -> int | None:
    if text is None:
        return None
    if not text.isdecimal() or len(text) > 15:
        raise Invalid(f"{text[:40]!r} is no number", f"{text[:40]!r} 不是数字")
    return int(text)


def _document(found: Found) -> dict[str, object]:
    return {"number": found.number, **orjson.loads(found.entry.line())}


async def search(request: Request) -> Answer:
    """GET /api/v1/audit: entries, newest first, a page at a time."""
    page = await asyncio.to_thread(request.city.journal.search, _asked(request))
    return json_answer({"entries": [_document(one) for one in page.found], "next": page.next}, headers=_NO_STORE)


async def export(request: Request) -> Answer:
    """GET /api/v1/audit/export: all matching entries, oldest first, as a file."""
    form = request.query().get("format", "json")
    if form not in _FORMATS:
        raise Invalid(f"The formats are {', '.join(_FORMATS)}", f"可用格式：{'、'.join(_FORMATS)}", parameter="format")
    name = b'attachment; filename="zhicheng-audit.' + _NAMES[form].encode() + b'"'
    headers = (*_NO_STORE, (b"content-disposition", name))
    return Answer(
        200, media=_FORMATS[form], headers=headers, pieces=_pieces(request.city.journal, _asked(request), form)
    )


async def _pieces(journal: Journal, asked: Search, form: str) -> AsyncGenerator[bytes, None]:
    host = socket.gethostname()
    pages = _oldest_first(journal, asked)
    while (page := await asyncio.to_thread(next, pages, None)) is not None:
        match form:
            case "syslog":
                yield "".join(exports.syslog(one, host) + "\n" for one in page).encode()
            case "otlp":
                yield exports.opentelemetry(page, host) + b"\n"
            case _:
                yield b"".join(orjson.dumps(_document(one)) + b"\n" for one in page)


def _oldest_first(journal: Journal, asked: Search) -> Iterator[list[Found]]:
    """Pages in the order in which they came: which ones are found first, by number."""
    numbers: list[int | None] = [asked.before]
    while (page := journal.search(replace(asked, limit=MOST, before=numbers[-1]))).next is not None:
        numbers.append(page.next)
    for before in reversed(numbers):
        found = journal.search(replace(asked, limit=MOST, before=before)).found
        if found:
            yield found[::-1]


async def head(request: Request) -> Answer:
    """GET /api/v1/audit/head: a signed head over all there is, with the public key that signed it."""
    made = await asyncio.to_thread(request.city.journal.head)
    public = KeyFile(request.city.folder.path / "audit.key").current().public.hex()
    return json_answer({**made, "public": public}, headers=_NO_STORE)


async def proof(request: Request) -> Answer:
    """GET /api/v1/audit/proof: that an entry is in the log (number), or that a log of so many is its beginning."""
    said = request.query()
    number, first = _number(said.get("number")), _number(said.get("first"))
    journal = request.city.journal
    if (number is None) == (first is None):
        raise Invalid("Name number (an entry) or first (a size)", "请给出 number（记录编号）或 first（树的大小）")
    if number is None:
        assert first is not None
        return json_answer(await asyncio.to_thread(journal.consistency, first), headers=_NO_STORE)
    entry = await asyncio.to_thread(journal.entry, number)
    if entry.tenant not in _tenants(request):
        raise NotFound(f"There is no entry {number} in the log of acts", f"审计日志中没有第 {number} 条记录")
    return json_answer(await asyncio.to_thread(journal.inclusion, number), headers=_NO_STORE)


def _parameter(name: str, en: str, zh: str) -> Parameter:
    return Parameter(name, en, zh)


_SEARCH = (
    _parameter("from", "From this instant on", "起始时间（含）"),
    _parameter("to", "Before this instant", "结束时间（不含）"),
    _parameter("principal", "Who", "主体"),
    _parameter("action", "What", "操作"),
    Parameter("kind", "Kind of act", "类别", {"type": "string", "enum": [str(one) for one in Act]}),
    Parameter("outcome", "Outcome", "结果", {"type": "string", "enum": [str(one) for one in Outcome]}),
    _parameter("resource", "Beginning of what it was done to", "对象（前缀匹配）"),
)
_NUMBER = {"type": "integer", "minimum": 0}
_BEFORE = Parameter("before", "Go on below this number", "从该编号之前继续", _NUMBER)
_LIMIT = Parameter("limit", "Entries of a page, at most 1000", "每页条数，至多 1000", {**_NUMBER, "minimum": 1})
_FORMAT = Parameter("format", "Form of the file", "文件格式", {"type": "string", "enum": [*_FORMATS]})
_ANSWER = (Response(200, "The answer", "结果", {}),)
_FILE = (Response(200, "A file", "文件", None, tuple(_FORMATS.values())),)
AUDIT_ROUTES = (
    Route("GET", "/api/v1/audit", "audit:read", search,
          Named("查询审计日志", "Look for entries of the log of acts"), (*_SEARCH, _BEFORE, _LIMIT), None, _ANSWER),
    Route("GET", "/api/v1/audit/export", "audit:export", export,
          Named("导出审计日志", "Export entries of the log of acts"), (*_SEARCH, _FORMAT), None, _FILE),
    Route("GET", "/api/v1/audit/head", "audit:read", head,
          Named("已签名的树头", "A signed head of the log of acts"), (), None, _ANSWER),
    Route("GET", "/api/v1/audit/proof", "audit:read", proof,
          Named("审计日志的证明", "Proofs about the log of acts"),
          (Parameter("number", "An entry's number", "记录编号", _NUMBER),
           Parameter("first", "A size that the log once had", "日志曾经的大小", _NUMBER)), None, _ANSWER),
)  # fmt: skip
