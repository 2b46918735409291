"""[identity]: how people sign in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

from zhicheng.kernel.errors import BadConfiguration, Invalid
from zhicheng.security.actions import roles_of

SHORTEST_SECRET = 16
_KNOWN = frozenset(("secret", "changeme", "password", "client-secret", "test", "default"))


def _kept_secret(address: str) -> bool:
    """Whether what is sent there is read by nobody on the way.

    >>> [_kept_secret(f"{one}/auth") for one in ("https://a.cn", "http://localhost:81", "http://localhost.a.cn")]
    [True, True, False]
    """
    try:
        found = urlsplit(address)
    except ValueError:
        return False
    here = found.scheme == "http" and found.hostname in ("127.0.0.1", "localhost", "::1")
    return bool(found.hostname) and (here or found.scheme == "https")


@dataclass(frozen=True, slots=True)
class ExternalSettings:
    """[identity.external.NAME]: another OpenID provider (Keycloak, WeCom and the like) that signs people in.

    issuer: its address; label: what its button says; secret_env: the variable that holds the client's secret
    scopes: what to ask it for; name_claim, shown_claim, groups_claim: where it says who somebody is
    roles: what newcomers may do; role_of: group of theirs -> role of ours; departments: group -> URN of an organisation
    """

    issuer: str
    client_id: str
    label: str = ""
    secret_env: str = ""
    scopes: tuple[str, ...] = ("openid", "profile")
    name_claim: str = "preferred_username"
    shown_claim: str = "name"
    groups_claim: str = "groups"
    roles: tuple[str, ...] = ("reader",)
    role_of: dict[str, str] = field(default_factory=dict)
    departments: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        roles_of(self.roles)
        for role in self.role_of.values():
            roles_of((role,))
        if not _kept_secret(self.issuer):
            raise Invalid("issuer begins with https://", "issuer 应以 https:// 开头")

    def secret(self, environ: Mapping[str, str]) -> str:
        """The client's secret; one that is missing, short or well known is refused."""
        if not self.secret_env:
            return ""
        found = environ.get(self.secret_env, "")
        if len(found) < SHORTEST_SECRET or found.casefold() in _KNOWN:
            raise BadConfiguration(
                f"The secret in {self.secret_env} is missing, short (under {SHORTEST_SECRET} characters) or well known",
                f"环境变量 {self.secret_env} 中的密钥缺失、过短（少于 {SHORTEST_SECRET} 个字符）或过于常见",
            )
        return found


@dataclass(frozen=True, slots=True)
class IdentitySettings:
    """[identity]: who has to show a second factor, and which other providers sign people in.

    visitors: who gets in without an account; "citizens" see the map and what is public, as policies say
    second_factor: "optional", or asked of "administrators" or of "all" who have a password
    """

    visitors: Literal["nobody", "citizens"] = "nobody"
    second_factor: Literal["optional", "administrators", "all"] = "optional"
    external: dict[str, ExternalSettings] = field(default_factory=dict)
