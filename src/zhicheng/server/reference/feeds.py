"""How feeds are doing, as the reference model shows it: also whether one fell silent against its own rhythm."""

from __future__ import annotations

from collections.abc import Iterator

from zhicheng.hub.catalogue import flow
from zhicheng.kernel.instants import MINUTE, SECOND
from zhicheng.network.health import STATUS_ZH, Health, Status
from zhicheng.security.actions import Named
from zhicheng.sensing.decoders import DECODERS
from zhicheng.server.city import City
from zhicheng.server.feeds import FeedTask
from zhicheng.server.reference.parts import Part, State
from zhicheng.storage.tally import Tally

_STATES: dict[Status, State] = {
    "starting": "idle",
    "ok": "ok",
    "late": "attention",
    "stale": "attention",
    "failed": "fault",
    "ended": "idle",
}
_BEATS = 2.2
"""So many of its usual intervals a feed may be silent."""
_LEAST = 15 * SECOND
_SLOWEST = MINUTE
"""A rhythm slower than this is no rhythm: such feeds are judged by their own `late_after`."""
_ENOUGH = 5
"""Payloads from which on a feed has a rhythm."""
_KINDS = {
    "http": Named("HTTP 拉取", "HTTP"),
    "folder": Named("文件夹", "folder"),
    "replay": Named("回放", "replay"),
    "push": Named("推送", "push"),
}


def silent(health: Health, now: int) -> bool:
    """Whether a feed with a rhythm has not been heard of for longer than its rhythm explains.

    >>> health = Health("bus", "push", 0, 10**12, 10**12, payload_at=60 * SECOND, payloads=6, beat=10 * SECOND)
    >>> silent(health, 80 * SECOND), silent(health, 90 * SECOND)
    (False, True)
    """
    if health.payload_at is None or health.payloads < _ENOUGH or health.ended:
        return False
    return health.beat <= _SLOWEST and now - health.payload_at > max(_BEATS * health.beat, _LEAST)


def feed_parts(city: City, tally: Tally, now: int) -> Iterator[Part]:
    """Every feed, as what decodes and what brings."""
    for name, feed in city.feeds.items():
        yield _part(name, feed, city, tally, now)


def _part(name: str, feed: FeedTask, city: City, tally: Tally, now: int) -> Part:
    health, status = feed.health, feed.health.status(now)
    state = _STATES[status]
    note = _note(health, status)
    if feed.source in city.stopped():
        state, note = "fault", Named("已停止运行", "It has stopped")
    elif state == "ok" and silent(health, now):
        seconds = (now - (health.payload_at or now)) // SECOND
        state, note = "attention", Named(f"已 {seconds} 秒没有新数据", f"Nothing new for {seconds} s")
    decoder = DECODERS.get(feed.settings.decoder)
    kind = Named(decoder.zh, decoder.en) if decoder else Named(feed.settings.decoder, feed.settings.decoder)
    lag = None if health.payload_at is None else (now - health.payload_at) / SECOND
    rate = flow.of_source(tally, feed.source, now).per_minute
    return Part(feed.source, Named(name, name), state, kind, rate, lag, note, f"/resources?source={feed.source}")


def _note(health: Health, status: Status) -> Named | None:
    if health.failures and health.error_en:
        return Named(health.error_zh, health.error_en)
    if status in ("late", "stale"):
        return Named(STATUS_ZH[status], {"late": "No answer for too long", "stale": "Nothing new for too long"}[status])
    return None


def link_kind(feed: FeedTask) -> Named:
    """How a feed's bytes arrive."""
    return _KINDS.get(feed.health.kind, Named(feed.health.kind, feed.health.kind))
