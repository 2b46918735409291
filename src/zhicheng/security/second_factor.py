"""The second factor: one-time passwords by time (RFC 6238), recovery codes. Pure: time and chance are handed in."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime
from typing import Final

import pyotp

STEP: Final = 30
_SKEW: Final = 1
"""Steps that a phone's clock may be off."""
SECRET_BYTES: Final = 20
RECOVERY_CODES: Final = 10
RECOVERY_BYTES: Final = 10


def secret_of(random: bytes) -> str:
    """A secret as authenticator programs take it."""
    return base64.b32encode(random).decode()


def address_of(secret: str, name: str, issuer: str) -> str:
    """The otpauth: address that a QR code shows.

    >>> address_of(secret_of(bytes(20)), "clerk", "智城")[:22]
    'otpauth://totp/%E6%99%'
    """
    return pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=issuer)


def step_of(secret: str, code: str, seconds: float, after: int) -> int | None:
    """The time step that a code belongs to; None for a wrong one, and for one at or before the step used last.

    >>> secret = secret_of(bytes(20))
    >>> code = pyotp.TOTP(secret).at(datetime.fromtimestamp(3000, UTC))
    >>> step_of(secret, code, 3000, -1), step_of(secret, code, 3000, 100), step_of(secret, code, 3200, -1)
    (100, None, None)
    """
    now = int(seconds) // STEP
    one = pyotp.TOTP(secret)
    plain = "".join(code.split())
    for step in range(max(now - _SKEW, after + 1), now + _SKEW + 1):
        if hmac.compare_digest(one.at(datetime.fromtimestamp(step * STEP, UTC)).encode(), plain.encode()):
            return step
    return None


def recovery_of(random: bytes) -> str:
    """A recovery code from random bytes: four groups of four letters.

    >>> recovery_of(bytes(10))
    'aaaa-aaaa-aaaa-aaaa'
    """
    text = base64.b32encode(random).decode().lower()
    return "-".join(text[at : at + 4] for at in range(0, 16, 4))


def recovery_digest(code: str) -> str:
    """What is kept of a recovery code; 80 random bits need no slow hash."""
    plain = "".join(letter for letter in code.lower() if letter.isalnum())
    return hashlib.sha256(plain.encode()).hexdigest()
