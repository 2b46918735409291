"""Payloads that are handed in over HTTP: a source that never has anything of its own."""

from __future__ import annotations

import asyncio

from zhicheng.network.source import Cursor, Poll


class PushSource:
    """Waits; what is pushed goes to the feed directly (`Feed.push`)."""

    kind = "push"
    skips_refused = True

    async def next(self, cursor: Cursor) -> Poll:
        await asyncio.Event().wait()
        return Poll(None, ended=True)

    async def close(self) -> None:
        """There is nothing to let go of."""
