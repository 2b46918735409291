"""`zhicheng account`: people who sign in, also while the platform runs."""

from __future__ import annotations

import argparse

from rich.console import Console
from rich.table import Table

from zhicheng.cli import acting, options
from zhicheng.cli.words import Words
from zhicheng.kernel import instants
from zhicheng.security.actions import ROLE_NAMES
from zhicheng.server.accounts import Accounts
from zhicheng.server.folder import DataFolder
from zhicheng.server.identity.people import People
from zhicheng.server.identity.sessions import Purpose, Sessions


def add(parser: argparse.ArgumentParser, say: Words) -> None:
    """Options."""
    below = parser.add_subparsers(dest="what", required=True, metavar=say("操作", "WHAT"))
    create = below.add_parser(
        "create", help=say("新建账号，给出设置密码的链接", "make an account; gives the link to it")
    )
    options.add_tenant(create, say)
    create.add_argument("name", help=say("登录名", "the name to sign in with"))
    create.add_argument("--shown", default="", metavar="NAME", help=say("显示名", "what people see"))
    roles = "、".join(f"{name} {named.zh}" for name, named in ROLE_NAMES.items())
    create.add_argument(
        "--role", action="append", required=True, metavar="ROLE",
        help=say(f"角色，可重复：{roles}", f"role, may be repeated: {', '.join(ROLE_NAMES)}"),
    )  # fmt: skip
    create.add_argument(
        "--department",
        action="append",
        default=[],
        metavar="URN",
        help=say("所属部门，可重复", "department; repeatable"),
    )
    said = {
        "list": say("列出账号", "list accounts"),
        "disable": say("停用账号并结束其会话", "let nobody sign in with it, and end its sessions"),
        "enable": say("重新启用账号", "let it sign in again"),
        "reset": say("重置：给出设置新密码的链接，移除双因素", "a link for a new password; the second factor goes"),
    }
    parsers = {"create": create, **{name: below.add_parser(name, help=text) for name, text in said.items()}}
    for name, one in parsers.items():
        options.add_data(one, say)
        if name in ("disable", "enable", "reset"):
            one.add_argument("name", help=say("登录名", "the account's name"))
        if name in ("create", "reset"):
            options.add_city(one, say)


def run(arguments: argparse.Namespace, say: Words) -> int:
    """Do it; a running server notices within a second."""
    folder = DataFolder(options.data_of(arguments))
    folder.check()
    accounts = Accounts(folder.path)
    people = People(accounts.control, instants.system_clock)
    try:
        if arguments.what != "list":
            acting.log(folder, "accounts:write", f"account {arguments.what}", f"account:{arguments.name}")
        if arguments.what == "list":
            _list(people, say)
        elif arguments.what in ("create", "reset"):
            _link(arguments, people, Sessions(accounts.control, people, instants.system_clock), say)
        else:
            people.disable(people.get(arguments.name), arguments.what == "disable")
            print(say("完成", "Done"))
    finally:
        accounts.close()
    return 0


def _link(arguments: argparse.Namespace, people: People, sessions: Sessions, say: Words) -> None:
    from zhicheng.server.city import address_of  # with the whole platform, of which the other verbs need nothing

    settings = options.city_of(arguments).settings
    purpose: Purpose = "invite"
    if arguments.what == "create":
        tenant = options.tenant_of(arguments, settings.city.tenant)
        person = people.add(
            arguments.name, tenant, arguments.role, shown=arguments.shown, departments=arguments.department
        )
    else:
        purpose, person = "reset", people.get(arguments.name)
        people.set_totp(person, None)
        sessions.end_all(person)
    link = f"{address_of(settings)}/welcome#{sessions.link(purpose, person)}"
    print(
        say("设置密码的链接（24 小时内有效，仅可使用一次）：", "Link to set a password (24 hours, works once): ") + link
    )


def _list(people: People, say: Words) -> None:
    table = Table(
        say("登录名", "name"), say("显示名", "shown"), say("租户", "tenant"), say("角色", "roles"),
        say("部门", "departments"), say("双因素", "2nd factor"), say("状态", "state"),
    )  # fmt: skip
    for one in people.all():
        state = say("停用", "disabled") if one.disabled else say("正常", "active")
        factor = say("有", "yes") if one.totp or people.passkeys(one) else "-"
        table.add_row(one.name, one.shown, one.tenant, ", ".join(one.roles), ", ".join(one.departments), factor, state)
    Console().print(table)
