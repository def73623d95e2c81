"""Steps done for tasks, in the task's process or by another Python."""

from __future__ import annotations

import signal
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import psycopg
import pytest

import world
from heliotrope.airflow import ExecutionConfig
from heliotrope.airflow.work import FailedStepError, Worker, url_of
from heliotrope.database import Database
from heliotrope.errors import ConfigError, IntervalError
from heliotrope.order import Order


@pytest.fixture
def pipeline(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A pipeline with three hours of rows, in an environment that names the database."""
    monkeypatch.setenv("HELIOTROPE_DATABASE_URL", database.url)
    world.fill(database, 3)
    world.write(tmp_path / "turning.yaml", {**world.PIPELINE, "report": {"pictures": False}})
    return tmp_path / "turning.yaml"


@pytest.fixture(params=["local", "virtualenv"])
def worker(request: pytest.FixtureRequest, pipeline: Path, tmp_path: Path) -> Worker:
    """What does the steps, in each mode."""
    python = sys.executable if request.param == "virtualenv" else None
    return Worker(str(pipeline), ExecutionConfig(mode=request.param, python=python, home=tmp_path / "models"))


def test_a_cycle_is_done_step_by_step_in_either_mode(worker: Worker, database: Database, tmp_path: Path) -> None:
    hour = world.hours(1)[0]
    cycle = worker.do(Order(step="assess", interval=hour))["cycle"]
    assert (
        worker.do(Order(step="announce", cycle=cycle))["message"] == ":computer: [2026-03-01T00:00Z]: TRAINING START!"
    )
    assert worker.do(Order(step="train", interval=hour))["trained"]
    gated = worker.do(Order(step="gate", cycle=cycle))
    assert (gated["action"], gated["failure"]) == ("promote", None)
    assert worker.do(Order(step="publish", cycle=cycle))["registered"] == 0
    assert worker.is_done(hour)
    assert not worker.is_done(hour.shift(1))
    assert list((tmp_path / "models" / "artifacts").rglob("*")), "models are in the folder that was named"


def test_what_another_try_would_meet_again_is_known(worker: Worker) -> None:
    far = world.hours(1)[0].shift(10**6)
    with pytest.raises((IntervalError, FailedStepError), match="has not ended yet") as failed:
        worker.do(Order(step="assess", interval=far))
    assert getattr(failed.value, "for_good", isinstance(failed.value, IntervalError))


def test_a_database_that_is_away_may_be_tried_again(pipeline: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HELIOTROPE_DATABASE_URL", "postgresql://nobody:hush@127.0.0.1:1/none")
    worker = Worker(str(pipeline), ExecutionConfig(mode="virtualenv", python=sys.executable))
    with pytest.raises(FailedStepError, match="no connection") as failed:
        worker.do(Order(step="assess", interval=world.hours(1)[0]))
    assert not failed.value.for_good
    assert "hush" not in str(failed.value)


def test_a_python_that_is_not_there_is_named(pipeline: Path) -> None:
    worker = Worker(str(pipeline), ExecutionConfig(mode="virtualenv", python="/no/such/python"))
    with pytest.raises(ConfigError, match="/no/such/python cannot be run"):
        worker.do(Order(step="assess", interval=world.hours(1)[0]))


@pytest.mark.parametrize("ignored", [False, True])
def test_a_killed_task_stops_the_other_python_and_leaves_nothing_half_done(
    ignored: bool, pipeline: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also one that ignores Ctrl-C, as what a shell starts in the background does."""
    monkeypatch.setattr("heliotrope.airflow.work._PATIENCE", 1.0 if ignored else 60.0)
    before = signal.signal(signal.SIGINT, signal.SIG_IGN if ignored else signal.default_int_handler)
    worker = Worker(str(pipeline), ExecutionConfig(mode="virtualenv", python=sys.executable))
    ended: list[BaseException] = []

    def run() -> None:
        try:
            worker.do(Order(step="assess", interval=world.hours(1)[0]))
        except FailedStepError as error:
            ended.append(error)

    with world.opened(database, pipeline.parent) as context, context.ledger.lock():
        thread = threading.Thread(target=run)
        thread.start()
        while not waiting(database):
            time.sleep(0.05)
        signal.signal(signal.SIGINT, before)
        worker.stop()
        thread.join(60)
    assert ("ended with -15" if ignored else "stopped") in str(ended[0])
    assert world.ledger(database)["cycle"] == []


def waiting(database: Database) -> bool:
    """Whether a session waits for an advisory lock."""
    with psycopg.connect(database.url) as connection:
        query = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        found = connection.execute(query).fetchone()
    return found is not None and found[0] > 0


def test_a_connection_is_a_url_with_what_must_be_encoded_encoded() -> None:
    connection = SimpleNamespace(
        login="ann@x", password="a/b@c d", host="db", port=None, schema="ev", extra_dejson={"sslmode": "require"}
    )
    assert url_of(connection) == "postgresql://ann%40x:a%2Fb%40c%20d@db/ev?sslmode=require"
