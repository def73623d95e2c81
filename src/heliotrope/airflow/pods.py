"""The steps as pods (mode ``kubernetes``): ``heliotrope run-step`` in the image, by KubernetesPodOperator.

A pod's name is that of its pipeline, step and interval, so that a retry finds the pod that runs and there is never a
second one beside it. Nothing comes back but its end: what it did is in the ledger, under its interval. The database and
the webhook reach it as Kubernetes Secrets, and stand in no field that Airflow renders or keeps.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException, AirflowSkipException
from airflow.sdk import Asset

from heliotrope.airflow.execution import ExecutionConfig
from heliotrope.airflow.failure import failure_of
from heliotrope.airflow.operators import assess_order, declared, gaps_of, works_on
from heliotrope.airflow.schedule import PARTITIONED, interval_of, rows_of
from heliotrope.airflow.tasks import returned
from heliotrope.airflow.turn import Turn, Wait, turn_of
from heliotrope.interval import Interval, format_time
from heliotrope.order import Order, Part, Step

__all__ = [
    "AssessPodOperator",
    "CreateDataPodOperator",
    "GatePodOperator",
    "PodTasks",
    "SegmentsPodOperator",
    "StepPodOperator",
    "pod_name",
]

NOTHING_PROPOSED = 10
"""The exit code of ``run-step propose`` where there is nothing to approve."""
_PARTS = 4
"""Parts of the segments, where nobody says how many."""
_GRACE = 60.0
"""Seconds beyond its own grace that a pod which is being deleted is waited for."""


def pod_name(pipeline: str, step: str, interval: Interval, part: str | None = None) -> str:
    """The name of the pod of a step: at most 63 of the characters that Kubernetes allows, and no other step's.

    >>> from heliotrope.interval import interval_at, parse_step, parse_time
    >>> hour = interval_at(parse_time("2026-11-24T05:00Z"), parse_step("1h"))
    >>> pod_name("Clicks_of.ann", "train", hour)
    'heliotrope-clicks-of-ann-train-20261124t0500z-684e0e'
    """
    identity = f"{pipeline}/{step}/{interval.start.isoformat()}" + ("" if part is None else f"/{part}")
    digest = hashlib.sha256(identity.encode()).hexdigest()[:6]
    plain = re.sub(r"[^a-z0-9]+", "-", pipeline.lower()).strip("-")[:16].strip("-")
    when = re.sub(r"[^a-z0-9]", "", format_time(interval.start).lower())
    return f"heliotrope-{plain}-{step}-{when}-{digest}"[:63]


class StepPodOperator(KubernetesPodOperator):
    """One step in a pod. Every argument of KubernetesPodOperator may be given, in ``ExecutionConfig(pod=...)``."""

    step: ClassVar[Step]
    template_fields: Sequence[str] = (*KubernetesPodOperator.template_fields, "heliotrope")

    def __init__(self, *, pipeline: str | Path, execution: ExecutionConfig, **kwargs: Any) -> None:
        known = declared(pipeline)
        self.pipeline_name = known.name
        self.interval = known.interval
        self.heliotrope = works_on(known, self.step)
        self.pipeline_file = execution.pipeline_file or f"/etc/heliotrope/pipelines/{Path(pipeline).name}"
        self.answer: Any = None
        settings: dict[str, Any] = {
            "name": f"heliotrope-{self.step}",
            "cmds": ["heliotrope"],
            "arguments": ["run-step", self.step],
            "image": execution.image,
            "namespace": execution.namespace,
            "secrets": list(execution.secrets),
            "active_deadline_seconds": int(execution.deadline.total_seconds()),
            "get_logs": True,
            "log_pod_spec_on_failure": False,
            "log_events_on_failure": True,
            "startup_check_interval_seconds": 1,
            "on_finish_action": "delete_pod",
            **({"durable": True} if PARTITIONED else {}),  # before Airflow 3.3 it is not known, and always done
            **execution.pod,
            # What makes a pod findable, alone and silent is not to be changed.
            "random_name_suffix": False,
            "do_xcom_push": False,
            "deferrable": False,
        }
        super().__init__(**{**settings, **kwargs})

    def execute(self, context: Any) -> Any:
        """Run the pod of the run's interval, or find the one that runs."""
        interval = interval_of(context, self.interval)
        order = self.order(context, interval)
        self.name = pod_name(self.pipeline_name, self.step, interval, None if order.part is None else str(order.part))
        self.arguments = order.arguments(self.pipeline_file)
        return super().execute(context)

    def order(self, context: Any, interval: Interval) -> Order:
        """What is to be done."""
        return Order(step=self.step, interval=interval)

    def get_or_create_pod(self, pod_request_obj: Any, context: Any) -> Any:
        """The pod that runs, or a new one; one of this name that is being deleted is let go first."""
        name, namespace = pod_request_obj.metadata.name, pod_request_obj.metadata.namespace
        until = None
        while (there := self._pod(name, namespace)) is not None and there.metadata.deletion_timestamp is not None:
            until = until or time.monotonic() + (there.metadata.deletion_grace_period_seconds or 0) + _GRACE
            if time.monotonic() > until:
                break  # its node is away; the API server refuses a second one, and says why
            self.log.info("waiting for pod %s, which is being deleted", name)
            time.sleep(2)
        return super().get_or_create_pod(pod_request_obj, context)

    def cleanup(
        self, pod: Any, remote_pod: Any, xcom_result: dict[str, Any] | None = None, context: Any = None
    ) -> None:
        """Remove the pod; where it failed, say why in a line, and whether another try may do better.

        A pod that runs on when its task cannot go on, as where the API server does not answer, is left for the next
        try to find, unless this was the last.
        """
        if self._killed or not remote_pod or remote_pod.status.phase == "Succeeded":
            super().cleanup(pod, remote_pod, xcom_result, context)
            return
        name = remote_pod.metadata.name
        try:
            now = remote_pod if remote_pod.status.phase == "Failed" else self._pod(name, remote_pod.metadata.namespace)
        except Exception as error:
            away = f"the API server does not answer ({type(error).__name__})"
            raise AirflowException(f"pod {name}: {away}; the pod goes on, and the next try with it") from error
        last = context is None or context["ti"].try_number > context["ti"].max_tries
        if now is not None and now.status.phase == "Running" and now.metadata.deletion_timestamp is None and not last:
            raise AirflowException(f"pod {name} runs on, and the next try goes on with it; why this one ended is above")
        failure = failure_of(now, self.step, container=self.base_container_name)
        try:
            super().cleanup(pod, now or remote_pod, xcom_result, context)
        except AirflowSkipException:
            raise
        except AirflowException as error:
            kind = AirflowFailException if failure.for_good else AirflowException
            raise kind(f"pod {name} failed: {failure.why}") from error

    def _pod(self, name: str, namespace: str) -> Any:
        """The pod of that name, as it is now; None where there is none."""
        from kubernetes.client.exceptions import ApiException  # type: ignore[import-untyped] # it has no types

        try:
            return self.hook.get_pod(name, namespace)
        except ApiException as error:
            if error.status == 404:
                return None
            raise


class CreateDataPodOperator(StepPodOperator):
    """Writes the rows of the run's interval; see CreateDataOperator."""

    step = "create"

    def __init__(self, *, pipeline: str | Path, outlets: Any = None, **kwargs: Any) -> None:
        asset = rows_of(declared(pipeline))
        super().__init__(pipeline=pipeline, outlets=[asset] if outlets is None else outlets, **kwargs)

    def execute(self, context: Any) -> Any:
        """Write the rows, and tell whose they are."""
        start = format_time(interval_of(context, self.interval).start)
        for asset in self.outlets:
            if isinstance(asset, Asset):
                context["outlet_events"][asset].extra = {"start": start}
        return super().execute(context)


class AssessPodOperator(StepPodOperator):
    """Assesses the run's interval when its rows are there; see AssessOperator."""

    step = "assess"

    def __init__(
        self,
        *,
        pipeline: str | Path,
        after: Asset | None = None,
        patience: timedelta = timedelta(days=1),
        poke: timedelta = timedelta(seconds=10),
        gaps: str = "each",
        **kwargs: Any,
    ) -> None:
        super().__init__(pipeline=pipeline, inlets=[] if after is None else [after], **kwargs)
        self.wait = Wait(asset=after, patience=patience, every=poke)
        self.gaps = gaps_of(gaps)

    def order(self, context: Any, interval: Interval) -> Order:
        """The interval, when its turn has come."""
        # The workers cannot ask the ledger; the DAG has one run at a time, which keeps the order.
        turn: Turn = turn_of(context, interval, self.wait, None)
        return assess_order(interval, turn, self.gaps)


class AnnouncePodOperator(StepPodOperator):
    """Says that a training begins."""

    step = "announce"


class TrainPodOperator(StepPodOperator):
    """Fits what competes, and scores it."""

    step = "train"


class ProposePodOperator(StepPodOperator):
    """Looks whether there is a promotion to approve; skipped where there is none."""

    step = "propose"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(skip_on_exit_code=NOTHING_PROPOSED, **kwargs)


class GatePodOperator(StepPodOperator):
    """Decides who serves; see GateOperator."""

    step = "gate"
    template_fields: Sequence[str] = (*StepPodOperator.template_fields, "answer")

    def __init__(self, *, answer: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.answer = answer

    def order(self, context: Any, interval: Interval) -> Order:
        """With the answer, and who gave it."""
        word, _, name = str(self.answer or "").partition(" ")
        return Order(
            step="gate",
            interval=interval,
            approve=name if word == "approve" else None,
            refuse=name if word == "refuse" else None,
        )


class PublishPodOperator(StepPodOperator):
    """Draws the cycle's picture, registers the champion, delivers the messages."""

    step = "publish"


class SegmentsPodOperator(StepPodOperator):
    """Runs the cycles of a part of the segments; see SegmentsOperator."""

    step = "segments"
    template_fields: Sequence[str] = (*StepPodOperator.template_fields, "part")

    def __init__(self, *, part: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.part = part

    def order(self, context: Any, interval: Interval) -> Order:
        """Of that part."""
        return Order(step="segments", interval=interval, part=Part.parse(self.part))


class PodTasks:
    """Tasks that are pods."""

    def __init__(self, execution: ExecutionConfig) -> None:
        self.execution = execution

    def create(self, pipeline: str | Path, **kwargs: Any) -> Any:
        """Write the interval's rows."""
        return CreateDataPodOperator(pipeline=pipeline, execution=self.execution, **kwargs)

    def assess(self, pipeline: str | Path, **kwargs: Any) -> Any:
        """Assess the interval."""
        return AssessPodOperator(pipeline=pipeline, execution=self.execution, **kwargs)

    def announce(self, pipeline: str | Path, *, cycle: Any, **kwargs: Any) -> Any:
        """Say that a training begins."""
        return AnnouncePodOperator(pipeline=pipeline, execution=self.execution, **kwargs)

    def train(self, pipeline: str | Path, *, cycle: Any, **kwargs: Any) -> Any:
        """Train what competes."""
        return TrainPodOperator(pipeline=pipeline, execution=self.execution, **kwargs)

    def approve(self, pipeline: str | Path, *, after: Any, **kwargs: Any) -> Any:
        """Ask a person, where a pod has seen that there is something to ask."""
        from heliotrope.airflow.approval import PromotionApprovalOperator

        propose = ProposePodOperator(pipeline=pipeline, execution=self.execution, task_id="propose")
        task = PromotionApprovalOperator(pipeline=pipeline, execution=self.execution, **kwargs)
        after >> propose >> task
        return task

    def gate(self, pipeline: str | Path, *, cycle: Any, answer: Any, **kwargs: Any) -> Any:
        """Decide who serves."""
        return GatePodOperator(
            pipeline=pipeline,
            execution=self.execution,
            answer=None if answer is None else returned(answer),
            trigger_rule="none_failed",
            **kwargs,
        )

    def publish(self, pipeline: str | Path, *, cycle: Any, **kwargs: Any) -> Any:
        """Draw, register, deliver."""
        return PublishPodOperator(pipeline=pipeline, execution=self.execution, trigger_rule="none_failed", **kwargs)

    def segments(self, pipeline: str | Path, *, after: Any, cycle: Any, parts: int | None) -> None:
        """Run the segments, a pod for each part."""
        run = SegmentsPodOperator.partial(
            task_id="segments",
            pipeline=str(pipeline),
            execution=self.execution,
            trigger_rule="none_failed",
            map_index_template="{{ task.part }}",
        )
        after >> run.expand(part=[str(one) for one in Part.all(parts or _PARTS)])
