"""Databases for an Airflow's metadata and for the rows and the ledger of its pipelines; the installation on them.

And a Python of its own for what imports Airflow."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from heliotrope.database import Database

if importlib.util.find_spec("airflow") is None:  # to import it would change the logging of this process
    pytest.skip("Airflow is not installed: pip install 'heliotrope[airflow]'", allow_module_level=True)


@pytest.fixture
def metadata(server_url: str) -> Iterator[Database]:
    """An empty database for Airflow's own tables."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        name = f"airflow_{os.getpid()}"
        connection.execute(f"CREATE DATABASE {name}")
        yield Database(server_url.replace("/postgres?", f"/{name}?"))
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def airflow(tmp_path: Path, metadata: Database, database: Database, request: pytest.FixtureRequest) -> Iterator[object]:
    """An installation, with the settings of the parameter; everything that it started is ended."""
    from installation import Airflow

    found = Airflow(tmp_path / "installation", metadata, database, **getattr(request, "param", {}))
    yield found
    found.stop()


@pytest.fixture
def python(tmp_path: Path) -> Callable[..., Any]:
    """Runs a program in a Python of its own, with an Airflow that has no database; what it prints as JSON."""

    def run(program: str) -> Any:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
        environment |= {
            "AIRFLOW_HOME": str(tmp_path / "airflow"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "false",
            "AIRFLOW__DAG_PROCESSOR__DAG_VERSION_INFLATION_CHECK_LEVEL": "error",
        }
        done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-3000:]
        return json.loads(done.stdout.splitlines()[-1])

    return run
