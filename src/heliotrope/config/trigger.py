"""Triggers: when to train."""

from __future__ import annotations

from typing import Annotated, Literal, Self, Union

from pydantic import Field, model_validator

from heliotrope.config.setting import Positive, Settings

__all__ = ["All", "Amount", "AnyOf", "DriftTrigger", "Performance", "Schedule", "Trigger"]


class Schedule(Settings):
    """Train when ``every`` intervals have passed since the last training."""

    kind: Literal["schedule"] = "schedule"
    every: Positive = Field(1, description="in intervals")


class Amount(Settings):
    """Train when ``rows`` new rows have come since the last training."""

    kind: Literal["amount"] = "amount"
    rows: Positive = Field(description="rows that validation left")


class DriftTrigger(Settings):
    """Train when at least ``at_least`` detectors of the pipeline report drift."""

    kind: Literal["drift"] = "drift"
    at_least: Positive = Field(1, description="how many of them, whatever the number of features each one flags")


class Performance(Settings):
    """Train when the champion's metric was worse than ``baseline`` by ``margin`` in m of the last n intervals.

    The latest interval must be among them. ``baseline`` absent: its best interval since it was promoted.
    """

    kind: Literal["performance"] = "performance"
    margin: float = Field(0.02, ge=0.0, description="in the unit of the metric")
    baseline: float | None = Field(None, description="the score that is asked for; absent: the champion's best so far")
    m: Positive = Field(1, description="in how many intervals it must have been worse")
    n: Positive = Field(1, description="of how many of the latest")

    @model_validator(mode="after")
    def _m_of_n(self) -> Self:
        if self.m > self.n:
            raise ValueError(f"m = {self.m} of the last n = {self.n} can never hold; let m be at most n")
        return self


class AnyOf(Settings):
    """Train when any of them says so."""

    kind: Literal["any"] = "any"
    of: tuple[Trigger, ...] = Field(min_length=1, description="triggers of any kind, these too")


class All(Settings):
    """Train when all of them say so."""

    kind: Literal["all"] = "all"
    of: tuple[Trigger, ...] = Field(min_length=1, description="triggers of any kind, these too")


Trigger = Annotated[
    Union[Schedule, Amount, DriftTrigger, Performance, AnyOf, All],  # noqa: UP007 - refers to itself by name
    Field(discriminator="kind"),
]
AnyOf.model_rebuild()
All.model_rebuild()
