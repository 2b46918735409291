"""Context documents, once, to a plain table of terms; a JSON-LD processor reads those that take one."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from zhicheng.kernel.errors import Invalid
from zhicheng.standards.ngsild import core
from zhicheng.standards.ngsild.model import Json
from zhicheng.standards.ngsild.terms import Term, plain_terms

_MOST = 50_000


def term_table(version: str, parts: Sequence[dict[str, Json]], place: str) -> dict[str, Term]:
    """The core terms of a version and over them, never in place of them, those of `parts` in order.

    >>> table = term_table("1.9", [{"x": "https://x.org/", "id": "https://evil.org/", "t": "x:t"}], "@context")
    >>> table["t"].iri, table["x"].prefix, table["id"].iri
    ('https://x.org/t', True, '@id')
    """
    protected = core.core_terms(version)
    owns = []
    for part in parts:
        _check(part, place)
        owns.append({term: rule for term, rule in part.items() if term not in protected})
    table = dict(_core_table(version))
    for own in owns:
        found = plain_terms(own, table)
        if found is None:
            return _processed(version, owns, place)
        table |= found
    return table


def _processed(version: str, parts: Sequence[dict[str, Json]], place: str) -> dict[str, Term]:
    """What a JSON-LD processor makes of them."""
    jsonld = _processor()
    active = _core_active(version)
    for part in parts:
        try:
            active = jsonld.JsonLdProcessor().process_context(active, {"@context": part}, _options())
        except (jsonld.JsonLdError, TypeError, ValueError, AttributeError, KeyError, RecursionError) as error:
            raise Invalid(
                f"{place} cannot be processed: {_reason(error)}", f"{place} 无法处理：{_reason(error)}"
            ) from None
    return _table(active)


def _check(part: dict[str, Json], place: str) -> None:
    if len(part) > _MOST:
        raise Invalid(f"{place} has more than {_MOST} terms", f"{place} 的术语超过 {_MOST} 个")
    if "@import" in part:
        raise Invalid(f"{place} uses @import; name the other context in a list", f"{place} 使用了 @import；请改用列表")
    for term, rule in part.items():
        if isinstance(rule, dict) and "@context" in rule:
            raise Invalid(
                f"{place} scopes a context to {term!r}, which NGSI-LD does not allow (clause 5.5.7)",
                f"{place} 为 {term!r} 定义了作用域上下文，NGSI-LD 不允许（5.5.7 节）",
            )


def _reason(error: Exception) -> str:
    """The processor's message without the documents it drags along."""
    return str(error.args[0] if error.args else error)[:200]


def _options() -> dict[str, Any]:
    return {"processingMode": "json-ld-1.1", "documentLoader": _refuse, "base": ""}


def _refuse(url: str, options: object) -> object:
    raise Invalid(f"The @context {url[:200]} is not to be loaded from here", f"不能从此处加载 @context {url[:200]}")


def _processor() -> Any:
    """PyLD, which brings an HTTP client and an HTML parser along: most cities never need it."""
    from pyld import jsonld

    return jsonld


@cache
def _core_active(version: str) -> Any:
    options = _options()
    processor = _processor().JsonLdProcessor()
    return processor.process_context(processor._get_initial_context(options), core.core_document(version), options)


@cache
def _core_table(version: str) -> dict[str, Term]:
    """The core context's own terms: plain ones, and the two that stand for keywords."""
    rules = {term: rule["@id"] if len(rule) == 1 else rule for term, rule in core.core_terms(version).items()}
    keywords = {term: Term(str(rules.pop(term))) for term in ("id", "type")}
    return keywords | (plain_terms(rules, {}) or {})


def _table(active: Any) -> dict[str, Term]:
    table = {}
    for name, rule in active["mappings"].items():
        if rule.get("@id") and not rule.get("reverse"):
            table[name] = Term(rule["@id"], rule.get("@type"), tuple(rule.get("@container", ())), bool(rule["_prefix"]))
    return table
