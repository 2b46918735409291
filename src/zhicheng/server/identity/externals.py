"""Sign-ins on their way through other OpenID providers; what speaks to one is loaded where a city has one."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zhicheng.kernel.errors import Unauthenticated
from zhicheng.kernel.instants import MINUTE, Clock

if TYPE_CHECKING:
    from zhicheng.server.identity.external import External

_LASTS = 10 * MINUTE
_MOST = 10_000


@dataclass(frozen=True, slots=True)
class _Begun:
    """A sign-in on its way: which browser began it, and where it goes on."""

    provider: str
    browser: bytes
    nonce: str
    verifier: str
    after: str
    until: int


class Externals:
    """All other providers of a city, and the sign-ins on their way through them."""

    def __init__(self, providers: Mapping[str, External], clock: Clock) -> None:
        self.providers = providers
        self._clock = clock
        self._begun: OrderedDict[str, _Begun] = OrderedDict()

    async def begin(self, name: str, after: str) -> tuple[str, str]:
        """Where the browser goes, and the secret by which it is known again when it comes back."""
        provider = self.providers[name]
        state, browser, nonce = (secrets.token_urlsafe(32) for _ in range(3))
        verifier = secrets.token_urlsafe(48)
        digest = hashlib.sha256(browser.encode()).digest()
        address = await provider.address(state, nonce, verifier)
        self._begun[state] = _Begun(name, digest, nonce, verifier, after, self._clock() + _LASTS)
        while len(self._begun) > _MOST:
            self._begun.popitem(last=False)
        return address, browser

    async def finish(self, state: str, browser: str, code: str) -> tuple[External, dict[str, Any], str]:
        """Who came back, and where to go on. The browser has to be the one that began (login CSRF)."""
        begun = self._begun.pop(state, None)
        digest = hashlib.sha256(browser.encode()).digest()
        if begun is None or begun.until < self._clock() or not hmac.compare_digest(begun.browser, digest):
            raise Unauthenticated("This sign-in did not begin here, or took too long", "该登录并非由此发起，或已超时")
        provider = self.providers[begun.provider]
        return provider, await provider.claims(code, begun.nonce, begun.verifier), begun.after

    async def close(self) -> None:
        """Close connections."""
        for provider in self.providers.values():
            await provider.close()
