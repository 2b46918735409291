"""`zhicheng`: finds the command, runs it, and turns errors into one line and an exit status."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version

from zhicheng.cli.words import Words, language_of
from zhicheng.kernel.errors import ZhichengError

FAILED = 1
MISUSED = 2
INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Command:
    """A command: its name, the module that holds `add(parser, say)` and `run(arguments, say)`, and what it does.

    acts: the action of each of its verbs, "" where it has none; a verb that declares none is a fault of the build
    """

    name: str
    module: str
    zh: str
    en: str
    acts: Mapping[str, str]


_RUN = {"": "platform:run"}
_KEPT = {"create": "accounts:write", "list": "accounts:read"}
_AUDIT = {
    "export": "audit:export", "rotate": "accounts:write", "expire": "audit:export",
    **dict.fromkeys(("verifier", "search", "verify", "head", "prove"), "audit:read"),
}  # fmt: skip
COMMANDS = (
    Command("init", "start", "创建数据文件夹", "make a data folder", _RUN),
    Command("run", "run", "启动平台", "start the platform", _RUN),
    Command("demo", "demo", "启动模拟城市：虚构的江城与全部数据", "start a made-up city with everything in it", _RUN),
    Command("import", "imports", "批量导入文件", "import files", {"": "entities:write"}),
    Command(
        "table",
        "tables",
        "存入或查看参考表",
        "keep or show reference tables, such as the base map",
        {"put": "entities:write", "show": "entities:read"},
    ),
    Command(
        "feed",
        "feeds",
        "列出或试读数据源",
        "list feeds, or try one without storing anything",
        {"list": "feeds:read", "test": "feeds:read"},
    ),
    Command("query", "query", "用只读 SQL 查询实体与历史", "read-only SQL over entities and history", {"": "sql:run"}),
    Command(
        "app",
        "apps",
        "列出、运行、回算或说明应用",
        "list, run, backfill or explain applications",
        {"list": "city:read", "explain": "entities:read", "run": "platform:run", "backfill": "history:write"},
    ),
    Command("new-app", "new_app", "创建应用骨架", "write the skeleton of an application", _RUN),
    Command(
        "account",
        "accounts",
        "管理账号：新建、列出、停用、重置",
        "make, list, disable and reset accounts",
        _KEPT | {"disable": "accounts:write", "enable": "accounts:write", "reset": "accounts:write"},
    ),
    Command(
        "client",
        "clients",
        "登记用智城登录的应用",
        "register applications that sign people in with zhicheng",
        _KEPT | {"remove": "accounts:write"},
    ),
    Command("token", "tokens", "管理访问令牌", "make, list and revoke tokens", _KEPT | {"revoke": "accounts:write"}),
    Command(
        "policy",
        "policy",
        "管理授权策略并说明决定",
        "keep policies, and say why a decision is as it is",
        {"set": "policies:write", **dict.fromkeys(("list", "show", "lint", "explain"), "policies:read")},
    ),
    Command("audit", "audit", "查询、校验、导出审计日志", "look at the log of acts, check it, hand it over", _AUDIT),
    Command("doctor", "doctor", "检查并给出建议", "look for what is wrong, and say what to do", {"": "metrics:read"}),
)  # fmt: skip


def verbs_of(command: Command, say: Words) -> list[str]:
    """The verbs that a command takes; "" where it takes none."""
    parser = argparse.ArgumentParser()
    import_module(f"zhicheng.cli.{command.module}").add(parser, say)
    below = [one for one in parser._actions if isinstance(one, argparse._SubParsersAction)]
    return list(below[0].choices) if below else [""]


def parser_of(say: Words, only: str | None = None) -> argparse.ArgumentParser:
    """The parser; the options of a command are added when it is the one to be run."""
    parser = argparse.ArgumentParser(
        prog="zhicheng", description=say("智城：智慧城市平台", "zhicheng: a smart-city platform")
    )
    parser.add_argument("--version", action="version", version=f"zhicheng {version('zhicheng')}")
    below = parser.add_subparsers(dest="command", metavar=say("命令", "COMMAND"), title=say("命令", "commands"))
    for command in COMMANDS:
        text = say(command.zh, command.en)
        added = below.add_parser(command.name, help=text, description=text)
        if command.name == only:
            import_module(f"zhicheng.cli.{command.module}").add(added, say)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; gives the exit status: 0 done, 1 failed, 2 misused, 130 interrupted."""
    words = list(sys.argv[1:] if argv is None else argv)
    say = Words(language_of(os.environ))
    named = next((word for word in words if not word.startswith("-")), None)
    parser = parser_of(say, named)
    arguments = parser.parse_args(words)
    if arguments.command is None:
        parser.print_help()
        return MISUSED
    module = next(command.module for command in COMMANDS if command.name == arguments.command)
    run: Callable[[argparse.Namespace, Words], int] = import_module(f"zhicheng.cli.{module}").run
    try:
        return run(arguments, say)
    except ZhichengError as error:
        say.fail(error)
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()
        return FAILED


if __name__ == "__main__":
    sys.exit(main())
