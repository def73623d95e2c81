"""Triggers: when to train."""

from __future__ import annotations

from typing import Annotated, Literal, Self, Union

from pydantic import Field, model_validator

from heliotrope.config.setting import Positive, Settings

__all__ = ["All", "Amount", "AnyOf", "Cost", "DriftTrigger", "KOf", "Performance", "Schedule", "Trigger"]


CoolDown = Annotated[
    int, Field(ge=0, description="it asks for nothing before so many intervals since the last training")
]


class Schedule(Settings):
    """Train when ``every`` intervals have passed since the last training."""

    kind: Literal["schedule"] = "schedule"
    cool_down: CoolDown = 0
    every: Positive = Field(1, description="in intervals")


class Amount(Settings):
    """Train when ``rows`` new rows have come since the last training."""

    kind: Literal["amount"] = "amount"
    cool_down: CoolDown = 0
    rows: Positive = Field(description="rows that validation left")


class DriftTrigger(Settings):
    """Train when at least ``at_least`` detectors of the pipeline report drift.

    Where ``drift.false_alarms`` is set, its alarm alone decides, once for each change; it stands until a training.
    """

    kind: Literal["drift"] = "drift"
    cool_down: CoolDown = 0
    at_least: Positive = Field(1, description="how many of them, whatever the number of features each one flags")
    hurting_only: bool = Field(
        False, description="an alarm at which the champion's loss is shown not to have risen does not count"
    )
    tolerance: float = Field(
        0.01,
        ge=0.0,
        description="a rise of the mean loss that does no harm: a share of rows, or, of log loss and regressions, of "
        "the champion's mean loss",
    )


class Performance(Settings):
    """Train when the champion's metric was worse than ``baseline`` by ``margin`` in m of the last n intervals.

    The latest interval must be among them. ``baseline`` absent: its best interval since it was promoted.
    """

    kind: Literal["performance"] = "performance"
    cool_down: CoolDown = 0
    margin: float = Field(0.02, ge=0.0, description="in the unit of the metric")
    baseline: float | None = Field(None, description="the score that is asked for; absent: the champion's best so far")
    m: Positive = Field(1, description="in how many intervals it must have been worse")
    n: Positive = Field(1, description="of how many of the latest")

    @model_validator(mode="after")
    def _m_of_n(self) -> Self:
        if self.m > self.n:
            raise ValueError(f"m = {self.m} of the last n = {self.n} can never hold; let m be at most n")
        return self


class Cost(Settings):
    """Train when what a training is expected to gain until the next one is worth more than it costs.

    All amounts are in one unit, the user's own: money, minutes, what it may be.
    """

    kind: Literal["cost"] = "cost"
    cool_down: CoolDown = 0
    cost_of_training: float = Field(gt=0.0, description="of one training, with all that it brings about")
    value_per_loss: float = Field(
        gt=0.0, description="what one unit of loss of one row costs: with accuracy, one wrong prediction"
    )
    life: Positive | None = Field(
        None, description="for how many intervals a training gains; absent: from one training to the next so far"
    )
    caution: float = Field(
        1.0, ge=0.0, description="how many standard errors are taken off the expected gain, which is found from few"
    )


class AnyOf(Settings):
    """Train when any of them says so."""

    kind: Literal["any"] = "any"
    cool_down: CoolDown = 0
    of: tuple[Trigger, ...] = Field(min_length=1, description="triggers of any kind, these too")


class All(Settings):
    """Train when all of them say so."""

    kind: Literal["all"] = "all"
    cool_down: CoolDown = 0
    of: tuple[Trigger, ...] = Field(min_length=1, description="triggers of any kind, these too")


class KOf(Settings):
    """Train when at least ``k`` of them say so."""

    kind: Literal["k_of"] = "k_of"
    cool_down: CoolDown = 0
    k: Positive = Field(description="how many of them must")
    of: tuple[Trigger, ...] = Field(min_length=1, description="triggers of any kind, these too")

    @model_validator(mode="after")
    def _k_of_them(self) -> Self:
        if self.k > len(self.of):
            raise ValueError(f"k = {self.k} of {len(self.of)} triggers can never hold; let k be at most {len(self.of)}")
        return self


Trigger = Annotated[
    Union[Schedule, Amount, DriftTrigger, Performance, Cost, AnyOf, All, KOf],  # noqa: UP007 - refers to itself by name
    Field(discriminator="kind"),
]
AnyOf.model_rebuild()
All.model_rebuild()
KOf.model_rebuild()
