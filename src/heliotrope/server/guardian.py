"""The process that starts a server and stops it when nobody uses it any more.

It imports nothing but the standard library and this package, is in a session of its own, where no Ctrl-C and no
hang-up of a terminal reaches it, and sleeps in the kernel until the last user's lock is gone.
"""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

from heliotrope.errors import DatabaseError
from heliotrope.server import account as accounts
from heliotrope.server import cluster, place, postmaster
from heliotrope.server.lock import Lock, await_true
from heliotrope.server.postmaster import Postmaster
from heliotrope.server.programs import Programs

__all__ = ["main"]

_LARGE = 16 * 2**20  # bytes of a log that is put aside
_SHORT, _TRIES = 10.0, 10  # it is not started again when it has ended so many times within so many seconds each
_REST = 30.0  # seconds that sessions may take to see that their server was killed
_ENDINGS = ((signal.SIGINT, 60.0), (signal.SIGQUIT, 15.0), (signal.SIGKILL, 15.0))
"""PostgreSQL's fast stop, its immediate one, and the kernel's; and the seconds that each may take."""


def main(folder: Path, programs: Programs, lock: int) -> None:
    """Run a server for the folder until nobody uses it. Says on stdout, in one line, its socket or what is wrong.

    ``lock`` is the guardian's file, open and locked by the process that has started this one.
    """
    if os.fork():
        os._exit(0)  # it is nobody's child: no user of it has to collect it
    for ignored in (signal.SIGINT, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    told_to_end = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: told_to_end.set())
    guardian = Lock(folder / "guardian", lock)
    try:
        guardian.write(b"")
        server = Server(folder, programs, guardian)
    except (DatabaseError, OSError) as error:
        guardian.release()
        _say(_told(error, folder))
        return
    try:
        server.announce()  # before anything may stop it, which takes the word back
        signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.stop, daemon=True).start())
        if told_to_end.is_set():
            os.kill(os.getpid(), signal.SIGTERM)
        threading.Thread(target=server.stop_when_unused, daemon=True).start()
        server.watch()
    except BaseException:
        server.interrupt()
        raise  # into the log


class Server:
    """A server in a guardian's care, from its start on."""

    def __init__(self, folder: Path, programs: Programs, guardian: Lock) -> None:
        self.folder = folder
        self.log = place.log_of(folder)
        self._guardian = guardian
        self._users = Lock(folder / "users")
        self._stopping = threading.Event()
        self._ended = threading.Event()
        _put_aside(self.log)
        data = place.data_of(folder)
        is_new = data is None or cluster.is_empty(data)
        self._account = accounts.unprivileged() if data is None or is_new else accounts.of(data)
        self.data = data or place.new_data(folder, self._account)
        self._programs = programs.for_account(self._account, place.ELSEWHERE)
        if is_new:
            cluster.make(self.data, self._programs, self._account)
        cluster.check(self.data, self._programs)
        found = postmaster.find(self.data)
        if found is not None and found.wait_until_ready() and found.answers():
            self._postmaster, self.socket = found, found.socket  # its guardian was killed
        else:
            place.remove_socket(folder)
            self.socket = place.make_socket(folder, self.data, self._account)
            self._postmaster = self._started()

    def announce(self) -> None:
        """Say where it is, to whoever comes and to the one that waits for it."""
        said = {"socket": str(self.socket)}
        self._guardian.write(json.dumps(said).encode())
        _say(said)

    def stop_when_unused(self) -> None:
        """Wait until nobody uses it, then stop it. Who comes meanwhile waits for the end of this process."""
        self._users.wait_exclusive()
        self.stop()

    def stop(self) -> None:
        """Stop it; sessions that are open are ended, and what they have committed is kept."""
        self._stopping.set()
        self._guardian.write(b"")
        for number, seconds in _ENDINGS:
            self._postmaster.signal(number)
            if self._ended.wait(seconds):
                return

    def interrupt(self) -> None:
        """Tell it to stop, and do not wait."""
        self._postmaster.signal(signal.SIGINT)

    def watch(self) -> None:
        """Start it again when it ends by itself, as when the kernel is short of memory; return when it was stopped."""
        short_lives = 0
        while True:
            begun = time.monotonic()
            self._postmaster.wait()
            if self._stopping.is_set() or not self._guardian.is_there():
                break
            short_lives = short_lives + 1 if time.monotonic() - begun < _SHORT else 0
            _log(f"PostgreSQL, process {self._postmaster.pid}, has ended by itself")
            if short_lives > _TRIES:
                break
            try:
                self._postmaster = self._started()
            except DatabaseError as error:
                _log(str(error))
                break
            if self._stopping.is_set():
                self.interrupt()
        self._ended.set()
        self._guardian.write(b"")
        place.remove_socket(self.folder)
        self._guardian.release()

    def _started(self) -> Postmaster:
        """The server, ready. Raises DatabaseError with the log's last words when it does not come up."""
        running = Lock(self.folder / "running")
        await_true(running.try_exclusive, f"the rest of a PostgreSQL that was killed, on {self.data}", seconds=_REST)
        postmaster.clear(self.data)
        place.clear_socket(self.socket)
        log = place.open_log(self.folder)
        begin = os.fstat(log).st_size
        try:
            started = postmaster.launch(self.data, self.socket, self._programs, self._account, log, running)
        finally:
            os.close(log)
            running.close()
        if started.wait_until_ready():
            return started
        said = self.log.read_bytes()[begin:].decode(errors="replace")
        place.remove_socket(self.folder)
        raise DatabaseError(
            f"the embedded PostgreSQL on {self.data} does not start: {_reason(said)}",
            remedy=f"read {self.log}; free disk space; or set HELIOTROPE_DATABASE_URL to a server of yours",
        )


def _told(error: DatabaseError | OSError, folder: Path) -> dict[str, str]:
    if isinstance(error, DatabaseError):
        return {"message": error.message, "remedy": error.remedy}
    return {"message": f"the embedded PostgreSQL in {folder} cannot be started: {error}"}


def _say(said: dict[str, str]) -> None:
    """One line to the process that waits for it, which may be gone; then never another."""
    with suppress(OSError):
        os.write(1, json.dumps(said).encode() + b"\n")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)


def _log(text: str) -> None:
    print(f"heliotrope: {text}", file=sys.stderr, flush=True)


def _put_aside(log: Path) -> None:
    """Begin the log anew when it is large; one before it is kept."""
    if log.exists() and log.stat().st_size > _LARGE:
        log.rename(log.with_name("log.old"))


def _reason(said: str) -> str:
    """The log's last lines, without the times and what goes without saying.

    >>> _reason("2026-11-24 10:31:05.300 UTC [26] FATAL:  no space\\n2026-11-24 10:31:05.400 UTC [26] HINT:  free some")
    'FATAL: no space HINT: free some'
    """
    lines = [re.sub(r"^\S+ \S+ \S+ \[\d+\] ", "", line) for line in said.splitlines()]
    telling = [line for line in lines if line.strip() and "database system is shut down" not in line]
    return " ".join(" ".join(telling[-4:]).split())[-600:] or "it says nothing"
