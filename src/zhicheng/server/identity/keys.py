"""The keys that sign tokens: RS256, which every OpenID client knows; a new one every 90 days, old ones stay known."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from zhicheng.kernel.errors import NotFound
from zhicheng.kernel.instants import DAY, Clock
from zhicheng.server.control import Control

if TYPE_CHECKING:
    from joserfc.jwk import KeySet, RSAKey

ALGORITHM = "RS256"
_BITS = 2048
ROTATED = 90 * DAY
KEPT = 2 * DAY
"""How long a key that signs no more is still published: longer than any token it signed is valid."""


class Keys:
    """The signing keys; the newest signs."""

    def __init__(self, control: Control, clock: Clock) -> None:
        self._control = control
        self._clock = clock
        self._keys: list[tuple[int, RSAKey]] = []
        self._version = -1

    def _all(self) -> list[tuple[int, RSAKey]]:
        """Newest first; there is always one that is young enough."""
        version = self._control.version()
        if not self._keys or version != self._version:
            self._load()
            self._version = version
        if not self._keys or self._clock() - self._keys[0][0] > ROTATED:
            self.rotate()
        return self._keys

    def _load(self) -> None:
        from joserfc.jwk import RSAKey  # who issues no token does not wait for it

        rows = self._control.rows("SELECT created_at, private FROM keys ORDER BY created_at DESC")
        self._keys = [(created_at, RSAKey.import_key(json.loads(private))) for created_at, private in rows]

    def rotate(self) -> str:
        """Sign with a new key from now on; gives its id. Those that signed nothing valid any more are forgotten."""
        from joserfc.jwk import RSAKey

        now = self._clock()
        made = RSAKey.generate_key(_BITS, {"use": "sig", "alg": ALGORITHM}, auto_kid=True)
        with self._control.transaction():
            newest = self._control.row("SELECT max(created_at) FROM keys")
            self._control.run("DELETE FROM keys WHERE created_at < ?", (now - ROTATED - KEPT,))
            at = max(now, (newest[0] if newest and newest[0] else 0) + 1)
            self._control.run("INSERT INTO keys VALUES (?, ?, ?)", (made.kid, json.dumps(made.as_dict(True)), at))
        self._load()
        return str(made.kid)

    def revoke(self, identifier: str) -> None:
        """Let nothing count any more that this key signed."""
        if not self._control.run("DELETE FROM keys WHERE id = ?", (identifier,)):
            raise NotFound(f"There is no key {identifier[:80]!r}", f"没有密钥 {identifier[:80]!r}")
        self._load()

    @property
    def signing(self) -> RSAKey:
        """The key that signs."""
        return self._all()[0][1]

    @property
    def known(self) -> KeySet:
        """All keys whose signatures count."""
        from joserfc.jwk import KeySet

        return KeySet([key for _, key in self._all()])

    def published(self) -> Mapping[str, object]:
        """The public halves, as /oauth/jwks gives them."""
        return {"keys": [key.as_dict(private=False) for _, key in self._all()]}
