"""Windows: what a candidate is trained on."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from heliotrope.config.setting import Positive, Settings, Time

__all__ = ["Decayed", "DriftCut", "Expanding", "Sliding", "Window"]


MaxRows = Annotated[
    Positive | None,
    Field(description="of more rows than this, so many are drawn in the database; absent: all"),
]
Sample = Annotated[
    Literal["recent", "uniform", "stratified", "balanced"],
    Field(
        description="which: the newest; any; any, with the shares of the classes kept; as many of every class and "
        "interval as there can be. The same rows and seed give the same ones"
    ),
]


class Sliding(Settings):
    """The last ``intervals`` intervals."""

    kind: Literal["sliding"] = "sliding"
    max_rows: MaxRows = None
    sample: Sample = "uniform"
    intervals: Positive = Field(3, description="how many intervals back from the end of the window")


class Expanding(Settings):
    """Everything since ``start`` (absent: the first row), or at most the last ``max_intervals``."""

    kind: Literal["expanding"] = "expanding"
    max_rows: MaxRows = None
    sample: Sample = "uniform"
    start: Time | None = Field(None, description="nothing before this is used; absent: from the first row on")
    max_intervals: Positive = Field(100_000, description="how far back the window may reach")


class Decayed(Settings):
    """The last ``intervals`` intervals, a row weighing half as much with every ``half_life`` intervals of age."""

    kind: Literal["decayed"] = "decayed"
    max_rows: MaxRows = None
    sample: Sample = "uniform"
    half_life: float = Field(3.0, gt=0.0, description="in how many intervals a row comes to weigh half as much")
    intervals: Positive = Field(24, description="older rows are left out")


class DriftCut(Settings):
    """Back to the last change that ``drift.false_alarms`` found, the interval in which it was found included."""

    kind: Literal["drift_cut"] = "drift_cut"
    max_rows: MaxRows = None
    sample: Sample = "uniform"
    min_intervals: Positive = Field(1, description="so many at least, whatever changed")
    max_intervals: Positive = Field(100, description="so many at most, even if nothing did")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.min_intervals > self.max_intervals:
            raise ValueError(f"min_intervals = {self.min_intervals} is above max_intervals = {self.max_intervals}")
        return self


Window = Annotated[Sliding | Expanding | Decayed | DriftCut, Field(discriminator="kind")]
