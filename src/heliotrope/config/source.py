"""Where the rows are, and what a feature is."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from heliotrope.config.setting import Column, Settings, Step, given_twice

__all__ = ["Features", "Source"]


class Source(Settings):
    """Where the rows are: any table or view with a time column. Its schema is never altered."""

    table: str = Field(min_length=1, description="the table or view, as name or schema.name; quoted as given")
    time: Column = Field(description="the column that places a row in time")
    time_zone: str = Field("UTC", description="the zone of a time column that has none (timestamp, date)")
    recorded_at: Column | None = Field(
        None,
        description="the column that says when a row became known: a cycle sees the rows that were known at its "
        "interval's end plus the delay, and those with nothing there; absent: what the table holds",
    )
    delay: Step | None = Field(
        None, description="how long after its end an interval's cycle is run, for rows that come late; absent: at once"
    )

    @property
    def wait(self) -> timedelta:
        """The delay; zero where there is none."""
        return self.delay or timedelta()


FeatureKind = Literal["auto", "numeric", "categorical"]


def _feature_kinds(value: Any) -> Any:
    """A list of columns is a mapping that leaves every kind to be found out."""
    if not isinstance(value, (list, tuple)):
        return value
    if not all(isinstance(name, str) for name in value):
        raise ValueError("must be a list of column names, or a mapping of column to kind")
    twice = given_twice(value)
    if twice is not None:
        raise ValueError(f"{twice!r} is listed twice; remove one")
    return dict.fromkeys(value, "auto")


Features = Annotated[dict[Column, FeatureKind], BeforeValidator(_feature_kinds)]
