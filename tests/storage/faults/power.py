"""Power cuts: whatever SQLite wrote and did not sync is lost, or there in part; nothing acknowledged may be missing.

`python -m tests.storage.faults.power --cuts 200 --seed 7` runs apart, since the file layer it puts under SQLite must be
there before the store is imported. At a cut the database's files are taken as of their last sync; of what was
written since, each write is there, absent or torn, as the dice say. Segments and snapshots are taken as they
lie there: a cut between a rename and the sync of its folder is not tried.
"""

from __future__ import annotations

import argparse
import logging
import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import apsw

Write = tuple[int, bytes | None]
"""Offset and bytes; None: cut to that length."""


class Disk:
    """What has reached the disk of each file, and what is on its way."""

    def __init__(self) -> None:
        self.durable: dict[str, bytearray] = {}
        self.waiting: dict[str, list[Write]] = {}
        self.before_sync: Callable[[], None] = lambda: None

    def write(self, name: str, write: Write) -> None:
        """A write that was not synced yet."""
        self.waiting.setdefault(name, []).append(write)

    def sync(self, name: str) -> None:
        """All writes of a file arrive."""
        self.before_sync()
        content = self.durable.setdefault(name, bytearray())
        for write in self.waiting.pop(name, []):
            arrive(content, write)

    def delete(self, name: str) -> None:
        """A file goes."""
        self.durable.pop(name, None)
        self.waiting.pop(name, None)

    def cut(self, folder: Path, target: Path, dice: random.Random) -> None:
        """What is found after the power came back."""
        target.mkdir()
        for name in {*self.durable, *self.waiting}:
            if Path(name).parent == folder:
                content = bytearray(self.durable.get(name, b""))
                luck = dice.choice([0.0, 0.5, 0.9])
                for offset, data in self.waiting.get(name, []):
                    if dice.random() < luck:
                        torn = data is not None and dice.random() < 0.3
                        arrive(
                            content, (offset, data[: dice.randrange(0, len(data) + 1, 512)] if torn and data else data)
                        )
                (target / Path(name).name).write_bytes(content)
        for part in ("segments", "snapshots"):
            if (folder / part).exists():
                shutil.copytree(folder / part, target / part)


def arrive(content: bytearray, write: Write) -> None:
    """A write reaches the disk."""
    offset, data = write
    if data is None:
        del content[offset:]
        return
    content.extend(bytes(max(offset - len(content), 0)))
    content[offset : offset + len(data)] = data


class Layer(apsw.VFS):
    """Under every database of this process; tells `disk` what happens."""

    def __init__(self, disk: Disk) -> None:
        self.disk = disk
        super().__init__("power", "unix", makedefault=True)

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:  # noqa: N802  (SQLite's name)
        return File(self.disk, name, flags)

    def xDelete(self, name: str, syncdir: bool) -> None:  # noqa: N802  (SQLite's name)
        super().xDelete(name, syncdir)
        self.disk.delete(name)


class File(apsw.VFSFile):
    """One open file."""

    def __init__(self, disk: Disk, name: Any, flags: list[int]) -> None:
        super().__init__("unix", name, flags)
        self._disk = disk
        self._name = name.filename() if isinstance(name, apsw.URIFilename) else str(name)

    def xWrite(self, data: Any, offset: int) -> None:  # noqa: N802  (SQLite's name)
        super().xWrite(data, offset)
        self._disk.write(self._name, (offset, bytes(data)))

    def xTruncate(self, size: int) -> None:  # noqa: N802  (SQLite's name)
        super().xTruncate(size)
        self._disk.write(self._name, (size, None))

    def xSync(self, flags: int) -> None:  # noqa: N802  (SQLite's name)
        super().xSync(flags)
        self._disk.sync(self._name)


def run(cuts: int, seed: int, place: Path) -> Counter[str]:
    """Write, cut the power at random syncs, and look at what is left; AssertionError if something is missing."""
    disk = Disk()
    layer = Layer(disk)  # it lasts as long as somebody holds it
    from tests.storage.faults import workload
    from tests.storage.faults.kill import Folder, check_log, whole_log
    from zhicheng.storage.engines.embedded.store import EmbeddedSettings, EmbeddedStore

    settings = EmbeddedSettings(seal_rows=10**9, snapshot_rows=300, snapshots_kept=3)
    dice = random.Random(seed)
    folder = place / "tenant"
    store = EmbeddedStore(folder, settings)
    store._database.run("PRAGMA wal_autocheckpoint=25")  # so that cuts also fall into checkpoints
    store.commit(workload.first_commit())
    acknowledged: list[int] = []
    taken: list[tuple[Path, int]] = []

    def perhaps() -> None:
        if dice.random() < 0.2 and len(taken) < cuts:
            target = place / f"cut-{len(taken)}"
            disk.cut(folder, target, dice)
            taken.append((target, len(acknowledged)))

    disk.before_sync = perhaps
    counts: Counter[str] = Counter()
    sequence = 0
    while len(taken) < cuts:
        acknowledged.append(store.commit(workload.commit(store, seed, 0, sequence)).position)
        sequence += 1
        if sequence % 25 == 0:
            store.seal()
    disk.before_sync = lambda: None
    for target, known in taken:
        left = EmbeddedStore(target, settings)
        rows = whole_log(left)
        check_log(Folder(target, seed), rows)
        assert int(rows.position[-1]) >= known + 1, f"{target}: {known} acknowledged, {rows.position[-1] - 1} left"
        assert not left.verify()
        counts["cuts"] += 1
        counts["acknowledged"] += known
        counts["kept though not acknowledged"] += int(rows.position[-1]) - 1 - known
        left.close()
        shutil.rmtree(target)
    store.close()
    del layer
    return counts


def main() -> None:
    """Prints the counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cuts", type=int, default=100)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    print(f"seed {options.seed}", flush=True)
    place = Path(tempfile.mkdtemp(prefix="power-"))
    print(dict(run(options.cuts, options.seed, place)))
    shutil.rmtree(place)


if __name__ == "__main__":
    main()
