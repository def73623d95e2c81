"""Where the files of an embedded server are.

In its folder: ``data``, ``log``, and the files that are locked (see :mod:`heliotrope.server`). Data made by earlier
versions lie in the folder itself. Root's data lie elsewhere when the account that runs PostgreSQL cannot enter the
folder; a note in it says where. The socket is with the data, or elsewhere too when that path does not suit a socket;
the link ``socket`` in the folder leads there.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from heliotrope.errors import DatabaseError
from heliotrope.server.account import Account, is_open_to, open_file

__all__ = [
    "ELSEWHERE",
    "clear_socket",
    "data_of",
    "log_of",
    "make",
    "make_socket",
    "new_data",
    "open_log",
    "remove_socket",
    "url",
]

ELSEWHERE = Path("/var/lib/heliotrope")
_NOTE = "WHERE.txt"
_LINK = "socket"
SOCKET = ".s.PGSQL.5432"
"""The socket's name, which clients expect by the number of a port."""
_LONGEST = 103 - len(SOCKET) - 1  # bytes of a socket's path on macOS; Linux has 107
_TEMPORARY = "heliotrope-"


def make(folder: Path) -> None:
    """Make the folder of a server. Raises DatabaseError when that cannot be."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        # Root's is passed through, and only that, by the account that runs PostgreSQL.
        folder.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, exist_ok=True)
    except OSError as error:
        raise DatabaseError(
            f"the embedded PostgreSQL cannot have its files in {folder}: {_reason(error)}",
            remedy="let HELIOTROPE_HOME name a folder that can be written, or set HELIOTROPE_DATABASE_URL",
        ) from error


def data_of(folder: Path) -> Path | None:
    """Where the server's data are; None when none were made. Raises DatabaseError when the note of them is damaged."""
    if any(os.path.exists(folder / name) for name in ("PG_VERSION", "global", "base")):
        return folder
    note = folder / _NOTE
    if os.path.exists(note):
        lines = note.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
        data = Path(lines[1]) if len(lines) > 1 else None
        if data is None or not data.is_dir():
            raise DatabaseError(
                f"{note} says that the data are in {data}, and there they are not",
                remedy="bring them back, or delete the note to begin anew",
            )
        return data
    data = folder / "data"
    return data if os.path.exists(data) else None


def log_of(folder: Path) -> Path:
    """The server's log."""
    return folder / "log"


def open_log(folder: Path) -> int:
    """The log, for programs to add to."""
    return open_file(log_of(folder), os.O_WRONLY | os.O_APPEND)


def new_data(folder: Path, account: Account | None) -> Path:
    """Where data are to be made: in the folder, or, noted there, elsewhere when the account cannot enter it."""
    if account is None or is_open_to(account, folder):
        return folder / "data"
    ELSEWHERE.mkdir(mode=0o711, parents=True, exist_ok=True)
    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:8]
    # A folder of that name may still hold the data of a home that was deleted.
    taken = 0
    while (data := ELSEWHERE / (f"{digest}-{taken}" if taken else digest)).exists():
        taken += 1
    half = folder / f".{_NOTE}"
    half.write_text(
        f"The data of this embedded PostgreSQL are in\n{data}\nas the account that runs PostgreSQL for root cannot "
        "enter this folder. They belong together: delete or move both.\n",
        encoding="utf-8",
    )
    data.mkdir(mode=0o700)
    half.rename(folder / _NOTE)
    return data


# --- the socket ----------------------------------------------------------------------------------------------


def make_socket(folder: Path, data: Path, account: Account | None) -> Path:
    """The folder for the socket: that of the data, or a new one where clients could not be told that path."""
    name = os.fsencode(data)
    if len(name) <= _LONGEST and b"," not in name and _is_text(name):  # libpq takes a comma for the end of a name
        return data

    def fits(place: Path) -> bool:
        is_short = len(os.fsencode(place)) <= _LONGEST - len(_TEMPORARY) - 9  # a slash and mkdtemp's eight letters
        return is_short and "," not in str(place) and (account is None or is_open_to(account, place))

    places = [Path(tempfile.gettempdir()), Path("/tmp")]  # noqa: S108 - a private folder is made in it
    socket = Path(tempfile.mkdtemp(prefix=_TEMPORARY, dir=next(filter(fits, places), places[-1])))
    if account is not None:
        os.chown(socket, account.user, account.group)
    (folder / _LINK).symlink_to(socket)
    return socket


def remove_socket(folder: Path) -> None:
    """Remove the folder that was made for the socket alone, also one that a killed guardian has left."""
    link = folder / _LINK
    if link.is_symlink():
        socket = link.readlink()
        if socket.name.startswith(_TEMPORARY) and socket.is_dir():
            clear_socket(socket)
            with suppress(OSError):
                socket.rmdir()
        link.unlink()


def clear_socket(socket: Path) -> None:
    """Remove what a killed server has left of its socket; a record of its process would keep another from starting."""
    for name in (SOCKET, f"{SOCKET}.lock"):
        (socket / name).unlink(missing_ok=True)


def _is_text(name: bytes) -> bool:
    try:
        name.decode()
    except UnicodeDecodeError:
        return False
    return True


def _reason(error: OSError) -> str:
    return f"{error.filename} is no folder" if isinstance(error, FileExistsError) else error.strerror or str(error)


def url(socket: Path) -> str:
    """The server's address, for libpq, SQLAlchemy and ADBC alike.

    >>> url(Path("/home/ann's files"))
    'postgresql://postgres:@/postgres?host=/home/ann%27s%20files'
    """
    return f"postgresql://postgres:@/postgres?host={quote(os.fsencode(socket))}"
