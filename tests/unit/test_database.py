"""Where the database is, and that its password is said nowhere."""

from __future__ import annotations

import pytest

from heliotrope.database import Database, resolve, without_password
from heliotrope.errors import DatabaseError

SECRETS = (
    "postgresql://ann:S3CRET@localhost/db",
    "postgresql://ann:S3/CRET@localhost/db",
    "postgresql://ann:S3@CRET@localhost/db",
    "postgresql://localhost/db?password=S3CRET",
    "postgresql+psycopg://ann:S3CRET@localhost/db",
    "ann:S3CRET@localhost/db",
    "password = S3CRET host=x",
)


@pytest.mark.parametrize("url", SECRETS)
def test_a_password_is_blotted_out_also_of_a_url_that_is_wrong(url: str) -> None:
    assert "CRET" not in without_password(url)
    assert "localhost" in without_password(url) or "host=x" in without_password(url)


@pytest.mark.parametrize("password", ["S3 CRET", "S3%CRET"])
def test_what_the_driver_says_of_a_bad_url_is_not_passed_on(password: str) -> None:
    with pytest.raises(DatabaseError, match="cannot be read") as caught:
        Database(f"postgresql://ann:{password}@localhost/db").connect()
    assert "CRET" not in str(caught.value)


def test_another_databases_url_is_refused_without_its_password() -> None:
    with pytest.raises(DatabaseError, match="is not a PostgreSQL URL") as caught:
        resolve("mysql://ann:S3CRET@localhost/db")
    assert "CRET" not in str(caught.value)


def test_the_environment_names_the_database() -> None:
    url = "postgresql://localhost/db"
    assert resolve(environment={"HELIOTROPE_DATABASE_URL": url}).url == url
    assert resolve(environment={"PGHOST": "localhost"}).url == "postgresql://"
