"""The platform's half of `zhicheng demo`: the city's file, a token for the child, and the server."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import webbrowser

from zhicheng.cli import options
from zhicheng.cli.demo import tell
from zhicheng.cli.run import check_port
from zhicheng.cli.words import Words
from zhicheng.demo.cityfile import city_file
from zhicheng.demo.plan import CITY, MADE_UP, Plan
from zhicheng.kernel.logs import log_to
from zhicheng.server.city import City
from zhicheng.server.folder import DataFolder
from zhicheng.server.serve import serve
from zhicheng.server.settings import CityFile, changes_of, load_city, with_server

_WHO = "demo"


def serve_demo(arguments: argparse.Namespace, say: Words, child: subprocess.Popen[str]) -> int:
    """Until SIGTERM or SIGINT."""
    folder, file = prepare(arguments)
    server = file.settings.server
    check_port(server.host, server.port)
    log_to(sys.stderr, server.log)
    environ = {**os.environ, **changes_of(tuple(arguments.set))}
    city = City(file, folder, open_to_all=True, environ=environ)
    try:
        tell(child, _address(file), _token(city))
    except BaseException:
        city.close()
        raise
    return 0 if serve(city, lambda: _greet(file, say, not arguments.no_open)) else 1


def prepare(arguments: argparse.Namespace) -> tuple[DataFolder, CityFile]:
    """The folder, with the city's file in it; one that is there is left as it is."""
    folder = DataFolder(options.data_of(arguments))
    path = folder.path / "city.toml"
    if not path.is_file():
        path.write_text(city_file(Plan(seed=arguments.seed)), "utf-8")
    file = load_city(path, {**os.environ, **changes_of(tuple(arguments.set))})
    return folder, with_server(file, None, arguments.port)


def _address(file: CityFile) -> str:
    server = file.settings.server
    host = f"[{server.host}]" if ":" in server.host else server.host
    return f"http://{host}:{server.port}"


def _token(city: City) -> str:
    """A token of the child's own; those of earlier starts are worth nothing any more."""
    for token in city.accounts.tokens():
        if token.name == _WHO:
            city.accounts.revoke(token.id)
    return city.accounts.create(_WHO, city.settings.city.tenant, ["writer"])


def _greet(file: CityFile, say: Words, show: bool) -> None:
    address = _address(file)
    print(say(f"{CITY.zh}{MADE_UP.zh} 已启动：", f"{CITY.en}{MADE_UP.en} is up: ") + address, flush=True)
    print(say("停止：Ctrl+C。数据：", "Ctrl+C ends it. Data: ") + str(file.folder), flush=True)
    if show and sys.stdout.isatty():
        webbrowser.open(address)
