"""Hands payloads to the platform over HTTP, as any other system of the city would; patient while it is away."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator

import httpx

_log = logging.getLogger(__name__)
_WAITS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
"""Seconds between tries; the last one again and again."""


class Stopped(Exception):
    """The demo was told to end."""


class Refused(Exception):
    """The platform answered that it does not take a payload."""


class Sender:
    """url: where the platform is; stop: whether to give up (asked between tries)."""

    def __init__(
        self, url: str, token: str, stop: Callable[[], bool], sleep: Callable[[float], object] = time.sleep
    ) -> None:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        self._client = httpx.Client(base_url=url, headers=headers, timeout=120, trust_env=False)
        self._stop = stop
        self._sleep = sleep
        self.sent = 0

    def wait(self) -> None:
        """Until the platform serves."""
        for wait in _forever():
            try:
                if self._client.get("/health").status_code == 200:
                    return
            except httpx.TransportError:
                pass
            self._pause(wait)

    def push(self, feed: str, body: bytes | str, kind: str = "application/octet-stream") -> dict[str, object]:
        """Give a payload to a feed and wait until it is stored. Sent again after a broken connection: the platform
        knows a payload that it has already. Raises Refused, and Stopped.
        """
        content = body.encode() if isinstance(body, str) else body
        for wait in _forever():
            try:
                answer = self._client.post(f"/api/v1/feeds/{feed}", content=content, headers={"content-type": kind})
            except httpx.TransportError as error:
                _log.warning("%s: %s; once more in %g s", feed, error, wait)
                self._pause(wait)
                continue
            if answer.status_code == 200:
                self.sent += 1
                found: dict[str, object] = answer.json()
                return found
            if answer.status_code < 500 and answer.status_code != 429:
                raise Refused(f"{feed}: {answer.status_code} {answer.text[:300]}")
            self._pause(wait)
        raise Stopped

    def close(self) -> None:
        """Let go of the connection."""
        self._client.close()

    def _pause(self, wait: float) -> None:
        if self._stop():
            raise Stopped
        self._sleep(wait)


def _forever() -> Iterator[float]:
    yield from _WAITS
    while True:
        yield _WAITS[-1]
