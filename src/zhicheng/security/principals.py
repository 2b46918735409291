"""Who and what policies speak of in this platform: principals, roles, departments, actions in groups."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

from zhicheng.security.actions import ACTIONS, AUDITING, DECIDING, OPERATING, PUBLIC, READING, SECURING, WRITING
from zhicheng.security.cedar.entities import Entity
from zhicheng.security.cedar.values import Uid, Value, set_of

KINDS = ("Person", "Service", "Device", "Application", "Guest")
"""Types of principals."""
GUEST = Uid("Guest", "anonymous")
"""Who shows no credential."""
SYSTEM = Uid("System", "zhicheng")
"""The installation itself, which is in no tenant."""
GROUPS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "reading": READING - {PUBLIC},
        "writing": WRITING,
        "deciding": DECIDING,
        "operating": OPERATING,
        "securing": SECURING,
        "auditing": AUDITING,
    }
)
"""Groups of actions: `action in Action::"reading"`."""


def action(name: str) -> Uid:
    """An action, or a group of them.

    >>> str(action("entities:read"))
    'Action::"entities:read"'
    """
    return Uid("Action", name)


def tenant(name: str) -> Uid:
    """A tenant as a resource."""
    return Uid("Tenant", name)


def actions() -> Iterator[Entity]:
    """Every action with the groups it is in."""
    for name in ACTIONS:
        groups = frozenset(action(group) for group, names in GROUPS.items() if name in names)
        yield Entity(action(name), {}, groups)
    for group in GROUPS:
        yield Entity(action(group))


def departments(above: Mapping[str, str | None]) -> Iterator[Entity]:
    """Departments from each one's id and that of the one above it."""
    for name, parent in above.items():
        parents = () if parent is None else (Uid("Department", parent),)
        yield Entity(Uid("Department", name), {}, frozenset(parents))


def principal(
    name: str,
    of: str,
    roles: Iterable[str] = (),
    *,
    kind: str = "Service",
    department: str | None = None,
    groups: Iterable[str] = (),
    entities: Iterable[str] | None = None,
    reads: Iterable[str] | None = None,
    writes: Iterable[str] | None = None,
) -> Entity:
    """A principal as policies see it.

    of: its tenant; entities: ids that a device may write; reads, writes: types that an application declares

    >>> clerk = principal("li", "nanning", ["clerk"], kind="Person", department="urn:roads")
    >>> sorted(map(str, clerk.parents))
    ['Department::"urn:roads"', 'Role::"clerk"']
    """
    attributes: dict[str, Value] = {"name": name, "tenant": tenant(of)}
    parents = {Uid("Role", role) for role in roles} | {Uid("Group", group) for group in groups}
    if department is not None:
        attributes["department"] = Uid("Department", department)
        parents.add(Uid("Department", department))
    for key, names in (("entities", entities), ("reads", reads), ("writes", writes)):
        if names is not None:
            attributes[key] = set_of(names)
    return Entity(Uid(kind, name), attributes, frozenset(parents))


def guest(of: str) -> Entity:
    """Who comes without a credential: a citizen of the tenant that is shown to all."""
    return Entity(GUEST, {"tenant": tenant(of)}, frozenset((Uid("Role", "citizen"),)))
