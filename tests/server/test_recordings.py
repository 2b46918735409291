"""A recording that has been played: its now outlives a restart, so that ages stay those of the recording."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from tests.server.conftest import Start

CITY = """
[feeds.recorded]
decoder = "ngsi-ld"
replay = "recorded"
speed = 0
"""


async def test_the_now_of_a_recording_outlives_a_restart(start: Start, tmp_path: Path) -> None:
    recorded = tmp_path / "recorded"
    recorded.mkdir()
    (recorded / "1700000000.json").write_text('[{"id": "urn:ngsi-ld:Device:1", "type": "Device"}]')
    os.utime(recorded / "1700000000.json", (1_700_000_000, 1_700_000_000))
    client = await start(CITY)
    for _ in range(200):
        if (await client.get("/api/v1/feeds")).json()[0]["payloads"]:
            break
        await asyncio.sleep(0.02)
    before = (await client.get("/api/v1/state")).json()["now"]
    await client.city.stop()
    again = await start(CITY)
    assert (await again.get("/api/v1/state")).json()["now"] == before
