"""The blocks of the reference model as they are drawn: names, what each leads to, and which systems belong to it."""

from __future__ import annotations

from dataclasses import dataclass

from zhicheng.security.actions import Named

Link = tuple[Named, str]
"""What it is called, and where it is."""


@dataclass(frozen=True, slots=True)
class Block:
    """A layer (L1 to L5, from the bottom) or a support (S1 to S3).

    systems: ids of docs/seeds.toml beside its own; whatever no block names belongs to L5
    """

    id: str
    name: Named
    gives: Named
    pages: tuple[Link, ...]
    interfaces: tuple[Link, ...]
    docs: tuple[str, ...]
    systems: tuple[str, ...] = ()


def _numbered(letter: str, *numbers: int) -> tuple[str, ...]:
    return tuple(f"{letter}{number}" for number in numbers)


_MAP: Link = (Named("城市运行图", "Operations map"), "/map")
_RESOURCES: Link = (Named("信息资源目录", "Catalogue"), "/resources")
_SQL: Link = (Named("SQL 查询", "SQL"), "/sql")
_FRAGMENTS: Link = (Named("信息碎片化指数", "Fragmentation index"), "/fragmentation")

BLOCKS: tuple[Block, ...] = (
    Block(
        "L1",
        Named("物联感知层", "Sensing layer"),
        Named("采集、识别、监测：设备数据变成变更", "Collects, identifies, monitors: bytes of devices become changes"),
        (_RESOURCES, _MAP),
        (
            (Named("数据源状态", "State of feeds"), "/api/v1/feeds"),
            (Named("推送数据", "Push data"), "/api/v1/feeds/{name}"),
        ),
        ("feeds", "models"),
        (
            *_numbered("A", 1),
            *_numbered("C", 9),
            *_numbered("D", 2, 7, 8, 9),
            *_numbered("E", 5),
            *_numbered("G", 12),
            "H3",
        ),
    ),
    Block(
        "L2",
        Named("通信网络层", "Network layer"),
        Named("承载数据，知晓每条链路是否正常", "Carries it, and knows the health of each link"),
        (_RESOURCES,),
        ((Named("数据源状态", "State of feeds"), "/api/v1/feeds"), (Named("运行指标", "Metrics"), "/metrics")),
        ("feeds",),
        _numbered("A", 2, 19),
    ),
    Block(
        "L3",
        Named("计算与存储层", "Compute and storage layer"),
        Named(
            "一份日志、实时表、历史与应用的运行", "One log, the live table, history, and the running of applications"
        ),
        (_SQL, _RESOURCES),
        ((Named("SQL 查询", "SQL"), "/api/v1/sql"), (Named("历史", "History"), "/ngsi-ld/v1/temporal/entities")),
        ("storage", "semantics", "sql", "benchmarks"),
        _numbered("A", 3, 15),
    ),
    Block(
        "L4",
        Named("数据及服务支撑层", "Data and service support layer"),
        Named(
            "融合各部门的数据与服务，按规则共享", "Fuses data and services of all departments, shares them under rules"
        ),
        (_RESOURCES, _FRAGMENTS, _SQL),
        (
            (Named("NGSI-LD", "NGSI-LD"), "/ngsi-ld/v1/entities"),
            (Named("目录", "Catalogue"), "/api/v1/catalogue"),
            (Named("接口说明", "OpenAPI"), "/openapi.json"),
        ),
        ("catalogue", "architecture", "glossary"),
        (*_numbered("A", 4, 9, 10, 11, 13, 14, 16), *_numbered("B", 1, 2, 3, 4, 5, 6, 7, 11, 13, 14, 25), "H9"),
    ),
    Block(
        "L5",
        Named("智慧应用层", "Smart application layer"),
        Named("面向公众、企业、城市管理者的应用", "Applications for the public, firms and those who run the city"),
        (_MAP,),
        ((Named("应用", "Applications"), "/api/v1/apps"),),
        ("applications",),
    ),
    Block(
        "S1",
        Named("安全保障体系", "Security"),
        Named("统一入口、统一认证、统一授权、日志记录", "One entrance, one authentication, one authorisation, one log"),
        (),
        ((Named("接口说明", "OpenAPI"), "/openapi.json"),),
        ("audit", "configuration"),
        (*_numbered("A", 6), *_numbered("I", 1, 2, 3, 4, 6, 7)),
    ),
    Block(
        "S2",
        Named("建设和运营管理体系", "Construction and operation"),
        Named("整体的运维管理，可持续运行", "Whole-life running of the platform and the city's devices"),
        (),
        ((Named("健康检查", "Health"), "/health"), (Named("运行指标", "Metrics"), "/metrics")),
        ("configuration", "storage", "benchmarks"),
        (*_numbered("A", 7), *_numbered("B", 20, 26), *_numbered("I", 5)),
    ),
    Block(
        "S3",
        Named("标准规范体系", "Standards"),
        Named(
            "统一的数据模型与接口，便于互联、共享、扩展",
            "One set of models and interfaces, so that systems connect and grow",
        ),
        (_RESOURCES,),
        (
            (Named("城市 @context", "The city's @context"), "/ngsi-ld/v1/jsonldContexts/city"),
            (Named("类型", "Types"), "/ngsi-ld/v1/types"),
        ),
        ("models", "reference-model"),
        (*_numbered("A", 8), *_numbered("B", 27)),
    ),
)


def block_of(system: str) -> str:
    """The block that a system belongs to.

    >>> block_of("L3"), block_of("B25"), block_of("C1"), block_of("I5")
    ('L3', 'L4', 'L5', 'S2')
    """
    if system[0] in "LS":
        return system
    return next((block.id for block in BLOCKS if system in block.systems), "L5")
