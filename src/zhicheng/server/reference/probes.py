"""What runs in each block of the reference model now: looked at, not declared."""

from __future__ import annotations

import os
import pkgutil
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module

import zhicheng.hub
import zhicheng.standards
from zhicheng.hub.catalogue import flow
from zhicheng.kernel.instants import SECOND
from zhicheng.security.actions import PUBLIC, ROLES, Named
from zhicheng.sensing.decoders import DECODERS
from zhicheng.server.city import City
from zhicheng.server.reference.feeds import feed_parts, link_kind
from zhicheng.server.reference.parts import Figure, Part, Running, State
from zhicheng.server.routes import Route
from zhicheng.server.space import Space
from zhicheng.storage.log import Figures
from zhicheng.storage.tally import Tally

_DISK_LOW, _DISK_OUT = 0.10, 0.02
"""Shares of the disk that are free, below which it is to be looked at, and below which it is a fault."""
_LAGGING = 30.0
"""Seconds of log that an application may be behind."""
_OPEN = Named("运行中", "running")


@dataclass(frozen=True, slots=True)
class Look:
    """What is looked at: the city, the tenant of who asks, its tally, the size of its store, the routes there are."""

    city: City
    space: Space
    tally: Tally
    figures: Figures
    routes: tuple[Route, ...]
    now: int

    @property
    def at_home(self) -> bool:
        """Whether the tenant is the one that has feeds and applications."""
        return self.space is self.city.home


def sensing(look: Look) -> Running:
    """L1: feeds with what decodes them."""
    parts = tuple(feed_parts(look.city, look.tally, look.now)) if look.at_home else ()
    refused = sum(feed.taken.refused for feed in look.city.feeds.values()) if look.at_home else 0
    return Running(
        parts,
        (
            Figure(Named("接入的数据源", "Feeds"), len(parts), "", "/resources"),
            Figure(Named("变更/分钟", "Changes a minute"), round(sum(part.rate or 0 for part in parts), 1)),
            Figure(Named("拒收的行", "Rows refused"), refused),
            Figure(Named("解码器", "Decoders"), len(DECODERS), "", "/docs/feeds"),
        ),
        tuple(Named(one.zh, one.en) for one in DECODERS.values()),
    )


def network(look: Look) -> Running:
    """L2: the links that carry feeds, by the way their bytes arrive."""
    feeds = look.city.feeds if look.at_home else {}
    known = {part.key: part for part in feed_parts(look.city, look.tally, look.now)} if look.at_home else {}
    parts = []
    for name, feed in feeds.items():
        health, of = feed.health, known[feed.source]
        answered = None if health.answered_at is None else (look.now - health.answered_at) / SECOND
        parts.append(
            Part(f"link:{name}", Named(name, name), of.state, link_kind(feed), None, answered, of.note, of.link)
        )
    total = sum(feed.health.bytes for feed in feeds.values())
    return Running(
        tuple(parts),
        (
            Figure(Named("链路", "Links"), len(parts)),
            Figure(Named("已收到", "Received"), total, "bytes"),
            Figure(Named("报文", "Payloads"), sum(feed.health.payloads for feed in feeds.values())),
            Figure(Named("连续失败", "Failures on end"), sum(feed.health.failures for feed in feeds.values())),
        ),
    )


def storage(look: Look) -> Running:
    """L3: the store, the disk it lies on, and what applications compute."""
    store, held = look.space.store, look.figures
    failure = store.failure
    disk = shutil.disk_usage(look.city.folder.path)
    free = disk.free / disk.total
    parts = [
        Part("store", Named("变更日志与实时表", "Log and live table"), "ok" if failure is None else "fault",
             Named("存储", "storage"), note=None if failure is None else Named(failure.zh, failure.en), link="/sql"),
        Part("disk", Named("磁盘", "Disk"), _disk(free), Named(f"可用 {free:.0%}", f"{free:.0%} free"),
             note=None if free >= _DISK_LOW else Named("剩余空间不足", "There is little room left")),
        Part("runner", Named("应用运行器", "Runner of applications"), "ok" if look.city.apps else "idle",
             Named("计算", "compute"), link="/docs/applications"),
        Part("sql", Named("SQL 查询", "SQL"), "ok", Named("只读子进程", "read-only child process"), link="/sql"),
    ]  # fmt: skip
    return Running(
        tuple(parts),
        (
            Figure(Named("实体", "Entities"), held.entities, "", "/resources"),
            Figure(Named("变更", "Changes"), held.rows_sealed + held.rows_open, "", "/sql"),
            Figure(Named("日志位置", "Position of the log"), held.position),
            Figure(Named("数据段", "Segments"), held.segments),
            Figure(Named("占用磁盘", "On disk"), held.bytes_total, "bytes"),
        ),
    )


def _disk(free: float) -> State:
    return "fault" if free < _DISK_OUT else "attention" if free < _DISK_LOW else "ok"


_HUB: Mapping[str, Named] = {
    "intake": Named("接入", "Intake"),
    "query": Named("查询", "Query"),
    "temporal": Named("历史", "History"),
    "live": Named("实时推送", "Live"),
    "readings": Named("读数", "Readings"),
    "playback": Named("回放", "Playback"),
    "catalogue": Named("目录", "Catalogue"),
    "registers": Named("登记与汇聚", "Registers"),
    "audit": Named("审计日志", "Audit"),
    "subscriptions": Named("订阅", "Subscriptions"),
    "exchange": Named("部门交换", "Exchange"),
    "cases": Named("事件处置", "Cases"),
    "rules": Named("规则", "Rules"),
    "accounts": Named("账号", "Accounts"),
    "tiles": Named("瓦片", "Tiles"),
}
"""What the parts of the hub are called; which of them there are is looked up."""


def support(look: Look) -> Running:
    """L4: the parts of the hub, and the interfaces that stand on it."""
    there = [one.name for one in pkgutil.iter_modules(zhicheng.hub.__path__)]
    parts = tuple(
        Part(f"hub:{name}", _HUB[name], "ok", Named("数据与服务", "data and services"), link=_hub_link(name))
        for name in there
        if name in _HUB
    )
    families = {route.path.split("/")[1] for route in look.routes if route.path.count("/") > 1}
    asked, failed = _requests(look.city)
    return Running(
        parts,
        (
            Figure(Named("接口", "Operations"), len(look.routes), "", "/openapi.json"),
            Figure(Named("接口族", "Families of interfaces"), len(families)),
            Figure(Named("已应答请求", "Requests answered"), asked),
            Figure(Named("其中服务端出错", "Of them failed here"), failed),
        ),
    )


def _hub_link(name: str) -> str:
    return {"catalogue": "/resources", "registers": "/fragmentation", "live": "/map", "audit": "/docs/audit"}.get(
        name, ""
    )


def _requests(city: City) -> tuple[int, int]:
    asked = failed = 0
    for family in city.telemetry.registry.collect():
        if family.name == "zhicheng_http_requests":
            for sample in family.samples:
                if sample.name.endswith("_total"):
                    asked += int(sample.value)
                    failed += int(sample.value) if sample.labels["status"].startswith("5") else 0
    return asked, failed


def applications(look: Look) -> Running:
    """L5: every application, how it is doing and how far behind."""
    parts = []
    stopped = look.city.stopped()
    for name, task in (look.city.apps if look.at_home else {}).items():
        found = task.explain()
        state: State = "ok"
        note = None
        if task.error is not None:
            state, note = "fault", Named(task.error.zh, task.error.en)
        elif task.source in stopped:
            state, note = "fault", Named("已停止运行", "It has stopped")
        elif found.lag / SECOND > _LAGGING:
            state, note = "attention", Named("落后于日志", "It is behind the log")
        kind = Named(f"每行输入写出 {found.out_per_in:.2f} 行", f"{found.out_per_in:.2f} rows out per row in")
        rate = flow.of_source(look.tally, task.source, look.now).per_minute
        parts.append(
            Part(task.source, Named(task.app.label.zh, task.app.label.en), state, kind, rate, found.lag / SECOND, note,
                 f"/docs/apps/{name}")
        )  # fmt: skip
    written = sum(part.rate or 0 for part in parts)
    return Running(
        tuple(parts),
        (
            Figure(Named("应用", "Applications"), len(parts)),
            Figure(Named("写出变更/分钟", "Changes written a minute"), round(written, 1)),
        ),
    )


def security(look: Look) -> Running:
    """S1: the entrance, who may come in, what each may do, the log of it."""
    city = look.city
    there = {one.name for one in pkgutil.iter_modules(zhicheng.hub.__path__)}
    free = [route for route in look.routes if route.action == PUBLIC]
    tokens = [token for token in city.accounts.tokens() if token.tenant == look.space.tenant]
    parts = [
        Part("entrance", Named("统一入口", "One entrance"), "attention" if city.open else "ok", _OPEN,
             note=Named("未启用认证（--no-auth）", "Authentication is off (--no-auth)") if city.open else None),
        Part("authentication", Named("统一认证", "One authentication"), "ok", Named("令牌", "tokens")),
        Part("authorisation", Named("统一授权", "One authorisation"), "ok",
             Named(f"{len(ROLES)} 个角色", f"{len(ROLES)} roles"), link="/docs/configuration"),
        Part("audit", Named("日志记录", "Log of acts"), "ok" if "audit" in there else "idle",
             Named("可验证日志", "verifiable log") if "audit" in there else Named("规划", "planned"),
             link="/docs/audit"),
    ]  # fmt: skip
    return Running(
        tuple(parts),
        (
            Figure(Named("需要权限的接口", "Operations that need a right"), len(look.routes) - len(free)),
            Figure(Named("公开的接口", "Open operations"), len(free)),
            Figure(Named("有效令牌", "Tokens"), len(tokens)),
            Figure(Named("租户", "Tenants"), len(city.accounts.tenants())),
        ),
    )


def operations(look: Look) -> Running:
    """S2: the process itself: how long it runs, what it takes."""
    city = look.city
    failures = [space.store.failure for space in city.spaces().values()]
    broken = next((failure for failure in failures if failure is not None), None)
    stale = city.stale_sources()
    parts = (
        Part("process", Named("平台进程", "The platform's process"), "ok" if broken is None else "fault", _OPEN,
             note=None if broken is None else Named(broken.zh, broken.en), link="/docs/configuration"),
        Part("freshness", Named("数据时效", "Freshness of data"), "attention" if stale else "ok",
             Named(f"{len(stale)} 个数据源过期", f"{len(stale)} feeds out of date"), link="/resources"),
    )  # fmt: skip
    return Running(
        parts,
        (
            Figure(Named("已运行", "Up for"), (look.now - city.started_at) // SECOND, "seconds"),
            Figure(Named("内存", "Memory"), _memory(), "bytes"),
            Figure(Named("处理器时间", "Processor time"), round(time.process_time(), 1), "seconds"),
            Figure(Named("线程", "Threads"), len(os.listdir("/proc/self/task"))),
        ),
    )


def _memory() -> int:
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")


_STANDARDS: Mapping[str, Named] = {
    "ngsild": Named("NGSI-LD（GS CIM 009）", "NGSI-LD (GS CIM 009)"),
    "gtfs": Named("GTFS 与 GTFS Realtime", "GTFS and GTFS Realtime"),
    "mvt": Named("Mapbox 矢量瓦片", "Mapbox Vector Tiles"),
    "filter": Named("统一查询条件", "One predicate tree"),
    "units": Named("计量单位（UN/CEFACT）", "Units (UN/CEFACT)"),
    "calendars": Named("日历与节假日", "Calendars"),
    "models": Named("城市数据模型", "The city's data models"),
    "weather": Named("气象", "Weather"),
    "notices": Named("公告", "Notices"),
}


def standards(look: Look) -> Running:
    """S3: models and codecs that are loaded."""
    models = look.space.models.models()
    parts = tuple(
        Part(f"standard:{one.name}", _STANDARDS[one.name], "ok", Named(*_first_line(one.name)), link="/docs/models")
        for one in pkgutil.iter_modules(zhicheng.standards.__path__)
        if one.name in _STANDARDS
    )
    return Running(
        parts,
        (
            Figure(Named("数据模型", "Data models"), len(models), "", "/docs/models"),
            Figure(Named("主题", "Subjects"), len({model.subject for model in models})),
            Figure(Named("术语", "Terms"), len(look.space.models.terms())),
            Figure(Named("编解码器", "Codecs"), len(parts)),
        ),
    )


def _first_line(name: str) -> tuple[str, str]:
    """What a standard's module says it is for; its names in Chinese stand in the table above."""
    said = (import_module(f"zhicheng.standards.{name}").__doc__ or "").strip().splitlines()[:1]
    return "已加载", (said[0].split(":")[0] if said else "loaded")[:80]


PROBES: Mapping[str, Callable[[Look], Running]] = {
    "L1": sensing, "L2": network, "L3": storage, "L4": support, "L5": applications,
    "S1": security, "S2": operations, "S3": standards,
}  # fmt: skip
