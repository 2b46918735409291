"""SQL over HTTP: a question and its answer as JSON columns, CSV, XLSX or Arrow; and what can be asked."""

from __future__ import annotations

import asyncio
from time import perf_counter
from typing import Literal

import msgspec

from zhicheng.kernel.errors import Invalid
from zhicheng.security.actions import Named
from zhicheng.server.http import JSON, Answer, json_answer
from zhicheng.server.request import Request
from zhicheng.server.routes import Body, Handler, Parameter, Response, Route
from zhicheng.server.sql import asking, described
from zhicheng.server.sql.asking import Desk, Found, Limits
from zhicheng.server.sql.question import MEDIA, Asked

Form = Literal["json", "csv", "xlsx", "arrow"]
_SHOWN = 10_000
"""Rows of an answer unless more are asked for."""


class Question(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is asked; rows and seconds can only tighten what the city's file allows."""

    sql: str
    format: Form = "json"
    encoding: Literal["utf-8", "gb18030"] = "utf-8"
    rows: int = _SHOWN
    seconds: float = 3600.0


async def relations(request: Request) -> Answer:
    """GET /api/v1/sql/relations."""
    return json_answer(described.document())


def sql_routes() -> tuple[Route, ...]:
    """All of them, with one desk at which questions wait their turn."""
    desks: dict[int, Desk] = {}

    def desk(request: Request) -> Desk:
        settings = request.city.settings.sql
        return desks.setdefault(id(request.city), Desk(settings.at_once, settings.waiting))

    async def posted(request: Request) -> Answer:
        """POST /api/v1/sql: the question as JSON."""
        return await _answer(request, _question(await request.json(JSON)), desk(request))

    async def got(request: Request) -> Answer:
        """GET /api/v1/sql?query=...: for programs that only get, such as a spreadsheet."""
        query = request.query()
        said: dict[str, object] = {("sql" if name == "query" else name): value for name, value in query.items()}
        return await _answer(request, _question(said, strict=False), desk(request))

    return _table(posted, got)


def _question(said: object, *, strict: bool = True) -> Question:
    try:
        found = msgspec.convert(said, Question, strict=strict)
    except msgspec.ValidationError as error:
        raise Invalid(f"The question cannot be read: {error}", f"无法读取查询请求：{error}") from None
    if found.rows < 1 or not found.seconds > 0:
        raise Invalid("rows and seconds are above 0", "rows 与 seconds 应大于 0")
    asking.check(found.sql)
    return found


async def _answer(request: Request, question: Question, desk: Desk) -> Answer:
    settings = request.city.settings.sql
    time = request.tally.sql_left(int(min(float(settings.time), question.seconds * 1e6)))
    limits = Limits(settings.memory, time, min(settings.rows, question.rows))
    await request.body()  # so that what comes next on the wire can only be that the client is gone
    async with desk.turn():
        began = perf_counter()
        try:
            found = await _found(request, question, limits)
        finally:
            request.tally.take(sql=int((perf_counter() - began) * 1e6))
    request.tally.take(rows=int(str(found.told.get("rows", 0))))
    return _shown(question, found)


async def _found(request: Request, question: Question, limits: Limits) -> Found:
    space = request.space
    short = space.contexts.default.compact
    gone = asyncio.ensure_future(_gone(request))
    place = await asyncio.to_thread(asking.made, request.city.folder.path)
    try:
        await asyncio.to_thread(asking.lay_out, space.engine or space.store, question.sql, short, place)
        asked = Asked(
            question.sql, str(place), limits.memory, limits.time / 1e6, limits.rows, question.format, question.encoding,
            asking.names_of(space.store, short),
        )  # fmt: skip
        return await asking.answered(asked, limits, gone)
    finally:
        gone.cancel()
        await asyncio.to_thread(asking.cleared, place)


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _shown(question: Question, found: Found) -> Answer:
    told = found.told
    headers: list[tuple[bytes, bytes]] = [
        (b"cache-control", b"no-store"),
        (b"x-rows", str(told.get("rows", 0)).encode()),
        (b"x-truncated", b"true" if told.get("truncated") else b"false"),
        (b"x-seconds", str(told.get("seconds", 0)).encode()),
    ]
    media = MEDIA[question.format]
    if question.format == "csv":
        media += "; charset=gb18030" if question.encoding == "gb18030" else "; charset=utf-8"
    if question.format != "json":
        headers.append((b"content-disposition", f'attachment; filename="zhicheng.{question.format}"'.encode()))
    return Answer(200, found.body, media, tuple(headers))


_FORMAT = Parameter(
    "format", "json, csv, xlsx or arrow", "json、csv、xlsx 或 arrow", {"type": "string", "enum": [*MEDIA]}
)
_ENCODING = Parameter(
    "encoding",
    "of CSV: utf-8 or gb18030",
    "CSV 编码：utf-8 或 gb18030",
    {"type": "string", "enum": ["utf-8", "gb18030"]},
)
_ROWS = Parameter("rows", "At most so many rows", "最多行数", {"type": "integer", "minimum": 1})
_SECONDS = Parameter("seconds", "At most so long", "最长秒数", {"type": "number", "exclusiveMinimum": 0})
_QUERY = Parameter("query", "A SELECT over entities and history", "对 entities 与 history 的 SELECT 语句")
_BODY = Body(
    {
        "type": "object",
        "required": ["sql"],
        "additionalProperties": False,
        "properties": {
            "sql": {"type": "string"},
            **{one.name: dict(one.schema) for one in (_FORMAT, _ENCODING, _ROWS, _SECONDS)},
        },
    },
    (JSON,),
)
_ANSWER = Response(200, "The answer", "结果", None, tuple(MEDIA.values()))


def _table(posted: Handler, got: Handler) -> tuple[Route, ...]:
    run = Named("只读 SQL 查询", "A read-only question in SQL")
    return (
        Route("POST", "/api/v1/sql", "sql:run", posted, run, (), _BODY, (_ANSWER,)),
        Route(
            "GET", "/api/v1/sql", "sql:run", got, run, (_QUERY, _FORMAT, _ENCODING, _ROWS, _SECONDS), None, (_ANSWER,)
        ),
        Route(
            "GET", "/api/v1/sql/relations", "sql:run", relations,
            Named("SQL 可查询的表", "The relations of SQL, and examples"), (), None,
            (Response(200, "The answer", "结果", {}),),
        ),
    )  # fmt: skip
