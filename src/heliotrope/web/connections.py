"""Connections for pages: kept open between them, reading alone, none for longer than a page may take."""

from __future__ import annotations

import queue
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from heliotrope.database import Database
from heliotrope.errors import LedgerError
from heliotrope.ledger.migrate import CURRENT
from heliotrope.sql import statement

if TYPE_CHECKING:
    import psycopg

__all__ = ["Connections", "NoLedgerError"]

_KEPT = 8
_SECONDS = 20
"""What one question to the database may take."""


class NoLedgerError(LedgerError):
    """The database holds no ledger yet: nothing has run."""


class Connections:
    """Connections to one database's ledger. A server that was started anew is found again by the next page."""

    def __init__(self, database: Database) -> None:
        self.database = Database(database.url, embedded=database.embedded)
        self.database.application = "heliotrope ui"
        self._idle: queue.LifoQueue[psycopg.Connection[Any]] = queue.LifoQueue(_KEPT)
        self.close = weakref.finalize(self, _close, self._idle)
        """Closes what is idle; where nobody does, the end of the process."""

    @contextmanager
    def reading(self) -> Iterator[psycopg.Connection[Any]]:
        """A connection to a ledger of this version. Raises NoLedgerError, LedgerError or DatabaseError."""
        with self.database.errors():
            connection = self._take()
            try:
                yield connection
            finally:
                self._put(connection)

    def _take(self) -> psycopg.Connection[Any]:
        import psycopg

        while True:
            try:
                connection = self._idle.get_nowait()
            except queue.Empty:
                return self._open()
            try:
                connection.execute("SELECT 1")
                return connection
            except psycopg.Error:
                connection.close()

    def _open(self) -> psycopg.Connection[Any]:
        connection = self.database.connect(autocommit=True)
        try:
            connection.execute(statement("read_alone"), {"seconds": _SECONDS})
            _check(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _put(self, connection: psycopg.Connection[Any]) -> None:
        try:
            if not connection.broken and not connection.closed:
                self._idle.put_nowait(connection)
                return
        except queue.Full:
            pass
        connection.close()


def _close(idle: queue.LifoQueue[psycopg.Connection[Any]]) -> None:
    while not idle.empty():
        idle.get_nowait().close()


def _check(connection: psycopg.Connection[Any]) -> None:
    import psycopg

    try:
        found = connection.execute(statement("ledger_version")).fetchone()
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
        found = None
    if found is None:
        raise NoLedgerError("the database holds no ledger yet", remedy="run a pipeline, or `heliotrope migrate`")
    if found[0] != CURRENT:
        older = found[0] < CURRENT
        raise LedgerError(
            f"the ledger is of version {found[0]}, {'older' if older else 'newer'} than {CURRENT}",
            remedy="run `heliotrope migrate`" if older else "install a newer heliotrope",
        )
