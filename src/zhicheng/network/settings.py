"""A feed in the configuration: `[feeds.NAME]` with a source, a decoder and its options; and the source made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from zhicheng.kernel.errors import BadConfiguration, Invalid
from zhicheng.kernel.instants import HOUR, MINUTE, SECOND, Clock
from zhicheng.kernel.settings import Duration, Size
from zhicheng.network.feed import Pace
from zhicheng.network.fetch import Fetcher, Request
from zhicheng.network.folder import FolderSource
from zhicheng.network.guard import Resolve, system_resolve
from zhicheng.network.http_source import HttpSource
from zhicheng.network.push import PushSource
from zhicheng.network.replay import ReplaySource, Sleep
from zhicheng.network.source import Source


@dataclass(frozen=True, slots=True)
class FeedSettings:
    """One feed: exactly one of `url`, `folder`, `replay` and `push`, and what reads its payloads.

    `decoder` is a name of the decoders' table, `options` are its own settings, `mapping` says what columns
    mean to decoders of tables. Header values "env:NAME" are taken from the environment.
    """

    decoder: str
    url: str = ""
    folder: str = ""
    replay: str = ""
    push: bool = False
    enabled: bool = True
    interval: Duration = 30 * SECOND
    timeout: Duration = 30 * SECOND
    max_size: Size = 100_000_000
    headers: dict[str, str] = field(default_factory=dict)
    pattern: str = "*"
    settle: Duration = 2 * SECOND
    speed: float = 1.0
    late_after: Duration | None = None
    stale_after: Duration | None = None
    options: dict[str, object] = field(default_factory=dict)
    mapping: dict[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if sum(bool(one) for one in (self.url, self.folder, self.replay, self.push)) != 1:
            raise Invalid("needs one of url, folder, replay and push", "需要 url、folder、replay、push 四者之一")
        if self.url and urlsplit(self.url).scheme not in ("http", "https"):
            raise Invalid(
                f"url {self.url!r} does not start with http:// or https://",
                f"url {self.url!r} 应以 http:// 或 https:// 开头",
            )
        if self.interval < SECOND // 10:
            raise Invalid("interval must be at least 100 ms", "interval 不得小于 100 ms")
        if self.speed < 0:
            raise Invalid("speed must not be negative", "speed 不能为负")

    def pace(self) -> Pace:
        """When the feed counts as late (or three intervals and the timeout) and as stale (or ten, at least 10 min)."""
        late = 3 * self.interval + self.timeout if self.late_after is None else self.late_after
        stale = max(10 * self.interval, 10 * MINUTE) if self.stale_after is None else self.stale_after
        return Pace(
            first=min(self.interval, 5 * SECOND),
            longest=min(max(self.interval, 5 * MINUTE), HOUR),
            late_after=late,
            stale_after=stale,
        )


def make_source(
    settings: FeedSettings,
    at: Path,
    environ: Mapping[str, str],
    *,
    clock: Clock,
    sleep: Sleep,
    resolve: Resolve = system_resolve,
) -> Source:
    """The source of a feed; folders are relative to `at`, the folder of the configuration."""
    if settings.folder:
        return FolderSource(
            at / settings.folder,
            clock,
            pattern=settings.pattern,
            interval=settings.interval,
            settle=settings.settle,
            max_size=settings.max_size,
        )
    if settings.replay:
        return ReplaySource(
            at / settings.replay,
            clock,
            sleep,
            pattern=settings.pattern,
            speed=settings.speed,
            max_size=settings.max_size,
        )
    if settings.push:
        return PushSource()
    headers = {name: _secret(value, environ) for name, value in settings.headers.items()}
    request = Request(settings.url, headers, settings.timeout, settings.max_size)
    fetcher = Fetcher(request, clock=clock, resolve=resolve)
    return HttpSource(fetcher, urlsplit(settings.url).path.rsplit("/", 1)[-1] or "/", settings.interval, clock)


def _secret(value: str, environ: Mapping[str, str]) -> str:
    if not value.startswith("env:"):
        return value
    name = value.removeprefix("env:")
    if name not in environ:
        raise BadConfiguration(
            f"The environment has no variable {name}, which a feed's headers name",
            f"环境中没有变量 {name}，而数据源的 headers 引用了它",
            variable=name,
        )
    return environ[name]
