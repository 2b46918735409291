"""What of the sealed log is seen by who does not see all: a filter inside the data set that the engine is given.

The engine knows no other relation of these files: no statement gets around the filter, by whatever name it asks. That
the engine heeds it is tried in each process before the statement is looked at.
"""

from __future__ import annotations

import functools
import json
import operator
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from zhicheng.kernel.columns import Mask

SHOWN, SEEN = "shown.json", "seen.arrow"
_COMMIT = ("recorded_at", "source", "principal")
Triple = tuple[str | None, str | None, str | None]
_TRIALS: tuple[tuple[str, list[tuple[object, ...]]], ...] = (
    ("SELECT hidden FROM {}", [("no",), ("no",)]),
    ("SELECT count(*) FROM {}", [(2,)]),
    ("SELECT place FROM {} WHERE hidden = 'yes'", []),
    ("SELECT place FROM {} WHERE place > 1 ORDER BY 1", [(2,), (3,)]),
    ("SELECT max(place) FROM {} WHERE hidden = 'no' AND place < 3", [(2,)]),
)


class Unveiled(Exception):
    """The engine reads more of a data set than its filter lets through: nothing is answered."""


def tried(connection: duckdb.DuckDBPyConnection) -> None:
    """Unveiled if the engine does not heed a data set's filter."""
    rows = ds.dataset(pa.table({"place": [1, 2, 3, 4], "hidden": ["yes", "no", "no", "yes"]}))
    connection.register("trial", rows.filter(ds.field("hidden") != "yes"))
    for asked, wanted in _TRIALS:
        if connection.execute(asked.format("trial")).fetchall() != wanted:
            raise Unveiled("the engine does not keep to what is seen")
    connection.unregister("trial")


def veiled(sealed: ds.Dataset, folder: Path) -> ds.Dataset:
    """The sealed log as far as it is seen."""
    filters = []
    if (folder / SEEN).exists():
        seen = pa.ipc.open_stream(pa.memory_map(str(folder / SEEN))).read_all()
        filters.append(ds.field("entity").isin(seen.column("entity").combine_chunks()))
    known = [(tuple(triple), shown) for triple, shown in json.loads((folder / SHOWN).read_bytes())]
    if not all(shown for _, shown in known):
        filters.append(_of_triples(triple for triple, shown in known if shown))
    return sealed.filter(functools.reduce(operator.and_, filters)) if filters else sealed


def _of_triples(shown: Iterable[Triple]) -> pc.Expression:
    """Rows of one of these: attributes shown for the same owners and classifications go together."""
    pairs = defaultdict(set)
    for attribute, *pair in shown:
        pairs[attribute].add(tuple(pair))
    alike = defaultdict(list)
    for attribute, of in pairs.items():
        alike[frozenset(of)].append(attribute)
    parts = [_in("attribute", names) & _of_pairs(of) for of, names in alike.items()]
    return functools.reduce(operator.or_, parts, pc.scalar(False))


def _of_pairs(pairs: Iterable[tuple[str | None, ...]]) -> pc.Expression:
    owners = defaultdict(list)
    for owner, classification in pairs:
        owners[owner].append(classification)
    parts = [_in("owner", [owner]) & _in("classification", classes) for owner, classes in owners.items()]
    return functools.reduce(operator.or_, parts)


def _in(column: str, values: Iterable[str | None]) -> pc.Expression:
    """Whether it is one of these; None is one too."""
    return ds.field(column).isin(pa.array(list(values), pa.string()))


def own_commits(commits: pa.Table, sealed: ds.Dataset | None, open_end: pa.Table) -> pa.Table:
    """What commits say, of those of which a row is seen; of the others nothing."""
    own: Mask = np.zeros(len(commits), np.bool_)
    own[open_end.column("position").to_numpy() - 1] = True
    if sealed is not None:
        for batch in sealed.to_batches(columns=["position"]):
            own[batch.column("position").to_numpy() - 1] = True
    kept = pa.array(own)
    columns = {}
    for name in _COMMIT:
        column = commits.column(name).combine_chunks()
        plain = column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
        columns[name] = pc.if_else(kept, plain, pa.scalar(None, plain.type))
    return pa.table(columns)
