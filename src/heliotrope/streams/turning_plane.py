"""A regression whose coefficients turn: what a model with constant coefficients lags behind."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

import pyarrow as pa

from heliotrope.errors import ConfigError
from heliotrope.interval import Interval
from heliotrope.streams.stream import Rows, generator, number, tabulate, tick_step, tick_time, ticks, whole

__all__ = ["TurningPlane"]


@dataclass(frozen=True, kw_only=True)
class TurningPlane:
    """``value = slope * (cos(a) x0 + sin(a) x1) + noise``, where a goes round once in ``period`` ticks.

    x0 and x1 are independent standard normal and never drift; ``noise`` is the standard deviation of the rest.

    >>> stream = TurningPlane(rows=3, seed=1)
    >>> stream.columns
    ('time', 'x0', 'x1', 'value')
    """

    drift: ClassVar[str] = "incremental"
    columns: ClassVar[tuple[str, ...]] = ("time", "x0", "x1", "value")
    drift_points: ClassVar[tuple[datetime, ...]] = ()

    slope: float = 2.0
    noise: float = 0.5
    period: int = 24
    rows: int = 300
    start: str | datetime = "2026-01-01T00:00Z"
    step: str | timedelta = "1h"
    seed: int = 0

    def __post_init__(self) -> None:
        number("slope", self.slope)
        if number("noise", self.noise) <= 0.0:
            raise ConfigError(f"noise is {self.noise!r}", remedy="give more than 0")
        for name, least in (("period", 1), ("rows", 1), ("seed", 0)):
            whole(name, getattr(self, name), least=least)
        object.__setattr__(self, "start", tick_time("start", self.start))
        object.__setattr__(self, "step", tick_step(self.step))

    def batch(self, interval: Interval) -> pa.Table:
        """The rows of every tick in ``interval``."""
        assert isinstance(self.start, datetime)
        assert isinstance(self.step, timedelta)
        return tabulate(self.columns, list(ticks(interval, self.step, self.start)), self._tick)

    def best_possible(self) -> float:
        """The mean absolute error of the true plane: that of the noise."""
        return self.noise * math.sqrt(2.0 / math.pi)

    def _tick(self, time: datetime) -> Rows:
        assert isinstance(self.start, datetime)
        assert isinstance(self.step, timedelta)
        rng = generator(self.seed, time)
        angle = 2 * math.pi * ((time - self.start) / self.step) / self.period
        features = rng.standard_normal((self.rows, 2))
        plane = self.slope * (math.cos(angle) * features[:, 0] + math.sin(angle) * features[:, 1])
        return features, pa.array(plane + self.noise * rng.standard_normal(self.rows))
