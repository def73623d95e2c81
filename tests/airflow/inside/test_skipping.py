"""The tasks of a cycle that have nothing to do are skipped by the one that assesses it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import DownstreamTasksSkipped
from airflow.sdk import DAG
from airflow.sdk.bases.operator import BaseOperator

import world
from heliotrope.airflow import ContinuousTrainingDag, ContinuousTrainingTaskGroup

START = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def pipeline(tmp_path: Path) -> Path:
    world.write(tmp_path / "turning.yaml", world.PIPELINE)
    return tmp_path / "turning.yaml"


@pytest.mark.parametrize(
    ("left", "skipped"),
    [
        ((), ["announce", "gate", "publish", "train"]),
        (("publish",), ["announce", "gate", "train"]),
        (("gate",), ["announce", "publish", "train"]),
        (("announce", "train", "gate", "publish"), None),
    ],
)
def test_tasks_whose_step_is_not_left_are_skipped_and_the_cycle_is_told_all_the_same(
    pipeline: Path, left: tuple[str, ...], skipped: list[str] | None
) -> None:
    assess: Any = ContinuousTrainingDag(pipeline=pipeline, start_date=START).get_task("assess")
    pushed: dict[str, Any] = {}
    context = {"ti": SimpleNamespace(xcom_push=pushed.__setitem__)}
    done = {"cycle": 7, "left": left}
    if skipped is None:
        assert assess.told(context, done) == 7
        return
    with pytest.raises(DownstreamTasksSkipped) as raised:
        assess.told(context, done)
    assert raised.value.tasks == skipped
    assert pushed == {"return_value": 7}


def test_a_task_that_one_of_the_users_own_comes_after_is_not_skipped(pipeline: Path) -> None:
    with DAG("mine", schedule=None, start_date=START) as dag:
        group = ContinuousTrainingTaskGroup(pipeline=pipeline)
        group >> BaseOperator(task_id="deploy")
    assess: Any = dag.get_task("continuous_training.assess")
    assert assess._spare(()) == [f"continuous_training.{name}" for name in ("announce", "gate", "train")]
