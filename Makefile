# What one does with this repository; `make` alone lists it. Every target first makes sure of its own set-up, which
# costs nothing the second time, and none asks for a terminal.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules --no-print-directory

PYTHON ?= python3
WORKERS ?= 2
VENV := .venv
PY := $(VENV)/bin/python
PYTEST := $(PY) -m pytest --numprocesses=$(WORKERS) --dist=worksteal --maxfail=50
REPORTS := build/reports

has_python = $(if $(shell find $(1) -name '*.py' -print -quit 2>/dev/null),$(1))
SHIPPED := $(foreach root,sdk handlers cdk_app,$(call has_python,$(root)))
SOURCES := $(SHIPPED) $(foreach root,tests examples benchmarks docs,$(call has_python,$(root)))

.PHONY: help setup check test test-all sim soak mutants contract contract-ruler contract-dynamodb-local contract-ministack bench bench-peers bench-curves demo docs lock lock-ministack format clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-23s %s\n", $$1, $$2 }' Makefile

# ---- set-up ----------------------------------------------------------------------------------------------------------

# A stamp holds the path it was made at: an environment that was moved or copied along with its folder is made anew.
VENV_STAMP := $(VENV)/.ready
NODE_STAMP := node_modules/.ready
ifneq ($(shell cat $(VENV_STAMP) 2>/dev/null),$(CURDIR))
.PHONY: $(VENV_STAMP)
endif

setup: $(VENV_STAMP) $(NODE_STAMP) ## install the locked tools into .venv and node_modules

$(VENV_STAMP): requirements.lock pyproject.toml .ci/make-venv
	@.ci/make-venv $(VENV) $(PYTHON)

$(NODE_STAMP): package-lock.json package.json .npmrc
	@echo "setup: node_modules from package-lock.json"
	@npm ci --no-audit --no-fund --ignore-scripts --loglevel=error </dev/null
	@touch $@

# ---- checks ----------------------------------------------------------------------------------------------------------

CHECKS := check-format check-lint check-mypy check-pyright check-versions check-architecture
.PHONY: $(CHECKS)

check: setup ## formatting, lint, types for every supported Python, and the architecture (3 minutes at most)
	@$(MAKE) --jobs=2 --keep-going --output-sync=target $(CHECKS)
	@echo "check: all passed"

check-format:
	@echo "check: format"
	@$(PY) -m ruff format --check --quiet $(SOURCES) .ci/tally || { echo "run: make format"; exit 1; }

check-lint:
	@echo "check: lint"
	@$(PY) -m ruff check --quiet $(SOURCES) .ci/tally

check-mypy:
	@echo "check: mypy --strict"
	@$(PY) -m mypy --no-error-summary $(SOURCES)
	@for version in 3.12 3.13 3.14; do $(PY) -m mypy --no-error-summary --python-version $$version $(SHIPPED); done

check-pyright:
	@echo "check: pyright strict"
	@node_modules/.bin/pyright --warnings $(SOURCES)
	@for version in 3.12 3.13 3.14; do node_modules/.bin/pyright --warnings --pythonversion $$version $(SHIPPED); done

check-versions:
	@echo "check: nothing newer than Python 3.11 is used"
	@$(PY) $(VENV)/bin/vermin --target=3.11- --violations --no-tips --quiet $(SHIPPED)

check-architecture:
	@echo "check: architecture"
	@$(PY) -m pytest -q --junitxml=$(REPORTS)/check.xml tests/test_architecture.py

format: setup ## let ruff put the code in form and mend what it can
	@$(PY) -m ruff check --fix-only --quiet $(SOURCES)
	@$(PY) -m ruff format $(SOURCES)

# ---- tests -----------------------------------------------------------------------------------------------------------

test: setup ## everything a change can break (10 minutes at most on 2 cores)
	@$(PYTEST) --junitxml=$(REPORTS)/test.xml

test-all: setup ## the long proofs, and the tests on every other Python that is here; `make test` goes before (40 minutes at most)
	@failed=0; \
	$(PYTEST) -m long --junitxml=$(REPORTS)/test-all.xml || failed=1; \
	.ci/test-pythons $(PY) $(REPORTS) $(WORKERS) || failed=1; \
	$(PYTEST) -m long --junitxml=$(REPORTS)/determinism.xml tests/sim/test_determinism.py || failed=1; \
	exit $$failed

SEEDS ?= 1000
FROM ?= 0
RUNS ?= 1000000
JOBS ?= $(WORKERS)
PAIRS ?= 10000

sim: setup ## simulate SEEDS=1000 seeds FROM=0, with every fault (half a minute of one core); what breaks a law is shown, shrunken
	@$(PY) -m tests.sim --from $(FROM) --seeds $(SEEDS) --jobs $(JOBS)

soak: setup ## simulate RUNS=1000000 runs FROM=0 (an hour); what came of it is in build/reports/soak.json
	@$(PY) -m tests.sim --from $(FROM) --runs $(RUNS) --jobs $(JOBS) --most-failures 3 --report $(REPORTS)/soak.json

mutants: setup ## plant bugs into the engine: the simulator must find each within seeds that one core plays in a minute (10 minutes)
	@$(PY) -m tests.sim.mutants --jobs $(JOBS) $(NAMES)

ENDPOINT ?=

contract: setup ## the contract of all ports on any endpoint: ENDPOINT=http://127.0.0.1:4566
	@[[ -n "$(ENDPOINT)" ]] || { echo "say where: make contract ENDPOINT=http://127.0.0.1:4566"; exit 2; }
	@CONTRACT_ENDPOINT=$(ENDPOINT) $(PYTEST) -p tests.contract.endpoint tests/contract

contract-ruler: setup ## compare event patterns with Amazon's own engine on PAIRS=10000 generated pairs (where Java and Maven are)
	@$(PY) -m tests.ruler --pairs $(PAIRS) --from $(FROM)

contract-dynamodb-local: setup ## the table's contract on Amazon's own DynamoDB Local (two minutes; where Java and Maven are)
	@$(PY) -m tests.dynamodb_local -n $(WORKERS)

contract-ministack: setup ## the contract of all ports on ministack, which gets an environment of its own (two minutes)
	@$(PY) -m tests.ministack -n $(WORKERS)

bench: setup ## measure speed and cost, and write docs/benchmarks.md anew (5 minutes)
	@$(PY) -m benchmarks --write

bench-peers: setup ## the same beside DBOS, Restate and the AWS durable runner, which it installs under build/peers
	@$(PY) -m benchmarks.peers --write

bench-curves: setup ## cost against steps, branches and runs in the file, into docs/design/performance.md
	@$(PY) -m benchmarks.curves --write

demo: setup ## real webhook events through durable functions, with a kill -9 in the middle
	@$(PY) -m examples.github.demo

docs: setup ## write the generated pages of docs/ anew
	@$(PY) -m docs.generate
	@$(PY) -m tests.case_matrix

# ---- upkeep ----------------------------------------------------------------------------------------------------------

lock: setup ## renew requirements.lock and package-lock.json within the bounds of pyproject.toml and package.json
	@$(PY) -m uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" \
		--extra dev --group dev pyproject.toml --output-file requirements.lock
	@npm install --package-lock-only --no-audit --no-fund --ignore-scripts --loglevel=error </dev/null

lock-ministack: setup ## renew tests/ministack/requirements.lock
	@$(PY) -m uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock-ministack" \
		tests/ministack/requirements.in --output-file tests/ministack/requirements.lock

clean: ## remove everything that the other targets made
	@rm -rf .venv .venvs node_modules build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage
