# TradeOps. `make run` shows the whole product, `make test` proves it; `make help` lists the rest.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# the locks are whole, so nothing is resolved at install: an older pip would look at releases that no lock names
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
COMPILE = $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url
SCENARIO ?= degrading
UP ?=
PYTEST ?=
# a part of the tests is over sooner than other workers would have started
WORKERS ?= $(if $(strip $(PYTEST)),0,4)

.PHONY: help run demo deploy test check audit sbom bench lock clean

help: ## what can be done here
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-6s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/run.stamp ## start it all (SCENARIO=healthy|degrading|crash|flaky), Ctrl-C ends it
	@exec $(BIN)/tradeops up --scenario $(SCENARIO) $(UP)

demo: $(VENV)/run.stamp ## the same once: ends by itself, fails unless every job ended as the scenario expects
	@exec $(BIN)/tradeops up --once --scenario $(SCENARIO) $(UP)

deploy: $(VENV)/run.stamp ## onto the Prefect server at PREFECT_API_URL: pool, deployments, automations
	@exec $(BIN)/tradeops deploy

test: $(VENV)/dev.stamp ## all tests, with coverage, in WORKERS processes; PYTEST="-k word" passes options on, in one
	@sh .ci/install-services
	@$(BIN)/python -m pytest -n $(WORKERS) --durations=40 --cov --cov-report=term $(PYTEST)

check: $(VENV)/dev.stamp ## lint, format, types, import rules
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/ty check --quiet
	$(BIN)/lint-imports

audit: $(VENV)/dev.stamp ## known faults in what the locks name; says so where no advisory service can be reached
	@$(BIN)/python .ci/audit.py

sbom: $(VENV)/dev.stamp ## what each image holds, as CycloneDX JSON in build/sbom
	@$(BIN)/python .ci/sbom.py

bench: $(VENV)/dev.stamp ## the figures that the documentation quotes
	@for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

lock: $(VENV)/dev.stamp ## renew the lock files within the bounds of pyproject.toml
	$(PIP) install uv
	$(COMPILE) --extra dashboard --extra research --extra sandbox --group build pyproject.toml -o requirements.lock
	$(COMPILE) --extra trainer -c requirements.lock pyproject.toml -o requirements-trainer.lock
	$(COMPILE) --all-extras --group dev -c requirements.lock -c requirements-trainer.lock pyproject.toml -o requirements-dev.lock

clean: ## remove the environment and all caches; records under TRADEOPS_HOME stay
	rm -rf $(VENV) build dist *.egg-info .coverage .coverage.* .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "TradeOps needs Python 3.11 or newer; name one: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@echo "Making an environment in $(VENV) ..."
	@$(PYTHON) -m venv $(VENV) || \
	  { rm -rf $(VENV); echo "$(PYTHON) cannot make an environment; on Debian: apt install python3-venv" >&2; exit 1; }

$(VENV)/run.stamp: requirements.lock requirements-trainer.lock pyproject.toml | $(BIN)/python
	@echo "Installing what TradeOps runs on, the trainer's libraries too (a minute or two, once) ..."
	@$(PIP) install --require-hashes --no-deps -r requirements.lock
	@$(PIP) install --require-hashes --no-deps -r requirements-trainer.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/dev.stamp: requirements-dev.lock $(VENV)/run.stamp
	@echo "Installing what its tests need (once) ..."
	@$(PIP) install --require-hashes --no-deps -r requirements-dev.lock
	@touch $@
