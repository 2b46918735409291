"""Tokens: 256 random bits shown once; only their digest is kept, so that a stolen list opens nothing."""

from __future__ import annotations

import base64
import hashlib
import re

from zhicheng.kernel.errors import Invalid

PREFIX, KEY_PREFIX = "zc_", "zk_"
"""So that a token, or a person's access key, found in a text is known for what it is."""
RANDOM_BYTES = 32
DEFAULT_TENANT = "default"
"""The tenant of a city that names none."""
_SHAPE = re.compile(r"zc_[A-Za-z0-9_-]{43}")
_BEARER = re.compile(r"[Bb]earer +(\S+)\s*")
_TENANT = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?")


def token_of(random: bytes, prefix: str = PREFIX) -> str:
    """The text of a token from its random bytes.

    >>> token_of(bytes(32))
    'zc_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'
    """
    if len(random) != RANDOM_BYTES:
        raise Invalid(f"A token needs {RANDOM_BYTES} random bytes", f"令牌需要 {RANDOM_BYTES} 个随机字节")
    return prefix + base64.urlsafe_b64encode(random).decode().rstrip("=")


def digest_of(token: str) -> bytes:
    """What is kept of a token. SHA-256 is enough: nobody guesses 256 random bits, so slowness would protect nothing."""
    return hashlib.sha256(token.encode()).digest()


def bearer(header: str) -> str | None:
    """The token of an Authorization header; None where it holds none of ours.

    >>> bearer("Bearer " + token_of(bytes(32))) == token_of(bytes(32)), bearer("Basic YTpi")
    (True, None)
    """
    found = _BEARER.fullmatch(header)
    return found[1] if found and _SHAPE.fullmatch(found[1]) else None


def bearer_of(header: str) -> str | None:
    """Whatever token an Authorization header holds.

    >>> bearer_of("Bearer a.b.c"), bearer_of("Basic YTpi")
    ('a.b.c', None)
    """
    found = _BEARER.fullmatch(header)
    return None if found is None else found[1]


def tenant_name(text: str) -> str:
    """The text, if it can name a tenant: it becomes a folder, so only a-z, 0-9, - and _.

    >>> tenant_name("nanning")
    'nanning'
    """
    if not _TENANT.fullmatch(text):
        raise Invalid(
            f"{text[:80]!r} cannot name a tenant: use a-z, 0-9, - and _, at most 63 of them",
            f"{text[:80]!r} 不能作为租户名：请使用 a-z、0-9、- 和 _，最多 63 个字符",
        )
    return text
