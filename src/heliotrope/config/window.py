"""Windows: what a candidate is trained on."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from heliotrope.config.setting import Positive, Settings, Time

__all__ = ["Decayed", "Expanding", "Sliding", "Window"]


class Sliding(Settings):
    """The last ``intervals`` intervals."""

    kind: Literal["sliding"] = "sliding"
    intervals: Positive = Field(3, description="how many intervals back from the end of the window")


class Expanding(Settings):
    """Everything since ``start`` (absent: the first row), or at most the last ``max_intervals``."""

    kind: Literal["expanding"] = "expanding"
    start: Time | None = Field(None, description="nothing before this is used; absent: from the first row on")
    max_intervals: Positive = Field(100_000, description="how far back the window may reach")


class Decayed(Settings):
    """The last ``intervals`` intervals, a row weighing half as much with every ``half_life`` intervals of age."""

    kind: Literal["decayed"] = "decayed"
    half_life: float = Field(3.0, gt=0.0, description="in how many intervals a row comes to weigh half as much")
    intervals: Positive = Field(24, description="older rows are left out")


Window = Annotated[Sliding | Expanding | Decayed, Field(discriminator="kind")]
