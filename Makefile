# The portal. `make help` lists the targets; PORT and PORTAL_DATA_DIR choose the port and the data directory.

PYTHON ?= python3
PORT ?= 8000
BIN := .venv/bin
FLASK := $(BIN)/flask --app wsgi
INSTALL := python -m pip install --quiet --disable-pip-version-check --require-hashes
COMPILE := $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
  --no-emit-index-url --no-annotate --no-header
PEERS := drf fastapi apifairy

export PORT
.DEFAULT_GOAL := help
.PHONY: help setup demo run worker test check lint types imports bars migration wheel bench bench-http bench-growth \
  openapi grades forms pins clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

.venv/runtime: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12 ...")'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/$(INSTALL) -r requirements.txt
	@touch $@

.venv/development: .venv/runtime requirements-dev.txt
	$(BIN)/$(INSTALL) -r requirements-dev.txt
	@touch $@

setup: .venv/development ## Create the virtual environment for development

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

check: lint types imports test ## Run everything a commit must pass

lint: .venv/development ## Check formatting and style
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .

types: .venv/development ## Check types
	$(BIN)/mypy

imports: .venv/development ## Check which package may import which
	$(BIN)/lint-imports --no-cache

bars: .venv/development ## Run the long tests: killed processes, floods, timings, real servers
	$(BIN)/pytest -q -m bar

migration: export PORTAL_DATA_DIR := var/migration/data
migration: .venv/development ## Write the next migration from the models: make migration NAME="add goals"
	@test -n "$(NAME)" || { echo 'Say what it does: make migration NAME="add goals"' >&2; exit 1; }
	@rm -rf var/migration && mkdir -p var/migration
	@$(FLASK) db upgrade
	@$(FLASK) db revision --autogenerate -m "$(NAME)"

wheel: .venv/development ## Build the wheel in dist/
	$(BIN)/hatchling build --target wheel

.venv-bench/%/ready: bench/peers/requirements-%.txt
	@test -x .venv-bench/$*/bin/python || $(PYTHON) -m venv .venv-bench/$*
	.venv-bench/$*/bin/$(INSTALL) -r $<
	@touch $@

bench: .venv/development ## Measure speed as ratios to a floor measured in the same run
	$(BIN)/python -m bench

bench-http: .venv/development $(PEERS:%=.venv-bench/%/ready) ## Measure speed over HTTP, beside other frameworks
	$(BIN)/python -m bench.loopback

bench-growth: .venv/development ## Compare the speed at 1,000,000 assignments with that at 10,000
	$(BIN)/python -m bench.growth

openapi: export PORTAL_DATA_DIR := var/described/portal
openapi: .venv/runtime ## Refresh docs/openapi.json, which the tests compare with the API
	@mkdir -p var && $(FLASK) openapi > var/openapi.json && mv var/openapi.json docs/openapi.json

grades: .venv/development ## Refresh the reading grades in docs/library.md
	$(BIN)/python -m tests.library.page

forms: .venv/development ## Refresh docs/forms.md from the block types
	$(BIN)/python -m tests.forms.page

pins: .venv/development ## Upgrade the pinned requirements
	$(COMPILE) pyproject.toml -o requirements.txt
	$(COMPILE) -c requirements.txt --group dev pyproject.toml -o requirements-dev.txt
	for peer in $(PEERS); do $(COMPILE) bench/peers/requirements-$$peer.in -o bench/peers/requirements-$$peer.txt; done

clean: ## Remove the virtual environments, the wheel and the caches; data stays
	rm -rf .venv .venv-bench dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
