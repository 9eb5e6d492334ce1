# Two commands matter: `make verify` and `make test`. Both need only Python >= 3.11 and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
OUT ?= results/market-entrance
# Exactly the pins of one file, then the package: pip resolves nothing.
INSTALL = $(BIN)/python -m pip install --quiet --no-deps --requirement $< --editable .
LOCK = $(BIN)/uv pip compile --quiet --universal --fork-strategy fewest --no-header --annotation-style line $(UPGRADE) pyproject.toml

.PHONY: verify example test typed coverage docs linkcheck lint types layers locked dev lock distribution benchmarks bench bench-page bench-guard bench-history clean

# A finished report on the market entrance game, in results/market-entrance.
verify: $(VENV)/.run
	$(BIN)/smfg-verify validate market-entrance --out $(OUT)

# The example of a report that the documentation shows.
example: $(VENV)/.run
	$(BIN)/smfg-verify validate laffer-tax --seeds 16 --iterations 50000 --out results/example --overwrite
	$(BIN)/smfg-verify report results/example --out docs/examples/laffer-tax.html --date "$$(date +'%-d %B %Y')"

test: $(VENV)/.test
	$(BIN)/python -m pytest -n 2 --dist loadscope --no-loadscope-reorder --durations=12

# Quick tests again, with every annotation of the package checked as they run: shapes, number kinds, classes.
TYPED := $(addprefix tests/games/test_, independent_leader.py laffer_tax.py market_entrance.py random_game.py registry.py \
	shop_positioning.py two_road_toll.py) tests/game/test_validation.py tests/game/reach/test_reached_kinds.py \
	tests/records/test_codec.py tests/records/test_registry.py tests/exact/test_riccati.py tests/exact/test_stationary.py \
	tests/exact/test_root.py tests/exact/test_batching.py tests/exact/equilibrium/test_rescue.py \
	tests/assumptions/test_finding.py tests/assumptions/test_contradictions.py tests/assumptions/enclosure/test_branch.py \
	tests/cases/test_record.py tests/bounds/rates/test_bootstrap.py tests/bounds/rates/test_change_point.py \
	tests/test_conic.py tests/test_numerals.py
typed: $(VENV)/.test
	$(BIN)/python -m pytest -n 2 --dist worksteal --typed $(TYPED)

# The default suite again, with the lines that it runs counted: fails below the share that pyproject.toml asks for, and
# writes htmlcov/index.html. Quick from Python 3.12 on, where lines are counted by the interpreter itself.
coverage: $(VENV)/.dev
	COVERAGE_CORE=$$($(BIN)/python -c "import sys; print('sysmon' if sys.version_info >= (3, 12) else 'ctrace')") \
		$(BIN)/python -m pytest -n auto --dist worksteal --cov --cov-report=term:skip-covered --cov-report=html

# The documentation as a site, in docs/_build/html: a warning is an error.
docs: $(VENV)/.test
	$(BIN)/python -m sphinx -M html docs docs/_build -W --keep-going -n

# Addresses outside the site; needs a network.
linkcheck: $(VENV)/.test
	$(BIN)/python -m sphinx -M linkcheck docs docs/_build --keep-going

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.test
	$(BIN)/mypy

layers: $(VENV)/.test
	$(BIN)/lint-imports

# Every benchmark of the package alone.
benchmarks: $(VENV)/.test
	for file in benchmarks/*_speed.py benchmarks/*_memory.py benchmarks/*_moves.py benchmarks/exact_gradient.py; do \
		$(BIN)/python -m benchmarks.$$(basename $$file .py) || exit 1; done

# Ratios against other people's solvers, which are installed in .bench, each in an environment of its own; writes
# .bench/results.json, some ten minutes on two quiet cores. QUICK=--quick takes two; QUICK="--only chain" one part again.
bench: $(VENV)/.test
	$(BIN)/python -m benchmarks.collect $(QUICK)

# docs/benchmarks.md of what `make bench` has measured.
bench-page: $(VENV)/.test
	$(BIN)/python -m benchmarks.page

# Ratios with wide margins, which every change must keep.
bench-guard: $(VENV)/.test
	$(BIN)/python -m benchmarks.guard

# Warm times beside those of the last run, kept in .bench/history by pytest-benchmark.
bench-history: $(VENV)/.dev
	$(BIN)/python -m pytest benchmarks/history --benchmark-autosave --benchmark-storage=.bench/history --benchmark-compare

# The environment holds what the widest lock installed in it pins, and nothing else.
locked: $(VENV)/.test
	$(BIN)/python -m tests.support.locks $$(test -e $(VENV)/.dev && echo dev || echo test)

# What a maintainer uses beside the tests; `$(BIN)/pre-commit install` then checks every commit.
dev: $(VENV)/.dev

# After a change of the dependencies: pins for every Python version at once. Pins that still fit stay; UPGRADE=--upgrade
# moves them to the newest.
lock: $(VENV)/.dev
	$(LOCK) --group dev --output-file requirements/dev.txt
	$(LOCK) --group test --constraint requirements/dev.txt --output-file requirements/test.txt
	$(LOCK) --constraint requirements/dev.txt --output-file requirements/run.txt

# Source archive and wheel, in dist, with the build backend that is pinned.
distribution: $(VENV)/.dev
	rm -rf dist
	$(BIN)/python -m build --no-isolation
	$(BIN)/python -m twine check --strict dist/*

clean:
	rm -rf $(VENV) dist results docs/_build docs/generated

$(VENV)/bin/python:
	$(PYTHON) -c "import sys; sys.exit(0 if sys.version_info >= (3, 11) else f'Python >= 3.11 is needed, {sys.executable} is {sys.version.split()[0]}; set PYTHON=...')"
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements/run.txt pyproject.toml | $(VENV)/bin/python
	$(INSTALL)
	touch $@

$(VENV)/.test: requirements/test.txt pyproject.toml | $(VENV)/bin/python
	$(INSTALL)
	touch $@ $(VENV)/.run

$(VENV)/.dev: requirements/dev.txt pyproject.toml | $(VENV)/bin/python
	$(INSTALL)
	touch $@ $(VENV)/.test $(VENV)/.run
