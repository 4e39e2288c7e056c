.DEFAULT_GOAL := help
.PHONY: help setup demo up test check bench lock clean

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
READY := $(VENV)/ready

help: ## What can be done here
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-8s %s\n", $$1, $$2 }'

setup: $(READY) ## Make .venv with all that is needed (Python 3.11 or later; nothing else is installed)

demo: setup ## Show the main job on real Kafka and PostgreSQL, then end
	@$(RUN) -m devstack exec -- $(RUN) -m devstack.demo

up: setup ## The same, left running with its data until Ctrl-C; prints addresses and tokens
	@$(RUN) -m devstack exec -- $(RUN) -m devstack.demo --stay

test: check ## All checks and all tests
	$(RUN) -m devstack exec -- $(RUN) -m pytest -n 2 --dist worksteal

check: setup ## Formatting, lint, types and the house's rules
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

bench: setup ## Benchmarks beside their peers, each pair in one run; prints ratios
	@$(VENV)/bin/uv pip install --quiet --python $(RUN) --group bench
	@$(RUN) -m devstack exec -- $(RUN) -m bench

lock: setup ## Choose newer versions within pyproject.toml's bounds
	$(VENV)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --upgrade pyproject.toml -o requirements.lock
	$(VENV)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --upgrade --group dev pyproject.toml -c requirements.lock -o requirements-dev.lock

clean: ## Remove the virtual environment and the development servers' data
	rm -rf $(VENV) .devstack

$(READY): requirements-dev.lock pyproject.toml
	@echo "Setting up $(VENV) …"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed, this is " + sys.version.split()[0])'
	@test -x $(RUN) || $(PYTHON) -m venv $(VENV)
	@$(RUN) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@$(RUN) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@
