# `make demo` and `make test` are all a fresh machine needs: each sets up the virtual environment first, and
# sets it up again only when pyproject.toml, constraints.txt or the compiled kernels change.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.DEFAULT_GOAL := check
.PHONY: demo test arm pretrain nightly cluster faults mutation lint types check coverage oracle bench docs clean

demo: $(READY)      ; @PATH="$(abspath $(BIN)):$$PATH" bash sample_data/demo.sh
test: $(READY)      ; $(BIN)/python -m pytest --numprocesses auto --dist loadfile
arm: $(READY)       ; VENV=$(VENV) .ci/arm # root on Debian
pretrain: $(READY)  ; $(BIN)/python -m forecaster.pretraining
nightly: $(READY)   ; HYPOTHESIS_PROFILE=nightly $(BIN)/python -m pytest tests/data
cluster: $(READY)   ; $(BIN)/python -m pytest -m cluster tests/pipeline/engines
faults: $(READY)
	FAULTS_KILLS=3000 FAULTS_INJECTIONS=0 FAULTS_FLIPS=1000000 FAULTS_FUZZ_SECONDS=1200 $(BIN)/python -m pytest tests/faults
mutation: $(READY)
	$(INSTALL) 'mutmut>=3.8,<4' && HYPOTHESIS_PROFILE=mutation nice $(BIN)/mutmut run $(MUTANTS)
lint: $(READY)      ; $(BIN)/ruff check . && $(BIN)/ruff format --check .
types: $(READY)     ; $(BIN)/mypy
check: lint types test
coverage: $(READY)  ; $(BIN)/python -m pytest --cov --cov-report=term
oracle: $(READY)    ; $(INSTALL) --editable '.[oracle]' && $(BIN)/python -m pytest tests/oracle
bench: $(READY)
	$(INSTALL) --editable '.[bench]'
	for it in startup training kernels; do $(BIN)/python -m benchmarks.$$it || exit; done
	for it in memory end_to_end accuracy; do $(BIN)/python benchmarks/$$it.py || exit; done
docs: $(READY)      ; PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python docs/build.py
clean:              ; rm -rf $(VENV) .arm demo build dist htmlcov mutants .coverage* .*_cache *.egg-info

$(READY): pyproject.toml constraints.txt setup.py $(wildcard forecaster/nn/kernels/*)
	@echo "setting up $(VENV) (first time: about a minute)"
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) --editable '.[dev,plot,report,calendars,holidays,ray]'
	@touch $@
