"""One PostgreSQL: where it is, and connections to it, for transactions (psycopg) and for rows (ADBC).

The URL is, in this order: the one given, ``HELIOTROPE_DATABASE_URL``, the standard ``PG*`` variables, and else the
embedded server under the home folder.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import current_thread, main_thread
from typing import TYPE_CHECKING, Any

from heliotrope.errors import ConfigError, ConnectionLostError, DatabaseError, DataError, LockedError

if TYPE_CHECKING:
    import psycopg

__all__ = ["Database", "home", "is_named", "lock_key", "resolve", "without_password"]

OLDEST = 14
_SENT = re.compile(r"\[libpq\] Failed to execute query '.*': (?=ERROR|FATAL|PANIC)")  # ADBC quotes all of what it sent
_PG_VARIABLES = ("PGHOST", "PGHOSTADDR", "PGSERVICE", "PGDATABASE", "PGPORT")


def home(environment: Mapping[str, str] | None = None) -> Path:
    """The folder of model files, pictures and the embedded server: ``HELIOTROPE_HOME``, else ``./.heliotrope``.

    Raises ConfigError when it cannot name one.
    """
    environment = os.environ if environment is None else environment
    named = environment.get("HELIOTROPE_HOME") or ".heliotrope"
    try:
        folder = Path(named).expanduser().resolve()
    except (RuntimeError, OSError) as error:  # ~ of no user; a loop, before Python 3.13
        raise _no_home(named, str(error)) from None
    if folder.is_symlink():
        raise _no_home(named, "symbolic links in a circle")
    if folder.exists() and not folder.is_dir():
        raise _no_home(named, "it is a file")
    return folder


def _no_home(named: str, reason: str) -> ConfigError:
    return ConfigError(
        f"HELIOTROPE_HOME, {named!r}, names no folder: {reason}", remedy="let it name a folder that can be written"
    )


def resolve(url: str | None = None, *, environment: Mapping[str, str] | None = None) -> Database:
    """The database to use; starts the embedded server when nothing names another."""
    environment = os.environ if environment is None else environment
    url = url or environment.get("HELIOTROPE_DATABASE_URL") or None
    if url is None and is_named(environment):
        url = "postgresql://"
    if url is None:
        from heliotrope import server

        folder = home(environment) / "postgres"
        return Database(server.start(folder), embedded=folder)
    if not re.match(r"postgres(ql)?://", url):
        raise DatabaseError(
            f"{without_password(url)!r} is not a PostgreSQL URL",
            remedy="write it as postgresql://user:password@host:5432/database",
        )
    return Database(url)


def is_named(environment: Mapping[str, str]) -> bool:
    """Whether the environment names a server, so that the embedded one stays out of it."""
    return any(environment.get(name) for name in ("HELIOTROPE_DATABASE_URL", *_PG_VARIABLES))


def without_password(text: str) -> str:
    """The text with every password of a URL or a connection string blotted out.

    >>> without_password("postgresql://ann:s3cret@db/events?password=x")
    'postgresql://ann:***@db/events?password=***'
    """
    # Up to the last @ of a word, as a password that should have been percent-encoded may hold one, or a slash.
    text = re.sub(r"((?:://|^(?![\w+]+://))[^:/@\s]*):\S*@", r"\1:***@", text)
    return re.sub(r"(password\s*=\s*)[^&\s]*", r"\1***", text)


def lock_key(*parts: str) -> int:
    """A signed 64-bit key for an advisory lock, the same everywhere for the same parts."""
    text = "\0".join(parts).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big", signed=True)


class Database:
    """A PostgreSQL server's database, by URL. Opening it costs nothing; connections are made when asked for.

    ``embedded`` is the folder of the embedded server that it is on.
    """

    def __init__(self, url: str, *, embedded: Path | None = None) -> None:
        self.url = url
        self.embedded = embedded
        self.application = "heliotrope"
        """What pg_stat_activity calls the connections made from now on, unless the URL or PGAPPNAME names them."""

    def __repr__(self) -> str:
        return f"Database({without_password(self.url)!r})"

    def connect(self, *, autocommit: bool = False) -> psycopg.Connection[tuple[Any, ...]]:
        """A new connection in UTC. Raises DatabaseError when the server cannot be reached or is too old."""
        import psycopg

        try:
            given = psycopg.conninfo.conninfo_to_dict(self.url)
            options = f"{given.get('options') or os.environ.get('PGOPTIONS', '')} -c TimeZone=UTC -c DateStyle=ISO"
            timeout = given.get("connect_timeout") or 10
            address = psycopg.conninfo.make_conninfo(
                self.url,
                options=options.strip(),
                client_encoding="UTF8",  # whatever the database keeps its text in: SQL_ASCII would be read as bytes
                connect_timeout=timeout,
                fallback_application_name=self.application,
            )
            connection = psycopg.connect(address, autocommit=autocommit)
        except psycopg.ProgrammingError:
            # What libpq says of it may quote the password.
            raise DatabaseError(
                f"the database's URL, {len(self.url)} characters long, cannot be read",
                remedy="write it as postgresql://user:password@host:5432/database, and in the password a space as %20, "
                "a % as %25, an @ as %40, a / as %2F",
            ) from None
        except psycopg.OperationalError as error:
            raise self._unreachable(error) from None
        # Whatever the database's default: what is read after a lock was had is what its former holder has written.
        connection.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
        if connection.info.server_version < OLDEST * 10000:
            version = connection.info.server_version // 10000
            connection.close()
            raise DatabaseError(f"PostgreSQL {version} is too old", remedy=f"use PostgreSQL {OLDEST} or newer")
        return connection

    def connect_arrow(self, *, autocommit: bool = False) -> Any:
        """A new ADBC connection, for rows as Arrow tables. Raises DatabaseError when the server cannot be reached."""
        from adbc_driver_postgresql import dbapi

        try:
            return dbapi.connect(self._arrow_url(), autocommit=autocommit)
        except dbapi.Error as error:
            raise self._unreachable(error) from None

    def _arrow_url(self) -> str:
        import psycopg

        # ADBC takes what it is sent for UTF-8.
        return psycopg.conninfo.make_conninfo(
            self.url, client_encoding="UTF8", fallback_application_name=self.application
        )

    def _unreachable(self, error: Exception) -> DatabaseError:
        first = without_password(" ".join(str(error).split()))
        remedy = "start the server, or mend HELIOTROPE_DATABASE_URL or the PG* variables"
        if "too many connections" in first or "connection slots" in first:
            remedy = "end other sessions, or let the role or the server have more; heliotrope takes up to four a run"
        return ConnectionLostError(f"no connection to {without_password(self.url)}: {first}", remedy=remedy)

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Turn what psycopg and ADBC raise into DatabaseError; a lost connection into ConnectionLostError."""
        import psycopg

        try:
            yield
        except psycopg.Error as error:
            lost = isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError)) and not isinstance(
                error, (psycopg.errors.DiskFull, psycopg.errors.QueryCanceled)
            )
            raise self._failed(error, error.sqlstate, lost=lost) from error
        except Exception as error:
            # ADBC's own, without importing it where no rows are read.
            if type(error).__module__.partition(".")[0] != "adbc_driver_manager":
                raise
            state = getattr(error, "sqlstate", None)
            if state == "57014" and "user request" in str(error) and current_thread() is main_thread():
                raise KeyboardInterrupt from error  # the driver takes Ctrl-C for a request to cancel
            raise self._failed(error, state, lost=_is_lost(str(error), state)) from error

    def _failed(self, error: Exception, state: str | None, *, lost: bool) -> DatabaseError | DataError:
        text = without_password(_SENT.sub("", " ".join(str(error).split())))
        if state == "55P03":
            return LockedError(f"another session holds a lock: {text}", remedy="wait for its end, or end it")
        if lost:
            return ConnectionLostError(f"the connection was lost: {text}", remedy="run the same command again")
        remedies = {
            "42501": "grant the role what it needs; `heliotrope doctor` says what",
            "42P01": "create it, or mend its name",
            "57014": "give it longer (statement_timeout), or the time column an index",
            "53100": "free disk space on the server",
            "3F000": "run `heliotrope migrate`",
            "25006": "name the primary server, or a database and role that may write",
        }
        of_data = {
            "22": "mend the value, or let the column be of a type that holds it",
            "23": "mend or leave out the rows that the table's constraint refuses",
        }
        if state == "42P01" and 'relation "heliotrope.' in text:
            remedies[state] = "its tables were dropped: bring them back from a backup, or run `heliotrope migrate`"
        said, of = f"PostgreSQL refuses: {text}", (state or "")[:2]
        if of in of_data:
            return DataError(said, remedy=of_data[of])
        return DatabaseError(said, remedy=remedies.get(state or "", ""))


def _is_lost(text: str, state: str | None) -> bool:
    if state and not state.startswith("\0"):
        return state[:2] in ("08", "57") and state != "57014"
    return any(
        sign in text
        for sign in (
            "no connection to the server",
            "server closed the connection",
            "terminating connection",
            "connection not open",
            "could not receive data",
        )
    )
