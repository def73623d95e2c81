"""A file's lock that the kernel lets go of when its holder ends, whatever way: flock(2)."""

from __future__ import annotations

import errno
import fcntl
import os
import time
import warnings
from collections.abc import Callable
from pathlib import Path

from heliotrope.errors import DatabaseError
from heliotrope.server.account import open_file

__all__ = ["PATIENCE", "Lock", "await_true"]

PATIENCE = 4.0
"""Seconds of waiting before a word is said."""


class Lock:
    """One file, opened; locked by several (shared) or by one (exclusive) of those who opened it.

    No program started by this process inherits it, unless it is told to; a forked process does, and holds it until it
    ends too. ``file`` is a descriptor that was inherited. Raises DatabaseError when the file cannot be opened or its
    file system knows no locks.
    """

    def __init__(self, path: Path, file: int | None = None) -> None:
        self.path = path
        if file is not None:
            os.set_inheritable(file, False)
            self._file = file
            return
        try:
            self._file = open_file(path, os.O_RDWR)
        except OSError as error:
            raise DatabaseError(
                f"the embedded PostgreSQL cannot run in {path.parent}: {error.strerror}: {path.name}",
                remedy="let HELIOTROPE_HOME name a folder of yours, or HELIOTROPE_DATABASE_URL a server of yours",
            ) from error

    def try_shared(self) -> bool:
        """Hold it together with others; False when one holds it alone."""
        return self._lock(fcntl.LOCK_SH | fcntl.LOCK_NB)

    def try_exclusive(self) -> bool:
        """Hold it alone; False when another holds it."""
        return self._lock(fcntl.LOCK_EX | fcntl.LOCK_NB)

    def wait_exclusive(self) -> None:
        """Hold it alone, once nobody else does."""
        self._lock(fcntl.LOCK_EX)

    def release(self) -> None:
        """Let go, in every process that inherited it."""
        self._lock(fcntl.LOCK_UN)

    def close(self) -> None:
        """Let go in this process alone."""
        os.close(self._file)

    def fileno(self) -> int:
        """The descriptor, for a program that is to hold the lock too."""
        return self._file

    def is_free(self) -> bool:
        """Whether nobody holds it alone. It must not be held by this object."""
        free = self.try_shared()
        if free:
            self.release()
        return free

    def is_there(self) -> bool:
        """Whether the file is still the one at its path, and not deleted or made anew."""
        try:
            return os.path.samestat(os.fstat(self._file), self.path.stat())
        except OSError:
            return False

    def read(self) -> bytes:
        """What the file holds."""
        return os.pread(self._file, 2**16, 0)

    def write(self, content: bytes) -> None:
        """Let the file hold this."""
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, content, 0)

    def _lock(self, how: int) -> bool:
        try:
            fcntl.flock(self._file, how)
        except BlockingIOError:
            return False
        except OSError as error:
            known = errno.errorcode.get(error.errno or 0, "")
            raise DatabaseError(
                f"the file system of {self.path.parent} knows no locks ({known}: {error.strerror})",
                remedy="let HELIOTROPE_HOME name a folder on a local disk, or set HELIOTROPE_DATABASE_URL",
            ) from error
        return True


def await_true(true: Callable[[], bool], doing: str, *, seconds: float) -> None:
    """Return once ``true()`` holds; warn of a long wait. Raises DatabaseError when it is too long."""
    begun = time.monotonic()
    pause, told = 0.002, False
    while not true():
        waited = time.monotonic() - begun
        if waited > seconds:
            raise DatabaseError(
                f"waited {waited:.0f} s in vain for {doing}", remedy="run the same command again, or see the log there"
            )
        if waited > PATIENCE and not told:
            warnings.warn(f"waiting for {doing}", stacklevel=2)
            told = True
        time.sleep(pause)
        pause = min(pause * 1.5, 0.05)
