"""Errors as problem details (RFC 7807): one for our own interface, and NGSI-LD's names for the same."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from secrets import token_hex
from types import MappingProxyType

import orjson

from zhicheng.kernel.errors import Language, ZhichengError
from zhicheng.server.http import JSON, Answer

_log = logging.getLogger(__name__)
NGSILD = "https://uri.etsi.org/ngsi-ld/errors/"
OWN = "urn:zhicheng:error:"
PROBLEM_JSON = "application/problem+json"

TYPES: Mapping[str, str] = MappingProxyType(
    {
        "invalid": "BadRequestData",
        "invalid-request": "InvalidRequest",
        "unauthenticated": "InvalidRequest",
        "forbidden": "InvalidRequest",
        "not-found": "ResourceNotFound",
        "no-such-tenant": "NonexistentTenant",
        "already-exists": "AlreadyExists",
        "conflict": "Conflict",
        "version-conflict": "Conflict",
        "method-not-allowed": "InvalidRequest",
        "not-acceptable": "InvalidRequest",
        "too-large": "InvalidRequest",
        "unsupported-media": "InvalidRequest",
        "too-many": "InvalidRequest",
        "too-many-results": "TooManyResults",
        "not-supported": "OperationNotSupported",
        "context-not-available": "LdContextNotAvailable",
        "internal": "InternalError",
    }
)
"""Our error codes -> the last part of NGSI-LD's error types (GS CIM 009 table 5.5.2-1); others are InternalError."""


def is_ngsild(path: str) -> bool:
    """Whether a path belongs to the NGSI-LD interface, whose errors have its form."""
    return path.startswith("/ngsi-ld/")


def document(error: ZhichengError, language: Language, *, ngsild: bool) -> dict[str, object]:
    """An error's problem detail.

    >>> from zhicheng.kernel.errors import NotFound
    >>> document(NotFound("There is no entity urn:x", "没有实体 urn:x"), "en", ngsild=True)["type"]
    'https://uri.etsi.org/ngsi-ld/errors/ResourceNotFound'
    """
    kind = NGSILD + TYPES.get(error.code, "InternalError") if ngsild else OWN + error.code
    made: dict[str, object] = {
        "type": kind,
        "title": error.title(language),
        "detail": error.text(language),
        "status": error.status,
    }
    for name in ("path", "parameter", "nearest", "reference", "kind"):
        if isinstance(error.facts.get(name), str):
            made[name] = error.facts[name]
    return made


def problem(error: ZhichengError, language: Language, path: str, *, close: bool = False) -> Answer:
    """The answer to a request that failed."""
    ngsild = is_ngsild(path)
    headers: list[tuple[bytes, bytes]] = [(b"content-language", language.encode())]
    if error.code == "unauthenticated":
        headers.append((b"www-authenticate", b'Bearer realm="zhicheng"'))
    if error.code == "method-not-allowed" and isinstance(error.facts.get("allow"), str):
        headers.append((b"allow", str(error.facts["allow"]).encode()))
    if isinstance(error.facts.get("retry_after"), int):
        headers.append((b"retry-after", str(error.facts["retry_after"]).encode()))
    for name in ("ratelimit", "ratelimit-policy"):
        if isinstance(error.facts.get(name), str):
            headers.append((name.encode(), str(error.facts[name]).encode()))
    if close:
        headers.append((b"connection", b"close"))
    body = orjson.dumps(document(error, language, ngsild=ngsild))
    return Answer(error.status, body, JSON if ngsild else PROBLEM_JSON, tuple(headers))


def defect(path: str) -> ZhichengError:
    """An unexpected failure: written to the log with a number that the answer names. Call while handling it."""
    reference = token_hex(6)
    _log.exception("defect %s at %s", reference, path, extra={"facts": {"reference": reference, "path": path}})
    return ZhichengError(
        f"Something went wrong here that is not your doing; the log knows it as {reference}",
        f"系统内部出现意外错误，与您的请求无关；日志编号 {reference}",
        reference=reference,
    )
