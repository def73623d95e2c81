"""Six hours of both DAGs without a scheduler, by the Airflow that is installed and by those that are named.

HELIOTROPE_TEST_AIRFLOWS names the interpreters of environments with other versions, separated by colons.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pyarrow as pa
import pytest
import yaml

import world
from heliotrope import __version__, streams
from heliotrope.database import Database
from heliotrope.store import Rows
from installation import DAGS

ROOT = Path(__file__).parents[2]
HOURS = 6
BOTH = ("Create-Data", "Continuous-Training")
PYTHONS = [sys.executable, *filter(None, os.environ.get("HELIOTROPE_TEST_AIRFLOWS", "").split(":"))]

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(900)]


def without_scheduler(python: str, folder: Path, database: Database) -> Callable[..., str]:
    """Calls a Python with an Airflow whose metadata is in the folder; what it prints."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "PYTEST"))}
    environment |= {
        "AIRFLOW_HOME": str(folder / "airflow"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "false",
        "AIRFLOW__CORE__DAGS_FOLDER": str(folder / "dags"),
        "HELIOTROPE_DATABASE_URL": database.url,
        "HELIOTROPE_HOME": str(folder / "home"),
    }

    def call(*arguments: str) -> str:
        done = subprocess.run([python, *arguments], env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout

    return call


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
    call = without_scheduler(python, tmp_path, database)
    call("-m", "airflow", "db", "migrate")
    listed = yaml.safe_load(call("-m", "airflow", "providers", "list", "-o", "yaml"))
    assert [one["version"] for one in listed if one["package_name"] == "heliotrope"] == [__version__]
    program = str(ROOT / "tests" / "airflow" / "inside" / "hours.py")
    said = json.loads(call(program, str(tmp_path / "dags"), str(HOURS), *BOTH).splitlines()[-1])
    print(f"\nAirflow {said['airflow']}")
    assert said["errors"] == {}
    assert said["states"] == {dag: ["success"] * HOURS for dag in BOTH}
    found = world.ledger(database)
    with psycopg.connect(database.url) as connection:
        connection.execute("DELETE FROM heliotrope.pipeline")
    call("-m", "heliotrope", "replay", str(tmp_path / "examples" / "rotating_gaussians.yaml"))
    assert world.ledger(database) == found


@pytest.mark.parametrize("parts", [None, 3])
def test_segments_are_run_by_mapped_tasks_as_by_a_replay(parts: int | None, database: Database, tmp_path: Path) -> None:
    writer = Rows(database, "stores", "time")
    for hour in world.hours(3):
        tables = [
            streams.make("rotating_gaussians", rows=14, seed=place)
            .batch(hour)
            .append_column("store", pa.array([f"store {place}"] * 42))
            for place in range(5)
        ]
        writer.replace(hour, pa.concat_tables(tables))
    writer.close()
    parted = {"source": {"table": "stores", "time": "time"}, "partition_by": "store", "report": {"pictures": False}}
    world.write(tmp_path / "stores.yaml", {**world.PIPELINE, "name": "stores", **parted})
    (tmp_path / "dags").mkdir()
    (tmp_path / "dags" / "stores.py").write_text(
        "from datetime import UTC, datetime\n"
        "from heliotrope.airflow import ContinuousTrainingDag\n"
        f"dag = ContinuousTrainingDag(pipeline={str(tmp_path / 'stores.yaml')!r}, parts={parts},"
        " start_date=datetime(2026, 3, 1, tzinfo=UTC))\n",
        "utf-8",
    )
    call = without_scheduler(sys.executable, tmp_path, database)
    call("-m", "airflow", "db", "migrate")
    program = str(ROOT / "tests" / "airflow" / "inside" / "hours.py")
    said = json.loads(call(program, str(tmp_path / "dags"), "3", "stores").splitlines()[-1])
    assert (said["errors"], said["states"]) == ({}, {"stores": ["success"] * 3})
    found = {name: sorted(map(repr, rows)) for name, rows in world.ledger(database).items()}
    with psycopg.connect(database.url) as connection:
        count = "SELECT count(*) FROM heliotrope.cycle WHERE segment <> ''"
        assert connection.execute(count).fetchone() == (15,)
        connection.execute("DELETE FROM heliotrope.pipeline")
    call("-m", "heliotrope", "replay", str(tmp_path / "stores.yaml"))
    assert {name: sorted(map(repr, rows)) for name, rows in world.ledger(database).items()} == found
