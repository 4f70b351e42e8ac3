# The two commands of the README are `make demo` and `make test`; both do all the set-up.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
DONE   := $(VENV)/.done
PEERS  := .venv-bench
PAGES  := .venv-docs

# Python keeps what it compiled, as where lobtail is installed: the suite starts it thousands of times.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test check coverage lint static docs bench clean help

help:
	@echo 'make demo    show lobtail on real containers'
	@echo 'make test    run the whole suite against real engines'
	@echo 'make check   style, types, import contracts and unit tests: random ones briefly'
	@echo 'make coverage  unit tests, with how much of the code they run'
	@echo 'make lint    style, types, import contracts, the site'
	@echo 'make docs    build the site of the documents in build/docs/site'
	@echo 'make bench   measure against docker, docker-py and aiodocker'
	@echo 'make clean   remove what these made here'

# Debian keeps venv in a package of its own, which scripts/python-venv installs.
# pip from 25.1 on knows dependency groups; Debian 12 ships an older one.
# Each start of Python in it, of which the suite makes thousands, runs the .pth files there: those of
# setuptools, which nothing needs, and of coverage, for programs that a test starts, are taken away.
$(DONE)/pip: pyproject.toml
	@$(PYTHON) -m venv $(VENV) >/dev/null 2>&1 \
	  || { rm -rf $(VENV); scripts/python-venv && $(PYTHON) -m venv $(VENV); }
	@$(BIN)/pip install --quiet --upgrade 'pip>=25.1'
	@$(BIN)/pip uninstall --quiet --yes setuptools 2>/dev/null
	@mkdir -p $(DONE) && touch $@

$(DONE)/lobtail: $(DONE)/pip
	@$(BIN)/pip install --quiet --editable .
	@touch $@

# The terminal client is measured, too.
$(DONE)/tui: $(DONE)/lobtail
	@$(BIN)/pip install --quiet --editable '.[tui]'
	@touch $@

$(DONE)/dev: $(DONE)/lobtail
	@$(BIN)/pip install --quiet --group dev
	@rm -f $(VENV)/lib/python3*/site-packages/a1_coverage.pth
	@touch $@

# What lobtail is measured against has an environment of its own.
$(DONE)/peers: $(DONE)/pip
	@$(PYTHON) -m venv --without-pip --clear $(PEERS)
	@$(BIN)/pip --python $(PEERS) install --quiet --group bench
	@touch $@

# So has the generator of the site.
$(DONE)/docs: $(DONE)/pip
	@$(PYTHON) -m venv --without-pip --clear $(PAGES)
	@$(BIN)/pip --python $(PAGES) install --quiet --group docs
	@touch $@

demo: $(DONE)/lobtail
	@$(BIN)/python scripts/demo

# Tests of real engines also wait for them: more processes than cores pay.
# One that has no other process beside it: make test JOBS=0.
JOBS ?= 4

test: $(DONE)/dev
	@$(BIN)/python -m pytest -n $(JOBS) --no-loadscope-reorder $(ARGS)

# What tests do in programs that they start is not counted.
coverage: $(DONE)/dev
	@$(BIN)/python -m pytest -n 3 --no-loadscope-reorder -q --cov tests/unit $(ARGS)

check: static
	@$(BIN)/python -m pytest -n 2 --no-loadscope-reorder --hypothesis-profile brief -q tests/unit $(ARGS)

docs: $(DONE)/docs
	@$(PAGES)/bin/python scripts/docs

lint: static docs

static: $(DONE)/dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: $(DONE)/tui $(DONE)/peers
	@$(BIN)/python bench/run.py $(ARGS)

clean:
	rm -rf $(VENV) $(PEERS) $(PAGES) build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
