# make demo, make test: everything else is there for those two.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: help demo airflow test check environment bench lock clean
help:
	@echo "make demo    the whole story on a stream that turns once a day: replay, table, report, pictures"
	@echo "make airflow Airflow on the embedded PostgreSQL, with the two DAGs of dags/; Ctrl-C ends it"
	@echo "make test    lint, types, import contracts and every test"
	@echo "make check   lint, types and import contracts alone"
	@echo "make bench   every benchmark, with its limits"
	@echo "make lock    renew requirements.lock from pyproject.toml (needs uv)"
	@echo "make clean   remove the environment and what the demo left"

environment: $(READY)

# pip compiles to bytecode as it installs; the package itself is installed in place and compiled by the last line.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.12 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' || \
		{ echo "Python's venv module is missing; on Debian: apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --compile --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	$(BIN)/python -m compileall -q src
	@touch $(READY)

demo: environment
	@$(BIN)/heliotrope demo --folder demo

airflow: environment
	@$(BIN)/python -m heliotrope.airflow.standalone dags

check: environment
	$(BIN)/ruff check src tests benchmarks docs dags
	$(BIN)/ruff format --check src tests benchmarks docs dags
	$(BIN)/mypy
	$(BIN)/lint-imports

test: check
	$(BIN)/python -m pytest -n 2 --dist loadgroup

# Runs them one after the other; each says what it measures and whether its limits are met.
bench: environment
	@$(BIN)/python -m compileall -q src
	@missed=0; for file in ingestion extraction cycle replay imports drift candidates whatif gate_errors; do \
		$(BIN)/python benchmarks/$$file.py || missed=1; done; exit $$missed

lock:
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate \
		--no-header --extra dev --extra examples --extra airflow --extra kubernetes pyproject.toml -o requirements.lock

clean:
	rm -rf $(VENV) .heliotrope demo
