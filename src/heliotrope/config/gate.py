"""The gate: what a challenger must show."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from heliotrope.config import setting
from heliotrope.config.setting import Settings

__all__ = ["Gate", "Guard", "Promise", "Rate", "RollBack", "Share", "Slice"]


class Rate(Settings):
    """At most one false promotion in ``one_in`` decisions of the gate, in the mean."""

    kind: Literal["rate"] = "rate"
    one_in: float = Field(100.0, gt=1.0, description="decisions of the gate")


class Share(Settings):
    """At most the share ``alpha`` of all promotions is false, in the mean."""

    kind: Literal["share"] = "share"
    alpha: setting.Share = Field(0.05, description="of all promotions of another candidate")


Promise = Annotated[Rate | Share, Field(discriminator="kind")]


class RollBack(Settings):
    """When the champion before is put back: it is scored beside the champion, and evidence says it would do better.

    At most one false roll-back in ``one_in`` intervals, in the mean.
    """

    one_in: float = Field(500.0, gt=1.0, description="intervals")
    min_gain: float = Field(0.0, ge=0.0, le=1.0, description="by how much it must do better, as the gate's min_gain")


class Guard(Settings):
    """A metric in which no challenger may be worse than the champion by more than ``margin``."""

    metric: Literal["accuracy", "balanced_accuracy", "kappa", "roc_auc", "log_loss", "brier", "mae", "rmse", "r2"] = (
        Field(description="one that the pipeline's task has")
    )
    margin: float = Field(0.02, ge=0.0, description="in the unit of the metric")


class Slice(Settings):
    """A column at no value of which a challenger's mean loss may be greater by more than ``margin``."""

    column: setting.Column = Field(description="a feature; every value is looked at by itself, null too")
    min_rows: setting.Positive = Field(30, description="values with fewer rows in the interval are passed over")
    margin: float = Field(0.05, ge=0.0, description="as the gate's margin")


class Gate(Settings):
    """When a challenger may replace the champion: both scored on the same rows, unseen by either.

    Another candidate must be better: evidence that its mean gain is above ``min_gain`` is gathered from interval to
    interval until it suffices for what ``false_promotions`` promises. Without such a promise each interval is judged
    alone: the mean gain at least ``min_gain`` and, by a one-sided paired test, above zero at level ``alpha``. A fresh
    fit of the champion's own candidate is no other procedure, and is doubted only as ``refresh`` says.
    """

    kind: Literal["holdout", "shadow"] = Field(
        "holdout",
        description="holdout: judged on the newest interval at once, without having seen it. shadow: a fit of another "
        "candidate that did better there is kept, and predicts the coming intervals beside the champion first",
    )
    shadow_intervals: setting.Positive = Field(12, description="a challenger leaves the shadow after so many")
    false_promotions: Promise | None = Field(
        Rate(), description="how many there may be, over all intervals; null: every interval is tested alone"
    )
    shock: float | None = Field(
        None,
        ge=0.0,
        description="the standard deviation of what all rows of an interval share in their gain, in the unit of "
        "min_gain; absent: measured on the intervals before, and 0.01 while they are fewer than ten",
    )
    alpha: setting.Share = Field(0.05, description="the level of the tests of one interval")
    min_gain: float = Field(
        0.0, ge=0.0, le=1.0, description="a share of rows, or, of log loss and regressions, of the champion's mean loss"
    )
    refresh: Literal["unless_worse", "not_worse"] = Field(
        "unless_worse",
        description="a fresh fit of the champion's own candidate is promoted unless it is shown to be worse at level "
        "alpha, or, with not_worse, only where it is shown not to be worse by margin",
    )
    margin: float = Field(0.02, ge=0.0, description="a share of the same, for refresh: not_worse and for recall")
    guards: tuple[Guard, ...] = Field((), description="metrics in which no challenger may be worse")
    slices: tuple[Slice, ...] = Field((), description="columns at no value of which a challenger may be worse")
    roll_back: RollBack | None = Field(
        RollBack(), description="when the champion before is put back by itself; null: never"
    )

    @model_validator(mode="after")
    def _shadow_has_a_rate(self) -> Self:
        if self.kind == "shadow" and not isinstance(self.false_promotions, Rate):
            raise ValueError("kind: shadow promises a rate; write false_promotions: {kind: rate, one_in: 100}")
        return self
