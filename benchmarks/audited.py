"""`zhicheng run` with an entry in the log of acts before each answer: `python -m benchmarks.audited FOLDER PORT`.

Until every protected route writes its entry itself, this is where its price is measured.
"""

from __future__ import annotations

import sys
from pathlib import Path

from zhicheng.security.entries import Act, Entry, Outcome
from zhicheng.server import serve
from zhicheng.server.app import App
from zhicheng.server.audit_key import open_journal
from zhicheng.server.city import City
from zhicheng.server.folder import DataFolder
from zhicheng.server.http import Answer, Scope, Send
from zhicheng.server.settings import load_city, with_server
from zhicheng.server.table import all_routes


class Audited(App):
    """Answers once the act is on disk."""

    def __init__(self, city: City) -> None:
        super().__init__(city, all_routes(), city.telemetry)
        self.journal = open_journal(city.folder.path)

    async def send(self, answer: Answer, scope: Scope, send: Send, *, head: bool) -> None:
        path = scope["path"]
        if path.startswith("/ngsi-ld"):
            await self.journal.logged(Entry(
                self.journal.now(), Act.DECISION, "entities:read", Outcome.ALLOWED, "clerk", "default",
                resource=path, network="127.0.0.1", request=f"{id(scope):x}", purpose="benchmark",
            ))  # fmt: skip
        await super().send(answer, scope, send, head=head)


def main() -> None:
    folder, port = Path(sys.argv[1]), int(sys.argv[2])
    serve.application = Audited
    city = City(with_server(load_city(None, {}), None, port), DataFolder(folder), open_to_all=True)
    serve.serve(city, lambda: None)


if __name__ == "__main__":
    main()
