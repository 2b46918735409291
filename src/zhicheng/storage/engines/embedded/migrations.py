"""Migrations: how a folder of an older format becomes one of the next; every number that was released has one."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path

from zhicheng.kernel.errors import BadConfiguration
from zhicheng.storage.engines.embedded.database import FORMAT, Database

logger = logging.getLogger(__name__)

Migration = Callable[[Database, Path], None]
"""Makes of format n what n + 1 is, in one transaction of state.db; new files are written beside old ones."""

MIGRATIONS: Mapping[int, Migration] = {}
"""By the number they begin at. Format 1 is the first."""


def migrate(
    database: Database, folder: Path, migrations: Mapping[int, Migration] = MIGRATIONS, target: int = FORMAT
) -> None:
    """Apply what is needed, one number after the other; a failure leaves the folder at the number it had reached."""
    while (number := database.number("PRAGMA user_version")) < target:
        if number not in migrations:
            raise BadConfiguration(
                f"{folder} has format {number}, which is too old here: open it with an older version first",
                f"{folder} 的格式为 {number}，本版本无法将其升级到 {target}：请先用较早的版本打开",
            )
        logger.warning("%s: from format %d to %d", folder, number, number + 1)
        with database.transaction():
            migrations[number](database, folder)
            database.run(f"PRAGMA user_version={number + 1}")
