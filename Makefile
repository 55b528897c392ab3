# `make demo` and `make test` are all a fresh machine needs: both set up .venv themselves.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
WORKERS ?= 2
# The order of tests and what Hypothesis draws: the same for everyone, so that red means changed. `make test SEED=7` explores.
SEED ?= 1

.DEFAULT_GOAL := help
.PHONY: help demo test test-long test-all lint format bench faults docs clean setup

help: ## what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(READY) ## create .venv with Millrace and its tools

$(READY): pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Setting up $(VENV) (once) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable . --group dev
	@touch $@

demo: $(READY) ## walk the whole wheel on real data, narrated
	@$(BIN)/millrace demo

test: $(READY) ## everything CI runs: linters, types, contracts, tests
	@$(MAKE) --no-print-directory lint
	@tests/services.sh
	@$(BIN)/python -m pytest -n $(WORKERS) --randomly-seed=$(SEED) --hypothesis-seed=$(SEED) $(ARGS)

test-long: $(READY) ## what takes too long for every day: training on all data at hand, the slowest detector
	@$(BIN)/python -m pytest -n $(WORKERS) -m long tests $(ARGS)

test-all: ## the tests on every Python from 3.11 on that is found here
	@for v in 3.11 3.12 3.13; do \
		python=$$(command -v python$$v) && $$python --version >/dev/null 2>&1 || { echo "python$$v: not found, skipped"; continue; }; \
		$(MAKE) --no-print-directory test VENV=.venv-$$v PYTHON=$$python || exit 1; \
	done

lint: $(READY) ## ruff, mypy, import contracts
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-logo 2>&1 | tail -n 25 | grep -E 'Contracts:|BROKEN|not allowed|->' ; $(BIN)/lint-imports --no-logo >/dev/null

format: $(READY) ## let ruff mend what it can
	@$(BIN)/ruff check --quiet --fix . ; $(BIN)/ruff format --quiet .

bench: $(READY) ## measure, each figure as a ratio to a peer or a ceiling in the same run
	@$(BIN)/python bench/run.py $(ARGS)

FAULTS := $(addprefix tests/unit/ingest/test_,faults.py keys_faults.py api_faults.py changing_faults.py latest.py) \
	tests/unit/store/test_delta.py tests/unit/wheel/test_stages_faults.py tests/unit/release/test_rollback_faults.py \
	tests/journey/test_killed_rollback.py tests/journey/test_killed_ingest.py \
	tests/journey/test_killed_stages.py tests/journey/test_up.py

faults: $(READY) ## the long fault matrices: kill, retry, two writers, at every step
	@MILLRACE_FAULTS=$${MILLRACE_FAULTS:-40} $(BIN)/python -m pytest -n $(WORKERS) $(FAULTS) $(ARGS)
	@cd tests && ../$(BIN)/python package_mutations.py $${MILLRACE_MUTATIONS:-100000}

docs: $(READY) ## the JSON Schema and the reference pages generated from the code
	@$(BIN)/python docs/build.py

clean: ## remove what make made
	@rm -rf $(VENV) .venv-3.* .pytest_cache .ruff_cache .mypy_cache .import_linter_cache
