"""`zhicheng run`: the platform, until it is told to stop."""

from __future__ import annotations

import argparse
import os
import socket
import sys

from zhicheng.cli import options
from zhicheng.cli.words import Words
from zhicheng.kernel.errors import BadConfiguration
from zhicheng.kernel.logs import log_to
from zhicheng.server.city import City, check_open
from zhicheng.server.folder import DataFolder
from zhicheng.server.serve import serve
from zhicheng.server.settings import CityFile, changes_of, with_server


def add(parser: argparse.ArgumentParser, say: Words) -> None:
    """Options."""
    options.add_data(parser, say)
    options.add_city(parser, say)
    options.add_address(parser, say)


def run(arguments: argparse.Namespace, say: Words) -> int:
    """Serve until SIGTERM or SIGINT."""
    environ = {**os.environ, **changes_of(tuple(arguments.set))}
    file = with_server(options.city_of(arguments), arguments.host, arguments.port)
    server = file.settings.server
    if arguments.no_auth:
        check_open(server.host)
    check_port(server.host, server.port)
    log_to(sys.stderr, server.log)
    city = City(file, DataFolder(options.data_of(arguments)), open_to_all=arguments.no_auth, environ=environ)
    try:
        link = None if arguments.no_auth else _set_up(city)
    except BaseException:
        city.close()
        raise
    return 0 if serve(city, lambda: _greet(file, link, say)) else 1


def check_port(host: str, port: int) -> None:
    """Say at once that an address is taken, before anything is opened."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise BadConfiguration(
                f"{host}:{port} cannot be listened at: {error.strerror}; choose another --port",
                f"无法监听 {host}:{port}：{error.strerror}；请换一个 --port",
            ) from None


def _set_up(city: City) -> str | None:
    """The address by which the first administrator makes an account, where nobody can get in yet."""
    if city.accounts.tokens() or city.identity.people.any():
        return None
    return f"{city.identity.issuer}/welcome#{city.identity.sessions.link('setup')}"


def _greet(file: CityFile, link: str | None, say: Words) -> None:
    server, name = file.settings.server, file.settings.city.name
    host = f"[{server.host}]" if ":" in server.host else server.host
    shown = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}.get(host, host)
    print(say(f"{name.zh} 已启动：", f"{name.en} is up: ") + f"http://{shown}:{server.port}", flush=True)
    if link is not None:
        print(
            say("请在 24 小时内打开此链接创建管理员（仅可使用一次）：",
                "Open this link within 24 hours to make the first administrator (it works once): ") + link,
            flush=True,
        )  # fmt: skip
