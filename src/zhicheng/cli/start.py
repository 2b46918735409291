"""`zhicheng init DIR`: an empty data folder, and a city file to begin with."""

from __future__ import annotations

import argparse
from pathlib import Path

from zhicheng.cli.words import Words
from zhicheng.kernel.errors import BadConfiguration
from zhicheng.security.tokens import DEFAULT_TENANT
from zhicheng.server.accounts import Accounts
from zhicheng.server.folder import DataFolder

_CITY = """\
# 城市配置 · The city's file. Every key: docs/feeds.md and docs/configuration.md.
[city]
name = { zh = "我的城市", en = "My city" }
time_zone = "Asia/Shanghai"

# [feeds.parking]
# decoder = "csv"
# url = "https://city.example/parking.csv"
# interval = "1 min"
"""


def add(parser: argparse.ArgumentParser, say: Words) -> None:
    """Options."""
    parser.add_argument("folder", type=Path, metavar="DIR", help=say("要创建的文件夹", "the folder to make"))


def run(arguments: argparse.Namespace, say: Words) -> int:
    """Make it."""
    folder = DataFolder(arguments.folder)
    if not folder.make():
        raise BadConfiguration(
            f"{folder.path} is a data folder already; start it with zhicheng run --data {folder.path}",
            f"{folder.path} 已是数据文件夹；用 zhicheng run --data {folder.path} 启动",
        )
    accounts = Accounts(folder.path)
    accounts.add_tenant(DEFAULT_TENANT)
    accounts.close()
    city = folder.path / "city.toml"
    city.write_text(_CITY, "utf-8")
    print(say(f"已创建 {folder.path}", f"Made {folder.path}"))
    print(say("启动：", "Start it: ") + f"zhicheng run --data {folder.path} --no-auth")
    return 0
