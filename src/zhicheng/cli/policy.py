"""`zhicheng policy`: the city's policies and their versions; what is odd in them; why a decision is as it is."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from zhicheng.cli import acting, options
from zhicheng.cli.words import Words
from zhicheng.kernel import instants
from zhicheng.kernel.errors import Invalid
from zhicheng.kernel.logs import printable
from zhicheng.security import principals
from zhicheng.security.cedar.parse import parse_uid
from zhicheng.security.cedar.values import Value, set_of
from zhicheng.security.policies import Finding, Policies, findings
from zhicheng.security.tokens import DEFAULT_TENANT
from zhicheng.server.audit_key import open_journal
from zhicheng.server.folder import DataFolder
from zhicheng.server.policy_files import PolicyFiles, Version


def add(parser: argparse.ArgumentParser, say: Words) -> None:
    """Options."""
    below = parser.add_subparsers(dest="what", required=True, metavar=say("操作", "WHAT"))
    listing = below.add_parser("list", help=say("列出版本", "list versions"))
    show = below.add_parser("show", help=say("输出策略文本", "print the policies"))
    show.add_argument("--version", type=int, help=say("版本号（默认为当前版本）", "version (the current one)"))
    lint = below.add_parser("lint", help=say("检查策略文件", "look for what is odd in a file"))
    lint.add_argument("file", type=Path, help=say("Cedar 策略文件", "a file of Cedar policies"))
    put = below.add_parser("set", help=say("启用新版本", "make a new version"))
    put.add_argument("file", type=Path, help=say("Cedar 策略文件", "a file of Cedar policies"))
    put.add_argument("--note", default="", help=say("修改原因", "why"))
    explain = below.add_parser("explain", help=say("说明某个决定的依据", "say why a decision is as it is"))
    explain.add_argument("principal", help=say('主体，例如 Person::"li"', 'who, such as Person::"li"'))
    explain.add_argument("action", help=say("操作，例如 entities:read", "what, such as entities:read"))
    explain.add_argument("--resource", help=say("资源（默认为租户）", "on what (the tenant)"))
    explain.add_argument("--role", action="append", default=[], help=say("主体的角色，可重复", "the principal's roles"))
    explain.add_argument("--department", help=say("主体的部门", "the principal's department"))
    explain.add_argument("--context", default="{}", help=say("上下文（JSON）", "the context, as JSON"))
    explain.add_argument("--file", type=Path, help=say("使用该文件中的策略", "by the policies of this file"))
    options.add_tenant(explain, say)
    for one in (listing, show, put, explain):
        options.add_data(one, say)


def run(arguments: argparse.Namespace, say: Words) -> int:
    """Do it."""
    if arguments.what == "lint":
        return _tell(findings(_read(arguments.file)), say)
    if arguments.what == "explain" and arguments.file is not None:
        return _explain(_read(arguments.file), arguments, say)
    folder = DataFolder(options.data_of(arguments))
    folder.check()
    files = PolicyFiles(folder.path)
    match arguments.what:
        case "list":
            _list([files.version(number) for number in (0, *files.numbers())], say)
        case "show":
            print(files.current().text if arguments.version is None else files.version(arguments.version).text, end="")
        case "set":
            journal = open_journal(folder.path)
            try:
                made, found = files.put(_read(arguments.file), acting.who(), arguments.note, journal)
            finally:
                journal.ledger.close()
            _tell(found, say)
            print(say(f"已启用版本 {made.number}", f"Version {made.number} counts from now on"))
        case _:
            return _explain(files.current().text, arguments, say)
    return 0


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"{file} cannot be read: {error}", f"无法读取 {file}：{error}") from None


def _tell(found: list[Finding], say: Words) -> int:
    for one in found:
        text = say(
            f"第 {one.line} 行，策略 {one.policy!r}：{one.zh}", f"line {one.line}, policy {one.policy!r}: {one.en}"
        )
        print(printable(text), file=sys.stderr)
    return 1 if any(one.stops for one in found) else 0


def _list(versions: list[Version], say: Words) -> None:
    table = Table(say("版本", "version"), say("时间", "at"), say("修改人", "by"), say("原因", "why"))
    for one in versions:
        at = instants.format(one.at) if one.number else "-"
        table.add_row(str(one.number), at, escape(printable(one.principal)), escape(printable(one.note)))
    Console().print(table)


def _explain(text: str, arguments: argparse.Namespace, say: Words) -> int:
    uid = parse_uid(arguments.principal)
    tenant = options.tenant_of(arguments, DEFAULT_TENANT)
    who = principals.principal(uid.id, tenant, arguments.role, kind=uid.type, department=arguments.department)
    resource = principals.tenant(tenant) if arguments.resource is None else parse_uid(arguments.resource)
    policies = Policies(text, [who, principals.guest(tenant)])
    for en, zh in policies.explained(uid, arguments.action, resource, _context(arguments.context)):
        print(printable(say(zh, en)))
    return 0


def _context(text: str) -> dict[str, Value]:
    try:
        found = _value(json.loads(text))
    except ValueError as error:
        raise Invalid(f"The context is no JSON: {error}", f"上下文不是 JSON：{error}") from None
    if not isinstance(found, dict):
        raise Invalid(
            'The context is an object, such as {"purpose": "case"}', '上下文应为对象，例如 {"purpose": "case"}'
        )
    return found


def _value(held: object) -> Value:
    match held:
        case dict():
            return {str(name): _value(each) for name, each in held.items()}
        case list():
            return set_of(map(_value, held))
        case bool() | int() | str():
            return held
        case _:
            raise Invalid(f"{held!r} is no value of Cedar", f"{held!r} 不是 Cedar 的值")
