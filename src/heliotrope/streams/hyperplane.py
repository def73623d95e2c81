"""A boundary that moves a little at every tick, while the features never drift."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

import numpy as np
import pyarrow as pa

from heliotrope.errors import ConfigError
from heliotrope.interval import Interval
from heliotrope.streams.stream import Rows, generator, number, tabulate, tick_step, tick_time, ticks, whole

__all__ = ["Hyperplane"]


@dataclass(frozen=True, kw_only=True)
class Hyperplane:
    """``yes`` where ``w . x > 0``, turned round for noise; every weight changes by ``speed`` from tick to tick.

    Features are uniform in [-1, 1] and never drift. After Hulten, Spencer and Domingos, "Mining time-changing data
    streams" (2001). A weight that reaches 1 or -1 turns back.

    Args:
        features: how many; they are named x0, x1, ...
        speed: what is added to, or taken from, every weight at a tick.
        noise: the share of rows whose class is turned round, less than a half.
        rows: rows per tick.
        start, step, seed: as in every stream with ticks.

    >>> stream = Hyperplane(features=3)
    >>> stream.drift, stream.best_possible()
    ('incremental', 0.95)
    """

    drift: ClassVar[str] = "incremental"
    drift_points: ClassVar[tuple[datetime, ...]] = ()

    features: int = 5
    speed: float = 0.02
    noise: float = 0.05
    rows: int = 200
    start: str | datetime = "2026-01-01T00:00Z"
    step: str | timedelta = "1h"
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least in (("features", 1), ("rows", 1), ("seed", 0)):
            whole(name, getattr(self, name), least=least)
        object.__setattr__(self, "speed", number("speed", self.speed))
        if number("noise", self.noise, least=0.0) >= 0.5:
            raise ConfigError(f"noise is {self.noise!r}", remedy="give less than 0.5")
        object.__setattr__(self, "start", tick_time("start", self.start))
        object.__setattr__(self, "step", tick_step(self.step))

    @property
    def columns(self) -> tuple[str, ...]:
        """time, x0, x1, ..., class."""
        return ("time", *(f"x{number}" for number in range(self.features)), "class")

    def batch(self, interval: Interval) -> pa.Table:
        """The rows of every tick in ``interval``."""
        assert isinstance(self.step, timedelta)
        return tabulate(self.columns, list(ticks(interval, self.step, self._start)), self._tick)

    def best_possible(self) -> float:
        """The accuracy of the Bayes rule: what the noise leaves."""
        return 1.0 - self.noise

    @property
    def _start(self) -> datetime:
        assert isinstance(self.start, datetime)
        return self.start

    def _tick(self, time: datetime) -> Rows:
        first = np.random.default_rng([self.seed, self.features])
        at_start = first.uniform(-1.0, 1.0, self.features)
        direction = first.choice([-1.0, 1.0], self.features)
        assert isinstance(self.step, timedelta)
        along = at_start + direction * self.speed * ((time - self._start) / self.step)
        weights = np.abs((along - 1.0) % 4.0 - 2.0) - 1.0  # back and forth between -1 and 1
        rng = generator(self.seed, time)
        features = rng.uniform(-1.0, 1.0, (self.rows, self.features))
        yes = (features @ weights > 0.0) ^ (rng.random(self.rows) < self.noise)
        target = pa.DictionaryArray.from_arrays(pa.array(yes.astype(np.int32)), pa.array(["no", "yes"]))
        return features, target.cast(pa.string())
