"""Draws docs/authorisation-matrix.md from the routes, the commands and the shipped policies; --check compares.

Who may do what is worked out here with Cedar's table alone, beside the server; the tests ask the server for each cell.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import shapely

from zhicheng.cli.main import COMMANDS, verbs_of
from zhicheng.cli.words import Words
from zhicheng.security import principals
from zhicheng.security.actions import ACTIONS, PUBLIC, ROLE_NAMES
from zhicheng.security.cedar.entities import Entity as Subject
from zhicheng.security.cedar.filters import Vocabulary
from zhicheng.security.defaults import POLICIES
from zhicheng.security.policies import Policies
from zhicheng.security.scopes import opened
from zhicheng.server.policing import ON_ENTITIES
from zhicheng.server.routes import Route
from zhicheng.server.table import all_routes
from zhicheng.standards.filter.document import matches
from zhicheng.standards.ngsild.model import Attribute, Entity
from zhicheng.standards.ngsild.model import Kind as Sort

PAGE = Path(__file__).resolve().parent.parent / "docs" / "authorisation-matrix.md"
TENANT, DEPARTMENT, OTHER = "default", "urn:ngsi-ld:Organization:roads", "urn:ngsi-ld:Organization:police"
OWN, FOREIGN = "urn:ngsi-ld:Lot:own", "urn:ngsi-ld:Lot:foreign"
Cell = Literal["all", "part", "no"]
MARKS: dict[Cell, str] = {"all": "●", "part": "◐", "no": "·"}


@dataclass(frozen=True, slots=True)
class Who:
    """A column: a kind of principal. within: the scopes of a program that acts for a person"""

    name: str
    zh: str
    subject: Subject | None
    within: frozenset[str] | None = None


def _person(role: str) -> Subject:
    return principals.principal(f"a {role}", TENANT, [role], kind="Person", department=DEPARTMENT)


WHO = (
    Who("nobody", "无凭证", None),
    Who("visitor", "游客", principals.guest(TENANT)),
    *(Who(role, named.zh, _person(role)) for role, named in ROLE_NAMES.items()),
    Who("device", "设备", principals.principal("a device", TENANT, kind="Device", entities=[OWN])),
    Who("writer by city.read", "受限令牌", _person("writer"), opened(["city.read"])),
)
"""nobody: without a credential where the city has no visitors; visitor: where it has."""


def _policies() -> Policies:
    subjects = {one.subject.uid: one.subject for one in WHO if one.subject is not None}
    return Policies(POLICIES, [*subjects.values(), *principals.departments({DEPARTMENT: None, OTHER: None})], WORDS)


WORDS = Vocabulary(
    "urn:x:".__add__, lambda name: name.removeprefix("urn:x:"), TENANT, lambda _: shapely.Polygon(),
    lambda uid: frozenset((uid.id,)), "urn:x:owner", "urn:x:classification",
)  # fmt: skip
_DECIDER = _policies()
_INTERNAL = Entity(
    FOREIGN, ("urn:x:Lot",), {"urn:x:classification": [Attribute(Sort.PROPERTY, "internal")]}
)  # fmt: skip
_OPEN = Entity(FOREIGN, ("urn:x:Lot",), {})
_MINE = Entity(OWN, ("urn:x:Lot",), {})


def cell(who: Who, action: str) -> Cell:
    """Whether who may take an action: on all of the tenant, on a part of it, or not at all."""
    if action == PUBLIC:
        return "all"
    if who.subject is None or (who.within is not None and action not in who.within):
        return "no"
    uid = who.subject.uid
    if action not in ON_ENTITIES:
        return "all" if _DECIDER.allows(uid, action, principals.tenant(TENANT)) else "no"
    if not _DECIDER.may_ever(uid, action):
        return "no"
    return "all" if all(answer == "yes" for answer in resources(who, action)) else "part"


def resources(who: Who, action: str) -> list[str]:
    """Yes or no for each of RESOURCES; "no" of all where the action is not allowed at all."""
    if who.subject is None or (who.within is not None and action not in who.within):
        return ["no"] * (len(RESOURCES) - 1)
    uid = who.subject.uid
    where = _DECIDER.filter(uid, action, {}, WORDS)
    shows = _DECIDER.mask(uid, action, {}, WORDS).shows
    found = [matches(where, _MINE), matches(where, _OPEN), matches(where, _INTERNAL)]
    values = [
        shows("urn:x:note", owner, one) for owner, one in ((OTHER, None), (DEPARTMENT, "internal"), (OTHER, "internal"))
    ]
    seen = matches(where, _OPEN) or matches(where, _MINE)
    return ["yes" if one else "no" for one in (*found, *(seen and one for one in values))]


RESOURCES = (
    ("its own entity", "自己的实体"), ("another entity", "其他实体"), ("an entity that is not public", "非公开实体"),
    ("a public value of another department", "其他部门的公开值"),
    ("an internal value of the own department", "本部门内部值"),
    ("an internal value of another department", "其他部门内部值"), ("anything of another tenant", "其他租户的任何内容"),
)  # fmt: skip


def faults() -> Iterator[str]:
    """What declares no action."""
    say = Words("en")
    for route in all_routes({}):
        if route.action not in ACTIONS:
            yield f"{route.method} {route.path} declares no action"
    for command in COMMANDS:
        declared = {verb for verb, action in command.acts.items() if action in ACTIONS}
        for verb in {*verbs_of(command, say)} ^ declared:
            yield f"zhicheng {command.name} {verb}: declares no action, or is declared and not there".replace(" :", ":")


def drawn() -> str:
    """The page."""
    heads = [f"{one.name} {one.zh}" for one in WHO]
    rule = "|---" * (len(WHO) + 1) + "|"
    lines = [HEAD, "## Routes · 接口", "", f"| action, route | {' | '.join(heads)} |", rule]
    groups: dict[str, list[Route]] = {}
    for route in all_routes({}):
        groups.setdefault(route.action, []).append(route)
    for action in [one for one in ACTIONS if one in groups]:
        marks = " | ".join(MARKS[cell(who, action)] for who in WHO)
        lines.append(f"| **{action}** {ACTIONS[action].zh} | {marks} |")
        lines += [f"| `{one.method} {one.path}` | {marks} |" for one in groups[action]]
    lines += ["", "## Which resources · 资源范围", ""]
    for action in ("entities:read", "entities:write"):
        lines += [f"`{action}`", "", f"| | {' | '.join(f'{en} {zh}' for en, zh in RESOURCES)} |", "|---" * 8 + "|"]
        lines += [f"| {who.name} | {' | '.join([*resources(who, action), 'no'])} |" for who in WHO]
        lines.append("")
    lines += ["## Commands · 命令", "", COMMANDS_HEAD, "", "| command | action |", "|---|---|"]
    for command in COMMANDS:
        lines += [
            f"| `zhicheng {command.name} {verb}`".replace(" `", "`") + f" | {action} |"
            for verb, action in command.acts.items()
        ]
    return "\n".join(lines) + "\n"


HEAD = """# Who may do what · 授权矩阵

Drawn by `python tools/matrix.py` from the table of routes, the commands and the shipped policies; `make check`
compares. A test sends a request for each cell. ● all of the tenant, ◐ a part of it, · denied (401 without a
credential, else 403). What is not in the table is denied. Every route answers 404 to a credential that names another
tenant in `NGSILD-Tenant`, and what another tenant holds is not there.
由 `tools/matrix.py` 根据路由表、命令与随附策略生成；每一格都有测试。● 全部，◐ 部分，· 拒绝。

`nobody`: no credential; `visitor`: the same where `visitors = "citizens"`; people work for one department;
the device may write one entity; the last column is a program to which a writer gave the scope `city.read` only.
"""
COMMANDS_HEAD = """A command is run by a user of the operating system who may read and write the data folder, and
who stands beside all roles: the folder is readable by its owner only. What a command changes in accounts, clients,
tokens and policies is in the log of acts as `cli:USER`.
命令由有权读写数据文件夹的操作系统用户执行；其管理操作以 `cli:用户` 记入审计日志。"""


def main() -> int:
    """Draw, or compare."""
    wrong = list(faults())
    page = drawn()
    if "--check" in sys.argv:
        if not PAGE.is_file() or PAGE.read_text("utf-8") != page:
            wrong.append("docs/authorisation-matrix.md is not what the routes and policies say: python tools/matrix.py")
    else:
        PAGE.write_text(page, "utf-8")
    for one in wrong:
        sys.stderr.write(one + "\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
