"""The embedded PostgreSQL: what runs where no server is named, with nothing to install by hand.

Its files are in one folder, and it listens on a local socket alone. Four files there are locked, by which every
process knows what the others do, and which the kernel unlocks when one ends, whatever way:

- ``users``, by each process that uses the server, together; alone by the guardian, who then stops it;
- ``guardian``, by the process that has started the server and will stop it; the file says where the socket is;
- ``starting``, by one process at a time while it starts a guardian or finds the one that is there;
- ``running``, by PostgreSQL and its sessions, so that none is started beside what is left of another.
"""

from __future__ import annotations

import sys

from heliotrope.errors import DatabaseError

if sys.platform == "win32":
    raise DatabaseError(
        "the embedded PostgreSQL runs on Linux and macOS alone",
        remedy="set HELIOTROPE_DATABASE_URL to a server of yours",
    )

import atexit
import json
import os
import selectors
import signal
import subprocess
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from heliotrope.server import cluster, place, postmaster, programs
from heliotrope.server.lock import PATIENCE, Lock, await_true

__all__ = ["data_of", "log_of", "restart", "start", "stop"]

_LONG = 120.0  # seconds after which something is wrong; a guardian kills a server that takes 75 to stop
_VERY_LONG = 3600.0  # recovery after a crash may take its time; it is told of
_BOOT = (
    "import sys; from pathlib import Path; sys.path.append(sys.argv[1]); "
    "from heliotrope.server import guardian, programs; "
    "guardian.main(Path(sys.argv[2]), programs.Programs(Path(sys.argv[3]), int(sys.argv[4])), int(sys.argv[5]))"
)

_joined: dict[Path, Lock] = {}


def start(folder: Path) -> str:
    """Start the server whose files are in ``folder`` (made when absent), or join the one that runs; its URL.

    It runs at least until this process ends or calls :func:`stop`. Raises DatabaseError when it cannot be made or
    started.
    """
    folder = _settled(folder)
    before = _joined.get(folder)
    if before is None or not before.is_there():
        _join(folder)
    try:
        return place.url(_socket(folder))
    except BaseException:
        if before is None:
            stop(folder)
        raise


def stop(folder: Path) -> None:
    """Use the server of ``folder`` no more; when nobody else does, return after it has stopped."""
    folder = _settled(folder)
    joined = _joined.pop(folder, None)
    if joined is None:
        return
    is_there = joined.is_there()
    joined.close()
    if not is_there:
        return  # the folder was deleted; its guardian does not need it
    guardian, users = Lock(folder / "guardian"), Lock(folder / "users")

    def is_over() -> bool:
        if guardian.is_free():
            return True
        if users.try_exclusive():
            users.release()
            return False  # the guardian has not woken yet
        return users.is_free()  # others use it; else the guardian is stopping it

    try:
        if guardian.is_free() and _is_orphaned(folder):
            _socket(folder)  # by a guardian, who sees that nobody uses it
        await_true(is_over, f"the embedded PostgreSQL in {folder} to stop", seconds=_LONG)
    finally:
        guardian.close()
        users.close()


def restart(folder: Path) -> None:
    """Stop the server at once, as a crash would; return when it was started again. Its URL stays the same."""
    folder = _settled(folder)
    data = place.data_of(folder)
    former = None if data is None else postmaster.find(data)
    if data is None or former is None:
        raise DatabaseError(f"no embedded PostgreSQL runs in {folder}", remedy="start it")

    def is_back() -> bool:
        found = postmaster.find(data)
        return found is not None and found.pid != former.pid and found.is_ready()

    former.signal(signal.SIGQUIT)
    await_true(is_back, f"the embedded PostgreSQL in {folder} to start again", seconds=_LONG)


def data_of(folder: Path) -> Path | None:
    """Where the data of the server are; None when none were made."""
    data = place.data_of(_settled(folder))
    return None if data is None or cluster.is_empty(data) else data


def log_of(folder: Path) -> Path:
    """The server's log."""
    return place.log_of(_settled(folder))


# --- who uses it ---------------------------------------------------------------------------------------------


def _join(folder: Path) -> None:
    """Have a part in the lock of the users, for as long as this process lives."""
    place.make(folder)
    while True:
        users = Lock(folder / "users")
        await_true(users.try_shared, f"the embedded PostgreSQL in {folder} to stop", seconds=_LONG)
        if users.is_there():
            break
        users.close()  # the folder was deleted and made anew in this moment
    former = _joined.pop(folder, None)
    if former is not None:
        former.close()
    _joined[folder] = users
    atexit.unregister(_stop_all)
    atexit.register(_stop_all)


def _stop_all() -> None:
    """At a normal end, wait for servers that nobody else uses: the next command may delete their files."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends the waiting, without a word; the guardian goes on
    for folder in list(_joined):
        try:
            stop(folder)
        except DatabaseError as error:
            print(f"warning: {error}", file=sys.stderr)


def _settled(folder: Path) -> Path:
    return Path(os.path.realpath(folder))


# --- who starts it -------------------------------------------------------------------------------------------


@contextmanager
def _starting(folder: Path) -> Iterator[None]:
    lock = Lock(folder / "starting")
    try:
        await_true(lock.try_exclusive, f"another process that starts PostgreSQL in {folder}", seconds=_VERY_LONG)
        yield
    finally:
        lock.release()  # also in a process forked meanwhile by another thread
        lock.close()


def _socket(folder: Path) -> Path:
    """Where the running server's socket is; its guardian is started when there is none."""
    guardian = Lock(folder / "guardian")

    def is_settled() -> bool:
        return guardian.is_free() or guardian.read() != b""

    try:
        with _starting(folder):
            while True:
                # A guardian without a word is stopping, or starting for a process that was killed meanwhile.
                await_true(is_settled, f"the embedded PostgreSQL in {folder}", seconds=_VERY_LONG)
                said = _launch(folder, guardian) if guardian.try_exclusive() else guardian.read()
                if said:
                    return Path(json.loads(said)["socket"])
    finally:
        guardian.close()


def _launch(folder: Path, guardian: Lock) -> bytes:
    """Start a guardian, who takes over its lock from this process, and with it the server; what it says."""
    guardian.write(b"")
    found = programs.find()
    root = Path(__file__).parents[2]
    arguments = (root, folder, found.folder, found.version, guardian.fileno())
    command = [sys.executable, "-I", "-S", "-X", "utf8", "-c", _BOOT, *map(str, arguments)]
    log = place.log_of(folder)
    try:
        errors = place.open_log(folder)
        try:
            process = subprocess.Popen(  # noqa: S603 - this very program
                command,
                env=programs.environment(os.environ),
                cwd="/",
                start_new_session=True,
                pass_fds=(guardian.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
            )
        finally:
            os.close(errors)
    except OSError as error:
        raise DatabaseError(
            f"the embedded PostgreSQL in {folder} cannot be started: {error}",
            remedy="let HELIOTROPE_HOME name a folder that can be written, or set HELIOTROPE_DATABASE_URL",
        ) from error
    with process:
        assert process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            if not selector.select(PATIENCE):
                warnings.warn(f"the embedded PostgreSQL is starting; its log is {log}", stacklevel=2)
        line = process.stdout.readline()
    answer = json.loads(line) if line else {"message": f"the embedded PostgreSQL in {folder} cannot be started"}
    if "message" in answer:
        raise DatabaseError(answer["message"], remedy=answer.get("remedy") or f"read {log}")
    return line


def _is_orphaned(folder: Path) -> bool:
    data = place.data_of(folder)
    return data is not None and postmaster.find(data) is not None
