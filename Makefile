# `make repro` sets everything up and distils the demo student; `make test` sets everything up and
# passes the tests. Both use their own virtual environment in .venv.

PYTHON ?= python3
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: setup repro test fast-test lint format gpu-check

.venv/.installed: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed: make PYTHON=...") if sys.version_info < (3, 11) else None'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

setup: .venv/.installed

repro: setup
	dvc repro
	dvc metrics show

test: setup lint
	pytest

fast-test: setup
	pytest -m 'not slow'

lint: setup
	ruff check
	ruff format --check
	mypy

format: setup
	ruff check --fix
	ruff format

# On a machine with a GPU and its own PyTorch; WHEELS is a folder with what that lacks (docs/gpu.md).
gpu-check:
	$(PYTHON) benchmarks/gpu_check.py $(if $(WHEELS),--wheels $(WHEELS))
