"""`zhicheng run` over a city all of whose values count as protected: `python -m benchmarks.audited FOLDER PORT`."""

from __future__ import annotations

import sys
from pathlib import Path

from zhicheng.server import serve
from zhicheng.server.app import App
from zhicheng.server.city import City
from zhicheng.server.folder import DataFolder
from zhicheng.server.settings import load_city, with_server


def application(city: City) -> App:
    app = plain(city)
    app.witness.protected = lambda found, request: True  # type: ignore[method-assign]  # each read is an act
    return app


plain = serve.application


def main() -> None:
    folder, port = Path(sys.argv[1]), int(sys.argv[2])
    serve.application = application
    city = City(with_server(load_city(None, {}), None, port), DataFolder(folder), open_to_all=True)
    serve.serve(city, lambda: None)


if __name__ == "__main__":
    main()
