"""`zhicheng token`: credentials for programs and people."""

from __future__ import annotations

import argparse

from rich.console import Console
from rich.table import Table

from zhicheng.cli import acting, options
from zhicheng.cli.words import Words
from zhicheng.kernel import instants
from zhicheng.kernel.settings import duration
from zhicheng.security.actions import ROLE_NAMES
from zhicheng.security.tokens import DEFAULT_TENANT
from zhicheng.server.accounts import Accounts
from zhicheng.server.folder import DataFolder


def add(parser: argparse.ArgumentParser, say: Words) -> None:
    """Options."""
    below = parser.add_subparsers(dest="what", required=True, metavar=say("操作", "WHAT"))
    create = below.add_parser("create", help=say("创建令牌，只显示一次", "make a token; it is shown once"))
    options.add_data(create, say)
    options.add_tenant(create, say)
    roles = "、".join(f"{name} {named.zh}" for name, named in ROLE_NAMES.items())
    create.add_argument("name", help=say("谁使用它", "who uses it"))
    create.add_argument(
        "--role", action="append", default=[], metavar="ROLE",
        help=say(f"角色，可重复：{roles}", f"role, may be repeated: {', '.join(ROLE_NAMES)}"),
    )  # fmt: skip
    create.add_argument(
        "--entity", action="append", default=[], metavar="URN",
        help=say("设备令牌：只能写入该实体，可重复", "a device's token: it may write this entity only; repeatable"),
    )  # fmt: skip
    create.add_argument(
        "--lasts", metavar="TIME", help=say('有效期，例如 "90 d"', 'how long it is valid, such as "90 d"')
    )
    listing = below.add_parser("list", help=say("列出令牌", "list tokens"))
    options.add_data(listing, say)
    revoke = below.add_parser("revoke", help=say("吊销令牌", "make a token worthless"))
    options.add_data(revoke, say)
    revoke.add_argument("id", help=say("令牌编号", "the token's id"))


def run(arguments: argparse.Namespace, say: Words) -> int:
    """Do it; a running server notices within a second."""
    folder = DataFolder(options.data_of(arguments))
    folder.check()
    accounts = Accounts(folder.path)
    try:
        if arguments.what == "create":
            lasts = None if arguments.lasts is None else duration(arguments.lasts)
            tenant = options.tenant_of(arguments, DEFAULT_TENANT)
            acting.log(folder, "accounts:write", "token create", f"token:{arguments.name}", tenant)
            print(accounts.create(arguments.name, tenant, arguments.role, lasts, arguments.entity or None))
        elif arguments.what == "revoke":
            acting.log(folder, "accounts:write", "token revoke", f"token:{arguments.id}")
            accounts.revoke(arguments.id)
            print(say(f"已吊销 {arguments.id}", f"Revoked {arguments.id}"))
        else:
            _list(accounts, say)
    finally:
        accounts.close()
    return 0


def _list(accounts: Accounts, say: Words) -> None:
    table = Table(
        say("编号", "id"), say("使用者", "name"), say("租户", "tenant"), say("角色", "roles"), say("到期", "expires")
    )
    for token in accounts.tokens():
        expires = "-" if token.expires_at is None else instants.format(token.expires_at)
        may = ", ".join(token.roles) or f"{say('设备', 'device')}: {', '.join(token.entities or ())}"
        table.add_row(token.id, token.name, token.tenant, may, expires)
    Console().print(table)
