# `make run` starts the platform with a made-up city, `make test` tests everything; the rest is for those who change it.
# A fresh machine needs Python 3.11-3.13 with venv, Node 20 with npm, make and a C library of Linux; nothing else.

PYTHON ?= python3
HOST ?= 127.0.0.1
PORT ?= 8800
CITY ?=
DATA ?= data
BIN := .venv/bin
STATIC := src/zhicheng/server/portals/static
WEB_SOURCES := $(shell find web -type f -not -path '*/node_modules/*' -not -path '*/test-results/*' 2>/dev/null)

.DEFAULT_GOAL := help
.PHONY: help setup run test check format bench services lock clean
# a target that failed half-way is not taken for done
.DELETE_ON_ERROR:

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | expand -t 12

setup: .venv/.linked $(if $(wildcard web/package.json),$(STATIC)/index.html) ## install everything into .venv and build the web side
	@$(BIN)/python -m compileall -q src  # a moment; commands start in half the time, also where Python may not write

run: setup ## start the demo city, or the platform on a CITY file (HOST, PORT, DATA)
	$(if $(CITY),$(BIN)/zhicheng run --city $(CITY) --data $(DATA) --host $(HOST) --port $(PORT) --no-auth,\
	$(BIN)/zhicheng demo --data $(DATA)/demo --port $(PORT) --no-open)

test: setup services .venv/.simulator ## test everything (ARGS="tests/house -k name" for a part)
	$(if $(ARGS),$(BIN)/python -m pytest $(ARGS),tools/lanes.sh)

check: .venv/.linked $(if $(wildcard web/package.json),web/node_modules/.package-lock.json) ## format, lint, types, the house, the documents
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy src tools tests $(wildcard benchmarks)
	$(BIN)/lint-imports --no-logo
	$(BIN)/python tools/house.py
	$(BIN)/python tools/tracked.py
	$(BIN)/python tools/coverage.py --check
	$(BIN)/python tools/matrix.py --check
	$(if $(wildcard web/package.json),cd web && npm run --silent check)

format: .venv/.linked ## put the sources in order
	$(BIN)/ruff check --fix --exit-zero
	$(BIN)/ruff format

bench: setup .venv/.simulator ## measure; prints a table and writes build/bench.json
	@mkdir -p build
	$(BIN)/python -m benchmarks $(ARGS)

services: ## install and start the servers that some test asks for
	tools/services.sh up

lock: .venv/.installed ## resolve the newest allowed dependencies into the two lock files
	tools/lock.sh

clean: ## remove what was built; .venv, node_modules and data stay
	tools/services.sh down
	rm -rf build dist $(STATIC) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

# --- stamps: each lies in the folder it speaks for, so that removing the folder removes it too

.venv/.installed: requirements-dev.lock tools/install.sh
	PYTHON=$(PYTHON) tools/install.sh requirements-dev.lock
	@touch $@

.venv/.simulator: .venv/.linked requirements-sim.lock
	tools/install.sh requirements-sim.lock
	@touch $@

.venv/.linked: .venv/.installed pyproject.toml
	$(BIN)/uv pip install --quiet --python $(BIN)/python --offline --no-deps --no-build-isolation --editable .
	@touch $@

web/node_modules/.package-lock.json: web/package-lock.json
	cd web && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

$(STATIC)/index.html: web/node_modules/.package-lock.json $(WEB_SOURCES)
	cd web && npm run --silent build
	@touch $@
