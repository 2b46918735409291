"""May this principal take this action in this tenant? One function, no I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from zhicheng.kernel.errors import Forbidden, NotFound, Unauthenticated, ZhichengError
from zhicheng.security.actions import PUBLIC

Kind = Literal["Person", "Service", "Device", "Application", "Guest"]
"""What a principal is, as policies name it."""


class NoSuchTenant(NotFound):
    """The tenant does not exist, or not for this credential: the two are not told apart."""

    code = "no-such-tenant"
    title_en, title_zh = "No such tenant", "没有该租户"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who acts: a name for the log, the one tenant the credential opens, roles; `expires_at` in microseconds.

    within: of a program that acts for a person, the actions that it was given; None for all that policies give
    kind: what it is to policies; departments: URNs of those it works for; entities: those that a device may write
    key: the access key that was shown; credential: by what the same can be found again as they are later
    """

    name: str
    tenant: str
    roles: tuple[str, ...]
    expires_at: int | None = None
    within: frozenset[str] | None = None
    kind: Kind = "Service"
    departments: tuple[str, ...] = ()
    entities: tuple[str, ...] | None = None
    key: str | None = None
    credential: str = ""


def refusal(
    principal: Principal | None, action: str, tenant: str | None, now: int, *, allowed: bool
) -> ZhichengError | None:
    """None where the action is allowed, else the error to answer with.

    tenant: the one the request names, None where it names none; it can only confirm the credential's, never choose.
    allowed: whether policies let the principal take the action on anything at all

    >>> clerk = Principal("clerk", "nanning", ("reader",))
    >>> refusal(clerk, "entities:read", None, 0, allowed=True) is None
    True
    >>> refusal(clerk, "entities:write", None, 0, allowed=False).status
    403
    >>> refusal(clerk, "entities:read", "lagos", 0, allowed=True).status
    404
    """
    if action == PUBLIC:
        return None
    if principal is None or (principal.kind == "Guest" and not allowed):
        return Unauthenticated(
            "Sign in, or send a token: Authorization: Bearer TOKEN (zhicheng token create makes one)",
            "请登录，或发送令牌：Authorization: Bearer 令牌（用 zhicheng token create 创建）",
        )
    if principal.expires_at is not None and now >= principal.expires_at:
        return Unauthenticated("The token has expired; ask for a new one", "令牌已过期；请申请新的令牌")
    if tenant is not None and tenant != principal.tenant:
        return NoSuchTenant(
            f"There is no tenant {tenant[:80]!r} for this credential; leave out NGSILD-Tenant or name its own",
            f"该凭证没有租户 {tenant[:80]!r}；请去掉 NGSILD-Tenant 请求头或使用凭证自己的租户",
            tenant=tenant[:80],
        )
    if not allowed or (principal.within is not None and action not in principal.within):
        return Forbidden(
            f"No policy lets you ({', '.join(principal.roles) or principal.kind}) do this: {action}",
            f"没有策略允许您（{'、'.join(principal.roles) or principal.kind}）执行：{action}",
            action=action,
        )
    return None
