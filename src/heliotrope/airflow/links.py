"""The link from a task to its cycle, made by the API server when it is looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote

from airflow.sdk import BaseOperatorLink

from heliotrope.airflow.plugin import CYCLE, root

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator
    from airflow.sdk.types import TaskInstanceKey

__all__ = ["CycleLink"]

_OPERATORS = {
    "heliotrope.airflow.operators": ("Assess", "Announce", "Train", "Gate", "Publish", "Divide", "Segments"),
    "heliotrope.airflow.pods": (
        "AssessPod",
        "AnnouncePod",
        "TrainPod",
        "ProposePod",
        "GatePod",
        "PublishPod",
        "SegmentsPod",
    ),
    "heliotrope.airflow.approval": ("PromotionApproval",),
}


def _named(module: str, name: str) -> Any:
    """A class of that name and no more: Airflow looks at those two, and what pods need is not imported for them."""
    return type(f"{name}Operator", (), {"__module__": module})


class CycleLink(BaseOperatorLink):
    """Leads to the page of the task's run that shows its cycle.

    >>> from types import SimpleNamespace
    >>> CycleLink().get_link(None, ti_key=SimpleNamespace(dag_id="clicks", run_id="manual__1+00:00"))
    '/dags/clicks/runs/manual__1+00:00/plugin/heliotrope-cycle'
    """

    name = "heliotrope: the cycle"
    operators: ClassVar[list[type[BaseOperator]]] = [
        _named(module, name) for module, names in _OPERATORS.items() for name in names
    ]

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        """Its address, as it is in a browser that has Airflow open."""
        # Quoted as Airflow's pages quote it: by its own address the view is marked as the one that is open.
        run_id = quote(ti_key.run_id, safe=":+")
        return f"{root()}/dags/{quote(ti_key.dag_id, safe='')}/runs/{run_id}/plugin/{CYCLE}"
