"""Both DAGs run by a real scheduler: what catches up, waits, is killed, is run again; the ledger is a replay's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import world
from heliotrope import config
from heliotrope.context import Context
from heliotrope.database import Database
from heliotrope.replay import replay, span_of
from installation import Airflow, hours_of_both

pytestmark = pytest.mark.heavy

QUIET: dict[str, Any] = {"report": {"pictures": False}}
BOTH = ("Create-Data", "Continuous-Training")


def replayed(database: Database, pipeline: Path, folder: Path) -> dict[str, list[object]]:
    """The ledger of a replay of the rows that are in the database, in whose ledger's place it is put."""
    import psycopg

    with psycopg.connect(database.url) as connection:
        connection.execute("DELETE FROM heliotrope.pipeline")
    with Context(config.load(pipeline), database, folder=folder) as context:
        for _ in replay(context, span_of(context)):
            pass
    return world.ledger(database)


def test_a_day_of_both_dags_catches_up_as_a_replay_of_it_would(
    airflow: Airflow, database: Database, tmp_path: Path
) -> None:
    pipeline = hours_of_both(airflow, 24, **QUIET)
    airflow.start()
    airflow.await_runs(24, *BOTH)
    assert airflow.runs("Create-Data") == {"success": 24}
    assert airflow.runs("Continuous-Training") == {"success": 24}
    found = world.ledger(database)
    trained = {(row[0], row[5]) for row in found["training"] if row[2] == "challenger"}
    assert {rows for _, rows in trained} <= {180, 360, 540}, "whole hours"
    assert found == replayed(database, pipeline, tmp_path / "again")
