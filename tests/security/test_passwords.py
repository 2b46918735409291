"""Passwords: what is kept for nobody is what would be kept for somebody."""

from __future__ import annotations

from zhicheng.security.passwords import DECOY, SALT_BYTES, hashed


def test_the_decoy_takes_as_long_as_any_password() -> None:
    assert hashed("nobody has this password", bytes(SALT_BYTES)) == DECOY
