"""Pipelines as Apache Airflow DAGs: a DAG or a task group for one pipeline, or its single steps as operators.

>>> import heliotrope.airflow as provider
>>> [name for name in provider.__all__ if "Dag" in name]
['ContinuousTrainingDag', 'CreateDataDag']

Nothing is imported before it is asked for, so that what lists providers costs nothing. A DAG's file reads its
pipeline's YAML and nothing else; libraries that train are imported when a task runs.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from heliotrope.airflow.approval import PromotionApprovalOperator
    from heliotrope.airflow.dag import ContinuousTrainingDag, ContinuousTrainingTaskGroup, CreateDataDag
    from heliotrope.airflow.execution import ExecutionConfig
    from heliotrope.airflow.folder import continuous_training_dags
    from heliotrope.airflow.operators import (
        AnnounceOperator,
        AssessOperator,
        CreateDataOperator,
        DivideOperator,
        GateOperator,
        PublishOperator,
        SegmentsOperator,
        TrainOperator,
    )
    from heliotrope.airflow.schedule import rows_of

__all__ = [
    "AnnounceOperator",
    "AssessOperator",
    "ContinuousTrainingDag",
    "ContinuousTrainingTaskGroup",
    "CreateDataDag",
    "CreateDataOperator",
    "DivideOperator",
    "ExecutionConfig",
    "GateOperator",
    "PromotionApprovalOperator",
    "PublishOperator",
    "SegmentsOperator",
    "TrainOperator",
    "continuous_training_dags",
    "rows_of",
]

_MODULES = {
    "approval": ("PromotionApprovalOperator",),
    "dag": ("ContinuousTrainingDag", "ContinuousTrainingTaskGroup", "CreateDataDag"),
    "execution": ("ExecutionConfig",),
    "folder": ("continuous_training_dags",),
    "operators": (
        "AnnounceOperator",
        "AssessOperator",
        "CreateDataOperator",
        "DivideOperator",
        "GateOperator",
        "PublishOperator",
        "SegmentsOperator",
        "TrainOperator",
    ),
    "schedule": ("rows_of",),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
