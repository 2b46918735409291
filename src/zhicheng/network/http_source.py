"""A source that polls a URL: conditional requests, and bodies that did not change are not given again."""

from __future__ import annotations

import hashlib

from zhicheng.kernel.instants import SECOND, Clock
from zhicheng.network.fetch import Fetcher
from zhicheng.network.source import Cursor, Payload, Poll


class HttpSource:
    """Polls every `interval` microseconds, measured from the start of each request."""

    kind = "http"
    skips_refused = False

    def __init__(self, fetcher: Fetcher, name: str, interval: int, clock: Clock) -> None:
        self._fetcher = fetcher
        self._name = name
        self._interval = interval
        self._clock = clock

    async def next(self, cursor: Cursor) -> Poll:
        began = self._clock()
        answer = await self._fetcher.get(cursor.etag, cursor.modified)
        now = self._clock()
        wait = min(max(0, self._interval - (now - began)), self._interval) / SECOND
        if answer is None:
            return Poll(None, wait)
        digest = hashlib.blake2b(answer.body, digest_size=16).hexdigest()
        if digest == cursor.digest:
            return Poll(None, wait)
        after = Cursor(cursor.sequence + 1, at=now, etag=answer.etag, modified=answer.modified, digest=digest)
        return Poll(Payload(answer.body, self._name, now, after), wait)

    async def close(self) -> None:
        await self._fetcher.close()
