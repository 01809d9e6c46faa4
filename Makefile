# Every target makes the virtual environment that it needs, from constraints.txt.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

# The loops and tests here are many small operations: one thread each, two at a time, is fastest.
export OMP_NUM_THREADS ?= 1

.PHONY: demo test slow check bench bench-gpu notebooks clean

demo: $(VENV)/.graphlab
	$(BIN)/graphlab reproduce experiments/quickstart.yaml --workers 2 --report quickstart.html

test: $(VENV)/.test
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not slow and not gpu"

slow: $(VENV)/.test
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "slow and not gpu"

check: $(VENV)/.check
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports

bench: $(VENV)/.test
	for file in $(filter-out %_gpu.py %_pykeen.py,$(wildcard benchmarks/bench_*.py)); do $(BIN)/python $$file || exit 1; done

bench-gpu: $(VENV)/.test
	for file in benchmarks/bench_*_gpu.py; do $(BIN)/python $$file || exit $$?; done

notebooks: $(VENV)/.test
	$(BIN)/python -m pytest tests/notebooks

$(VENV)/.graphlab: setup.cfg pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) --editable .
	touch $@

$(VENV)/.test: $(VENV)/.graphlab
	$(PIP) --editable ".[test]"
	touch $@

$(VENV)/.check: $(VENV)/.test
	$(PIP) --editable ".[check]"
	touch $@

clean:
	rm -rf $(VENV) build *.egg-info
