"""Passwords: argon2id as OWASP recommends it, and which passwords are good enough. Pure: the salt is handed in."""

from __future__ import annotations

from typing import Final

import argon2.low_level as argon2
from argon2.exceptions import Argon2Error, InvalidHashError

from zhicheng.kernel.errors import Invalid

SHORTEST: Final = 12
LONGEST: Final = 256
SALT_BYTES: Final = 16
_MEMORY_KIB, _ROUNDS, _LANES, _LENGTH = 19 * 1024, 2, 1, 32
"""OWASP's password storage cheat sheet: argon2id with 19 MiB, two rounds and one lane."""
_COMMON: Final = frozenset((
    "password", "passw0rd", "123456", "1234567", "12345678", "123456789", "1234567890", "qwerty", "qwertyuiop",
    "asdfgh", "zxcvbn", "admin", "administrator", "root", "letmein", "welcome", "changeme", "secret", "default",
    "iloveyou", "woaini", "5201314", "abc123", "a123456", "111111", "000000", "88888888", "66666666",
    "zhicheng", "smartcity",
))  # fmt: skip


def hashed(password: str, salt: bytes) -> str:
    """What is kept of a password."""
    made = argon2.hash_secret(
        password.encode(), salt, time_cost=_ROUNDS, memory_cost=_MEMORY_KIB, parallelism=_LANES, hash_len=_LENGTH,
        type=argon2.Type.ID,
    )  # fmt: skip
    return made.decode()


def fits(kept: str, password: str) -> bool:
    """Whether it is the password that is kept; as slow as hashing, whatever the answer.

    >>> kept = hashed("correct horse battery", bytes(16))
    >>> fits(kept, "correct horse battery"), fits(kept, "wrong horse battery")
    (True, False)
    """
    try:
        return argon2.verify_secret(kept.encode(), password[:LONGEST].encode(), argon2.Type.ID)
    except (Argon2Error, InvalidHashError):
        return False


DECOY: Final = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$gL0iVLWaBgvLNRmgzOJfMXwh02Ty6GjPvPhiy6MhjM8"
"""Tested for names that nobody has, so that they cannot be told from those that somebody has. It was hashed beforehand,
so that no start waits for it; a test hashes it again.
"""


def check(password: str, name: str) -> None:
    """Refuse what is short, common, one letter over and over, or made of the account's name.

    >>> check("admin1234567", "clerk")
    Traceback (most recent call last):
    zhicheng.kernel.errors.Invalid: This password is easily guessed: it is a common word with few letters more
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise Invalid(
            f"A password has {SHORTEST} to {LONGEST} characters; a few words make a good one",
            f"密码长度应为 {SHORTEST} 到 {LONGEST} 个字符；可使用几个词语组成",
            parameter="password",
        )
    plain = password.casefold()
    rest = min((plain.replace(word, "", 1) for word in _COMMON if word in plain), key=len, default=plain)
    if len(rest) < SHORTEST - 4:
        raise Invalid(
            "This password is easily guessed: it is a common word with few letters more",
            "该密码容易被猜到：只是在常见词后加了几个字符",
            parameter="password",
        )
    if len(set(plain)) < 5 or (len(name) > 2 and name.casefold() in plain):
        raise Invalid(
            "This password is easily guessed: few different letters, or the name of the account",
            "该密码容易被猜到：字符重复过多，或包含账号名",
            parameter="password",
        )
