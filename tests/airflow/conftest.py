"""Databases for an Airflow's metadata and for the rows and the ledger of its pipelines; the installation on them."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path

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
