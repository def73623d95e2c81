"""The steps as operators, done by the worker itself or by another Python there (modes ``local``, ``virtualenv``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

from airflow.providers.common.compat.sdk import (
    AirflowException,
    AirflowFailException,
    AirflowSkipException,
    DownstreamTasksSkipped,
)
from airflow.sdk import Asset, BaseOperator

from heliotrope import config
from heliotrope.airflow.execution import ExecutionConfig
from heliotrope.airflow.schedule import interval_of, rows_of
from heliotrope.airflow.tasks import returned
from heliotrope.airflow.turn import Turn, Wait, turn_of
from heliotrope.airflow.work import FailedStepError, Worker
from heliotrope.config import Pipeline
from heliotrope.errors import ConfigError, IntervalError
from heliotrope.interval import Interval, format_time
from heliotrope.order import PART_SIZE, Order, Part, Step

__all__ = [
    "AnnounceOperator",
    "AssessOperator",
    "CreateDataOperator",
    "DivideOperator",
    "GateOperator",
    "PublishOperator",
    "SegmentsOperator",
    "StepOperator",
    "TrainOperator",
    "declared",
    "works_on",
]


def declared(pipeline: str | Path) -> Pipeline:
    """The pipeline of a YAML file: the one thing that is read when a DAG is parsed. Raises ConfigError."""
    return config.load(pipeline)


def works_on(pipeline: Pipeline, step: Step, **connection: str | None) -> dict[str, str | None]:
    """What a task works on, as a field of it that Airflow keeps and shows: by this the pages know whose DAG it is."""
    return {"pipeline": pipeline.name, "step": step, **connection}


class StepOperator(BaseOperator):
    """One step of a pipeline's cycle.

    ``pipeline`` is its YAML file. ``cycle`` is the cycle's id, as AssessOperator returns it; without one the cycle is
    that of the run's interval.
    """

    step: ClassVar[Step]
    template_fields: Sequence[str] = ("cycle", "heliotrope")
    ui_color = "#fdf3d8"

    def __init__(
        self,
        *,
        pipeline: str | Path,
        execution: ExecutionConfig | None = None,
        cycle: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.execution = execution or ExecutionConfig()
        if self.execution.mode == "kubernetes":
            raise ConfigError(
                f"{type(self).__name__} runs in a worker, not in a pod",
                remedy="take the operator of that name from heliotrope.airflow.pods, or the task group",
            )
        self.pipeline = str(pipeline)
        self.cycle = cycle
        known = declared(pipeline)
        self.interval = known.interval
        self.heliotrope = works_on(known, self.step, connection_id=self.execution.connection_id)
        self._worker: Worker | None = None

    def execute(self, context: Any) -> Any:
        """Do the step; what other tasks need of it. Errors that another try would meet again are not tried again."""
        try:
            interval = interval_of(context, self.interval)
            return self.told(context, self.do(self.order(context, interval)))
        except (ConfigError, IntervalError) as error:
            raise AirflowFailException(str(error)) from error
        except FailedStepError as error:
            if error.for_good:
                raise AirflowFailException(str(error)) from error
            raise

    def on_kill(self) -> None:
        """End what another Python does for the task."""
        if self._worker is not None:
            self._worker.stop()

    def order(self, context: Any, interval: Interval) -> Order:
        """What is to be done."""
        return Order(
            step=self.step, interval=interval, cycle=None if self.cycle in (None, "", "None") else int(self.cycle)
        )

    def do(self, order: Order) -> Mapping[str, Any]:
        """Do it; what it came to."""
        self._worker = Worker(self.pipeline, self.execution)
        done = self._worker.do(order)
        self.log.info("%s: %s", order.step, {name: str(value) for name, value in done.items()})
        return done

    def told(self, context: Any, done: Mapping[str, Any]) -> Any:
        """What of it goes to other tasks: nothing, or an id."""
        return None


class CreateDataOperator(StepOperator):
    """Writes the rows of the run's interval, of the pipeline's stream, in place of those there; tells the asset."""

    step = "create"

    def __init__(self, *, pipeline: str | Path, outlets: Any = None, **kwargs: Any) -> None:
        asset = rows_of(declared(pipeline))
        super().__init__(pipeline=pipeline, outlets=[asset] if outlets is None else outlets, **kwargs)

    def execute(self, context: Any) -> Any:
        """Write the rows, and say whose they are beside the partition key, which not every Airflow has."""
        start = format_time(interval_of(context, self.interval).start)
        for asset in self.outlets:
            if isinstance(asset, Asset):
                context["outlet_events"][asset].extra = {"start": start}
        return super().execute(context)


class AssessOperator(StepOperator):
    """Tests the champion on the interval's rows, measures drift, decides whether to train; returns the cycle's id.

    It waits, without a worker, until ``after``, the asset that is the rows, has told of the interval, for ``patience``
    at most. Earlier intervals come first: those that a run is still on are finished here, and that run finds them done.
    ``gaps``: ``each`` trains in every interval that was missed, ``once`` only in the newest and scores the others.
    With ``skip`` the tasks of the cycle that have nothing to do are skipped, for which no process is started.
    """

    step = "assess"

    def __init__(
        self,
        *,
        pipeline: str | Path,
        after: Asset | None = None,
        patience: timedelta = timedelta(days=1),
        poke: timedelta = timedelta(seconds=10),
        gaps: str = "each",
        skip: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(pipeline=pipeline, inlets=[] if after is None else [after], **kwargs)
        self.wait = Wait(asset=after, patience=patience, every=poke)
        self.gaps = gaps_of(gaps)
        self.skip = skip

    def order(self, context: Any, interval: Interval) -> Order:
        """The interval, when its turn has come, and what is to be run before it."""
        worker = Worker(self.pipeline, self.execution)
        turn = turn_of(context, interval, self.wait, worker.is_done if self.execution.mode == "local" else None)
        order = assess_order(interval, turn, self.gaps)
        return replace(order, until=turn.until) if self.execution.mode == "local" else order

    def told(self, context: Any, done: Mapping[str, Any]) -> Any:
        """The cycle's id. Raises DownstreamTasksSkipped where tasks have nothing to do."""
        cycle = done["cycle"]
        spare = self._spare(done["left"]) if self.skip else []
        if spare:
            self.log.info("nothing is left to do for %s", ", ".join(spare))
            context["ti"].xcom_push("return_value", cycle)
            raise DownstreamTasksSkipped(tasks=spare)  # type: ignore[no-untyped-call] # Airflow's has no types
        return cycle

    def _spare(self, left: Sequence[str]) -> list[str]:
        """The tasks of this one's cycle whose step is not left; never one that something of another's comes after."""
        tasks = [one for one in self.get_flat_relatives(upstream=False) if isinstance(one, StepOperator)]
        mine = {one.task_id for one in tasks if one.cycle == returned(self)} | {self.task_id}
        return sorted(
            one.task_id
            for one in tasks
            if one.step not in left and one.task_id in mine and one.downstream_task_ids <= mine
        )


def gaps_of(gaps: str) -> str:
    """``each`` or ``once``. Raises ConfigError for anything else."""
    if gaps not in ("each", "once"):
        raise ConfigError(f"gaps is {gaps!r}", remedy="write 'each', or 'once' to train once for a gap")
    return gaps


def assess_order(interval: Interval, turn: Turn, gaps: str) -> Order:
    """The order to assess an interval whose turn has come."""
    return Order(step="assess", interval=interval, since=turn.since, missed=turn.missed, collapse=gaps == "once")


class AnnounceOperator(StepOperator):
    """Says that a training begins; skipped where none does."""

    step = "announce"

    def told(self, context: Any, done: Mapping[str, Any]) -> Any:
        """Nothing. Raises AirflowSkipException where there was nothing to say."""
        if not done["message"]:
            raise AirflowSkipException("the cycle asks for no training")


class TrainOperator(StepOperator):
    """Fits what competes, and scores it on the interval's rows; skipped where the cycle asks for no training."""

    step = "train"

    def told(self, context: Any, done: Mapping[str, Any]) -> Any:
        """Nothing. Raises AirflowSkipException where nothing was to be trained."""
        if not done["trained"]:
            raise AirflowSkipException("the cycle asks for no training")


class GateOperator(StepOperator):
    """Decides who serves from the interval's end; fails where every candidate did.

    ``answer`` is what PromotionApprovalOperator returned, where the pipeline asks for approval.
    """

    step = "gate"
    template_fields: Sequence[str] = ("cycle", "answer", "heliotrope")

    def __init__(self, *, answer: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.answer = answer

    def order(self, context: Any, interval: Interval) -> Order:
        """With the answer, and who gave it."""
        given = super().order(context, interval)
        word, _, name = str(self.answer or "").partition(" ")
        return Order(
            step="gate",
            interval=given.interval,
            cycle=given.cycle,
            approve=name if word == "approve" else None,
            refuse=name if word == "refuse" else None,
        )

    def told(self, context: Any, done: Mapping[str, Any]) -> Any:
        """Nothing. Raises AirflowFailException where every candidate failed."""
        if done["failure"] is not None:
            raise AirflowFailException(f"every candidate failed: {done['failure']}")


class PublishOperator(StepOperator):
    """Draws the cycle's picture, registers the champion, delivers the messages."""

    step = "publish"


class DivideOperator(StepOperator):
    """Looks how many segments there are; returns the names of the parts in which they are run, ``size`` in each."""

    step = "divide"

    def __init__(self, *, size: int = PART_SIZE, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.size = size

    def order(self, context: Any, interval: Interval) -> Order:
        """With the size."""
        return replace(super().order(context, interval), size=self.size)

    def told(self, context: Any, done: Mapping[str, Any]) -> Any:
        """The parts, over which SegmentsOperator is mapped."""
        return done["parts"]


class SegmentsOperator(StepOperator):
    """Runs the cycles of a part of the segments, ``1/8`` or another; what an earlier run has left of them first.

    It fails where a segment's cycle did, when all the others are done; another try runs that one alone.
    """

    step = "segments"
    template_fields: Sequence[str] = ("cycle", "part", "heliotrope")

    def __init__(self, *, part: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.part = part

    def order(self, context: Any, interval: Interval) -> Order:
        """Of that part."""
        return replace(super().order(context, interval), part=Part.parse(self.part))

    def told(self, context: Any, done: Mapping[str, Any]) -> Any:
        """Nothing. Raises AirflowException where a segment's cycle failed."""
        _refuse_failures(done["failures"])


def _refuse_failures(failures: Mapping[str, Mapping[str, Any]]) -> None:
    """Raise AirflowException that names the segments which failed, and why the first did."""
    if failures:
        name, first = next(iter(failures.items()))
        more = f"; so did {len(failures) - 1} more" if len(failures) > 1 else ""
        raise AirflowException(f"segment {name!r} failed in {first['interval']}: {first['error']}{more}")
