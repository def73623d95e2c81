"""Model files, named by the SHA-256 of their content, so that a changed file is seen and never used."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

from heliotrope.errors import ArtifactError

__all__ = ["Artifacts"]


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
        """Keep the bytes; their SHA-256. A file appears whole or not at all, also when the machine stops."""
        sha256 = hashlib.sha256(data).hexdigest()
        path = self.path(sha256)
        if path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() == sha256:
            return sha256
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(file.name, path)
        except OSError as error:
            raise ArtifactError(
                f"the model file {path} cannot be written: {error}",
                remedy="free disk space, or let HELIOTROPE_HOME name a folder that can be written",
            ) from None
        return sha256

    def get(self, sha256: str) -> bytes:
        """The bytes of that hash. Raises ArtifactError when they are missing or have been changed."""
        path = self.path(sha256)
        try:
            data = path.read_bytes()
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
