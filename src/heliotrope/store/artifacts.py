"""Model files, named by the SHA-256 of their content, so that a changed file is seen and never used."""

from __future__ import annotations

import hashlib
import os
import tempfile
from contextlib import suppress
from pathlib import Path

from heliotrope.candidates import artifact
from heliotrope.errors import ArtifactError

__all__ = ["Artifacts"]

_PART = ".part"
_STALE = 86_400.0  # seconds after which no save can still be at work on its part


class Artifacts:
    """A folder of model files.

    >>> with tempfile.TemporaryDirectory() as folder:
    ...     artifacts = Artifacts(Path(folder))
    ...     artifacts.get(artifacts.put(b"a model"))
    b'a model'
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, sha256: str) -> Path:
        """Where the file of that hash is, whether or not it is there."""
        return self.folder / sha256[:2] / f"{sha256}.skops"

    def put(self, data: bytes) -> str:
        """Keep the bytes; their SHA-256. A file appears whole or not at all, also when the machine stops.

        What saves that were killed have left is removed once it is a day old.
        """
        sha256 = hashlib.sha256(data).hexdigest()
        if self._holds(sha256):
            return sha256
        path = self.path(sha256)
        part = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self.folder, suffix=_PART, delete=False) as file:
                part = Path(file.name)
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
                now = os.fstat(file.fileno()).st_mtime
            os.replace(part, path)
            part = None
        except OSError as error:
            raise ArtifactError(
                f"the model file {path} cannot be written: {error}",
                remedy="free disk space, or let HELIOTROPE_HOME name a folder that can be written",
            ) from None
        finally:
            if part is not None:
                part.unlink(missing_ok=True)
        self._sweep(path.parent, now)
        return sha256

    def _holds(self, sha256: str) -> bool:
        try:
            return hashlib.sha256(artifact.read(self.path(sha256))).hexdigest() == sha256
        except (OSError, ArtifactError):
            return False

    def _sweep(self, beside: Path, now: float) -> None:
        """Remove the parts that are a day older than ``now``, of this folder and of the one of the file just saved."""
        for folder in (self.folder, beside):
            for part in folder.glob(f"*{_PART}"):
                with suppress(OSError):
                    if now - part.stat().st_mtime > _STALE:
                        part.unlink()

    def get(self, sha256: str) -> bytes:
        """The bytes of that hash. Raises ArtifactError when they are missing or have been changed."""
        path = self.path(sha256)
        try:
            data = artifact.read(path)
        except OSError as error:
            raise ArtifactError(
                f"the model file {path} cannot be read: {error.strerror or error}",
                remedy="let HELIOTROPE_HOME name the folder it was trained under, or train and promote another",
            ) from None
        found = hashlib.sha256(data).hexdigest()
        if found != sha256:
            raise ArtifactError(
                f"the model file {path} was changed: its SHA-256 is {found[:12]}..., recorded was {sha256[:12]}...",
                remedy="put the original back, or roll back to another champion with `heliotrope rollback`",
            )
        return data
