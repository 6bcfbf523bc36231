# Two commands do everything, set-up included: `make demo` and `make test`.
SHELL := /bin/bash
VENV ?= .venv
PYTHON ?= python3
EXTRAS ?= torch,shap,onnx,http,rl,dask,test,docs
WORKERS ?= $(shell getconf _NPROCESSORS_ONLN)
BIN := $(VENV)/bin
READY := $(VENV)/.ready

SPARE := .spare
OPTIONAL := --extra shap --extra onnx --extra http --extra parquet --extra test

.PHONY: help demo test lint types docs docs-test fuzz openings page-answers zoo mutants bench-quick package lowest newest spare-suite ci clean

help:  ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

$(READY): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[$(EXTRAS)]'
	touch $@

demo: $(READY)  ## train a torch teacher on the embedded example, distil it, audit it, write audit/
	$(BIN)/explaindistill demo --out audit --force

test: $(READY)  ## the whole suite with branch coverage, a process for each core (WORKERS=)
	OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --cov --cov-report=term --cov-fail-under=95 $(ARGS)

lint: $(READY)  ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)  ## mypy, strict
	$(BIN)/mypy

docs: $(READY)  ## the documentation, in docs/_build/html; a warning is an error
	$(BIN)/sphinx-build -W --keep-going -q -b html docs docs/_build/html
	$(BIN)/python docs/_ext/offline.py docs/_build/html

# optional packages of the table of teachers, in an environment of their own
$(VENV)-teachers/.ready: pyproject.toml constraints.txt tests/pages/teachers.txt
	test -x $(VENV)-teachers/bin/python || $(PYTHON) -m venv $(VENV)-teachers
	$(VENV)-teachers/bin/pip install --quiet --constraint constraints.txt --editable '.[torch,onnx]' --requirement tests/pages/teachers.txt
	touch $@

docs-test: $(READY) $(VENV)-teachers/.ready  ## every block of README and docs/, the table of teachers, the notebooks, a new clone
	EXPLAINDISTILL_DOCS_TEST=1 $(BIN)/python -m pytest tests/pages tests/test_notebooks.py tests/test_plugin_pages.py $(ARGS)
	$(VENV)-teachers/bin/python tests/pages/teacher_rows.py
	PYTHON=$(PYTHON) tests/pages/fresh.sh

fuzz: $(READY)  ## 10,000 damaged files, 1,000 odd fits, 200 odd command lines; own errors only (ARGS=)
	$(BIN)/python tests/fuzz/run.py $(ARGS)

openings: $(READY)  ## 1,000 random audits: every sentence of their openings against the frames (an hour; ARGS=)
	$(BIN)/python tests/opening/run.py $(ARGS)

page-answers: $(READY)  ## 10,200 rows typed into the page in Chromium, the slider at every threshold, against Python (ARGS=)
	$(BIN)/python benchmarks/page_answers.py $(ARGS)

mutants: $(READY)  ## break 300 drawn lines of ROOM= and list the breaks that no test notices (half an hour)
	$(BIN)/pip install --quiet mutmut==3.8.1
	$(BIN)/python tests/mutants/draw.py $(or $(ROOM),explaindistill/measures) --mutants $(or $(MUTANTS),300) --seed $(or $(SEED),0)

zoo: $(READY)  ## odd columns, names, labels and containers by threes: one answer everywhere or one sentence (an hour)
	$(BIN)/python tests/zoo/run.py --strength 3 --rows 600

bench-quick: $(READY)  ## every benchmark on small settings
	for script in benchmarks/[a-z]*.py; do echo "== $$script"; $(BIN)/python $$script --quick || exit 1; done

package: $(READY)  ## wheel and sdist, in dist/; their metadata and files are checked
	rm -rf dist
	$(BIN)/python -m build --outdir dist .
	$(BIN)/pip install --quiet twine
	$(BIN)/twine check --strict dist/*
	$(BIN)/python tests/packaged.py dist

# Without torch, whose oldest versions are gigabytes: its tests skip themselves. Lint and types are the newest's business.
lowest:  ## the suite on the oldest packages that pyproject.toml allows (PYTHON=, ARGS=)
	$(MAKE) --no-print-directory spare-suite NAME=lowest RESOLUTION=lowest-direct

newest:  ## the suite on the newest packages that there are (PYTHON=, ARGS=)
	$(MAKE) --no-print-directory spare-suite NAME=newest RESOLUTION=highest

spare-suite:
	test -x $(SPARE)/$(NAME)/bin/python || $(PYTHON) -m venv $(SPARE)/$(NAME)
	$(SPARE)/$(NAME)/bin/pip install --quiet uv
	$(SPARE)/$(NAME)/bin/uv pip compile --quiet --no-annotate --no-header --resolution $(RESOLUTION) $(OPTIONAL) \
		--output-file $(SPARE)/constraints-$(NAME).txt pyproject.toml
	$(SPARE)/$(NAME)/bin/pip install --quiet --requirement $(SPARE)/constraints-$(NAME).txt hatchling editables
	$(SPARE)/$(NAME)/bin/pip install --quiet --no-deps --no-build-isolation --editable .
	OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 $(SPARE)/$(NAME)/bin/python -m pytest -n $(WORKERS) --dist loadfile $(ARGS)

ci:  ## what the continuous integration runs, in a fresh environment
	.ci/run

clean:  ## remove what the targets above have made, the environment excepted
	rm -rf audit dist $(SPARE) docs/_build docs/reference/generated htmlcov .coverage .pytest_cache .mypy_cache .ruff_cache
