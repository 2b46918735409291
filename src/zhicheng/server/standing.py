"""Whoever made something that goes on by itself, as they are now: it does and sees no more than they may."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from zhicheng.hub.subscriptions.model import Maker
from zhicheng.kernel.errors import Forbidden
from zhicheng.kernel.instants import Clock
from zhicheng.security.decision import Principal
from zhicheng.server.accounts import Accounts
from zhicheng.server.identity.clients import principal_of_client
from zhicheng.server.identity.service import Identity
from zhicheng.server.identity.sessions import principal_of
from zhicheng.server.policing import Circumstances, Policing
from zhicheng.storage.port import Store


class Standing:
    """Finds makers again by their credentials; `guest` is everyone, where everyone may do everything."""

    def __init__(
        self, accounts: Accounts, identity: Identity, guest: Principal | None,
        policing: Callable[[str], Policing], clock: Clock,
    ) -> None:  # fmt: skip
        self._accounts = accounts
        self._identity = identity
        self._guest = guest
        self._policing = policing
        self._clock = clock

    def sight(self, tenant: str, maker: Maker) -> Store:
        """What the maker of a tenant's subscription may see now; Forbidden where they may not have one any more."""
        principal, around = self.principal(maker), Circumstances(maker.network, maker.purpose)
        if principal is None or principal.tenant != tenant:
            raise Forbidden("Whoever made this is not known any more", "创建者已不存在，或其凭证已失效")
        policing = self._policing(tenant)
        for action in ("subscriptions:write", "entities:read"):
            given = principal.within is None or action in principal.within
            if not (given and policing.may(principal, action, around)):
                raise Forbidden("Whoever made this may not do so any more", "创建者已无此权限")
        return policing.sight(principal, "entities:read", around).store

    def principal(self, maker: Maker) -> Principal | None:
        """Who a credential stands for now; None where it was revoked, is too old, or its person may not sign in."""
        found = self._found(maker.credential)
        if found is None or (found.expires_at is not None and found.expires_at <= self._clock()):
            return None
        return found if maker.within is None else replace(found, within=frozenset(maker.within))

    def _found(self, credential: str) -> Principal | None:
        kind, _, identifier = credential.partition(":")
        match kind:
            case "guest":
                return self._guest
            case "token":
                return self._accounts.of_credential(credential)
            case "key":
                return self._identity.access_keys.named(identifier)
            case "person":
                person = self._identity.people.able(identifier)
                return None if person is None else principal_of(person)
            case "client":
                client = self._identity.clients.find(identifier)
                return None if client is None else principal_of_client(client)
        return None
