"""Three months of German car parks, read without any of the platform's code: daily wide tables, and one of places."""

from __future__ import annotations

import csv
import io
import tarfile
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt

ARCHIVE = "parking/germany_parking_2023-03..05.tar.xz"
PLACES = "meta-data.csv"
EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


@dataclass
class Archive:
    """rows: lines of all tables; cells: values in the daily ones; readings: instants (microseconds) and values of
    each car park in the order of the files; places: lines of the table of places
    """

    rows: int = 0
    cells: int = 0
    readings: dict[str, tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]] = field(default_factory=dict)
    places: dict[str, dict[str, str]] = field(default_factory=dict)
    other: list[str] = field(default_factory=list)

    def at(self, park: str, instant: int) -> float | None:
        """What a car park last said at an instant or before."""
        at, values = self.readings[park]
        place = int(np.searchsorted(at, instant, "right"))
        return float(values[place - 1]) if place else None


def read_archive(path: Path) -> Archive:
    found = Archive()
    collected: dict[str, tuple[list[int], list[float]]] = {}
    with tarfile.open(path) as archive:
        for member in sorted(archive.getmembers(), key=lambda one: one.name):
            stream = archive.extractfile(member) if member.isfile() else None
            if stream is None:
                continue
            name = member.name.rpartition("/")[2]
            if not name.endswith(".csv"):
                found.other.append(name)
                continue
            lines = csv.reader(io.TextIOWrapper(stream, "utf-8", newline=""))
            header = next(lines)
            if name == PLACES:
                found.places = {line[0]: dict(zip(header, line, strict=True)) for line in lines if line}
                found.rows += len(found.places)
            else:
                read_day(found, collected, header[1:], list(lines))
    for park, (at, values) in collected.items():
        order = np.argsort(np.array(at), kind="stable")
        found.readings[park] = (np.array(at)[order], np.array(values)[order])
    return found


def read_day(
    found: Archive, collected: dict[str, tuple[list[int], list[float]]], parks: list[str], lines: list[list[str]]
) -> None:
    for line in lines:
        found.rows += 1
        at = round((datetime.fromisoformat(line[0]) - EPOCH).total_seconds() * 1e6)
        for park, cell in zip(parks, line[1:], strict=True):
            if cell:
                found.cells += 1
                times, values = collected.setdefault(park, ([], []))
                times.append(at)
                values.append(float(cell))
