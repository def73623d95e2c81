"""A course: a stream cut into intervals, which every policy runs under the same rules."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from heliotrope.content import content_hash
from heliotrope.interval import Interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Course", "Outcome"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Course:
    """Labelled rows by interval, in order, none of them empty: ``time``, features, the class ``class`` as text."""

    name: str
    title: str
    """What it is, for the table."""
    step: str
    """The length of an interval, as a pipeline declares it."""
    batches: tuple[tuple[Interval, pa.Table], ...]
    features: Mapping[str, str]
    """``numeric`` or ``categorical``."""
    best: float | None = None
    """What the Bayes rule has, where it is known."""
    still: bool = False
    """Nothing drifts: every alarm is false."""
    ordered: bool = False
    """Every row has its own time, so that the label of the row before means something."""
    synthetic: bool = False
    sampled: str = ""
    """What was left out, where something was."""

    @cached_property
    def table(self) -> pa.Table:
        """All rows."""
        return pa.concat_tables([table for _, table in self.batches]).combine_chunks()

    @cached_property
    def fingerprint(self) -> str:
        """Of its rows and intervals."""
        said = hashlib.sha256(content_hash(self.table).encode())
        said.update("".join(str(interval) for interval, _ in self.batches).encode())
        return said.hexdigest()

    @cached_property
    def labels(self) -> list[NDArray[Any]]:
        """The classes of every interval's rows."""
        return [np.asarray(table["class"].to_numpy(zero_copy_only=False)) for _, table in self.batches]

    def thinned(self, rows: int | None) -> Course:
        """The course with about so many rows in all, every so-maniest of each interval; real ones stay whole."""
        every = 1 if rows is None or not self.synthetic else max(1, self.table.num_rows // rows)
        if every == 1:
            return self
        batches = tuple((interval, table.take(np.arange(0, table.num_rows, every))) for interval, table in self.batches)
        return replace(self, batches=batches)

    @property
    def no_change(self) -> float:
        """The accuracy of 'as the row before', which is told every label at once; from the second interval on."""
        every = np.concatenate(self.labels)
        first = len(self.labels[0])
        return float((every[first:] == every[first - 1 : -1]).mean())

    def pipeline(self, **declared: Any) -> dict[str, Any]:
        """The declaration of a pipeline on it, with what a policy declares."""
        return {
            "name": self.name.replace(" ", "-"),
            "source": {"table": "stream", "time": "time"},
            "interval": self.step,
            "features": dict(self.features),
            "target": "class",
            "validation": {"min_rows": 1, "on_null": "allow"},
            "registry": "none",
            "report": {"pictures": False},
        } | declared


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a policy came to on a course: its accuracy in every interval from the second on, and what it cost."""

    right: list[float] = field(default_factory=list)
    """NaN where nothing served."""
    rows: list[int] = field(default_factory=list)
    trainings: int = 0
    seconds: float = 0.0
    alarms: int = 0
    """Trainings that a reading of drift or of scores asked for, and no schedule."""
    changes: int = 0
    """Promotions of another candidate than the champion's."""

    @property
    def accuracy(self) -> float:
        """Of all rows."""
        right, rows = np.array(self.right), np.array(self.rows)
        return float(np.nansum(right * rows) / rows.sum())

    def kappa_temporal(self, no_change: float) -> float:
        """How far above 'as the row before': 1 is perfect, 0 as good as that, below 0 worse.

        Zliobaite, Bifet, Read, Pfahringer and Holmes (2015), "Evaluation methods and decision theory for
        classification of streaming data with temporal dependence", Machine Learning 98.
        """
        return (self.accuracy - no_change) / (1.0 - no_change)
