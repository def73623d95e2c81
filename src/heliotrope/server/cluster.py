"""The data folder: made by ``initdb`` as a whole or not at all, and looked at before a server is let near it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from heliotrope.errors import DatabaseError
from heliotrope.server.account import Account
from heliotrope.server.programs import Programs, environment

__all__ = ["SETTINGS", "check", "is_empty", "make"]

SETTINGS = {
    "listen_addresses": "",  # the socket alone
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "min_wal_size": "256MB",
    "wal_level": "minimal",  # no replicas; loading into a new table writes it once
    "max_wal_senders": "0",
    "max_connections": "200",
    "jit": "off",  # it compiles for longer than our statements run
}
"""What differs from PostgreSQL's own settings. They are written to ``postgresql.conf`` once, for the user to change."""

_LOCALE = ("--encoding=UTF8", "--no-locale", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
_ANEW = "restore them from a backup, or move the folder away to begin anew"


def is_empty(data: Path) -> bool:
    """Whether the folder is absent or holds nothing, as before ``initdb`` has made it."""
    try:
        return next(data.iterdir(), None) is None
    except FileNotFoundError:
        return True
    except OSError as error:
        raise DatabaseError(
            f"the embedded PostgreSQL's data in {data} cannot be read: {error.strerror}",
            remedy="let HELIOTROPE_HOME name a folder of yours",
        ) from error


def make(data: Path, programs: Programs, account: Account | None) -> None:
    """Make the data folder, with sorting by code point: the same on every machine, whatever locales it has.

    ``data`` may be there, and empty. Raises DatabaseError when ``initdb`` fails, of which nothing stays.
    """
    prefix = f".{data.name}-new-"
    for left in data.parent.glob(f"{prefix}*"):
        shutil.rmtree(left, ignore_errors=True)  # of a process that was killed
    fresh = Path(tempfile.mkdtemp(prefix=prefix, dir=data.parent))
    try:
        if account is not None:
            os.chown(fresh, account.user, account.group)
        _initdb(fresh, programs, account)
        fresh.rename(data)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def check(data: Path, programs: Programs) -> None:
    """Raise DatabaseError unless the folder holds whole data of these programs' version."""
    try:
        said = (data / "PG_VERSION").read_text(encoding="utf-8", errors="replace").strip()
    except FileNotFoundError:
        raise DatabaseError(f"the data in {data} are damaged: PG_VERSION is missing", remedy=_ANEW) from None
    if not said.isdecimal():
        raise DatabaseError(f"the data in {data} are damaged: PG_VERSION holds {said[:20]!r}", remedy=_ANEW)
    if int(said) != programs.version:
        raise DatabaseError(
            f"the data in {data} are of PostgreSQL {said}, and the one installed is {programs.version}",
            remedy=f"pg_dump them with PostgreSQL {said} and load them into a new folder, or move this one away",
        )
    for name in ("global/pg_control", "postgresql.conf", "pg_hba.conf", "base"):
        if not (data / name).exists():
            raise DatabaseError(f"the data in {data} are damaged or half made: {name} is missing", remedy=_ANEW)


def _initdb(data: Path, programs: Programs, account: Account | None) -> None:
    command = [str(programs.initdb), "--auth=trust", "--username=postgres", *_LOCALE, f"--pgdata={data}"]
    for name, value in SETTINGS.items():
        command += ["--set", f"{name}={value}"]
    if sys.platform == "linux":
        command.append("--sync-method=syncfs")  # one call for a thousand files
    done = subprocess.run(  # noqa: S603 - the wheel's own program
        command,
        env=environment(os.environ),
        cwd="/",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        **(account.of_process() if account else {}),
    )
    if done.returncode:
        said = " ".join(done.stderr.split()) or f"exit code {done.returncode}"
        raise DatabaseError(
            f"initdb cannot make the data folder {data}: {said[-600:]}",
            remedy="free disk space, or let HELIOTROPE_HOME name another folder",
        )
