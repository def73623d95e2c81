"""Asking a person before a promotion."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from airflow.providers.standard.operators.hitl import ApprovalOperator, HITLOperator

from heliotrope.airflow.execution import ExecutionConfig
from heliotrope.airflow.operators import declared
from heliotrope.airflow.schedule import interval_of
from heliotrope.airflow.work import Worker
from heliotrope.errors import ConfigError
from heliotrope.order import Order

__all__ = ["PromotionApprovalOperator"]

NOBODY = "nobody, in time"


class PromotionApprovalOperator(ApprovalOperator):
    """Asks whether the challenger that the gate would let in may serve; returns ``approve NAME`` or ``refuse NAME``.

    Where nothing is proposed nobody is asked. How long an answer is waited for, and what is done without one, the
    pipeline says. An answer never skips the gate, which records it.
    """

    def __init__(
        self,
        *,
        pipeline: str | Path,
        execution: ExecutionConfig | None = None,
        cycle: Any = None,
        **kwargs: Any,
    ) -> None:
        rule = declared(pipeline).approval
        if rule is None:
            raise ConfigError(f"{pipeline} asks for no approval", remedy="add `approval: required` to it")
        self.pipeline = str(pipeline)
        self.execution = execution or ExecutionConfig()
        self.cycle = cycle
        name = declared(pipeline).name
        kwargs = {
            "subject": f"{name}: may the challenger serve?",
            "body": "It did better than the champion on the newest interval. `heliotrope history` has the evidence.",
            "defaults": self.APPROVE if rule.otherwise == "promote" else self.REJECT,
            "response_timeout": rule.timeout,
            **kwargs,
        }
        super().__init__(**kwargs)

    def execute(self, context: Any) -> Any:
        """Ask, where there is something to ask."""
        if self.execution.mode != "kubernetes":  # there a pod has looked before
            interval = interval_of(context, declared(self.pipeline).interval)
            done = Worker(self.pipeline, self.execution).do(Order(step="propose", interval=interval))
            if done["proposed"] is None:
                self.log.info("nothing is proposed")
                return ""
            self.subject = f"{declared(self.pipeline).name}: may {done['proposed']} serve?"
        return super().execute(context)

    def execute_complete(self, context: Any, event: dict[str, Any]) -> Any:
        """The answer, and who gave it."""
        answer = HITLOperator.execute_complete(self, context, event)
        word = "approve" if answer["chosen_options"] == [self.APPROVE] else "refuse"
        return f"{word} {_name(answer['responded_by_user'])}"


def _name(user: Mapping[str, Any] | None) -> str:
    return NOBODY if not user else str(user.get("name") or user.get("id") or "a person without a name")
