"""Routes about the platform itself: health, figures, and the description of all routes."""

from __future__ import annotations

from importlib.metadata import version

from zhicheng.kernel import instants
from zhicheng.security.actions import PUBLIC, Named
from zhicheng.server.http import Answer, json_answer
from zhicheng.server.request import Request
from zhicheng.server.routes import Response, Route

VERSION = version("zhicheng")


async def health(request: Request) -> Answer:
    """GET /health: 200 while it serves and stores, else 503; no word of the city's data."""
    city = request.city
    failures = [space.store.failure for space in city.spaces().values()]
    broken = next((failure for failure in failures if failure is not None), None)
    now = city.clock()
    document: dict[str, object] = {
        "status": "ok" if broken is None else "failed",
        "version": VERSION,
        "uptime_s": (now - city.started_at) // instants.SECOND,
        "feeds_out_of_date": len(city.stale_sources()),
    }
    if broken is not None:
        document["error"] = {"en": broken.en, "zh": broken.zh}
    return json_answer(document, 200 if broken is None else 503, headers=((b"cache-control", b"no-store"),))


async def metrics(request: Request) -> Answer:
    """GET /metrics, in Prometheus' text format."""
    city = request.city
    measure(request)
    return Answer(200, city.telemetry.exposition(), city.telemetry.content_type)


def measure(request: Request) -> None:
    """Take the figures that nobody counts on the way."""
    city, telemetry = request.city, request.city.telemetry
    position = telemetry.gauge("log_position", "Position of the log", ["tenant"])
    entities = telemetry.gauge("entities", "Living entities", ["tenant"])
    for tenant, space in city.spaces().items():
        position.set(space.store.state.position, tenant=tenant)
        entities.set(len(space.store.state), tenant=tenant)
    now = city.clock()
    current = telemetry.gauge("feed_current", "1 while a feed's data can be trusted", ["feed"])
    for name, feed in city.feeds.items():
        current.set(0 if feed.out_of_date(now) else 1, feed=name)


_ANSWER = Response(200, "The answer", "结果", {})
SYSTEM_ROUTES: tuple[Route, ...] = (
    Route("GET", "/health", PUBLIC, health, Named("健康检查", "Whether it serves"), (), None,
          (_ANSWER, Response(503, "It cannot store", "无法存储", {}))),
    Route("GET", "/metrics", "metrics:read", metrics, Named("运行指标", "Figures for Prometheus"), (), None,
          (Response(200, "Figures", "指标", None, ("text/plain",)),)),
)  # fmt: skip
