"""What can be done here, by name, and which role may do it. Routes name actions; nobody else decides."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from types import MappingProxyType

from zhicheng.kernel.errors import Invalid

PUBLIC = "public"
"""The action of what anyone may see: the page itself, health, the description of the interfaces."""


@dataclass(frozen=True, slots=True)
class Named:
    """An action or a role, and what people call it."""

    zh: str
    en: str


ACTIONS = MappingProxyType(
    {
        PUBLIC: Named("任何人可用", "Open to everyone"),
        "city:read": Named("查看地图与城市概况", "See the map and the city at a glance"),
        "entities:read": Named("读取实体", "Read entities"),
        "entities:write": Named("写入实体", "Write entities"),
        "history:read": Named("读取历史", "Read history"),
        "history:write": Named("写入或更正历史", "Add to and correct history"),
        "history:erase": Named("擦除历史", "Erase history for good"),
        "sql:run": Named("运行只读 SQL 查询", "Ask read-only questions in SQL"),
        "contexts:read": Named("读取 @context", "Read @contexts"),
        "contexts:write": Named("管理 @context", "Keep @contexts"),
        "subscriptions:read": Named("查看订阅", "See subscriptions and how they are doing"),
        "subscriptions:write": Named("管理订阅", "Keep subscriptions"),
        "feeds:read": Named("查看数据源状态", "See how feeds are doing"),
        "feeds:push": Named("推送数据", "Push data to feeds"),
        "attention:acknowledge": Named("确认关注事项", "Acknowledge what needs attention"),
        "rooms:read": Named("查看研讨室", "Look into decision rooms"),
        "rooms:write": Named("参与研讨", "Take part in decision rooms"),
        "metrics:read": Named("读取运行指标", "Read the platform's figures"),
        "platform:run": Named("安装与启动平台", "Set up and start the platform"),
        "sandbox:use": Named("使用开发沙箱", "Use the developers' sandbox"),
        "account:own": Named("管理自己的账号", "Keep one's own account"),
        "accounts:read": Named("查看账号与客户端", "See accounts and clients"),
        "accounts:write": Named("管理账号与客户端", "Keep accounts and clients"),
        "policies:read": Named("查看授权策略", "See policies"),
        "policies:write": Named("管理授权策略", "Keep policies"),
        "audit:read": Named("查询审计日志", "Look into the log of acts"),
        "audit:export": Named("导出审计日志", "Export the log of acts"),
    }
)
READING = frozenset((
    PUBLIC, "account:own", "city:read", "entities:read", "history:read", "contexts:read", "sql:run", "rooms:read",
    "sandbox:use",
))  # fmt: skip
WRITING = frozenset((
    "entities:write", "history:write", "contexts:write", "feeds:push", "subscriptions:read", "subscriptions:write",
))  # fmt: skip
DECIDING = frozenset(("attention:acknowledge", "rooms:write"))
OPERATING = frozenset(("feeds:read", "metrics:read", "platform:run", "subscriptions:read"))
SECURING = frozenset(("accounts:read", "accounts:write", "policies:read", "policies:write"))
AUDITING = frozenset(("audit:read", "audit:export"))
_OWN = frozenset((PUBLIC, "account:own"))
ROLES = MappingProxyType(
    {
        "reader": READING,
        "clerk": READING,
        "citizen": frozenset((PUBLIC, "city:read", "entities:read", "contexts:read")),
        "writer": READING | WRITING | DECIDING,
        "operator": READING | OPERATING | DECIDING,
        "admin": frozenset(ACTIONS),
        "system-administrator": _OWN | OPERATING,
        "security-administrator": _OWN | SECURING,
        "audit-administrator": _OWN | AUDITING,
    }
)
"""Role -> the actions it may take."""

ROLE_NAMES = MappingProxyType(
    {
        "reader": Named("读取者", "reader"),
        "clerk": Named("部门职员", "department clerk"),
        "citizen": Named("市民", "citizen"),
        "writer": Named("写入者", "writer"),
        "operator": Named("运维人员", "operator"),
        "admin": Named("管理员", "administrator"),
        "system-administrator": Named("系统管理员", "system administrator"),
        "security-administrator": Named("安全管理员", "security administrator"),
        "audit-administrator": Named("审计管理员", "audit administrator"),
    }
)


def roles_of(names: Iterable[str]) -> tuple[str, ...]:
    """The roles of these names, each once; Invalid for one that does not exist.

    >>> roles_of(["writer", "reader", "writer"])
    ('writer', 'reader')
    """
    chosen = tuple(dict.fromkeys(names))
    unknown = [name for name in chosen if name not in ROLES]
    if unknown or not chosen:
        known = ", ".join(ROLES)
        raise Invalid(
            f"{unknown[0]!r} is no role; the roles are {known}" if unknown else f"Name at least one role: {known}",
            f"没有角色 {unknown[0]!r}；可用角色：{known}" if unknown else f"请至少指定一个角色：{known}",
        )
    return chosen


def permitted(roles: Iterable[str]) -> frozenset[str]:
    """All actions of some roles; a role that is no longer known gives none.

    >>> "entities:write" in permitted(["reader"]), "entities:write" in permitted(["writer", "gone"])
    (False, True)
    """
    return frozenset().union(*(ROLES.get(role, frozenset()) for role in roles))
