"""Waiting for a lock that another session holds: never silently, never without an end.

What takes a lock is called with the seconds it may wait. When the first few have passed, a word goes to the log (which
is standard error where nobody has set up logging) that says what is waited for and who holds it; then it is called
again, with the limit.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC
from typing import TypeVar

from heliotrope.database import Database
from heliotrope.errors import DatabaseError, LockedError
from heliotrope.interval import format_time
from heliotrope.sql import statement

__all__ = ["LIMIT", "SILENT", "milliseconds", "waited_for"]

SILENT = 3.0
"""Seconds that are waited without a word."""
LIMIT = 600.0
"""Seconds that are waited in all."""

T = TypeVar("T")

_log = logging.getLogger(__name__)


def waited_for(
    database: Database,
    what: str,
    take: Callable[[float], T],
    *,
    key: int | None = None,
    relation: str | None = None,
    limit: float | None = None,
) -> T:
    """What ``take(seconds)`` returns, which raises LockedError when the lock is not free for so long.

    ``key`` is that of the advisory lock, ``relation`` the quoted name of the table: who holds them is looked up.
    Raises LockedError after ``limit`` seconds, :data:`LIMIT` of them unless it is given.
    """
    limit = LIMIT if limit is None else limit
    length = f"{limit / 60:.0f} minutes" if limit >= 60 else f"{limit:.0f} seconds"
    try:
        return take(SILENT)
    except LockedError:
        holder = _holder(database, key, relation)
    _log.warning("waiting for %s, %s; up to %s in all", what, holder, length)
    try:
        return take(max(0.001, limit - SILENT))
    except LockedError:
        raise LockedError(
            f"{what} was not free for {length}, {_holder(database, key, relation)}",
            remedy="let that session go on or end it (pg_terminate_backend), then run the same command again",
        ) from None


def milliseconds(seconds: float) -> str:
    """Seconds as ``lock_timeout`` takes them.

    >>> milliseconds(3.0)
    '3000'
    """
    return str(round(seconds * 1000))


def _holder(database: Database, key: int | None, relation: str | None) -> str:
    try:
        with database.errors(), database.connect(autocommit=True) as connection:
            found = connection.execute(statement("lock_holder"), {"key": key, "relation": relation}).fetchone()
    except DatabaseError:
        found = None
    if found is None:
        return "held by a session that cannot be seen"
    pid, name, state, since = found
    doing = f", {state} since {format_time(since.astimezone(UTC).replace(microsecond=0))}" if state and since else ""
    return f"held by PostgreSQL's process {pid} ({name or 'unnamed'}{doing})"
