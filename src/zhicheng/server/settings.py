"""The city's settings: one TOML file, composed of what each package can be told; the environment overrides it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal

from zhicheng.hub.intake import CheckPolicy
from zhicheng.hub.subscriptions.settings import SubscriptionSettings
from zhicheng.kernel import settings, zones
from zhicheng.kernel.errors import BadConfiguration, Invalid
from zhicheng.kernel.instants import SECOND
from zhicheng.kernel.settings import Duration, Size, Where
from zhicheng.network.settings import FeedSettings
from zhicheng.operations.vitals.settings import VitalSettings
from zhicheng.security.tokens import DEFAULT_TENANT, tenant_name
from zhicheng.server.apps import AppSettings
from zhicheng.server.identity.settings import IdentitySettings
from zhicheng.server.quotas import QuotaSettings
from zhicheng.server.sandbox import SandboxSettings
from zhicheng.server.sql.settings import SqlSettings
from zhicheng.storage.engines.embedded.store import EmbeddedSettings


@dataclass(frozen=True, slots=True)
class Name:
    """What the city is called."""

    shorthand: ClassVar[str] = "zh"
    zh: str = "智城"
    en: str = ""

    def __post_init__(self) -> None:
        if not self.en:
            object.__setattr__(self, "en", "zhicheng" if self.zh == "智城" else self.zh)


@dataclass(frozen=True, slots=True)
class Place:
    """[city]: name, time zone, where it lies (degrees: lon, lat; west, south, east, north), the datum of its maps."""

    name: Name = field(default_factory=Name)
    time_zone: str = "UTC"
    centre: tuple[float, ...] = ()
    bounds: tuple[float, ...] = ()
    datum: str = "WGS84"
    tenant: str = DEFAULT_TENANT

    def __post_init__(self) -> None:
        zones.zone(self.time_zone)
        tenant_name(self.tenant)
        if len(self.centre) not in (0, 2) or len(self.bounds) not in (0, 4):
            raise Invalid(
                "centre is [longitude, latitude], bounds is [west, south, east, north]",
                "centre 为 [经度, 纬度]，bounds 为 [西, 南, 东, 北]",
            )


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """[models]: what to do with an entity that breaks the model of its type; `folders` hold the city's own models."""

    default_check: CheckPolicy = "warn"
    checks: dict[str, CheckPolicy] = field(default_factory=dict)
    folders: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CityFeed(FeedSettings):
    """[feeds.NAME]: a feed, whose department's the data are, and how the city reads it.

    network: the transport network whose timetable a live feed and a timetable share
    owner: URI of the department; classification: of every value that names none
    stamp: a value without observedAt was observed when its payload came; simulated: every value is marked as 模拟
    full: an entity that came by this feed and is not in a payload is gone; changed_only: equal values are no news
    repeat: a replay begins again at its end (for a city that is only shown)
    """

    network: str = ""
    owner: str | None = None
    classification: str | None = None
    stamp: bool = False
    simulated: bool = False
    full: bool = False
    changed_only: bool = False
    repeat: bool = False


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """[server]: where to listen and what to bear. `hosts`: names this server is called by, beside its address."""

    host: str = "127.0.0.1"
    port: int = 8800
    hosts: tuple[str, ...] = ()
    public_url: str = ""
    max_body: Size = 10_000_000
    max_results: int = 1000
    max_instances: int = 1_000_000
    shutdown: Duration = 10_000_000
    patience: Duration = 20_000_000
    log: Literal["human", "json"] = "human"

    def __post_init__(self) -> None:
        if not 0 <= self.port < 65536:
            raise Invalid("port lies between 0 and 65535", "port 应在 0 到 65535 之间")
        if self.patience < SECOND:
            raise Invalid("patience must be at least 1 s", "patience 不得小于 1 s")


@dataclass(frozen=True, slots=True)
class CitySettings:
    """Everything a city can be told."""

    city: Place = field(default_factory=Place)
    contexts: dict[str, str] = field(default_factory=dict)
    models: ModelSettings = field(default_factory=ModelSettings)
    feeds: dict[str, CityFeed] = field(default_factory=dict)
    mappings: dict[str, object] = field(default_factory=dict)
    storage: EmbeddedSettings = field(default_factory=EmbeddedSettings)
    sql: SqlSettings = field(default_factory=SqlSettings)
    server: ServerSettings = field(default_factory=ServerSettings)
    apps: dict[str, AppSettings] = field(default_factory=dict)
    identity: IdentitySettings = field(default_factory=IdentitySettings)
    quotas: QuotaSettings = field(default_factory=QuotaSettings)
    sandbox: SandboxSettings = field(default_factory=SandboxSettings)
    vitals: dict[str, VitalSettings] = field(default_factory=dict)
    subscriptions: SubscriptionSettings = field(default_factory=SubscriptionSettings)


@dataclass(frozen=True, slots=True)
class CityFile:
    """Settings together with where they came from; paths in them are relative to `folder`."""

    settings: CitySettings
    folder: Path
    name: str
    table: Mapping[str, object] = field(default_factory=dict)


def changes_of(pairs: tuple[str, ...]) -> dict[str, str]:
    """`--set feeds.bus.interval=5s` as the environment would say it.

    >>> changes_of(("server.port=8801",))
    {'ZHICHENG_SERVER__PORT': '8801'}
    """
    found = {}
    for pair in pairs:
        path, sign, value = pair.partition("=")
        if not sign or "." not in path:
            raise BadConfiguration(
                f"--set {pair!r} is not of the form table.key=value", f"--set {pair!r} 不符合 表.键=值 的形式"
            )
        found["ZHICHENG_" + "__".join(step.upper() for step in path.split("."))] = value
    return found


def parse_city(text: str, file: Path, environ: Mapping[str, str]) -> CityFile:
    r"""The settings of a TOML text. BadConfiguration names file, table, key and, of a typo, the nearest key.

    >>> parse_city('[server]\nprot = 1', Path("city.toml"), {})
    Traceback (most recent call last):
    zhicheng.kernel.errors.BadConfiguration: city.toml: [server] has no key 'prot'; did you mean 'port'?
    """
    table = settings.overlay(settings.parse(text, file.name), environ)
    made = settings.read(CitySettings, table, Where(file.name))
    return CityFile(made, file.parent, file.name, table)


def load_city(file: Path | None, environ: Mapping[str, str]) -> CityFile:
    """The settings of a file; without one, everything at its default."""
    if file is None:
        return parse_city("", Path("city.toml"), environ)
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise BadConfiguration(
            f"The city file {file} cannot be read: {why}", f"无法读取城市配置文件 {file}：{why}", file=str(file)
        ) from None
    return parse_city(text, file, environ)


def with_server(city: CityFile, host: str | None, port: int | None) -> CityFile:
    """The same city, listening elsewhere."""
    server = city.settings.server
    server = dataclasses.replace(server, host=host or server.host, port=server.port if port is None else port)
    return dataclasses.replace(city, settings=dataclasses.replace(city.settings, server=server))
