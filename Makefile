# Windsock. `make help` lists what there is.
.DEFAULT_GOAL := help
SHELL := /bin/sh

# Python >= 3.11 and make are all that a bare machine must have.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
PORT ?= 8501
export DBT_SEND_ANONYMOUS_USAGE_STATS := false
export STREAMLIT_BROWSER_GATHER_USAGE_STATS := false
export GX_ANALYTICS_ENABLED := false

.PHONY: help setup up test test-real lint types docs bench bench-peers demo drill lock sample screenshots components clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: .venv/.ready  ## install everything into .venv/

.venv/.ready: requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; set PYTHON=/path/to/python3"; exit 2; }
	@echo "Setting up .venv with $(PYTHON) (about 1.5 GB, a minute or two the first time)"
	@$(PYTHON) -m venv .venv
	@awk '/^uv==/ {p = 1; print; next} /^[^ ]/ {p = 0} p' requirements.lock > .venv/uv.lock
	@$(PIP) install --quiet --require-hashes -r .venv/uv.lock
	@# uv is ten times as fast; pip knows mirrors that only pip.conf names
	@$(BIN)/uv pip install --python $(BIN)/python --require-hashes -r requirements.lock 2>.venv/uv.log \
		|| $(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --quiet --no-build-isolation --no-deps -e .
	@touch .venv/.ready

up: setup  ## set up, land your Airflow (or the sample), serve the dashboards
	@$(BIN)/windsock up --port $(PORT)

demo: setup  ## a made-up company with three Airflows, alive, in var/demo (docs/demo.md)
	@$(BIN)/windsock demo --port $(PORT)

test: setup lint types  ## everything that needs no server package
	@$(BIN)/python -m pytest -m "not real" -n 2

test-real: setup  ## what apt must bring: MariaDB, Chromium, a real Airflow
	@$(BIN)/python -m pytest -m real

lint: setup
	@$(BIN)/ruff check .

types: setup
	@$(BIN)/mypy

docs: setup  ## docs/FLOW.md, the columns that each release has, and dbt's docs (var/docs/index.html)
	@$(BIN)/python -m tests.seen_columns
	@$(BIN)/python -m windsock.flow
	@mkdir -p var/docs
	@WINDSOCK_BUILD_FILE=var/docs/empty.duckdb $(BIN)/dbt -q docs generate --static --profiles-dir . \
		--target-path var/docs --log-path var/docs && mv var/docs/static_index.html var/docs/index.html
	@echo "Open var/docs/index.html: every model, column and test, and their lineage."

bench: setup  ## print the figures (FIGURE=name for one)
	@$(BIN)/python -m bench $(FIGURE)

bench-peers: setup  ## the same questions to PostgreSQL with the same metadata
	@$(BIN)/python -m bench.peers

drill: setup  ## kill, EIO and ENOSPC at every side effect in turn
	@$(BIN)/python -m tests.drill --all

screenshots: setup  ## every page in light, dark, wide and on a phone (needs chromium)
	@$(BIN)/python -m tests.screenshots

components:  ## bundle the browser's parts again (needs Node; setting up does not)
	@cd dashboards/components && npm ci --no-audit --no-fund && npm run check && npm run build

sample: setup  ## make the bundled sample again from the fixtures
	@$(BIN)/python -m ingest.sample.make

lock: setup  ## resolve requirements.lock anew from pyproject.toml
	@$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 \
		--generate-hashes --no-header --no-emit-index-url --no-annotate --no-strip-extras -q -o requirements.lock

clean:  ## remove .venv and caches (never var/)
	@rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis
