# Everything a person needs is one word: `make demo`, `make test`. Both set up what they need.
PYTHON ?= python3
VENV ?= .venv
GALLERY = $(VENV)/bin/gallery
READY = $(VENV)/.ready
TOOLS = $(VENV)/.ready-tools
INSTALL = $(VENV)/bin/pip install --quiet --disable-pip-version-check --no-compile --constraint constraints.txt --editable
# On all cores, where pip takes one. Packages hold a few files that are not meant to compile.
COMPILE = $(VENV)/bin/python -m compileall -qq -j 0 $(VENV)/lib || true

.PHONY: demo test lint format bench-core bench-text bench-gpu constraints clean

demo: $(READY)
	$(GALLERY) run english_to_sql

# One thread a process: two tests side by side finish sooner than one test on two threads.
test: $(TOOLS)
	OMP_NUM_THREADS=1 $(VENV)/bin/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder --durations 25

lint: $(TOOLS)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

format: $(TOOLS)
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

bench-core: $(TOOLS)
	$(VENV)/bin/python benchmarks/core_speed.py

bench-text: $(TOOLS)
	$(VENV)/bin/python benchmarks/text_speed.py

# Needs a GPU, for some minutes.
bench-gpu: $(TOOLS)
	$(VENV)/bin/python benchmarks/gpu_speed.py

# Renews every pin from the ranges in pyproject.toml; run the tests before committing the result.
constraints:
	rm -rf $(VENV) && $(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --editable ".[dev]"
	$(VENV)/bin/pip freeze --exclude-editable > constraints.txt

clean:
	rm -rf $(VENV) runs .cache

# The stamp is written last, so an interrupted set-up is done again.
$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, found " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) .
	$(COMPILE)
	touch $(READY)

# What tests and benchmarks need beyond that is several times as large.
$(TOOLS): $(READY)
	$(INSTALL) ".[dev]"
	$(COMPILE)
	touch $(TOOLS)
