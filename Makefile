# Everything that is done to this project is a target below; `make` alone lists them.
# A fresh machine needs Python 3.11, 3.12 or 3.13 and make. `make PYTHON=python3.11 test` chooses the interpreter.

.DEFAULT_GOAL := help
.PHONY: help setup quickstart test test-all check lint audit soak soak-workers format bench bench-gpu check-accelerators peers docs golden clean

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/made-from

# Each name is looked up on the PATH and among the versions of pyenv, whose shims often name a Python that does not run.
PYTHON_NAMES = $(or $(PYTHON),python3.13 python3.12 python3.11 python3)

# An interpreter without venv, ssl or a compression module cannot carry the project and stays silent here.
# Inside an active virtual environment its base is meant, so that .venv is never made from itself.
PROBE = import bz2, ctypes, ensurepip, lzma, ssl, sys, venv; version = sys.version_info[:3]; \
	(3, 11) <= version < (3, 14) and print("%d.%d.%d" % version, getattr(sys, "_base_executable", sys.executable))

# Prints "VERSION PATH" of the newest usable interpreter, nothing when there is none.
FIND_PYTHON = for name in $(PYTHON_NAMES); do \
	  for python in "$$name" "$$HOME"/.pyenv/versions/*/bin/"$$name"; do \
	    "$$python" -c '$(PROBE)' </dev/null 2>/dev/null; \
	  done; \
	done | sort -t. -k1,1n -k2,2n -k3,3n | tail -n 1

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# The stamp holds all that the environment was made from; when any of it differs, it is made again from nothing.
# A new pip resolves in less than half the time. Modules are compiled here: where PYTHONDONTWRITEBYTECODE is set, every
# process would compile them again, 14 of the 20 seconds of a `grokjax plan`.
setup: ## install into .venv; made again when pyproject.toml, the interpreter or the folder changes
	@found=$$($(FIND_PYTHON)); version=$${found%% *}; \
	if [ -z "$$found" ]; then \
	  echo "No Python >= 3.11, < 3.14 with venv among: $(PYTHON_NAMES). Name one: make PYTHON=/path/to/python3.12 setup" >&2; \
	  exit 1; \
	fi; \
	made_from="$$version $$(cksum < pyproject.toml) $(CURDIR)"; \
	if [ -x $(BIN)/python ] && [ "$$(cat $(STAMP) 2>/dev/null)" = "$$made_from" ]; then exit 0; fi; \
	echo "Making $(VENV) with Python $$version; this takes a minute or two."; \
	"$${found#* }" -m venv --clear $(VENV) && \
	$(BIN)/python -m pip install --quiet --upgrade pip && \
	$(BIN)/python -m pip install --quiet --editable '.[dev]' && \
	echo "$$made_from" > $(STAMP)

quickstart: setup ## train the first sweep and draw its phase diagram
	$(BIN)/grokjax run quickstart --out results/quickstart
	$(BIN)/grokjax phases results/quickstart --out results/quickstart/phases.png
	@echo "The phase diagram is in results/quickstart/phases.png"

# Files of tests are shared out to two processes. About ten minutes on two quiet cores; a session that takes an hour is
# stopped, and a test that hangs ends the session with its stack.
test: setup ## every test that is not marked slow
	$(BIN)/python -m pytest -m "not slow" --minutes 60 --durations 10 --numprocesses 2 --dist loadfile \
	  -o faulthandler_timeout=900 -o faulthandler_exit_on_timeout=true

test-all: setup ## every test, the slow ones included
	$(BIN)/python -m pytest

check: lint audit ## lint, and known holes of what is installed

lint: setup ## formatting, lint, types and the import contract; changes nothing
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports

# A place without a network, or without a copy of the list, skips this and says so; a known hole fails.
audit: setup ## known holes of what is installed, by pip-audit
	@$(BIN)/python -c 'import pip_audit' 2>/dev/null || { echo 'SKIPPED: pip-audit is not installed'; exit 0; }; \
	said=$$($(BIN)/python -m pip_audit --local --skip-editable --progress-spinner off --timeout 15 2>&1); status=$$?; \
	if [ $$status -ne 0 ] && ! echo "$$said" | grep -q '^Name .*Version'; then \
	  echo 'SKIPPED: pip-audit cannot reach its data, so nothing was audited'; exit 0; \
	fi; echo "$$said" | grep -v "could not be audited"; unknown=$$(echo "$$said" | grep -c "could not be audited"); \
	[ $$unknown -eq 0 ] || echo "SKIPPED: $$unknown packages, which the data of pip-audit does not know"; exit $$status

format: setup ## format the code and mend what ruff can mend by itself
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format

# Each question has options of its own: make bench WHAT=throughput ARGS="--engines all --record". See benchmarks/README.md.
QUESTIONS := throughput arithmetic whole_map refill overhead memory second_launch

bench: setup peers ## answer the questions of benchmarks/, under ten minutes on two cores; one with WHAT=name ARGS=...
	@for question in $(or $(WHAT),$(QUESTIONS)); do \
	  echo "== $$question"; $(BIN)/python -m benchmarks.$$question $(ARGS) || exit; \
	done

soak: setup ## an hour of kills and resumes of one sweep, recorded in benchmarks/records
	$(BIN)/python -m benchmarks.soak --record $(ARGS)

soak-workers: setup ## fifty faults in a sweep that workers of Ray train, recorded in benchmarks/records
	$(BIN)/python -m benchmarks.soak_workers --record $(ARGS)

bench-gpu: setup ## measure an accelerator: ceilings, run-steps/s by width, memory, share of the roofline
	$(BIN)/python -m benchmarks.gpu $(ARGS)

# An environment of its own: with libtpu beside it, JAX looks for a TPU at every start.
check-accelerators: ## compile for TPUs and GPUs that are not here, and judge the programs; installs 1.5 GB the first time
	@version=$$(cksum < pyproject.toml); \
	[ "$$(cat .venv-accelerators/made-from 2>/dev/null)" = "$$version" ] || { \
	  found=$$($(FIND_PYTHON)); "$${found#* }" -m venv --clear .venv-accelerators && \
	  .venv-accelerators/bin/python -m pip install --quiet --editable '.[accelerators]' && \
	  jax=$$(.venv-accelerators/bin/python -c 'import jax; print(jax.__version__)') && \
	  .venv-accelerators/bin/python -m pip install --quiet --no-deps "jax-cuda13-plugin==$$jax" "jax-cuda13-pjrt==$$jax" && \
	  echo "$$version" > .venv-accelerators/made-from; }
	.venv-accelerators/bin/python -m benchmarks.check_accelerators --targets v5e,v5p,v6e,H100,H200 $(ARGS)

peers: ## install what grokjax is compared with into .venv-peers
	@cmp -s benchmarks/peers/requirements.txt .venv-peers/made-from || { \
	  found=$$($(FIND_PYTHON)); "$${found#* }" -m venv --clear .venv-peers && \
	  .venv-peers/bin/python -m pip install --quiet --requirement benchmarks/peers/requirements.txt && \
	  cp benchmarks/peers/requirements.txt .venv-peers/made-from; }

docs: ## build the site into docs/_build, its notebooks run; warnings are errors
	@version=$$(cksum < pyproject.toml); \
	[ "$$(cat .venv-docs/made-from 2>/dev/null)" = "$$version" ] || { \
	  found=$$($(FIND_PYTHON)); "$${found#* }" -m venv --clear .venv-docs && \
	  .venv-docs/bin/python -m pip install --quiet --editable '.[docs]' && \
	  echo "$$version" > .venv-docs/made-from; }
	.venv-docs/bin/python -m sphinx -W --keep-going -d docs/_build/doctrees docs docs/_build/html
	@echo "The site begins at docs/_build/html/index.html"

golden: setup ## write the golden files of tests/golden again, then show what changed
	UPDATE_GOLDEN=1 $(BIN)/python -m pytest tests/golden
	git --no-pager diff --stat -- tests/golden

clean: ## remove what the targets made; results stay
	rm -rf $(VENV) .venv-peers .venv-accelerators .venv-docs docs/_build docs/generated build dist .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
