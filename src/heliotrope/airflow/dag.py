"""A pipeline as a DAG, or as a task group inside another."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG, Asset, Param, TaskGroup

from heliotrope.airflow.execution import ExecutionConfig
from heliotrope.airflow.operators import declared
from heliotrope.airflow.schedule import PARTITIONED, every_interval, rows_of, told_by
from heliotrope.config import StreamDataset

if TYPE_CHECKING:
    from heliotrope.config import Pipeline

__all__ = ["ContinuousTrainingDag", "ContinuousTrainingTaskGroup", "CreateDataDag"]

_AT_ONCE = 4
"""Runs of a DAG whose steps are done in the workers: the ledger keeps them in order, and the next is always ready."""
_RETRIES = {"retries": 3, "retry_delay": timedelta(seconds=30)}


class CreateDataDag(DAG):
    """Writes the rows of every interval, of the pipeline's stream, into its table; any number of runs at once.

    It begins and ends with the pipeline's data set, unless ``start_date`` is given.
    """

    def __init__(
        self, dag_id: str = "", *, pipeline: str | Path, execution: ExecutionConfig | None = None, **dag_kwargs: Any
    ) -> None:
        from heliotrope.airflow.tasks import tasks_of

        known = declared(pipeline)
        super().__init__(dag_id or f"{known.name}.create_data", **_defaults(known, _span(known, dag_kwargs)))
        with self:
            tasks_of(execution).create(pipeline, task_id="create_data")


class ContinuousTrainingDag(DAG):
    """One pipeline: ``assess >> [announce, train] >> gate >> publish`` for every interval, when it has ended.

    ``after`` is the asset whose events say that an interval's rows are there; ``True`` is the one that CreateDataDag
    tells of, and the DAG then begins and ends with the data set too, unless ``start_date`` is given. Without it the
    rows are taken to be there when the interval has ended. A ``schedule=PartitionedAssetTimetable(assets=...)`` names
    the asset by itself; give such a DAG more runs at once than there are events out of order. ``gaps``, ``patience``
    and ``poke`` are AssessOperator's, the rest is the DAG's.

    Of a pipeline with segments these come after ``gate``, mapped over parts of them: as many as two hundred segments
    each make, or ``parts`` of them; in pods, where no task can look, four unless given.
    """

    def __init__(
        self,
        dag_id: str = "",
        *,
        pipeline: str | Path,
        execution: ExecutionConfig | None = None,
        after: Asset | bool = False,
        gaps: str = "each",
        patience: timedelta = timedelta(days=1),
        poke: timedelta = timedelta(seconds=10),
        parts: int | None = None,
        **dag_kwargs: Any,
    ) -> None:
        known = declared(pipeline)
        in_workers = (execution or ExecutionConfig()).mode == "local" and known.approval is None
        after = after or told_by(dag_kwargs.get("schedule")) or False
        given = _span(known, dag_kwargs) if after is True else dag_kwargs
        settings = {"max_active_runs": _AT_ONCE if in_workers else 1, **_defaults(known, given)}
        super().__init__(dag_id or known.name, **settings)
        with self:
            _build(pipeline, known, execution, after, gaps=gaps, patience=patience, poke=poke, parts=parts)


class ContinuousTrainingTaskGroup(TaskGroup):
    """The same tasks inside a DAG of one's own, whose runs have the pipeline's interval; see interval_of."""

    def __init__(
        self,
        group_id: str = "continuous_training",
        *,
        pipeline: str | Path,
        execution: ExecutionConfig | None = None,
        after: Asset | bool = False,
        gaps: str = "each",
        patience: timedelta = timedelta(days=1),
        poke: timedelta = timedelta(seconds=10),
        parts: int | None = None,
        **group_kwargs: Any,
    ) -> None:
        super().__init__(group_id=group_id, **group_kwargs)
        with self:
            _build(
                pipeline,
                declared(pipeline),
                execution,
                after,
                gaps=gaps,
                patience=patience,
                poke=poke,
                parts=parts,
            )


def _span(pipeline: Pipeline, given: dict[str, Any]) -> dict[str, Any]:
    """The DAG's arguments, with the first and the last tick of the pipeline's data set where none are given."""
    dataset = pipeline.dataset
    if "start_date" in given or not isinstance(dataset, StreamDataset):
        return given
    first = dataset.start + (pipeline.interval if PARTITIONED else timedelta(0))
    return {"start_date": first, "end_date": first + (dataset.intervals - 1) * pipeline.interval, **given}


def _defaults(pipeline: Pipeline, given: dict[str, Any]) -> dict[str, Any]:
    """The DAG's own arguments, where they were not given."""
    start = Param(
        None,
        type=["null", "string"],
        title="Interval",
        description="The start of an interval, as 2026-11-24T05:00Z; empty: the run's own, or the latest.",
    )
    return {
        "schedule": every_interval(pipeline.interval) if "schedule" not in given else None,
        "catchup": True,
        "max_active_tasks": 16,
        "tags": ["heliotrope"],
        **given,
        "default_args": {**_RETRIES, **(given.get("default_args") or {})},
        "params": {"start": start, **(given.get("params") or {})},
    }


def _build(
    pipeline: str | Path,
    known: Pipeline,
    execution: ExecutionConfig | None,
    after: Asset | bool,
    *,
    gaps: str,
    patience: timedelta,
    poke: timedelta,
    parts: int | None,
) -> None:
    from heliotrope.airflow.tasks import tasks_of

    asset = (rows_of(known) if after else None) if isinstance(after, bool) else after
    tasks = tasks_of(execution)
    assess = tasks.assess(pipeline, task_id="assess", after=asset, gaps=gaps, patience=patience, poke=poke)
    announce = tasks.announce(pipeline, task_id="announce", cycle=assess)
    train = tasks.train(pipeline, task_id="train", cycle=assess)
    approve = None if known.approval is None else tasks.approve(pipeline, task_id="approve", after=train)
    gate = tasks.gate(pipeline, task_id="gate", cycle=assess, answer=approve)
    publish = tasks.publish(pipeline, task_id="publish", cycle=assess)
    assess >> [announce, train]
    [announce, approve or train] >> gate >> publish
    if known.partition_by is not None:
        tasks.segments(pipeline, after=gate, cycle=assess, parts=parts)
