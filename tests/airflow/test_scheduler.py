"""Both DAGs run by a real scheduler: what catches up, waits, is killed, is run again; the ledger is a replay's."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

import world
from heliotrope import config
from heliotrope.context import Context
from heliotrope.database import Database
from heliotrope.replay import replay, span_of
from installation import SOON, Airflow, hours_of_both, waited

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(1800)]

if not os.environ.get("HELIOTROPE_TEST_SCHEDULER"):
    pytest.skip("minutes of a real Airflow: make test-airflow", allow_module_level=True)

QUIET: dict[str, Any] = {"report": {"pictures": False}}
BOTH = ("Create-Data", "Continuous-Training")


def replayed(database: Database, pipeline: Path, folder: Path) -> dict[str, list[Any]]:
    """The ledger of a replay of the rows that are in the database, in place of the one there."""
    with psycopg.connect(database.url) as connection:
        connection.execute("DELETE FROM heliotrope.pipeline")
    with Context(config.load(pipeline), database, folder=folder) as context:
        for _ in replay(context, span_of(context)):
            pass
    return world.ledger(database)


def rows(database: Database) -> list[Any]:
    """How many rows there are of each hour, and their hash."""
    with psycopg.connect(database.url) as connection:
        query = "SELECT time, count(*), md5(string_agg(c::text, '' ORDER BY c::text)) FROM continuous_training AS c"
        return connection.execute(f"{query} GROUP BY 1 ORDER BY 1".encode()).fetchall()


def trained_on(ledger: dict[str, list[Any]]) -> list[int]:
    """How many rows the challengers of each cycle were trained on, the fewest of them; all on whole windows."""
    return [row[5] for row in ledger["training"] if row[2] == "final"]


def test_a_day_of_both_dags_catches_up_as_a_replay_of_it_would_and_stays_so_however_often_it_is_run(
    airflow: Airflow, database: Database, tmp_path: Path
) -> None:
    hours = 24
    pipeline = hours_of_both(airflow, hours, declared=QUIET)
    airflow.start()
    airflow.await_runs(hours, *BOTH)
    assert airflow.runs("Create-Data") == {"success": hours}
    assert airflow.runs("Continuous-Training") == {"success": hours}
    found, there = world.ledger(database), rows(database)
    assert [count for _, count, _ in there] == [180] * hours
    assert trained_on(found) == [180, 360, *[540] * (hours - 2)], "never on a part of an hour, or of a window"

    # A task of a past run again, and everything after it; a whole run again; a range filled back; one by hand.
    run = airflow.run_of("Continuous-Training", "2026-03-01T05:00:00")
    again = {"dry_run": False, "only_failed": False, "reset_dag_runs": True}
    airflow.api(
        "POST",
        "/dags/Continuous-Training/clearTaskInstances",
        dag_run_id=run,
        task_ids=["train"],
        include_downstream=True,
        **again,
    )
    for dag_id in BOTH:
        other = airflow.run_of(dag_id, "2026-03-01T07:00:00")
        airflow.api("POST", f"/dags/{dag_id}/dagRuns/{other}/clear", dry_run=False, only_failed=False)
        airflow.api(
            "POST",
            "/backfills",
            dag_id=dag_id,
            from_date="2026-03-01T02:00:00Z",
            to_date="2026-03-01T04:00:00Z",
            reprocess_behavior="completed",
            max_active_runs=2,
            run_backwards=False,
            dag_run_conf={},
        )
    airflow.api("POST", "/dags/Continuous-Training/dagRuns", logical_date=None, conf={"start": "2026-03-01T09:00Z"})
    airflow.await_quiet(*BOTH)
    assert airflow.runs("Continuous-Training") == {"success": hours + 1 + 3}, "one by hand, and three filled back"
    assert airflow.runs("Create-Data") == {"success": hours + 3}
    assert world.ledger(database) == found
    assert rows(database) == there
    assert replayed(database, pipeline, tmp_path / "again") == found


@pytest.mark.parametrize("airflow", [SOON], indirect=True, ids=["soon"])
def test_whoever_is_killed_in_the_middle_the_ledger_is_that_of_a_replay(
    airflow: Airflow, database: Database, tmp_path: Path
) -> None:
    hours = 10
    pipeline = hours_of_both(airflow, hours, declared=QUIET)
    airflow.start()

    def cycles(count: int) -> Callable[[], bool]:
        def there() -> bool:
            with psycopg.connect(database.url) as connection:
                found = connection.execute("SELECT count(*) FROM heliotrope.step WHERE name = 'assess'").fetchone()
            return found is not None and bool(found[0] >= count)

        return there

    waited(cycles(2), "two cycles", seconds=600, story=airflow.story)
    airflow.kill("scheduler")
    airflow.start("scheduler")
    waited(cycles(4), "four cycles", seconds=600, story=airflow.story)
    assert airflow.kill_titled("airflow worker -- LocalExecutor") > 0, "the workers, in the middle of their tasks"
    waited(cycles(6), "six cycles", seconds=600, story=airflow.story)
    waited(lambda: airflow.kill_titled("airflow worker -- 0") > 0, "a task", seconds=600, story=airflow.story)
    airflow.await_runs(hours, *BOTH)
    assert replayed_is(world.ledger(database), replayed(database, pipeline, tmp_path / "again"))


def replayed_is(found: dict[str, list[Any]], again: dict[str, list[Any]]) -> bool:
    """Asserts it part by part, so that a difference can be read."""
    for part, lines in found.items():
        assert lines == again[part], part
    return True


def test_a_promotion_waits_for_a_person_and_a_gap_is_trained_on_once(
    airflow: Airflow, database: Database, tmp_path: Path
) -> None:
    hours = 3
    hours_of_both(airflow, hours, declared={**QUIET, "approval": {"timeout": "1m", "otherwise": "keep"}})
    gaps = (airflow.dags / "continuous_training.py").read_text(encoding="utf-8")
    gaps = gaps.replace('"Continuous-Training",', '"Gaps", gaps="once",').replace("gaussians.yaml", "gaps.yaml")
    declared = config.load(airflow.folder / "examples" / "rotating_gaussians.yaml").model_dump(mode="json")
    world.write(airflow.folder / "examples" / "rotating_gaps.yaml", {**declared, "name": "gaps", "approval": None})
    airflow.dag("gaps.py", gaps)
    airflow.start()

    def asked() -> bool:
        query = "SELECT count(*) FROM task_instance WHERE task_id = 'approve' AND state = 'awaiting_input'"
        return bool(airflow.ask(query)[0][0])

    waited(asked, "the first question", seconds=600, story=airflow.story)
    run = airflow.run_of("Continuous-Training", "2026-03-01T00:00:00")
    airflow.api(
        "PATCH",
        f"/dags/Continuous-Training/dagRuns/{run}/taskInstances/approve/-1/hitlDetails",
        chosen_options=["Approve"],
        params_input={},
    )
    airflow.await_runs(hours, *BOTH, "Gaps")
    with psycopg.connect(database.url) as connection:
        found = connection.execute(
            "SELECT pipeline.name, action, reasons[1], actor FROM heliotrope.decision"
            " JOIN heliotrope.cycle ON cycle.id = cycle_id JOIN heliotrope.pipeline ON pipeline.id = cycle.pipeline_id"
            " WHERE stage = 'gate' ORDER BY pipeline.name, interval_start"
        ).fetchall()
    approved = [row[1:] for row in found if row[0] == "turning"]
    assert [row[0] for row in approved] == ["promote", "keep", "keep"]
    assert approved[0][2] not in ("heliotrope", "nobody, in time"), "whoever answered is on record"
    refused = "the promotion of extrapolated was refused by nobody, in time"
    assert approved[1:] == [("keep", refused, "nobody, in time")] * 2
    assert [row[1] for row in found if row[0] == "gaps"] == ["promote", "keep", "promote"]
