"""The command line called in this process, in a folder of its own, with no database anywhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from heliotrope.cli import main


class Ended(NamedTuple):
    """What a call came to."""

    code: int
    out: str
    err: str


Call = Callable[..., Ended]


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Call:
    """``call("status", "--json")``: the exit code, stdout and stderr."""
    for name in ("HELIOTROPE_DATABASE_URL", "PGHOST", "PGHOSTADDR", "PGSERVICE", "PGDATABASE", "PGPORT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("HELIOTROPE_TRACEBACK", raising=False)
    monkeypatch.setenv("HELIOTROPE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> Ended:
        capsys.readouterr()
        code = main(list(arguments))
        return Ended(code, *capsys.readouterr())

    return call
