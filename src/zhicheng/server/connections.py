"""uvicorn's connections, given up where a client holds one without a request coming or an answer being taken.

A few hundred clients that send a byte now and then (slowloris, R.U.D.Y.) or read none would else hold sockets and
memory for as long as they like.
"""

from __future__ import annotations

from typing import Literal

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

SLOWEST = 1000
"""Bytes a second that a body must come, and an answer be taken, on an average."""
Wait = Literal["", "head", "body", "answer"]
"""What of a client is waited for: the rest of a request's head or body, or that it takes what is written."""


class Connection(HttpToolsProtocol):
    """One connection; `overdue` is to be asked every second or so."""

    heads = 0
    came = 0
    resumed = 0
    _awaited: tuple[Wait, int, int] = ("", 0, 0)
    _moved = 0
    _since = 0.0

    def on_headers_complete(self) -> None:
        self.heads += 1
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self.came += len(body)
        super().on_body(body)

    def resume_writing(self) -> None:
        self.resumed += 1
        super().resume_writing()

    def overdue(self, now: float, patience: float) -> Wait:
        """What has been waited for longer than `patience` seconds, in which too little of it came; "" if nothing has.

        now: seconds of a clock that never goes back
        """
        wait = self._waits()
        moved = self.came if wait == "body" else -self.transport.get_write_buffer_size() if wait == "answer" else 0
        awaited = (wait, self.heads, self.resumed)
        if awaited != self._awaited or moved - self._moved >= patience * SLOWEST:
            self._awaited, self._moved, self._since = awaited, moved, now
        return wait if now - self._since > patience else ""

    def _waits(self) -> Wait:
        transport = self.transport
        cycle: RequestResponseCycle | None = self.cycle
        done = cycle is None or cycle.response_complete
        if (done or self.flow.write_paused or transport.is_closing()) and transport.get_write_buffer_size():
            return "answer"
        if done:
            return "head" if self.timeout_keep_alive_task is None else ""
        return "body" if cycle is not None and cycle.more_body and not self.flow.read_paused else ""
