"""The operators of each mode, made in one way."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from heliotrope.airflow.execution import ExecutionConfig
from heliotrope.order import Part

__all__ = ["Tasks", "returned", "tasks_of"]


class Tasks(Protocol):
    """Makes a pipeline's tasks. ``cycle`` is the task that assesses it."""

    def create(self, pipeline: str | Path, **kwargs: Any) -> Any: ...
    def assess(self, pipeline: str | Path, **kwargs: Any) -> Any: ...
    def announce(self, pipeline: str | Path, *, cycle: Any, **kwargs: Any) -> Any: ...
    def train(self, pipeline: str | Path, *, cycle: Any, **kwargs: Any) -> Any: ...
    def approve(self, pipeline: str | Path, *, after: Any, **kwargs: Any) -> Any: ...
    def gate(self, pipeline: str | Path, *, cycle: Any, answer: Any, **kwargs: Any) -> Any: ...
    def publish(self, pipeline: str | Path, *, cycle: Any, **kwargs: Any) -> Any: ...
    def segments(self, pipeline: str | Path, *, after: Any, cycle: Any, parts: int | None) -> None: ...


def returned(task: Any) -> str:
    """What a task returned, as a template: an id, and no edge of the graph beside those that are drawn."""
    return f"{{{{ ti.xcom_pull(task_ids={task.task_id!r}) }}}}"


def tasks_of(execution: ExecutionConfig | None) -> Tasks:
    """Those of a mode. What runs pods is imported for that mode alone."""
    execution = execution or ExecutionConfig()
    if execution.mode == "kubernetes":
        from heliotrope.airflow.pods import PodTasks

        return PodTasks(execution)
    return WorkerTasks(execution)


class WorkerTasks:
    """Tasks that the workers do themselves."""

    def __init__(self, execution: ExecutionConfig) -> None:
        from heliotrope.airflow import operators

        self.execution = execution
        self.operators = operators

    def create(self, pipeline: str | Path, **kwargs: Any) -> Any:
        """Write the interval's rows."""
        return self.operators.CreateDataOperator(pipeline=pipeline, execution=self.execution, **kwargs)

    def assess(self, pipeline: str | Path, **kwargs: Any) -> Any:
        """Assess the interval."""
        return self.operators.AssessOperator(pipeline=pipeline, execution=self.execution, skip=True, **kwargs)

    def announce(self, pipeline: str | Path, *, cycle: Any, **kwargs: Any) -> Any:
        """Say that a training begins."""
        return self.operators.AnnounceOperator(
            pipeline=pipeline, execution=self.execution, cycle=returned(cycle), **kwargs
        )

    def train(self, pipeline: str | Path, *, cycle: Any, **kwargs: Any) -> Any:
        """Train what competes."""
        return self.operators.TrainOperator(
            pipeline=pipeline, execution=self.execution, cycle=returned(cycle), **kwargs
        )

    def approve(self, pipeline: str | Path, *, after: Any, **kwargs: Any) -> Any:
        """Ask a person."""
        from heliotrope.airflow.approval import PromotionApprovalOperator

        task = PromotionApprovalOperator(pipeline=pipeline, execution=self.execution, **kwargs)
        after >> task
        return task

    def gate(self, pipeline: str | Path, *, cycle: Any, answer: Any, **kwargs: Any) -> Any:
        """Decide who serves, also where there was nothing to train."""
        return self.operators.GateOperator(
            pipeline=pipeline,
            execution=self.execution,
            cycle=returned(cycle),
            answer=None if answer is None else returned(answer),
            trigger_rule="none_failed",
            **kwargs,
        )

    def publish(self, pipeline: str | Path, *, cycle: Any, **kwargs: Any) -> Any:
        """Draw, register, deliver."""
        return self.operators.PublishOperator(
            pipeline=pipeline, execution=self.execution, cycle=returned(cycle), trigger_rule="none_failed", **kwargs
        )

    def segments(self, pipeline: str | Path, *, after: Any, cycle: Any, parts: int | None) -> None:
        """Run the segments, in as many parts as they need or as are given, a task each."""
        common: dict[str, Any] = {"execution": self.execution, "cycle": returned(cycle), "trigger_rule": "none_failed"}
        run = self.operators.SegmentsOperator.partial(
            task_id="segments", pipeline=str(pipeline), map_index_template="{{ task.part }}", **common
        )
        if parts is not None:
            after >> run.expand(part=[str(one) for one in Part.all(parts)])
            return
        divide = self.operators.DivideOperator(task_id="divide", pipeline=pipeline, **common)
        after >> divide
        run.expand(part=divide.output)
