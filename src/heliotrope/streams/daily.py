"""A boundary that goes round once in a period and is back where it was, while the features never drift."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

import numpy as np
import pyarrow as pa

from heliotrope.interval import Interval
from heliotrope.streams.stream import Rows, generator, number, tabulate, tick_step, tick_time, ticks, whole

__all__ = ["Daily"]


@dataclass(frozen=True, kw_only=True)
class Daily:
    """The odds of ``yes`` are ``exp(slope * (cos(a) x0 + sin(a) x1) + x2)``; a goes round once in ``period`` ticks.

    Features are independent standard normal and never drift: what the hour of the day is, only the relation of class
    to features tells.

    >>> stream = Daily(rows=4, seed=1)
    >>> stream.drift, stream.columns
    ('periodic', ('time', 'x0', 'x1', 'x2', 'class'))
    """

    drift: ClassVar[str] = "periodic"
    columns: ClassVar[tuple[str, ...]] = ("time", "x0", "x1", "x2", "class")
    drift_points: ClassVar[tuple[datetime, ...]] = ()

    slope: float = 3.0
    period: int = 24
    rows: int = 200
    start: str | datetime = "2026-01-01T00:00Z"
    step: str | timedelta = "1h"
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least in (("period", 1), ("rows", 1), ("seed", 0)):
            whole(name, getattr(self, name), least=least)
        object.__setattr__(self, "slope", number("slope", self.slope))
        object.__setattr__(self, "start", tick_time("start", self.start))
        object.__setattr__(self, "step", tick_step(self.step))

    def batch(self, interval: Interval) -> pa.Table:
        """The rows of every tick in ``interval``."""
        assert isinstance(self.step, timedelta)
        assert isinstance(self.start, datetime)
        return tabulate(self.columns, list(ticks(interval, self.step, self.start)), self._tick)

    def best_possible(self) -> float:
        """The accuracy of the Bayes rule: the mean of the larger probability, over normal scores."""
        scores = np.linspace(-12.0, 12.0, 200_001) * math.hypot(self.slope, 1.0) / 2.0
        scale = math.hypot(self.slope, 1.0)
        density = np.exp(-((scores / scale) ** 2) / 2.0)
        return float((density / (1.0 + np.exp(-np.abs(scores)))).sum() / density.sum())

    def _tick(self, time: datetime) -> Rows:
        assert isinstance(self.step, timedelta)
        assert isinstance(self.start, datetime)
        angle = 2.0 * math.pi * ((time - self.start) / self.step) / self.period
        rng = generator(self.seed, time)
        features = rng.standard_normal((self.rows, 3))
        score = self.slope * (math.cos(angle) * features[:, 0] + math.sin(angle) * features[:, 1]) + features[:, 2]
        yes = score + rng.logistic(size=self.rows) > 0.0
        target = pa.DictionaryArray.from_arrays(pa.array(yes.astype(np.int32)), pa.array(["no", "yes"]))
        return features, target.cast(pa.string())
