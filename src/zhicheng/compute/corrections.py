"""Corrections put in their place before an application reads the rows: for a backfill."""

from __future__ import annotations

from zhicheng.standards.changes import Act
from zhicheng.storage.live import amended
from zhicheng.storage.log import ORDINAL_BITS, Batch
from zhicheng.storage.port import Store
from zhicheng.storage.series import concat, empty_batch, in_log_order


def corrections_of(store: Store, attributes: frozenset[str], until: int) -> Batch:
    """All corrections up to a position."""
    found = [empty_batch()]
    for _, batch in store.scan(0, attributes):
        amending = (batch.changes.act == Act.CORRECT) & (batch.position <= until)
        if amending.any():
            found.append(batch.take(amending))
    return concat(found)


def mended(batch: Batch, corrections: Batch, until: int) -> Batch:
    """The rows with their corrections in place; those after `until` are left to be counted."""
    batch = batch.take((batch.changes.act != Act.CORRECT) | (batch.position > until))
    if not len(batch) or not len(corrections):
        return batch
    targets = corrections.changes.target >> ORDINAL_BITS
    own = corrections.take((targets >= batch.position[0]) & (targets <= batch.position[-1]))
    later = batch.take(batch.changes.act >= Act.CORRECT)
    plain = amended(concat([batch.take(batch.changes.act < Act.CORRECT), own])) if len(own) else batch
    return in_log_order(concat([plain, later])) if len(own) else batch
