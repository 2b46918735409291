#!/usr/bin/env bash
# Writes requirements.lock (to run), requirements-dev.lock (to run, test, check and build) and requirements-sim.lock (the
# simulator beside these) from pyproject.toml, for every Python and platform we support, with hashes and without the
# address of any package index.
# usage: tools/lock.sh [--upgrade | --upgrade-package NAME]
set -euo pipefail
cd "$(dirname "$0")/.."

compile() {
    .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --no-header --no-annotate --no-emit-index-url --no-emit-find-links "$@"
}
compile pyproject.toml --output-file requirements.lock "${@}"
compile pyproject.toml --group dev --constraint requirements.lock --output-file requirements-dev.lock "${@}"
extra='import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["sim"])'
.venv/bin/python -c "$extra" |
    compile - --constraint requirements-dev.lock --output-file requirements-sim.lock "${@}"
