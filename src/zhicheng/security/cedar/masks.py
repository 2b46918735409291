"""Which attributes of an entity a principal may see: by the attribute's name, and its values' owner and classification.

An attribute is a resource of type `Attribute` with a `name` and, where it has them, `owner` (a Department) and
`classification`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from zhicheng.security.cedar.entities import Entity, Overlay
from zhicheng.security.cedar.table import Table
from zhicheng.security.cedar.values import Uid, Value
from zhicheng.standards.filter import tree
from zhicheng.standards.filter.tree import TERMS, Node
from zhicheng.standards.ngsild.names import Memo

ATTRIBUTE = "Attribute"
Seen = tuple[str, str | None, str | None]
"""An attribute's name (IRI), the owner and the classification of a value."""


@dataclass(frozen=True, slots=True)
class Mask:
    """What of an entity is shown; `shows` is worked out once for each attribute, owner and classification."""

    seen: Memo[Seen, bool]

    def shows(self, attribute: str, owner: str | None = None, classification: str | None = None) -> bool:
        """Whether a value of this attribute is shown."""
        return self.seen[attribute, owner, classification]

    def hides_from(
        self, where: Node, owners: Callable[[str], tuple[tuple[str | None, str | None], ...]]
    ) -> frozenset[str]:
        """The attributes that a question looks at and that are not shown to who asks, for any of their owners.

        owners: attribute -> the pairs of owner and classification that its values have. Asking for what one may
        not see would show it: `salary>5000` is to be refused, or taken to be true of nothing.
        """
        asked = {node.path.attribute for node in tree.walk(where) if isinstance(node, TERMS)}
        asked |= {node.attribute for node in tree.walk(where) if isinstance(node, tree.Geo)}
        return frozenset(
            name for name in asked if not all(self.shows(name, *pair) for pair in owners(name) or ((None, None),))
        )


def mask_of(
    table: Table,
    principal: Uid,
    action: Uid,
    context: Mapping[str, Value],
    short: Callable[[str], str],
    tenant: str,
) -> Mask:
    """The mask of a principal in a context. short: IRI -> the name that policies use"""

    def shown(seen: Seen) -> bool:
        attribute, owner, classification = seen
        name = short(attribute)
        held: dict[str, Value] = {"name": name}
        if owner is not None:
            held["owner"] = Uid("Department", owner)
        if classification is not None:
            held["classification"] = classification
        uid = Uid(ATTRIBUTE, name)
        entities = Overlay(table.entities, [Entity(uid, held, frozenset((Uid("Tenant", tenant),)))])
        return table.allows(principal, action, uid, context, entities)

    return Mask(Memo(shown))
