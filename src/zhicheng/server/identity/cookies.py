"""The cookie of a session: only for this server, not for scripts, and over TLS where the provider's address says so."""

from __future__ import annotations

from http.cookies import CookieError, SimpleCookie

from zhicheng.server.identity.sessions import LASTS


def name_of(issuer: str) -> str:
    """The cookie's name; `__Host-` has browsers see to it that no other host or path sets it.

    >>> name_of("https://city.example"), name_of("http://127.0.0.1:8800")
    ('__Host-zhicheng', 'zhicheng-8800')
    """
    if issuer.startswith("https://"):
        return "__Host-zhicheng"
    port = issuer.rpartition(":")[2]
    return f"zhicheng-{port}" if port.isdecimal() else "zhicheng"


def _set(issuer: str, value: str, seconds: int) -> tuple[bytes, bytes]:
    secure = "; Secure" if issuer.startswith("https://") else ""
    text = f"{name_of(issuer)}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}"
    return b"set-cookie", text.encode()


def signed_in(issuer: str, secret: str) -> tuple[bytes, bytes]:
    """The header that gives a browser its session."""
    return _set(issuer, secret, LASTS // 1_000_000)


def signed_out(issuer: str) -> tuple[bytes, bytes]:
    """The header that takes it away."""
    return _set(issuer, "", 0)


def secret_of(issuer: str, header: str) -> str | None:
    """The secret in a Cookie header; None where it holds none of ours.

    >>> secret_of("https://city.example", "a=b; __Host-zhicheng=s3cret")
    's3cret'
    """
    try:
        found = SimpleCookie(header).get(name_of(issuer))
    except CookieError:
        return None
    return found.value if found is not None and found.value else None
