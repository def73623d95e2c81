"""Model files on disk: whole or not there, and never anything else than a file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from heliotrope.errors import ArtifactError
from heliotrope.store import Artifacts


@pytest.fixture
def artifacts(tmp_path: Path) -> Artifacts:
    return Artifacts(tmp_path / "artifacts")


def parts(artifacts: Artifacts) -> list[Path]:
    return list(artifacts.folder.rglob("*.part"))


@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), KeyboardInterrupt()], ids=["full", "stopped"]
)
def test_a_save_that_fails_leaves_nothing(
    artifacts: Artifacts, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def fail(descriptor: int) -> None:
        raise error

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises((ArtifactError, KeyboardInterrupt)):
        artifacts.put(b"a model")
    assert not parts(artifacts)


def test_what_killed_saves_left_is_removed_once_it_is_a_day_old(artifacts: Artifacts) -> None:
    sha256 = artifacts.put(b"a model")
    artifacts.path(sha256).unlink()
    for folder in (artifacts.folder, artifacts.path(sha256).parent):
        for name, age in (("old", 90_000), ("new", 80_000)):
            part = folder / f"{name}.part"
            part.write_bytes(b"half")
            os.utime(part, (part.stat().st_mtime - age,) * 2)
    artifacts.put(b"a model")
    assert [part.name for part in parts(artifacts)] == ["new.part"] * 2


@pytest.mark.timeout(20)
@pytest.mark.parametrize("kind", ["pipe", "folder", "device", "huge"])
def test_what_is_no_model_file_is_refused_without_waiting(artifacts: Artifacts, kind: str) -> None:
    path = artifacts.path(artifacts.put(b"a model"))
    path.unlink()
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "device":
        path.symlink_to("/dev/zero")
    else:
        with path.open("wb") as file:
            file.truncate(2**40)
    with pytest.raises(
        ArtifactError, match=r"the model file .* (is not a regular file|has 1,024.0 GiB|Is a directory)"
    ):
        artifacts.get(path.stem)
    if kind != "folder":
        assert artifacts.get(artifacts.put(b"a model")) == b"a model"


def test_a_file_that_was_changed_is_written_again(artifacts: Artifacts) -> None:
    path = artifacts.path(artifacts.put(b"a model"))
    path.write_bytes(b"another")
    with pytest.raises(ArtifactError, match="was changed: its SHA-256 is"):
        artifacts.get(path.stem)
    assert artifacts.get(artifacts.put(b"a model")) == b"a model"
