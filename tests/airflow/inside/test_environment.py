"""Environments that are made for mode ``virtualenv``: of a wheel of a package of their own, without a network."""

from __future__ import annotations

import subprocess
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from heliotrope.airflow.environment import environment
from heliotrope.errors import ConfigError


@pytest.fixture
def wheel(tmp_path: Path) -> str:
    """A package that says its number."""
    file = tmp_path / "probe-1.0-py3-none-any.whl"
    parts = {
        "probe.py": "NUMBER = 7\n",
        "probe-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: probe\nVersion: 1.0\n",
        "probe-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{name},,\n" for name in [*parts, "probe-1.0.dist-info/RECORD"])
    with zipfile.ZipFile(file, "w") as archive:
        for name, text in {**parts, "probe-1.0.dist-info/RECORD": record}.items():
            archive.writestr(name, text)
    return str(file)


def test_an_environment_is_made_once_of_what_is_asked_for_whoever_asks(wheel: str, tmp_path: Path) -> None:
    folder = tmp_path / "environments"
    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(lambda _: environment((wheel,), folder), range(2))
    assert one == other
    born = one.parent.parent.stat().st_mtime_ns
    assert environment((wheel,), folder) == one
    assert one.parent.parent.stat().st_mtime_ns == born
    done = subprocess.run([str(one), "-c", "import probe; print(probe.NUMBER)"], capture_output=True, text=True)
    assert done.stdout == "7\n"


def test_what_a_kill_has_left_is_made_anew(wheel: str, tmp_path: Path) -> None:
    python = environment((wheel,), tmp_path)
    (python.parent.parent / "made").unlink()
    python.unlink()
    assert environment((wheel,), tmp_path) == python
    assert python.exists()


def test_requirements_that_cannot_be_had_are_named_and_nothing_is_left(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no environment could be made of /no/such\.whl"):
        environment(("/no/such.whl",), tmp_path)
    assert [one.name for one in tmp_path.iterdir() if one.suffix != ".lock"] == []
