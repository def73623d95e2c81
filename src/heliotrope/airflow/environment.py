"""Python environments that mode ``virtualenv`` makes on a worker, each once, from a list of requirements."""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from heliotrope.errors import ConfigError

__all__ = ["environment"]

log = logging.getLogger(__name__)


def environment(requirements: Sequence[str], folder: Path, *, python: str | Path | None = None) -> Path:
    """The interpreter of the environment that has the requirements, made under ``folder`` when it is not there.

    ``python`` is the interpreter it is made with, else this one. Requirements are pip's or uv's own: packages, with a
    version best, or files. Of several that ask at once one makes it, and the others wait. Raises ConfigError where the
    requirements cannot be installed; then nothing is left of it.
    """
    base = str(python or sys.executable)
    identity = json.dumps([base, *requirements])
    place = folder / hashlib.sha256(identity.encode()).hexdigest()[:16]
    made = place / "made"
    with _alone(place.with_suffix(".lock")):
        if not made.exists():
            shutil.rmtree(place, ignore_errors=True)  # what a kill has left
            _make(place, base, list(requirements))
            made.write_text(identity, encoding="utf-8")
    return place / "bin" / "python"


@contextmanager
def _alone(file: Path) -> Iterator[None]:
    """One process of this machine at a time; a killed one lets go."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            log.info("waiting for another task, which makes the environment %s", file.stem)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _make(place: Path, base: str, requirements: list[str]) -> None:
    from airflow.providers.standard.utils.python_virtualenv import prepare_virtualenv

    log.info("making the environment %s for %s, once", place, ", ".join(requirements))
    try:
        prepare_virtualenv(str(place), base, system_site_packages=False, requirements=requirements)
    except (subprocess.CalledProcessError, OSError) as error:
        shutil.rmtree(place, ignore_errors=True)
        raise ConfigError(
            f"no environment could be made of {', '.join(requirements)} with {base}: {error}",
            remedy="its installer's words are in the log above; mend ExecutionConfig(requirements=..., python=...)",
        ) from None
