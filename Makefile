# The two main commands are `make chat` and `make test`; `make help` lists the others.
#
# PYTHON       the Python to build with, 3.11 or newer     make chat PYTHON=python3.12
# VENV         the folder of the virtual environment       make test VENV=/tmp/attune
# TORCH_INDEX  a package index for PyTorch; unset: your usual one, or on Linux without an NVIDIA GPU PyTorch's own
#              index of CPU builds, since the usual one brings about 3 GB of CUDA libraries
# ARGS         arguments for `attune chat`
# TESTERS      processes that run tests in parallel

SHELL := bash
PYTHON ?= python3
VENV ?= .venv
TORCH_INDEX ?=
ARGS ?=
TESTERS ?= 2
BIN := $(VENV)/bin
LOG := $(VENV)/install.log
comma := ,
PIP := $(BIN)/python -m pip --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help chat install test check settings constraints lock clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

chat: $(VENV)/.installed ## install what is needed, then chat with Attune in the terminal
	@$(BIN)/attune chat $(ARGS)

install: $(VENV)/.installed ## install only; the command is then .venv/bin/attune (docs/install.md)
	@echo "$(BIN)/attune is ready."

test: check ## run every check: ruff, mypy, the compose file, the tests
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(TESTERS) --dist loadfile

check: $(VENV)/.installed-dev ## run every check except the tests
	@$(BIN)/ruff check --output-format concise
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/docker-compose --file docker-compose.yml --profile "*" config --quiet && echo "docker-compose.yml is valid"

settings: $(VENV)/.installed-dev ## generate .env.example and docs/settings.md from core/settings.py
	@$(BIN)/python -m tests.write_settings

constraints: ## resolve all versions again and write constraints.txt
	@$(PYTHON) -m venv --clear $(VENV)-fresh
	@$(VENV)-fresh/bin/python -m pip install --quiet --upgrade pip
	@$(VENV)-fresh/bin/python -m pip install --quiet --editable '.[dev,evals,training,s3,gcs,sftp,webdav,ray]'
	@{ echo "# The versions that Attune is tested with. \`make constraints\` writes this file."; \
	   $(VENV)-fresh/bin/python -m pip freeze --all --exclude-editable | sed 's/+.*//' \
	   | tr 'A-Z_' 'a-z-' | LC_ALL=C sort; } > constraints.txt
	@rm -rf $(VENV)-fresh

lock: $(VENV)/.installed-dev ## generate the requirements*.lock files: hashes of the versions in constraints.txt
	@$(PYTHON) -m venv --clear $(VENV)-fresh
	@$(VENV)-fresh/bin/python -m pip install --quiet uv
	@set -o pipefail; echo 'setuptools' | $(VENV)-fresh/bin/uv pip compile --quiet --generate-hashes --universal \
	   --python-version 3.11.9 --no-header --no-annotate --constraint constraints.txt pyproject.toml - \
	   | $(BIN)/python -m tests.write_lock
	@set -o pipefail; $(VENV)-fresh/bin/uv pip compile --quiet --generate-hashes --universal --extra ray \
	   --python-version 3.11.9 --no-header --no-annotate --constraint constraints.txt pyproject.toml \
	   | $(BIN)/python -m tests.write_lock ray
	@rm -rf $(VENV)-fresh

clean: ## remove the virtual environment and the tools' caches
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis

# Installs again only when pyproject.toml or constraints.txt has changed. pip's output goes to $(LOG); a terminal
# shows its current line, and a failure its last lines.
define install
	@echo "Installing $(1) into $(VENV); this takes a few minutes the first time ..."
	@: > $(LOG)
	@set -o pipefail; terminal=$$(test -t 2 && echo 1); \
	$(PIP) install --progress-bar off --constraint constraints.txt --editable '$(2)' 2>&1 | tee $(LOG) | \
	awk -v terminal="$$terminal" 'terminal && /^ *(Collecting|Downloading|Installing)/ \
	  { printf "\r\033[K  %.70s", $$0 > "/dev/stderr" } END { if (terminal) printf "\r\033[K" > "/dev/stderr" }' \
	|| { tail -n 15 $(LOG) >&2; echo "The installation failed. The full log is $(LOG)." >&2; exit 1; }
endef

# PyTorch, where the usual index would not do: uv knows the index of CPU builds.
$(VENV)/.torch: constraints.txt | $(VENV)/.created
	@if test -n "$(TORCH_INDEX)"; then \
	  $(PIP) install --quiet --no-deps --index-url "$(TORCH_INDEX)" --constraint constraints.txt torch; \
	elif test "$$(uname -s)" = Linux && ! test -e /proc/driver/nvidia/version && $(PIP) install --dry-run --no-deps \
	    --constraint constraints.txt torch 2> /dev/null | grep -q '^Would install torch-[0-9.]*$$'; then \
	  echo "There is no NVIDIA GPU here: fetching PyTorch's CPU build ..."; \
	  $(PIP) install --quiet uv && $(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --torch-backend cpu \
	    "$$(grep '^torch==' constraints.txt)" 2> $(LOG) || echo "PyTorch's index of CPU builds cannot be reached (see \
	$(LOG)). Attune runs with the usual build as well, which brings about 3 GB of CUDA libraries. To leave them out, stop \
	here (Ctrl-C) and name a mirror of that index: make ... TORCH_INDEX=..."; \
	fi
	@touch $@

$(VENV)/.installed: pyproject.toml constraints.txt $(VENV)/.torch | $(VENV)/.created
	$(call install,Attune,.)
	@touch $@

$(VENV)/.installed-dev: pyproject.toml constraints.txt $(VENV)/.torch | $(VENV)/.created
	$(call install,Attune and its checks,.[dev$(comma)training])
	@touch $(VENV)/.installed $@

$(VENV)/.created:
	@command -v $(PYTHON) > /dev/null || { \
	  echo "There is no '$(PYTHON)'. Install Python 3.11 or newer, or choose one: make chat PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Attune needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) -V 2>&1)." \
	    "Choose another: make chat PYTHON=python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2> /dev/null || { \
	  echo "'$(PYTHON)' cannot create virtual environments. On Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@$(PYTHON) -m venv --clear $(VENV)
	@$(PIP) install --quiet --quiet --constraint constraints.txt --upgrade pip
	@touch $@
