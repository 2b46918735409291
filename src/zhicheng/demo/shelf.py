"""What was made of a seed, kept in a folder: made once, there at once the next time."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from dataclasses import astuple
from pathlib import Path

from zhicheng.demo import basemap, city, documents, gtfs, records
from zhicheng.demo.chance import mixed
from zhicheng.demo.city import City, Living
from zhicheng.demo.plan import VERSION, Plan


class Shelf:
    """A folder for one plan. Nothing of the platform is in it; removing it costs the seconds of making it again."""

    def __init__(self, folder: Path, plan: Plan) -> None:
        mark = int(mixed(*[hash_of(one) for one in astuple(plan)]))
        self.folder = folder / f"{plan.seed}-v{VERSION}-{mark:016x}"
        self.plan = plan
        self._city: City | None = None

    def living(self) -> Living:
        """The part that goes on living."""
        path = self.folder / "living.pickle"
        if path.is_file():
            try:
                with path.open("rb") as file:
                    found = pickle.load(file)
                if isinstance(found, Living):
                    return found
            except (OSError, pickle.UnpicklingError, EOFError, AttributeError, ImportError):
                path.unlink(missing_ok=True)  # half written, or of another version: made anew
        living = self.city().living
        self._keep(path, pickle.dumps(living, protocol=5))
        return living

    def city(self) -> City:
        """All of it; made, not kept."""
        if self._city is None:
            self._city = city.make(self.plan)
        return self._city

    def forget(self) -> None:
        """Let go of what only making needs."""
        self._city = None

    def timetable(self, year: int) -> bytes:
        """The GTFS zip of a year."""
        living = self.living()
        return self._made(f"gtfs-{year}.zip", lambda: gtfs.archive(living.ground, living.buses, living.tables, year))

    def basemap(self) -> bytes:
        """The base map's GeoJSON."""
        return self._made("basemap.geojson", lambda: basemap.collection(self.city()))

    def register(self, department: str) -> bytes:
        """A department's records, a document a line."""
        path = self.folder / f"{department}.ndjson"
        if not path.is_file():
            for name, found in records.records(self.city()).items():
                self._keep(self.folder / f"{name}.ndjson", documents.lines(found))
        return path.read_bytes()

    def _made(self, name: str, make: Callable[[], bytes]) -> bytes:
        path = self.folder / name
        if not path.is_file():
            self._keep(path, make())
        return path.read_bytes()

    def _keep(self, path: Path, body: bytes) -> None:
        """Whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.{os.getpid()}")
        part.write_bytes(body)
        part.replace(path)


def hash_of(value: object) -> int:
    """A number of a plan's value that is the same in every process.

    >>> hash_of(2.5), hash_of("a")
    (2500, 97)
    """
    if isinstance(value, tuple):
        return sum((at + 1) * hash_of(one) for at, one in enumerate(value))
    if isinstance(value, str):
        return sum((at + 1) * code for at, code in enumerate(value.encode()))
    return round(float(str(value)) * 1000)
