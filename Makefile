# `make demo` and `make test` need git, Python 3.11 or newer and its venv module; nothing else.
PYTHON ?= python3
# Extra words for pip, e.g. PIP_FLAGS="--extra-index-url https://download.pytorch.org/whl/cpu"
# for the CPU build of torch (0.2 GB instead of the CUDA build's 5 GB).
PIP_FLAGS ?=
# Folders with a catalogue.csv, served as shops by `make real`.
CATALOGUES ?= ../shared/data/running-shoes-multiview ../shared/data/sneakers-multiview ../shared/data/adidas-studio
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: setup demo test real paper clean

setup: .venv/ready
	@git rev-parse --git-dir >/dev/null 2>&1 || dvc config --local core.no_scm true

.venv/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(PIP_FLAGS) -c constraints.txt -e '.[dev]'
	touch $@

demo: setup
	python -m demo.tour

test: setup
	ruff format --check --quiet .
	ruff check --quiet .
	mypy
	pytest -n 2 --dist loadfile

real: setup
	python -m bench.real $(CATALOGUES)

# The drawn shop at the size of the paper's data: 8,400 shoes. Forty minutes on two cores.
paper: setup
	python -m bench.paper

clean:
	find data -mindepth 1 -not -path data/crawl -not -path data/crawl/README.md -delete
	rm -rf models metrics report var dvc.lock .dvc/cache .dvc/tmp
	-git checkout -- brands.yaml
