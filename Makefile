# The front door. `make help` lists what there is.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help run test proof proofs bench drill reset format requirements runtime dev servers dev-servers

# Nothing is written in the tree outside .venv and var.
export PYTHONPYCACHEPREFIX := $(CURDIR)/var/pycache
export PYTHONDONTWRITEBYTECODE :=
export RUFF_CACHE_DIR := $(CURDIR)/var/ruff
export MYPY_CACHE_DIR := $(CURDIR)/var/mypy
# Our files are UTF-8 whatever the language of the machine.
export PYTHONUTF8 := 1

# The first that suits; those for which every binary exists come first.
FIND_PYTHON = for range in "(3, 11) <= v < (3, 14)" "(3, 11) <= v"; do \
	for python in python3 python3.13 python3.12 python3.11 python3.14; do \
	if "$$python" -c "import sys; v = sys.version_info; sys.exit(not $$range)" 2>/dev/null; then break 2; fi; \
	python=; done; done; if [ -z "$$python" ]; then \
	echo "Il faut Python 3.11 au moins. Sous Debian ou Ubuntu : sudo apt install python3 python3-venv" >&2; exit 1; fi
PYTHON = .venv/bin/python

# A Ctrl-C that comes while Python itself starts waits until Python can answer it.
HELD = $$(env --block-signal=INT,TERM,HUP true 2>/dev/null && echo env --block-signal=INT,TERM,HUP)

help: ## what there is
	@sed -n 's/^\([a-z]*\):.*## /make \1\t/p' Makefile | expand -t 16

run: servers ## start everything, print the address; Ctrl-C stops everything
	@exec $(HELD) $(PYTHON) -m dmp.run

test: dev-servers ## formatting, lint, import contracts, types, migrations, tests, browser journeys
	@$(PYTHON) -m tests.all

proof: dev-servers ## the long programme, by parts (part=NAME for one): those not yet passed for this code
	@$(PYTHON) -m tests.proof.parts $(part)

proofs: dev ## the parts of the long programme, and which passed for this code
	@$(PYTHON) -m tests.proof.parts --list

drill: dev ## lose the database at ten random seconds, restore it each time, count what was lost
	@$(PYTHON) -m tests.drill $(with)

bench: dev-servers ## throughput of the paths that count, as shares of a bare view
	@$(PYTHON) -m tests.bench

reset: ## forget all data: the next `make run` starts afresh
	@$(FIND_PYTHON); exec $(HELD) "$$python" deploy/reset.py

format: dev ## put the code in its form
	@.venv/bin/ruff format --quiet . && .venv/bin/ruff check --fix --quiet .

requirements: dev ## compile requirements*.txt from pyproject.toml
	@$(PYTHON) deploy/requirements.py

runtime:
	@$(FIND_PYTHON); exec $(HELD) "$$python" deploy/install.py

dev:
	@$(FIND_PYTHON); exec $(HELD) "$$python" deploy/install.py --dev

# Where servers will be started: a machine on which they cannot is told before anything is installed.
servers:
	@$(FIND_PYTHON); exec $(HELD) "$$python" deploy/install.py --servers

dev-servers:
	@$(FIND_PYTHON); exec $(HELD) "$$python" deploy/install.py --dev --servers
