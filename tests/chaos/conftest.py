"""A second database for the undisturbed run."""

from __future__ import annotations

import os
from collections.abc import Iterator

import psycopg
import pytest

from heliotrope.database import Database


@pytest.fixture
def twin(server_url: str) -> Iterator[Database]:
    """A second database, for the undisturbed run."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        name = f"twin_{os.getpid()}"
        connection.execute(f"CREATE DATABASE {name}")
        yield Database(server_url.replace("/postgres?", f"/{name}?"))
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
