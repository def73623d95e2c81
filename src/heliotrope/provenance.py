"""What produced a result: versions of libraries and of code, and seeds that depend on nothing but names."""

from __future__ import annotations

import hashlib
import platform
from functools import cache
from importlib import metadata
from pathlib import Path

import heliotrope

__all__ = ["code_version", "library_versions", "seed_for"]

_LIBRARIES = ("heliotrope", "numpy", "pyarrow", "scikit-learn", "scipy", "skops", "skrub")


@cache
def library_versions() -> dict[str, str]:
    """Version by distribution, of Python and of what takes part in a training."""
    versions = {"python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


@cache
def code_version(folder: Path) -> str:
    """heliotrope's version, and the commit checked out around ``folder``, where there is one."""
    version = f"heliotrope {heliotrope.__version__}"
    for parent in (folder, *folder.parents):
        commit = _commit(parent / ".git")
        if commit:
            return f"{version}, commit {commit[:12]}"
    return version


def _commit(git: Path) -> str:
    """What HEAD is at, read without running git; empty when that cannot be told."""
    try:
        head = (git / "HEAD").read_text(encoding="ascii").strip()
        if not head.startswith("ref: "):
            return head
        name = head.removeprefix("ref: ")
        loose = git / name
        if loose.exists():
            return loose.read_text(encoding="ascii").strip()
        packed = (git / "packed-refs").read_text(encoding="utf-8").splitlines()
        return next((line.split()[0] for line in packed if line.endswith(f" {name}")), "")
    except (OSError, UnicodeDecodeError):
        return ""


def seed_for(seed: int, *parts: str) -> int:
    """A seed in [0, 2**31) that is the same for the same parts, on every machine.

    >>> seed_for(0, "tree", "2026-11-24T05:00Z")
    1537805795
    """
    text = "\0".join((str(seed), *parts)).encode()
    return int.from_bytes(hashlib.sha256(text).digest()[:4], "big") >> 1
