# make demo   a simulated factory and its twin, which finds out what goes wrong; Ctrl-C ends it
# make test   everything that must hold: lint, types, layers, tests
# make bench  every figure of README.md, with the machine and the commit: hours
#
# A fresh machine needs git, make and Python 3.11 or newer with its venv module, nothing else.

BIN := .venv/bin
INSTALLED := .venv/.installed
BENCH := .venv/.bench
SCRIPTS := flow whatif dataset fit recovery events fork hybrid kernel journal clean estimator ingest fuzz crash advisories demo_faults \
  forecast view

.PHONY: demo test format bench clean
.DEFAULT_GOAL := test
.DELETE_ON_ERROR:

demo: $(INSTALLED)
	$(BIN)/twin demo

test: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder

format: $(INSTALLED)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(BENCH)
	set -e; for script in $(SCRIPTS); do echo "== $$script"; $(BIN)/python -m benchmarks.$$script; done

clean:
	rm -rf .venv demo dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The first Python that is new enough and can make virtual environments; PYTHON=... names another.
$(BIN)/python:
	@for python in $(or $(PYTHON),python3.13 python3.12 python3.11 python3); do \
	  version=$$($$python -c 'import sys; print(sys.version_info >= (3, 11))' 2>/dev/null) || continue; \
	  [ "$$version" = True ] || continue; \
	  if $$python -c 'import ensurepip, venv' 2>/dev/null; then found=$$python; break; fi; \
	  bare=$$python; \
	done; \
	if [ -n "$$found" ]; then echo "$$found -m venv .venv"; exec $$found -m venv --clear .venv; fi; \
	if [ -n "$$bare" ]; then \
	  echo "make: $$bare has no venv or ensurepip module; install it (Debian, Ubuntu: apt-get install python3-venv)" >&2; \
	else \
	  echo "make: no Python 3.11 or newer on PATH; install one, or name it: make PYTHON=/path/to/python3.11" >&2; \
	fi; exit 1

$(INSTALLED): pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@

$(BENCH): $(INSTALLED)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[bench]'
	touch $@
