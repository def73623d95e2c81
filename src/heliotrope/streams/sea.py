"""The SEA concepts: only the relation of class to features drifts, the features themselves never do."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

import numpy as np
import pyarrow as pa

from heliotrope.errors import ConfigError
from heliotrope.interval import Interval
from heliotrope.streams.concept import rising
from heliotrope.streams.stream import Rows, generator, number, tabulate, tick_step, tick_time, ticks, whole

__all__ = ["Sea"]


@dataclass(frozen=True, kw_only=True)
class Sea:
    """x0, x1, x2 uniform in [0, 10]; the class is ``yes`` where ``x0 + x1 <= threshold``, turned round for noise.

    After Street and Kim, A streaming ensemble algorithm (SEA) for large-scale classification (2001), with their
    thresholds 8, 9, 7, 9.5 in turn and 10 % of the classes turned round. A detector that looks at features alone
    cannot see this drift; one that looks at the target or at the model's losses can.

    Args:
        points: ticks, counted from ``start``, at which the next threshold sets in.
        thresholds: one more than there are points.
        noise: the share of rows whose class is turned round, less than a half.
        rows: rows per tick.
        start, step, seed: as in every stream with ticks.

    >>> stream = Sea(rows=4, seed=1)
    >>> len(stream.drift_points), stream.best_possible()
    (3, 0.9)
    """

    drift: ClassVar[str] = "abrupt"
    columns: ClassVar[tuple[str, ...]] = ("time", "x0", "x1", "x2", "class")

    points: Sequence[int] = (24, 48, 72)
    thresholds: Sequence[float] = (8.0, 9.0, 7.0, 9.5)
    noise: float = 0.1
    rows: int = 200
    start: str | datetime = "2026-01-01T00:00Z"
    step: str | timedelta = "1h"
    seed: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "points", rising("points", self.points))
        if not isinstance(self.thresholds, (list, tuple)) or len(self.thresholds) != len(self.points) + 1:
            raise ConfigError(
                f"thresholds is {self.thresholds!r}",
                remedy=f"give {len(self.points) + 1} numbers: one more than points",
            )
        object.__setattr__(self, "thresholds", tuple(number("thresholds", value) for value in self.thresholds))
        if number("noise", self.noise, least=0.0) >= 0.5:
            raise ConfigError(f"noise is {self.noise!r}", remedy="give less than 0.5")
        whole("rows", self.rows, least=1)
        whole("seed", self.seed, least=0)
        object.__setattr__(self, "start", tick_time("start", self.start))
        object.__setattr__(self, "step", tick_step(self.step))

    @property
    def drift_points(self) -> tuple[datetime, ...]:
        """The time of every tick in ``points``."""
        return tuple(self._at(point) for point in self.points)

    def batch(self, interval: Interval) -> pa.Table:
        """The rows of every tick in ``interval``."""
        return tabulate(self.columns, list(ticks(interval, self._at(1) - self._at(0), self._at(0))), self._tick)

    def best_possible(self) -> float:
        """The accuracy of the Bayes rule: what the noise leaves."""
        return 1.0 - self.noise

    def _at(self, tick: int) -> datetime:
        assert isinstance(self.start, datetime)
        assert isinstance(self.step, timedelta)
        return self.start + tick * self.step

    def _tick(self, time: datetime) -> Rows:
        rng = generator(self.seed, time)
        tick = (time - self._at(0)) // (self._at(1) - self._at(0))
        threshold = self.thresholds[bisect_right(self.points, tick)]
        features = rng.uniform(0.0, 10.0, (self.rows, 3))
        yes = (features[:, 0] + features[:, 1] <= threshold) ^ (rng.random(self.rows) < self.noise)
        return features, pa.DictionaryArray.from_arrays(pa.array(yes.astype(np.int32)), pa.array(["no", "yes"])).cast(
            pa.string()
        )
