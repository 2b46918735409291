#!/usr/bin/env bash
# Installs a lock file, and nothing that is not in it, into .venv.
# usage: tools/install.sh LOCK      PYTHON: the interpreter for a new .venv, python3
set -euo pipefail
cd "$(dirname "$0")/.."
lock=$1
python=.venv/bin/python

if [ ! -x "$python" ]; then
    "${PYTHON:-python3}" - <<'P' || exit 1
import sys
if not (3, 11) <= sys.version_info[:2] <= (3, 13):
    sys.exit(f"Python 3.11, 3.12 or 3.13 is needed; this is {sys.version.split()[0]}. Name another: make PYTHON=python3.12\n"
             "需要 Python 3.11 至 3.13，可用 make PYTHON=python3.12 指定。")
P
    "${PYTHON:-python3}" -m venv .venv || { rm -rf .venv; exit 1; }
fi
"$python" -m pip --version >/dev/null 2>&1 || "$python" -m ensurepip >/dev/null

# uv, itself from the lock, installs the rest in seconds; where it cannot reach the packages (pip may be
# configured for a mirror that uv does not know), pip does the same in half a minute. Both compile what they install:
# uncompiled, every command would read two thousand modules anew, which takes longer than anything it does.
pip() { "$python" -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes "$@"; }
if grep -q '^uv==' "$lock"; then
    pip --requirement <(awk '/^uv==/ { found = 1 } found { print } found && !/\\$/ { exit }' "$lock")
fi
.venv/bin/uv pip install --quiet --compile-bytecode --python "$python" --no-deps --require-hashes --requirement "$lock" ||
    pip --requirement "$lock"
