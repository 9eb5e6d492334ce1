# Two commands matter: `make verify` and `make test`. Both need only Python >= 3.11 and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
OUT ?= results/market-entrance

.PHONY: verify test lint types layers benchmarks constraints clean

# A finished report on the market entrance game, in results/market-entrance.
verify: $(VENV)/.package
	$(BIN)/smfg-verify validate market-entrance --out $(OUT)

test: $(VENV)/.test
	$(BIN)/python -m pytest -n 2 --dist worksteal --durations=12

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.test
	$(BIN)/mypy

layers: $(VENV)/.test
	$(BIN)/lint-imports

benchmarks: $(VENV)/.test
	for file in benchmarks/*.py; do $(BIN)/python -m benchmarks.$$(basename $$file .py) || exit 1; done

# After a deliberate upgrade of the environment: write down what is installed now.
constraints: $(VENV)/.test
	$(BIN)/python -m pip freeze --exclude smfg-verify | grep -v '^-e' > constraints.txt

clean:
	rm -rf $(VENV) results

$(VENV)/bin/python:
	$(PYTHON) -c "import sys; sys.exit(0 if sys.version_info >= (3, 11) else f'Python >= 3.11 is needed, {sys.executable} is {sys.version.split()[0]}; set PYTHON=...')"
	$(PYTHON) -m venv $(VENV)

$(VENV)/.package: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable .
	touch $@

$(VENV)/.test: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[test]'
	touch $@ $(VENV)/.package
