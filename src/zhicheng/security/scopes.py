"""What a program may be given of a person's rights (OAuth 2.0 scopes), and what people are told of it."""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType

from zhicheng.security.actions import ACTIONS, READING, ROLES, Named

SCOPES = MappingProxyType(
    {
        "openid": Named("确认您的身份", "Know who you are"),
        "profile": Named("读取您的账号名与显示名", "Read your name"),
        "groups": Named("读取您的部门与角色", "Read your departments and roles"),
        "offline_access": Named("在您离开后继续访问", "Go on when you are away"),
        "city.read": Named("以您的权限读取城市数据", "Read the city's data as you may"),
        "city.write": Named("以您的权限写入城市数据", "Write the city's data as you may"),
        "city": Named("以您的全部权限操作", "Do everything that you may"),
    }
)
_OPENS = MappingProxyType({"city.read": READING, "city.write": ROLES["writer"], "city": frozenset(ACTIONS)})


def opened(scopes: Iterable[str]) -> frozenset[str]:
    """The actions that scopes let through, of those that the person may take.

    >>> opened(["openid", "profile"]), "entities:read" in opened(["city.read"])
    (frozenset(), True)
    """
    return frozenset().union(*(_OPENS.get(scope, frozenset()) for scope in scopes))
