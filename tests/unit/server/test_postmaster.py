"""Which process is taken for a server."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from heliotrope.server import postmaster

pytestmark = pytest.mark.skipif(not Path("/proc/self/cwd").exists(), reason="needs /proc")


@pytest.fixture
def named(tmp_path: Path) -> Path:
    """A program by the name of PostgreSQL, which sleeps."""
    program = tmp_path / "postgres"
    program.symlink_to(sys.executable)
    return program


def sleeping(program: Path, data: Path, cwd: Path) -> subprocess.Popen[bytes]:
    one = subprocess.Popen(
        [str(program), "-c", "import sys; print(flush=True); sys.stdin.read()", "-D", str(data)],
        cwd=cwd,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert one.stdout is not None
    one.stdout.readline()
    (data / "postmaster.pid").write_text(f"{one.pid}\n")
    return one


def test_a_server_is_known_by_its_name_and_its_folder(tmp_path: Path, named: Path) -> None:
    data, other = tmp_path / "data", tmp_path / "other"
    data.mkdir()
    other.mkdir()
    for program, cwd, is_one in ((named, data, True), (named, other, False), (Path(sys.executable), data, False)):
        with sleeping(program, data, cwd) as one:
            found = postmaster.find(data)
            assert (found is not None) is is_one
            assert found is None or not found.answers()
            one.communicate()
    assert postmaster.find(data) is None, "it has ended"


def test_where_its_folder_may_not_be_seen_it_is_known_by_what_it_was_started_with(
    tmp_path: Path, named: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> bool:
        raise PermissionError

    monkeypatch.setattr(os.path, "samefile", refuse)
    data, other = tmp_path / "data", tmp_path / "other"
    data.mkdir()
    other.mkdir()
    with sleeping(named, data, tmp_path) as one:
        assert postmaster.find(data) is not None
        (other / "postmaster.pid").write_text(f"{one.pid}\n")
        assert postmaster.find(other) is None
        one.communicate()
