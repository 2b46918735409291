"""May this principal take this action in this tenant? One function, no I/O."""

from __future__ import annotations

from dataclasses import dataclass, field

from zhicheng.kernel.errors import Forbidden, NotFound, Unauthenticated, ZhichengError
from zhicheng.security.actions import PUBLIC, permitted


class NoSuchTenant(NotFound):
    """The tenant does not exist, or not for this credential: the two are not told apart."""

    code = "no-such-tenant"
    title_en, title_zh = "No such tenant", "没有该租户"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who acts: a name for the log, the one tenant the credential opens, roles; `expires_at` in microseconds.

    within: of a program that acts for a person, the actions that it was given; None for all that the roles give
    """

    name: str
    tenant: str
    roles: tuple[str, ...]
    expires_at: int | None = None
    within: frozenset[str] | None = None
    actions: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        actions = permitted(self.roles)
        object.__setattr__(self, "actions", actions if self.within is None else actions & self.within)


def refusal(principal: Principal | None, action: str, tenant: str | None, now: int) -> ZhichengError | None:
    """None where the action is allowed, else the error to answer with.

    tenant: the one the request names, None where it names none; it can only confirm the credential's, never choose.

    >>> clerk = Principal("clerk", "nanning", ("reader",))
    >>> refusal(clerk, "entities:read", None, 0) is None, refusal(None, "public", None, 0) is None
    (True, True)
    >>> refusal(clerk, "entities:write", None, 0).status, refusal(clerk, "entities:read", "lagos", 0).status
    (403, 404)
    """
    if action == PUBLIC:
        return None
    if principal is None:
        return Unauthenticated(
            "This needs a token: send the header Authorization: Bearer TOKEN (zhicheng token create makes one)",
            "需要令牌：请发送请求头 Authorization: Bearer 令牌（用 zhicheng token create 创建）",
        )
    if principal.expires_at is not None and now >= principal.expires_at:
        return Unauthenticated("The token has expired; ask for a new one", "令牌已过期；请申请新的令牌")
    if tenant is not None and tenant != principal.tenant:
        return NoSuchTenant(
            f"There is no tenant {tenant[:80]!r} for this credential; leave out NGSILD-Tenant or name its own",
            f"该凭证没有租户 {tenant[:80]!r}；请去掉 NGSILD-Tenant 请求头或使用凭证自己的租户",
            tenant=tenant[:80],
        )
    if action not in principal.actions:
        return Forbidden(
            f"The roles of this token ({', '.join(principal.roles)}) do not include {action}",
            f"该令牌的角色（{'、'.join(principal.roles)}）不包含权限 {action}",
            action=action,
        )
    return None
