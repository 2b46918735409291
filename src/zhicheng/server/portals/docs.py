"""The documents over HTTP: which there are, each as HTML, their pictures. They hold nothing of a city's data."""

from __future__ import annotations

import asyncio

from zhicheng.security.actions import PUBLIC, Named
from zhicheng.server import documentation
from zhicheng.server.http import Answer, json_answer
from zhicheng.server.portals.pages import PAGE_HEADERS
from zhicheng.server.request import Request
from zhicheng.server.routes import Response, Route


async def listed(request: Request) -> Answer:
    """GET /api/v1/docs."""
    names = await asyncio.to_thread(documentation.names)
    return json_answer([{"name": name, "title": documentation.title_of(name)} for name in names])


async def page(request: Request) -> Answer:
    """GET /api/v1/docs/pages/{...}."""
    found = await asyncio.to_thread(documentation.page, request.path["..."])
    headings = [{"level": level, "id": anchor, "text": text} for level, anchor, text in found.headings]
    return json_answer({"name": found.name, "title": found.title, "html": found.html, "headings": headings})


async def file(request: Request) -> Answer:
    """GET /api/v1/docs/files/{...}."""
    body, media = await asyncio.to_thread(documentation.file, request.path["..."])
    return Answer(200, body, media, ((b"cache-control", b"max-age=3600"), *PAGE_HEADERS))


async def source(request: Request) -> Answer:
    """GET /api/v1/docs/sources/{...}."""
    text = await asyncio.to_thread(documentation.source, request.path["..."])
    return json_answer({"name": request.path["..."], "text": text})


_ANSWER = Response(200, "The answer", "结果", {})
_FILE = Response(200, "The file", "文件", None, ("application/octet-stream",))
DOC_ROUTES: tuple[Route, ...] = (
    Route("GET", "/api/v1/docs", PUBLIC, listed, Named("文档目录", "The documents"), (), None, (_ANSWER,)),
    Route("GET", "/api/v1/docs/pages/{...}", PUBLIC, page, Named("一篇文档", "A document"), (), None, (_ANSWER,)),
    Route("GET", "/api/v1/docs/files/{...}", PUBLIC, file, Named("文档中的图片", "A picture of a document"), (), None,
          (_FILE,)),
    Route("GET", "/api/v1/docs/sources/{...}", PUBLIC, source,
          Named("文档提到的源文件", "A source that documents name"), (), None, (_ANSWER,)),
)  # fmt: skip
