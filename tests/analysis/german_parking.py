"""The car parks of the archive that forecasts are scored on, as a table of slots."""

from __future__ import annotations

import numpy as np

from tests.acceptance.parking import Archive
from zhicheng.analysis.backtest import slotted
from zhicheng.analysis.forecast import SLOT, slots_of
from zhicheng.kernel import instants
from zhicheng.kernel.columns import F8, I8
from zhicheng.kernel.zones import offsets, zone

START, DAYS = instants.parse("2023-03-01T00:00:00Z"), 92
ENOUGH = 0.9


def three_months(archive: Archive) -> tuple[F8, I8]:
    """Values by slot and car park, and the slots: of those with known capacity and at least 90 % of slots present.

    The archive leaves out a value that has not changed since the line before and begins each day with all of them, so
    that a slot's value is the last reading at or before its end, if that is at most a day old.
    """
    count = DAYS * 96
    known = [
        park for park in sorted(archive.readings) if archive.places.get(park, {}).get("num_all", "") not in ("", "0")
    ]
    table = np.column_stack([slotted(*archive.readings[park], START, count) for park in known])
    starts = START + SLOT * np.arange(count)
    slots = slots_of(starts, offsets(zone("Europe/Berlin"), starts))
    return table[:, np.mean(~np.isnan(table), axis=0) >= ENOUGH], slots
