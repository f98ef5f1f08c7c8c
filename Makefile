# Two commands: `make run` and `make test`. `make check` is the quick part of the tests.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: run test check format messages help

help: ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "Assay needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) --version 2>&1). Try: make run PYTHON=python3.11" >&2; exit 1; }
	@$(PYTHON) -m venv .venv || { echo "No virtual environment could be made; on Debian: apt-get install python3-venv" >&2; exit 1; }

.venv/.run: .venv/bin/python requirements.txt
	@echo "Installing what Assay needs (once; some minutes) …"
	@$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

.venv/.dev: .venv/.run requirements-dev.txt
	@echo "Installing what the tests need …"
	@$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

run: .venv/.run ## start the site with its demo (PORT=8000, ASSAY_DATA=var, ASSAY_DEMO=0 for an empty one)
	@ASSAY_DEMO=$${ASSAY_DEMO:-1} $(BIN)/python -m config.serve

test: .venv/.dev ## everything: lint, types, import rules, unit, API, browser, SQLite and PostgreSQL + Redis where they answer
	@$(BIN)/python -m tests.everything

check: .venv/.dev ## the quick part, in less than three minutes
	@$(BIN)/python -m tests.everything --quick

format: .venv/.dev ## format the code
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

messages: .venv/.dev ## collect and compile the translations (needs GNU gettext)
	@$(BIN)/python manage.py makemessages --settings=tests.settings -l zh_Hans --no-obsolete --no-wrap -i .venv -i var -i tests
	@$(BIN)/python manage.py compilemessages --settings=tests.settings -l zh_Hans -i .venv
