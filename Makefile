# Every command a newcomer or a CI run needs. `make` alone lists them.
SHELL := /bin/bash
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
SERVE ?= 1
export PATRONAGE_HOME ?= $(CURDIR)/var
TEST_HOME := $(CURDIR)/build/test

.PHONY: help venv-from-debian install install-dev demo serve test check lock clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1|\2/' | column -t -s '|'

$(VENV)/app.stamp: requirements/app.txt pyproject.toml
	$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv $(VENV) || $(MAKE) --no-print-directory venv-from-debian
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements/app.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $@

$(VENV)/dev.stamp: $(VENV)/app.stamp requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements/dev.txt
	touch $@

install: $(VENV)/app.stamp ## Make the virtual environment and install the locked application
install-dev: $(VENV)/dev.stamp ## The same with what the tests need

# Debian and Ubuntu keep the standard library's venv in a package of its own.
venv-from-debian:
	sudo=$$(test $$(id -u) = 0 || echo sudo); $$sudo apt-get update -q && $$sudo apt-get install -y -q python3-venv
	$(PYTHON) -m venv --clear $(VENV)

demo: install ## Import a real retailer's year, run the loop, print a summary, serve (SERVE=0: do not serve)
	$(BIN)/patronage demo
ifneq ($(SERVE),0)
	$(BIN)/patronage serve
endif

serve: install ## Serve what is there on http://127.0.0.1:8000
	$(BIN)/patronage serve

check: install-dev ## Lint, types and the import contract
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: install-dev check ## Everything the project checks, browser tests included, on SQLite and PostgreSQL
	$(BIN)/python tests/run.py

lock: ## Resolve the dependencies again and write the locked lists
	uv pip compile pyproject.toml --universal --python-version 3.11 --extra app --extra demo --no-header -q -o requirements/app.txt
	uv pip compile pyproject.toml --universal --python-version 3.11 --extra app --extra demo --group dev --no-header -q -o requirements/dev.txt

clean: ## Remove the demo's data and what the tests left
	rm -rf var build
