"""Options that commands share: which data folder, which city file, where to listen."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from zhicheng.cli.words import Words
from zhicheng.kernel.errors import BadConfiguration
from zhicheng.security.tokens import tenant_name

if TYPE_CHECKING:
    from zhicheng.server.settings import CityFile

Parser = argparse.ArgumentParser


def add_data(parser: Parser, say: Words) -> None:
    """--data."""
    parser.add_argument(
        "--data", type=Path, default=os.environ.get("ZHICHENG_DATA"), metavar="DIR",
        help=say("数据文件夹（或环境变量 ZHICHENG_DATA）", "the data folder (or ZHICHENG_DATA)"),
    )  # fmt: skip


def add_city(parser: Parser, say: Words) -> None:
    """--city and --set."""
    parser.add_argument(
        "--city", type=Path, default=os.environ.get("ZHICHENG_CITY"), metavar="FILE",
        help=say("城市配置文件（默认为数据文件夹中的 city.toml）", "the city's file (city.toml of the data folder)"),
    )  # fmt: skip
    parser.add_argument(
        "--set", action="append", default=[], metavar="TABLE.KEY=VALUE",
        help=say("覆盖配置项，例如 feeds.bus.speed=60", "override a setting, such as feeds.bus.speed=60"),
    )  # fmt: skip


def add_address(parser: Parser, say: Words) -> None:
    """--host, --port and --no-auth."""
    parser.add_argument("--host", help=say("监听地址（默认 127.0.0.1）", "address to listen at (127.0.0.1)"))
    parser.add_argument("--port", type=int, help=say("端口（默认 8800）", "port (8800)"))
    parser.add_argument(
        "--no-auth", action="store_true",
        help=say("本机任何人可做任何操作；仅限本机地址", "everyone on this machine may do everything; loopback only"),
    )  # fmt: skip


def add_tenant(parser: Parser, say: Words) -> None:
    """--tenant."""
    parser.add_argument(
        "--tenant", metavar="NAME", help=say("租户（默认为城市配置中的租户）", "tenant (that of the city's file)")
    )


def data_of(arguments: argparse.Namespace) -> Path:
    """The data folder; an error says how to name one."""
    if arguments.data is None:
        raise BadConfiguration(
            "Name the data folder: --data DIR, or set ZHICHENG_DATA",
            "请指定数据文件夹：--data DIR，或设置 ZHICHENG_DATA",
        )
    return Path(arguments.data)


def tenant_of(arguments: argparse.Namespace, default: str) -> str:
    """The tenant that is meant."""
    return tenant_name(arguments.tenant) if arguments.tenant else default


def city_of(arguments: argparse.Namespace, environ: Mapping[str, str] | None = None) -> CityFile:
    """The city's settings: of --city, else of city.toml in the data folder, with what --set and the environment say."""
    from zhicheng.server.settings import (  # they know every part of the platform; most verbs do not
        changes_of,
        load_city,
    )

    own = None if arguments.data is None else Path(arguments.data) / "city.toml"
    file = Path(arguments.city) if arguments.city else own if own is not None and own.is_file() else None
    return load_city(file, {**(os.environ if environ is None else environ), **changes_of(tuple(arguments.set))})
