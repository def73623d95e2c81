"""The server's main process: started, found again, signalled. It is never known by a number in a file alone."""

from __future__ import annotations

import os
import signal
import socket
import struct
import subprocess
import time
from pathlib import Path

from heliotrope.errors import DatabaseError
from heliotrope.server import place
from heliotrope.server.account import Account
from heliotrope.server.lock import Lock
from heliotrope.server.programs import Programs, environment

__all__ = ["Postmaster", "clear", "find", "launch"]

_PID_FILE = "postmaster.pid"  # its lines: process, data, start, port, socket's folder, address, shared memory, state
_PAUSE = 0.005
_ENCRYPTED = struct.pack("!ii", 8, 80877103)  # the protocol's question whether it would encrypt: a byte is answered
_ANSWER = 10.0  # seconds


class Postmaster:
    """A running server: one that this process has started, or one that was found."""

    def __init__(self, data: Path, pid: int, child: subprocess.Popen[bytes] | None = None) -> None:
        self.data = data
        self.pid = pid
        self._child = child

    def is_running(self) -> bool:
        """Whether the process is there, and still is PostgreSQL on this data."""
        if self._child is not None:
            return self._child.poll() is None
        return _is_postgres_on(self.pid, self.data)

    def is_ready(self) -> bool:
        """Whether it takes connections."""
        lines = _pid_file(self.data)
        return lines[:1] == [str(self.pid)] and lines[7:8] == ["ready"]

    def answers(self) -> bool:
        """Whether it really does: a process that was killed is still seen for a moment."""
        try:
            with socket.socket(socket.AF_UNIX) as line:
                line.settimeout(_ANSWER)
                line.connect(str(self.socket / place.SOCKET))
                line.sendall(_ENCRYPTED)
                return len(line.recv(1)) == 1
        except OSError:
            return False

    @property
    def socket(self) -> Path:
        """The folder of its socket."""
        said = _pid_file(self.data)[4:5]
        return Path(said[0]) if said and said[0] else self.data

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal, unless it has ended."""
        if self._child is not None:
            self._child.send_signal(number)
        elif self.is_running():
            os.kill(self.pid, number)

    def wait(self) -> None:
        """Return when it has ended."""
        if self._child is not None:
            self._child.wait()
        while self.is_running():
            time.sleep(0.2)  # of a process that is not our child nothing tells us

    def wait_until_ready(self) -> bool:
        """Return when it takes connections, after a crash when it has recovered; False when it ended before."""
        while not self.is_ready():
            if not self.is_running():
                return False
            time.sleep(_PAUSE)
        return True


def launch(data: Path, socket: Path, programs: Programs, account: Account | None, log: int, lock: Lock) -> Postmaster:
    """Start a server; it is not ready yet. It writes to the file ``log``.

    It and its sessions hold the lock, which is held here, until the last of them has ended.
    """
    command = [str(programs.postgres), "-D", str(data), "-p", "5432", "-h", ""]
    command += ["-k", '"{}"'.format(str(socket).replace('"', '""')), "-c", "unix_socket_permissions=0700"]
    child = subprocess.Popen(  # noqa: S603 - the wheel's own program
        command,
        env=environment(os.environ),
        cwd="/",
        umask=0o077,
        pass_fds=(lock.fileno(),),
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        **(account.of_process() if account else {}),
    )
    return Postmaster(data, child.pid, child)


def find(data: Path) -> Postmaster | None:
    """The server that runs on this data; None where there is none, whatever its files say."""
    pid = _recorded(data)
    if pid is None or not _is_postgres_on(pid, data):
        return None
    return Postmaster(data, pid)


def clear(data: Path) -> None:
    """Remove a record that would keep a server from starting, when none is found: its number may be another's by now.

    That of a process that has ended stays: PostgreSQL looks there for what is left of it.
    """
    file = data / _PID_FILE
    pid = _recorded(data)
    if file.exists() and (pid is None or _is_alive(pid)):
        file.unlink()


def _pid_file(data: Path) -> list[str]:
    try:
        text = (data / _PID_FILE).read_text(encoding="utf-8", errors="surrogateescape")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise DatabaseError(f"{data / _PID_FILE} cannot be read: {error.strerror}", remedy="mend its rights") from error
    return [line.strip() for line in text.split("\n")]


def _recorded(data: Path) -> int | None:
    first = "".join(_pid_file(data)[:1])
    return int(first) if first.isdecimal() and 1 < int(first) < 2**31 else None


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except ProcessLookupError:
        return False
    return True


def _is_postgres_on(pid: int, data: Path) -> bool:
    """Whether the process is a server's main one, and works in this folder.

    It changes to its data folder when it starts. In a container root may not see that, but what it was started with.
    Where there is no /proc, ``ps`` says the latter.
    """
    process = Path(f"/proc/{pid}")
    if Path("/proc/self/cwd").exists():
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
        except OSError:
            return False
        if os.path.basename(words[0]) != b"postgres":
            return False
        try:
            return os.path.samefile(process / "cwd", data)
        except PermissionError:
            return os.fsencode(data) in words
        except OSError:
            return False
    said = subprocess.run(  # noqa: S603 - a number
        ["ps", "-ww", "-o", "args=", "-p", str(pid)],  # noqa: S607 - where it lies differs
        capture_output=True,
        text=True,
        errors="surrogateescape",
        check=False,
    ).stdout
    return f"postgres -D {data}" in said
