"""A question as it goes to the child process. Here the engine is not imported: the server never loads it."""

from __future__ import annotations

import msgspec

MEDIA = {
    "arrow": "application/vnd.apache.arrow.stream",
    "json": "application/json",
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class Asked(msgspec.Struct, frozen=True):
    """A question. memory: bytes; seconds: of processor time; rows: most of the answer; names: IRI -> short name."""

    sql: str
    folder: str
    memory: int
    seconds: float
    rows: int
    format: str = "arrow"
    encoding: str = "utf-8"
    names: dict[str, str] = {}
    threads: int = 2
