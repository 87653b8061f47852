# The portal. `make help` lists what there is; PORT and PORTAL_DATA_DIR choose port and data directory.

PYTHON ?= python3
PORT ?= 8000
BIN := .venv/bin
FLASK := $(BIN)/flask --app wsgi
PEERS := drf fastapi apifairy

export PORT
.DEFAULT_GOAL := help
.PHONY: help demo run worker test check lint types imports bars bench bench-http bench-growth openapi grades pins clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

.venv/runtime: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12 ...")'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

.venv/development: .venv/runtime requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

demo: export PORTAL_DATA_DIR := $(or $(PORTAL_DATA_DIR),var/demo)
demo: .venv/runtime ## Load the demo practice and start web and worker
	@$(FLASK) db upgrade
	@exec $(FLASK) demo

run: export PORTAL_DATA_DIR := $(or $(PORTAL_DATA_DIR),var/portal)
run: .venv/runtime ## Start web and worker; an empty database prints its set-up link
	@$(FLASK) db upgrade
	@exec $(FLASK) start

worker: export PORTAL_DATA_DIR := $(or $(PORTAL_DATA_DIR),var/portal)
worker: .venv/runtime ## Start another worker
	@exec $(FLASK) worker

test: .venv/development ## Run the tests on SQLite and PostgreSQL
	$(BIN)/pytest -q -n 2 --dist loadgroup -m "not bar"

check: lint types imports test ## What must hold before every commit

lint: .venv/development ## Style
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .

types: .venv/development ## Types
	$(BIN)/mypy

imports: .venv/development ## The order of the packages
	$(BIN)/lint-imports --no-cache

bars: .venv/development ## The long ones: kills, floods, timings, real servers
	$(BIN)/pytest -q -m bar

.venv-bench/%/ready: bench/peers/requirements-%.txt
	@test -x .venv-bench/$*/bin/python || $(PYTHON) -m venv .venv-bench/$*
	.venv-bench/$*/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

bench: .venv/development ## Speed, as ratios to a floor measured in the same run
	$(BIN)/python -m bench

bench-http: .venv/development $(PEERS:%=.venv-bench/%/ready) ## Speed over HTTP, beside other frameworks
	$(BIN)/python -m bench.loopback

bench-growth: .venv/development ## Speed at 1,000,000 assignments over that at 10,000
	$(BIN)/python -m bench.growth

openapi: export PORTAL_DATA_DIR := var/described/portal
openapi: .venv/runtime ## Refresh docs/openapi.json, which the tests hold the API against
	@mkdir -p var && $(FLASK) openapi > var/openapi.json && mv var/openapi.json docs/openapi.json

grades: .venv/development ## Refresh the reading grades in docs/library.md
	$(BIN)/python -m tests.library.page

pins: .venv/development ## Compile the pinned requirements anew
	$(BIN)/uv pip compile --quiet --upgrade --generate-hashes --no-emit-index-url --no-annotate --no-header --universal --python-version 3.11 pyproject.toml -o requirements.txt
	$(BIN)/uv pip compile --quiet --upgrade --generate-hashes --no-emit-index-url --no-annotate --no-header --universal --python-version 3.11 -c requirements.txt --group dev pyproject.toml -o requirements-dev.txt
	for peer in $(PEERS); do $(BIN)/uv pip compile --quiet --upgrade --generate-hashes --no-emit-index-url --no-annotate --no-header --universal --python-version 3.11 bench/peers/requirements-$$peer.in -o bench/peers/requirements-$$peer.txt; done

clean: ## Remove the virtual environment and the caches; data stays
	rm -rf .venv .venv-bench .mypy_cache .ruff_cache .pytest_cache .hypothesis
