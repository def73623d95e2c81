"""What the plugin knows of DAGs and tasks, in a process that imports Airflow."""

from __future__ import annotations

import asyncio
import os
import signal
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import DAG
from airflow.serialization.serialized_objects import DagSerialization

import world
from heliotrope.airflow import (
    ContinuousTrainingDag,
    ContinuousTrainingTaskGroup,
    CreateDataDag,
    ExecutionConfig,
    operators,
    pages,
    pods,
)
from heliotrope.airflow import approval as approvals
from heliotrope.airflow.ending import at_end
from heliotrope.airflow.links import CycleLink
from heliotrope.airflow.trainers import Trainer, Trainers, said
from heliotrope.errors import ConfigError

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
PODS = ExecutionConfig(mode="kubernetes", image="heliotrope:test")


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with two pipelines."""
    for name in ("turning", "clicks"):
        world.write(tmp_path / f"{name}.yaml", {**world.PIPELINE, "name": name, "approval": "required"})
    return tmp_path


def on_record(dag: DAG) -> dict[str, Any]:
    """The DAG as Airflow has it on record."""
    return dict(DagSerialization.to_dict(dag))


def test_the_link_is_for_every_operator_that_works_on_a_cycle() -> None:
    linked = {(one.__module__, one.__name__) for one in CycleLink.operators}
    steps = [
        kind
        for module in (operators, pods)
        for kind in vars(module).values()
        if getattr(kind, "__module__", "") == module.__name__ and getattr(kind, "step", "create") != "create"
    ]
    assert {(kind.__module__, kind.__name__) for kind in steps} < linked
    assert linked == {(kind.__module__, kind.__name__) for kind in (*steps, approvals.PromotionApprovalOperator)}, (
        "and for none that is not there"
    )


@pytest.mark.parametrize(
    ("execution", "connections"),
    [(None, (None,)), (ExecutionConfig(connection_id="record"), ("record",)), (PODS, ())],
    ids=["in workers", "by a connection", "in pods"],
)
def test_a_dag_says_what_it_trains_and_where_its_record_is(
    files: Path, execution: ExecutionConfig | None, connections: tuple[str | None, ...]
) -> None:
    dag = ContinuousTrainingDag("mine", pipeline=files / "turning.yaml", execution=execution, start_date=BEGIN)
    assert said("mine", on_record(dag)) == (
        Trainer(dag_id="mine", pipeline="turning", trains=True, connections=connections),
    )


def test_a_dag_that_makes_rows_does_not_train(files: Path) -> None:
    dag = CreateDataDag("rows", pipeline=files / "turning.yaml", start_date=BEGIN)
    assert [one.trains for one in said("rows", on_record(dag))] == [False]


def test_a_dag_of_ones_own_says_it_of_every_group(files: Path) -> None:
    with DAG("both", schedule=None) as dag:
        for name in ("turning", "clicks"):
            ContinuousTrainingTaskGroup(name, pipeline=files / f"{name}.yaml")
    assert [one.pipeline for one in said("both", on_record(dag))] == ["turning", "clicks"]
    assert said("other", {"dag": {"tasks": [{"__type": "operator", "__var": {"task_id": "x"}}]}}) == ()


def known(monkeypatch: pytest.MonkeyPatch, *trainers: Trainer) -> Trainers:
    """Those DAGs, and no others."""
    found = Trainers()
    monkeypatch.setattr(found, "all", lambda: trainers)
    monkeypatch.setattr(pages, "trainers", found)
    return found


def trains(dag_id: str, *connections: str | None, is_stale: bool = False) -> Trainer:
    """A DAG that trains turning."""
    return Trainer(dag_id=dag_id, pipeline="turning", trains=True, connections=connections, is_stale=is_stale)


def test_a_dag_whose_file_is_gone_guards_what_no_other_trains(monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = trains("old", is_stale=True), trains("new")
    assert known(monkeypatch, old, new).of("turning") == ("new",)
    assert known(monkeypatch, old).of("turning") == ("old",)


def test_the_database_is_that_of_the_dags_or_the_one_that_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("HELIOTROPE_DATABASE_URL", *(name for name in os.environ if name.startswith("PG"))):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HELIOTROPE_HOME", str(tmp_path))
    monkeypatch.setenv("AIRFLOW_CONN_RECORD", "postgresql://ann:pw@db:5432/record")
    monkeypatch.setenv("AIRFLOW_CONN_OTHER", "postgresql://ann:pw@db:5432/other")

    known(monkeypatch)
    with pytest.raises(ConfigError, match="neither a connection nor the environment"):
        pages.database_of()
    known(monkeypatch, trains("a", "record"), trains("b", "record"), trains("c"), trains("d", None, is_stale=True))
    assert pages.database_of().url == "postgresql://ann:pw@db:5432/record"
    known(monkeypatch, trains("a", "record"), trains("b", "other"), trains("c", None))
    with pytest.raises(ConfigError, match="several databases: other, record, that of the environment"):
        pages.database_of()
    monkeypatch.setenv("AIRFLOW__HELIOTROPE__CONNECTION_ID", "other")
    assert pages.database_of().url == "postgresql://ann:pw@db:5432/other"
    monkeypatch.setenv("AIRFLOW__HELIOTROPE__CONNECTION_ID", "absent")
    with pytest.raises(ConfigError, match="no connection 'absent'"):
        pages.database_of()
    monkeypatch.delenv("AIRFLOW__HELIOTROPE__CONNECTION_ID")
    monkeypatch.setenv("HELIOTROPE_DATABASE_URL", "postgresql://db/environment")
    known(monkeypatch, trains("a", None))
    assert pages.database_of().url == "postgresql://db/environment"


def test_without_a_database_the_pages_say_so_and_name_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    known(monkeypatch, trains("a", "record"), trains("b", "other"))
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request"}

    scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
    asyncio.run(pages.Pages()(scope, receive, send))
    assert sent[0]["status"] == 503
    assert b"no database" in sent[1]["body"]
    assert b"record" not in sent[1]["body"]


def test_the_end_is_told_before_the_server_does_what_it_does() -> None:
    told: list[str] = []
    before = signal.signal(signal.SIGTERM, lambda *_: told.append("server"))
    interrupt = signal.getsignal(signal.SIGINT)
    try:
        at_end(lambda: told.append("pages"))
        os.kill(os.getpid(), signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)
        signal.signal(signal.SIGINT, interrupt)
    assert told == ["pages", "server"]
