"""Six hours of both DAGs without a scheduler, by the Airflow that is installed and by those that are named.

HELIOTROPE_TEST_AIRFLOWS names the interpreters of environments with other versions, separated by colons.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
import yaml

import world
from heliotrope import __version__
from heliotrope.database import Database
from installation import DAGS

ROOT = Path(__file__).parents[2]
HOURS = 6
PYTHONS = [sys.executable, *filter(None, os.environ.get("HELIOTROPE_TEST_AIRFLOWS", "").split(":"))]

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(900)]


@pytest.mark.parametrize("python", PYTHONS)
def test_hours_of_both_dags_run_and_the_ledger_is_a_replays(python: str, database: Database, tmp_path: Path) -> None:
    stream = {"kind": "stream", "params": {"rows": 60}, "start": "2026-03-01T00:00Z", "intervals": HOURS}
    quiet = {"report": {"pictures": False}}
    (tmp_path / "examples").mkdir()
    (tmp_path / "dags").mkdir()
    world.write(tmp_path / "examples" / "rotating_gaussians.yaml", {**world.PIPELINE, "dataset": stream, **quiet})
    for file in DAGS.glob("*.py"):
        text = file.read_text("utf-8").replace("from pathlib", "from datetime import UTC, datetime\nfrom pathlib")
        text = text.replace("    tags=", "    start_date=datetime(2026, 3, 1, tzinfo=UTC),\n    tags=")  # and no end
        (tmp_path / "dags" / file.name).write_text(text, "utf-8")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "PYTEST"))}
    environment |= {
        "AIRFLOW_HOME": str(tmp_path / "airflow"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "false",
        "AIRFLOW__CORE__DAGS_FOLDER": str(tmp_path / "dags"),
        "HELIOTROPE_DATABASE_URL": database.url,
        "HELIOTROPE_HOME": str(tmp_path / "home"),
    }

    def call(*arguments: str) -> str:
        done = subprocess.run([python, *arguments], env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout

    call("-m", "airflow", "db", "migrate")
    listed = yaml.safe_load(call("-m", "airflow", "providers", "list", "-o", "yaml"))
    assert [one["version"] for one in listed if one["package_name"] == "heliotrope"] == [__version__]
    program = str(ROOT / "tests" / "airflow" / "inside" / "hours.py")
    said = json.loads(call(program, str(tmp_path / "dags"), str(HOURS)).splitlines()[-1])
    print(f"\nAirflow {said['airflow']}")
    assert said["errors"] == {}
    assert said["states"] == {dag: ["success"] * HOURS for dag in ("Create-Data", "Continuous-Training")}
    found = world.ledger(database)
    with psycopg.connect(database.url) as connection:
        connection.execute("DELETE FROM heliotrope.pipeline")
    call("-m", "heliotrope", "replay", str(tmp_path / "examples" / "rotating_gaussians.yaml"))
    assert world.ledger(database) == found
