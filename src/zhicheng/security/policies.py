"""A city's policies at work: loaded, checked, asked; and told about in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache

from zhicheng.kernel.errors import Invalid
from zhicheng.security import principals
from zhicheng.security.actions import ACTIONS, ROLES
from zhicheng.security.cedar import filters, masks
from zhicheng.security.cedar.entities import Entities, Entity
from zhicheng.security.cedar.evaluate import Request, function_of
from zhicheng.security.cedar.filters import NotAFilter, Vocabulary
from zhicheng.security.cedar.parse import parse
from zhicheng.security.cedar.reduce import Known, reduced
from zhicheng.security.cedar.syntax import Error, Expr, Lit, Policy, Unary
from zhicheng.security.cedar.table import NO_CONTEXT, Reasons, Table
from zhicheng.security.cedar.values import Failed, Uid, Value
from zhicheng.standards.filter.tree import Node

ROLE_NAMES = tuple(ROLES)
"""Roles that the shipped policies speak of."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to know about a policy. stops: it cannot be used so"""

    policy: str
    line: int
    en: str
    zh: str
    stops: bool = False


@lru_cache(maxsize=8)
def _parsed(text: str) -> tuple[Policy, ...]:
    return tuple(parse(text))


class Policies:
    """Decides, filters and masks. `subjects`: principals and departments; a change of them makes a new one of these.

    words: of one tenant, to refuse at once what could not be looked for

    >>> from zhicheng.security.defaults import POLICIES
    >>> reader = principals.principal("li", "nanning", ["reader"])
    >>> policies = Policies(POLICIES, [reader])
    >>> policies.allows(reader.uid, "entities:read", principals.tenant("nanning"))
    True
    >>> policies.allows(reader.uid, "entities:write", principals.tenant("nanning"))
    False
    """

    def __init__(self, text: str, subjects: Iterable[Entity] = (), words: Vocabulary | None = None) -> None:
        self.text = text
        policies = _parsed(text)
        if words is not None:
            for policy in policies:
                filters.check(policy, words)
        self.table = Table(policies, Entities((*principals.actions(), *subjects)))

    def allows(self, principal: Uid, action: str, resource: Uid, context: Mapping[str, Value] = NO_CONTEXT) -> bool:
        """Whether a principal may take an action on something that is no entity of the city: a tenant, the system."""
        return self.table.allows(principal, principals.action(action), resource, context)

    def may_ever(self, principal: Uid, action: str) -> bool:
        """Whether there is anything on which, in some context, the principal may take the action.

        Asked before a body is read.

        True promises nothing: what an entity or a context says is asked later, through `filter` and `allows`.
        """
        return self.table.row(principal, principals.action(action)).decided is not False

    def filter(self, principal: Uid, action: str, context: Mapping[str, Value], words: Vocabulary) -> Node:
        """The entities of a tenant on which a principal may take an action: one more term of every question."""
        return filters.filter_of(self.table, principal, principals.action(action), context, words)

    def mask(self, principal: Uid, action: str, context: Mapping[str, Value], words: Vocabulary) -> masks.Mask:
        """Which attributes a principal may see, or write."""
        short = words.short
        return masks.mask_of(self.table, principal, principals.action(action), context, short, words.tenant)

    def reasons(
        self, principal: Uid, action: str, resource: Uid, context: Mapping[str, Value], entities: Entities | None = None
    ) -> Reasons:
        """A decision and the policies it rests on."""
        return self.table.reasons(principal, principals.action(action), resource, context, entities)

    def explained(
        self, principal: Uid, action: str, resource: Uid, context: Mapping[str, Value] = NO_CONTEXT
    ) -> list[tuple[str, str]]:
        """Lines (en, zh): the decision, what decided it, and of a denial what each permit for this action lacks."""
        found = self.reasons(principal, action, resource, context)
        names = ", ".join(f"{policy.id!r} (line {policy.line})" for policy in found.policies)
        zh_names = "、".join(f"{policy.id!r}（第 {policy.line} 行）" for policy in found.policies)
        if found.allowed:
            lines = [(f"Allowed by {names}", f"允许，依据 {zh_names}")]
        elif found.policies:
            lines = [(f"Denied by {names}", f"拒绝，依据 {zh_names}")]
        else:
            lines = [("Denied: no policy permits it", "拒绝：没有策略允许")]
        lines += [
            (
                f"  {policy.id!r}: {policy.annotations.get('en', '')}",
                f"  {policy.id!r}：{policy.annotations.get('zh', '')}",
            )
            for policy in found.policies
        ]
        if not found.allowed and not found.policies:
            request = Request(principal, principals.action(action), resource, context, self.table.entities)
            lines += [self._lacking(policy, request) for policy in self.table.policies if policy.permits]
        return lines + [
            (f"  {policy.id!r} was left out, it failed: {text}", f"  {policy.id!r} 求值出错，未计入：{text}")
            for policy, text in found.failed
        ]

    def _lacking(self, policy: Policy, request: Request) -> tuple[str, str]:
        for en, zh, expr in _parts(policy):
            try:
                held = function_of(expr)(request) is True
            except Failed as error:
                return f"  {policy.id!r}: {en} fails: {error}", f"  {policy.id!r}：{zh}求值出错：{error}"
            if not held:
                return f"  {policy.id!r}: {en} does not hold", f"  {policy.id!r}：{zh}不满足"
        return f"  {policy.id!r}: holds", f"  {policy.id!r}：满足"


def _parts(policy: Policy) -> list[tuple[str, str, Expr]]:
    parts: list[tuple[str, str, Expr]] = [
        ("what it asks of the action", "对操作的要求", policy.action.expression("action")),
        ("what it asks of the principal", "对主体的要求", policy.principal.expression("principal")),
        ("what it asks of the resource", "对资源的要求", policy.resource.expression("resource")),
    ]
    for number, (when, expr) in enumerate(policy.conditions, 1):
        word = "when" if when else "unless"
        held = expr if when else Unary("!", expr)
        parts.append((f"condition {number} ({word})", f"第 {number} 个条件（{word}）", held))
    return parts


def findings(text: str, words: Vocabulary | None = None) -> list[Finding]:
    """What is odd in a text of policies; Invalid where it is none.

    >>> [finding.en for finding in findings('permit(principal in Role::"raeder", action, resource);')]
    ['it has no @id: its name changes with its place', "there is no role 'raeder' that we know; did you mean 'reader'?"]
    """
    found: list[Finding] = []
    seen: dict[str, str] = {}
    for policy in parse(text):
        found += _oddities(policy)
        expr = repr((policy.permits, policy.principal, policy.action, policy.resource, policy.conditions))
        if expr in seen:
            en, zh = f"it says the same as {seen[expr]!r}", f"与 {seen[expr]!r} 相同"
            found.append(Finding(policy.id, policy.line, en, zh))
        seen.setdefault(expr, policy.id)
        if words is not None:
            try:
                filters.check(policy, words)
            except NotAFilter as error:
                found.append(Finding(policy.id, policy.line, error.en, error.zh, stops=True))
    return found


def _oddities(policy: Policy) -> Iterable[Finding]:
    def finding(en: str, zh: str) -> Finding:
        return Finding(policy.id, policy.line, en, zh)

    if "id" not in policy.annotations:
        yield finding("it has no @id: its name changes with its place", "没有 @id：名称会随位置改变")
    for language in ("zh", "en"):
        if "id" in policy.annotations and not policy.annotations.get(language):
            yield finding(f"it does not say what it is for: @{language}", f"缺少说明：@{language}")
    for uid in policy.action.uids:
        known = {*ACTIONS, *principals.GROUPS}
        if uid.type != "Action" or uid.id not in known:
            yield finding(*_unknown("action", "操作", uid.id, known))
    for uid in policy.principal.uids:
        if uid.type == "Role" and uid.id not in ROLE_NAMES:
            yield finding(*_unknown("role", "角色", uid.id, ROLE_NAMES))
    if policy.principal.type is not None and policy.principal.type not in principals.KINDS:
        yield finding(*_unknown("type of principals", "主体类型", policy.principal.type, principals.KINDS))
    rests = [reduced(expr, Known(Entities())) for _, _, expr in _parts(policy)]
    if any(isinstance(rest, Error) or (isinstance(rest, Lit) and rest.value is not True) for rest in rests):
        yield finding("it never applies", "永远不会生效")
    elif all(isinstance(rest, Lit) for rest in rests) and not policy.permits:
        yield finding("it forbids everything to everyone", "它禁止所有人的所有操作")


def _unknown(kind: str, zh: str, name: str, known: Iterable[str]) -> tuple[str, str]:
    near = get_close_matches(name, list(known), 1)
    en_hint, zh_hint = (f"; did you mean {near[0]!r}?", f"；是否应为 {near[0]!r}？") if near else ("", "")
    return f"there is no {kind} {name!r} that we know{en_hint}", f"没有{zh} {name!r}{zh_hint}"


def check(text: str, words: Vocabulary | None = None) -> list[Finding]:
    """`findings`, where none stops; Invalid with the first that does."""
    found = findings(text, words)
    for finding in found:
        if finding.stops:
            raise Invalid(finding.en, finding.zh)
    return found
