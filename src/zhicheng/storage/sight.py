"""What of a log may be read by who does not see all of it, for those who read its files themselves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from zhicheng.storage.log import Batch


@dataclass(frozen=True, slots=True)
class Sight:
    """entities: those whose rows are all seen, as far as their values are shown; None where every entity is
    partly: entities of whose rows only some are seen
    shows: whether values of an attribute (IRI) with this owner and classification are shown
    shown: the rows of a batch that are seen
    """

    entities: Sequence[str] | None
    partly: Sequence[str]
    shows: Callable[[str, str | None, str | None], bool]
    shown: Callable[[Batch], Batch]
