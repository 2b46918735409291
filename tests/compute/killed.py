"""A city that is killed: writes a random log and runs applications over it in one process, from wherever it was.

python -m tests.compute.killed FOLDER SEED
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from tests.compute.windowed import MEANS, QUARTERS
from zhicheng.compute import law
from zhicheng.compute.runner import Runner, RunnerSettings
from zhicheng.storage.engines.embedded.store import EmbeddedStore
from zhicheng.storage.log import Batch, Commit, Producer

COMMITS = 120
SETTINGS = (RunnerSettings(batch_rows=20, save_rows=100, idle_rows=40), RunnerSettings(batch_rows=20, inline=0))


def log_of(seed: int) -> Batch:
    """The log that is written, of what both applications read."""
    both = [law.random_log(app, np.random.default_rng(seed), COMMITS, mortal=False) for app in (MEANS, QUARTERS)]
    return both[seed % 2]


def main(folder: Path, seed: int) -> None:
    """Write commit after commit, stepping in between; says of each that is new, and when it is through."""
    now = [0]
    store = EmbeddedStore(folder, clock=lambda: now[0])
    log = log_of(seed)
    app = (MEANS, QUARTERS)[seed % 2]
    draw = np.random.default_rng()
    runner = Runner(app, store, settings=SETTINGS[seed // 2 % 2])
    for number in np.unique(log.position).tolist():
        own = log.take(log.position == number)
        now[0] = int(own.recorded_at[0])
        receipt = store.commit(Commit(own.changes, "test", "test", Producer("test", 0, number)))
        if not receipt.repeated:
            print(number, flush=True)  # noqa: T201  (a program of its own: tells its parent)
        if draw.random() < 0.4:
            runner.step()
    runner.run()
    store.close()
    print("through", flush=True)  # noqa: T201  (see above)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
