"""What every test may ask for: a database of its own on a real PostgreSQL, started once a worker."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest

from heliotrope import server
from heliotrope.database import Database

_numbers = itertools.count()


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """The URL of this worker's server. Its files are gone at the end.

    HELIOTROPE_TEST_SERVER_URL names another one, as postgresql://postgres@host:5432/postgres?sslmode=prefer.
    """
    if os.environ.get("HELIOTROPE_TEST_SERVER_URL"):
        yield os.environ["HELIOTROPE_TEST_SERVER_URL"]
        return
    folder = Path(tempfile.mkdtemp(prefix="helio"))
    folder.chmod(0o755)  # where root runs the tests, PostgreSQL's account passes through it
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "waiting for|the embedded PostgreSQL is starting")  # a busy machine
        url = server.start(folder / "pg")
    yield url
    server.stop(folder / "pg")
    shutil.rmtree(folder)


@pytest.fixture
def database_url(server_url: str) -> Iterator[str]:
    """The URL of an empty database that no other test uses."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield server_url.replace("/postgres?", f"/{quote(name)}?")
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def database(database_url: str) -> Database:
    """An empty database that no other test uses."""
    return Database(database_url)
