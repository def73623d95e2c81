"""Bringing the ledger's tables to this code's version, by Alembic, once, whoever calls it and however many."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from heliotrope.database import Database, lock_key
from heliotrope.errors import LedgerError
from heliotrope.sql import statement

__all__ = ["CURRENT", "check", "migrate", "version"]

CURRENT = "0007"


def version(database: Database) -> str | None:
    """The version of the ledger's tables; None when there are none."""
    import psycopg

    with database.errors(), database.connect() as connection:
        try:
            found = connection.execute(statement("ledger_version")).fetchone()
        except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
            return None
    return found[0] if found else None


def check(database: Database) -> None:
    """Raise LedgerError unless the tables are of this code's version."""
    found = version(database)
    if found is None:
        raise LedgerError("the database holds no ledger", remedy="run `heliotrope migrate`")
    if found < CURRENT:
        raise LedgerError(f"the ledger is of version {found}, older than {CURRENT}", remedy="run `heliotrope migrate`")
    if found > CURRENT:
        raise LedgerError(
            f"the ledger is of version {found}, newer than {CURRENT}", remedy="install a newer heliotrope"
        )


def migrate(database: Database) -> bool:
    """Bring the ledger's tables to :data:`CURRENT`; whether anything was done. Raises LedgerError when they are newer.

    Only one session works at a time, the others wait and find it done. A migration is a transaction: it is made whole
    or not at all.
    """
    found = version(database)
    if found == CURRENT:
        return False
    if found is not None and found > CURRENT:
        check(database)
    with database.errors(), database.connect(autocommit=True) as connection:
        key = {"key": lock_key("migrate")}
        connection.execute(statement("take_lock"), key)
        try:
            if version(database) == CURRENT:
                return False  # another session did it in the meantime
            _upgrade(database)
        finally:
            connection.execute(statement("release_lock"), key)
    return True


@contextmanager
def _errors(database: Database) -> Iterator[None]:
    """SQLAlchemy's wrapping taken off what the driver raises."""
    from sqlalchemy.exc import DBAPIError

    with database.errors():
        try:
            yield
        except DBAPIError as error:
            raise (error.orig or error) from None


def _upgrade(database: Database) -> None:
    # Alembic and SQLAlchemy cost half a second to import, and are needed once in a database's life.
    from alembic import command
    from alembic.config import Config
    from sqlalchemy import create_engine, pool, text

    def connect() -> Any:
        return database.connect()

    engine = create_engine("postgresql+psycopg://", creator=connect, poolclass=pool.NullPool)
    with _errors(database), engine.begin() as connection:
        # Making a schema takes a right on the database, which a role may lack where the schema is there.
        if connection.execute(text("SELECT to_regnamespace('heliotrope')")).scalar() is None:
            connection.execute(text("CREATE SCHEMA heliotrope"))
        config = Config()
        config.set_main_option("script_location", "heliotrope:sql/migrations")
        config.attributes["connection"] = connection
        command.upgrade(config, CURRENT)
