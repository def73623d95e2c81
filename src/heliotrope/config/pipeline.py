"""A pipeline: one declared problem."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from heliotrope.config.candidate import Candidate
from heliotrope.config.dataset import Dataset
from heliotrope.config.drift import Drift
from heliotrope.config.gate import Gate
from heliotrope.config.notify import Target
from heliotrope.config.rule import Approval, Recall, Report, Validation
from heliotrope.config.setting import Column, Name, Settings, Step, given_twice
from heliotrope.config.source import Features, Source
from heliotrope.config.trigger import Schedule, Trigger
from heliotrope.errors import nearest
from heliotrope.interval import Interval

__all__ = ["Pipeline"]

CLASSIFICATION_METRICS = ("accuracy", "balanced_accuracy", "log_loss", "brier")
REGRESSION_METRICS = ("mae", "rmse")
GUARDED = {"classification": (*CLASSIFICATION_METRICS, "kappa", "roc_auc"), "regression": (*REGRESSION_METRICS, "r2")}
LOWER_IS_BETTER = frozenset({"log_loss", "brier", "mae", "rmse"})


def _required(value: object) -> object:
    """The one word stands for the settings as they are by default."""
    if value == "required":
        return Approval()
    if isinstance(value, str):
        raise ValueError(f"{value!r} is no approval; write required, or {{timeout: 12h, otherwise: keep}}")
    return value


class Pipeline(Settings):
    """One declared problem: a table, a target, an interval, and what competes to predict it."""

    name: Name = Field(description="letters, digits, and . _ - within; its history is kept under this name")
    source: Source = Field(description="where the rows are")
    interval: Step = Field(description="what time is cut into: 15m, 1h, 1d, 1w; days begin at midnight UTC")
    features: Features = Field(
        description="numeric, categorical, or auto: by the column's type; a list leaves all to auto"
    )
    target: Column = Field(description="the column to be predicted")
    partition_by: Column | None = Field(
        None,
        description="a column each of whose values is a segment, with a champion and a record of its own; a segment "
        "without a champion is served by that of the whole table; absent: there are none",
    )
    task: Literal["classification", "regression"] = Field(
        "classification", description="classes are compared as text; a regression's target is a number"
    )
    metric: str = Field(
        "",
        description="what champions are judged by: accuracy (when absent), balanced_accuracy, log_loss or brier; "
        "of a regression mae (when absent) or rmse",
    )
    classes: tuple[str, ...] | None = Field(None, description="the classes there can be; absent: as they come")
    candidates: tuple[Candidate, ...] = Field(
        min_length=1, description="what competes; the first one serves until there is something to compare on"
    )
    trigger: Trigger = Field(Schedule(), description="when to train")
    drift: Drift = Field(Drift(), description="what is measured, against what")
    validation: Validation = Field(Validation(), description="what bad rows lead to")
    gate: Gate = Field(Gate(), description="what a challenger must show")
    recall: Recall | None = Field(
        None, description="whether champions of the past are looked at before a training; absent: they are not"
    )
    approval: Annotated[Approval | None, BeforeValidator(_required)] = Field(
        None,
        description="whether a person is asked before a promotion: required, or its timeout and what else; "
        "absent: nobody is",
    )
    report: Report = Field(Report(), description="what is drawn")
    notify: tuple[Target, ...] = Field((), description="who is told what; absent: nobody")
    registry: Literal["mlflow", "none"] = Field("mlflow", description="where promoted models are registered")
    dataset: Dataset | None = Field(
        None, description="what `heliotrope load` writes; absent: the table is filled by somebody else"
    )
    seed: int = Field(0, ge=0, description="of all that is random; the same rows and seed give the same models")

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.approval is not None and self.gate.kind == "shadow":
            raise ValueError("gate.kind: shadow promotes when rows are scored, where nobody is asked; remove approval")
        if self.approval is not None and self.partition_by is not None:
            raise ValueError(
                "approval asks about the whole table's champion, and segments change theirs unasked; "
                "remove approval or partition_by"
            )
        if not self.features:
            raise ValueError("features is empty; name at least one column")
        for column in (self.target, self.source.time):
            if column in self.features:
                raise ValueError(f"{column!r} is the target or the time and cannot be a feature too; remove it")
        if self.target == self.source.time:
            raise ValueError(f"{self.target!r} cannot be both the time and the target")
        if self.partition_by in (self.target, self.source.time):
            raise ValueError(f"{self.partition_by!r} is the target or the time and cannot part the rows; name another")
        recorded = self.source.recorded_at
        if recorded in self.columns:
            raise ValueError(
                f"{recorded!r} is when a row became known, and cannot be the time, a feature or the target"
            )
        twice = given_twice(candidate.name for candidate in self.candidates)
        if twice is not None:
            raise ValueError(f"candidate {twice!r} is declared twice; rename one")
        twice = given_twice(target.name for target in self.notify)
        if twice is not None:
            raise ValueError(f"notify: target {twice!r} is declared twice; rename one")
        for candidate in self.candidates:
            self._check_candidate(candidate)
        metrics = CLASSIFICATION_METRICS if self.task == "classification" else REGRESSION_METRICS
        if not self.metric:
            object.__setattr__(self, "metric", metrics[0])
        if self.metric not in metrics:
            raise ValueError(f"metric {self.metric!r} is not one for {self.task}; {nearest(self.metric, metrics)}")
        for guard in self.gate.guards:
            if guard.metric not in GUARDED[self.task]:
                known = nearest(guard.metric, GUARDED[self.task])
                raise ValueError(f"gate.guards: metric {guard.metric!r} is not one for {self.task}; {known}")
        for ignored in self.drift.ignore:
            if ignored not in self.features:
                known = nearest(ignored, list(self.features))
                raise ValueError(f"drift.ignore: {ignored!r} is not one of the features; {known}")
        for one in self.gate.slices:
            if one.column not in self.features:
                known = nearest(one.column, list(self.features))
                raise ValueError(f"gate.slices: column {one.column!r} is not one of the features; {known}")
        if self.classes is not None and self.task == "regression":
            raise ValueError("classes belong to a classification; remove them, or set task: classification")
        return self

    def _check_candidate(self, candidate: Candidate) -> None:
        """What a candidate asks for and the pipeline must have."""
        where = f"candidate {candidate.name!r}"
        if candidate.window.kind == "drift_cut" and self.drift.false_alarms is None:
            raise ValueError(
                f"{where}: a drift_cut window needs a watch for changes; add drift: {{false_alarms: {{one_in: 1000}}}}"
            )
        if candidate.window.sample == "stratified" and self.task == "regression":
            raise ValueError(f"{where}: sample: stratified is by class, and a regression has none; take uniform")
        if candidate.stream and self.task == "classification" and self.classes is None:
            raise ValueError(f"{where}: stream: true needs the classes beforehand; declare them in classes")
        if candidate.stream and candidate.encode == "tabular":
            raise ValueError(f"{where}: stream: true takes numbers as they are; remove encode: tabular")

    @model_serializer(mode="wrap")
    def _without_empty_notify(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """A pipeline that tells nobody is on record as it was before anybody could be told."""
        said: dict[str, Any] = dump(self)
        if not self.notify:
            said.pop("notify", None)
        return said

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read, in the order of a batch's table: time, features, target."""
        return (self.source.time, *self.features, self.target)

    @property
    def reads(self) -> tuple[str, ...]:
        """The columns of :attr:`columns` but the time, and the one that says when a row became known."""
        recorded = self.source.recorded_at
        return (*self.features, self.target, *(() if recorded is None else (recorded,)))

    def known_at(self, interval: Interval) -> datetime | None:
        """When the interval's cycle is run, as far as rows must be known before; None: no row says when it was."""
        return None if self.source.recorded_at is None else interval.end + self.source.wait

    @property
    def lower_is_better(self) -> bool:
        """Whether a smaller value of the metric is the better one."""
        return self.metric in LOWER_IS_BETTER

    def fingerprint(self) -> str:
        """SHA-256 over everything that can change a result: all but what is drawn or told and where data came from."""
        said = self.model_dump(mode="json", exclude={"report", "registry", "dataset", "notify"})
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
