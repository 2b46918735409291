"""The coverage of the source documents: docs/seeds.toml, which the package carries along."""

from __future__ import annotations

import tomllib
from functools import lru_cache

import msgspec

from zhicheng.server.documentation import FOLDER

GROUPS = {
    "L": ("五层", "The five layers"),
    "S": ("三个支撑体系", "The three supports"),
    "A": ("平台", "Platform"),
    "B": ("政务数据与服务", "Government data and services"),
    "C": ("交通", "Transport"),
    "D": ("公用事业、能源、环境、气象", "Utilities, energy, environment, weather"),
    "E": ("安全与应急", "Safety and emergency"),
    "G": ("民生", "People"),
    "H": ("旅游、商业、物流", "Tourism, commerce, logistics"),
    "I": ("安全与运行体系", "Security and operations"),
}
DOCUMENTS = {
    "000": ("南宁与海外经验", "Nanning and abroad"),
    "001": ("信息摘编 2015 年第 7 期", "Digest of July 2015"),
    "002": ("参考模型", "The reference model"),
    "003": ("不是交钥匙工程", "Not turnkey"),
    "004": ("发展前景", "Prospects"),
}


class System(msgspec.Struct, frozen=True):
    """One system: words are [document, original words]; state is planned, partial or works."""

    id: str
    zh: str
    en: str
    words: tuple[tuple[str, str], ...]
    state: str
    figures: tuple[str, ...] = ()
    page: str = ""
    interface: str = ""
    test: str = ""


@lru_cache(maxsize=1)
def systems() -> tuple[System, ...]:
    """All systems, in the file's order; none where the file is not there."""
    path = FOLDER / "seeds.toml"
    if not path.is_file():
        return ()
    return tuple(msgspec.convert(tomllib.loads(path.read_text("utf-8"))["system"], list[System]))
