# Every target sets up what it needs: a virtual environment in .venv with the tested versions of constraints.txt.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/installed

.PHONY: help demo test test-all check golden bench size
help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 10

# The stamp is newer than what it was made from, so a second run installs nothing.
$(INSTALLED): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $(INSTALLED)

demo: $(INSTALLED) ## compare a bottleneck with a plain 3x3 convolution
	@$(BIN)/cnnx compare bottleneck plain3x3

test: check ## all that CI passes: the checks, then the tests
	$(BIN)/python -m pytest -m "not slow"

test-all: check ## the same with the slow tests: every network against its reference
	$(BIN)/python -m pytest

check: $(INSTALLED) ## ruff, mypy --strict and the order of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

golden: $(INSTALLED) ## draw the golden terminal pictures anew; read the difference before you commit it
	CNNX_GOLDEN=write $(BIN)/python -m pytest tests/test_golden.py

bench: $(INSTALLED) ## measure the speeds that are promised, in some 10 minutes; best on an idle machine
	$(BIN)/python -m benchmarks

size: ## lines of code, tests and specs
	@for part in cnnx tests benchmarks configs; do \
	  printf '%-11s %s\n' $$part "$$(git ls-files $$part | grep -E '\.(py|yaml)$$' | xargs cat 2>/dev/null | wc -l) lines"; done
