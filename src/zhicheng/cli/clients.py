"""`zhicheng client`: applications that sign people in with us, and programs that act for themselves."""

from __future__ import annotations

import argparse

from rich.console import Console
from rich.table import Table

from zhicheng.cli import acting, options
from zhicheng.cli.words import Words
from zhicheng.kernel import instants
from zhicheng.security.scopes import SCOPES
from zhicheng.security.tokens import DEFAULT_TENANT
from zhicheng.server.accounts import Accounts
from zhicheng.server.folder import DataFolder
from zhicheng.server.identity.clients import Clients


def add(parser: argparse.ArgumentParser, say: Words) -> None:
    """Options."""
    below = parser.add_subparsers(dest="what", required=True, metavar=say("操作", "WHAT"))
    create = below.add_parser("create", help=say("登记应用，密钥只显示一次", "register one; its secret is shown once"))
    options.add_data(create, say)
    options.add_tenant(create, say)
    create.add_argument("name", help=say("应用名称", "what people see"))
    for name, zh, en in (
        ("--redirect", "登录后的回调地址，可重复", "address to come back to, repeatable"),
        ("--after-logout", "退出后的地址，可重复", "address after signing out, repeatable"),
        ("--scope", f"可申请的范围：{'、'.join(SCOPES)}", f"what it may ask for: {', '.join(SCOPES)}"),
        ("--role", "程序自身的角色（客户端凭据）", "role of the program itself (client credentials)"),
    ):
        create.add_argument(name, action="append", default=[], metavar="TEXT", help=say(zh, en))
    create.add_argument("--public", action="store_true", help=say("无法保守密钥的程序", "it can keep no secret"))
    create.add_argument(
        "--trusted", action="store_true", help=say("城市自有应用，不询问同意", "do not ask for consent")
    )
    listing = below.add_parser("list", help=say("列出应用", "list them"))
    options.add_data(listing, say)
    remove = below.add_parser("remove", help=say("移除应用", "remove one"))
    options.add_data(remove, say)
    remove.add_argument("id", help=say("编号", "its id"))


def run(arguments: argparse.Namespace, say: Words) -> int:
    """Do it."""
    folder = DataFolder(options.data_of(arguments))
    folder.check()
    accounts = Accounts(folder.path)
    clients = Clients(accounts.control, instants.system_clock)
    try:
        if arguments.what == "create":
            tenant = options.tenant_of(arguments, DEFAULT_TENANT)
            acting.log(folder, "accounts:write", "client create", f"client:{arguments.name}", tenant)
            made, secret = clients.add(
                arguments.name, tenant, redirects=arguments.redirect,
                after_logout=arguments.after_logout, scopes=arguments.scope or ("openid", "profile"),
                roles=arguments.role, public=arguments.public, trusted=arguments.trusted,
            )  # fmt: skip
            print(f"client_id: {made.id}")
            if secret is not None:
                print(f"client_secret: {secret}")
        elif arguments.what == "remove":
            acting.log(folder, "accounts:write", "client remove", f"client:{arguments.id}")
            clients.remove(arguments.id)
            print(say(f"已移除 {arguments.id}", f"Removed {arguments.id}"))
        else:
            _list(clients, say)
    finally:
        accounts.close()
    return 0


def _list(clients: Clients, say: Words) -> None:
    table = Table(say("编号", "id"), say("名称", "name"), say("回调地址", "redirects"), say("范围", "scopes"),
                  say("角色", "roles"))  # fmt: skip
    for one in clients.all():
        table.add_row(one.id, one.name, " ".join(one.redirects), " ".join(one.scopes), " ".join(one.roles))
    Console().print(table)
