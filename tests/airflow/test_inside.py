"""Tests that import Airflow, in a process of their own: it changes logging and warnings for all that is in its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
WARNINGS = "error\nignore:Using .httpx. with .starlette.testclient."
"""What Airflow's API server brings by its own imports is not ours to mend."""


def test_what_imports_airflow_passes_its_own_tests(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "PYTEST"))}
    environment |= {"AIRFLOW_HOME": str(tmp_path), "AIRFLOW__CORE__LOAD_EXAMPLES": "false"}
    options = "--doctest-modules --import-mode=importlib -p no:cacheprovider -q"
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-o",
            f"addopts={options}",
            "-o",
            "pythonpath=tests",
            "-o",
            f"filterwarnings={WARNINGS}",
            "tests/airflow/inside",
            "src/heliotrope/airflow",
        ],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )
    print(done.stdout[-6000:], done.stderr[-2000:])
    assert done.returncode == 0
