"""Reference tables as they come: a whole set anew, or some tables of a set in place of those of the same names."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from zhicheng.server.space import Space


def keep(space: Space, name: str, tables: Mapping[str, pa.Table], *, beside: bool = False) -> int:
    """Keep a new version of a set; `beside`: with the tables of the version before that are not replaced.

    Blocks, so call it in a thread; two that come at once both count.
    """
    with space.keeping:
        before = space.store.tables(name) if beside and space.store.table_version(name) else {}
        return space.store.put_table(name, {**before, **tables})
