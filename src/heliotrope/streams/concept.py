"""What the streams with known drift points share: two classes of Gaussians that move together."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from heliotrope.errors import ConfigError
from heliotrope.interval import Interval
from heliotrope.streams.stream import Rows, generator, number, tabulate, tick_step, tick_time, ticks, whole

__all__ = ["ConceptStream", "rising"]


@dataclass(frozen=True, kw_only=True)
class ConceptStream(ABC):
    """Two classes, ``no`` and ``yes``, equally many; a concept moves both of them by ``shift`` in every feature.

    In concept c the mean of a feature is ``c * shift - separation / 2`` for ``no`` and ``c * shift + separation / 2``
    for ``yes``; features are independent and have variance 1. So the features drift, and so does the boundary
    between the classes. A tick is numbered from ``start``; what lies before ``start`` belongs to concept 0.

    Args:
        features: how many; they are named x0, x1, ...
        rows: rows per class and tick.
        separation: distance of the two means in every feature.
        shift: how far a concept lies from the one before it, in every feature.
        start: time of tick 0.
        step: time from tick to tick.
        seed: of the random numbers.
    """

    drift: ClassVar[str]

    features: int = 2
    rows: int = 100
    separation: float = 2.0
    shift: float = 2.0
    start: str | datetime = "2026-01-01T00:00Z"
    step: str | timedelta = "1h"
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least in (("features", 1), ("rows", 1), ("seed", 0)):
            whole(name, getattr(self, name), least=least)
        object.__setattr__(self, "separation", number("separation", self.separation, least=0.0))
        object.__setattr__(self, "shift", number("shift", self.shift))
        object.__setattr__(self, "start", tick_time("start", self.start))
        object.__setattr__(self, "step", tick_step(self.step))

    @property
    def columns(self) -> tuple[str, ...]:
        """time, x0, x1, ..., class."""
        return ("time", *(f"x{number}" for number in range(self.features)), "class")

    @property
    @abstractmethod
    def drift_points(self) -> tuple[datetime, ...]:
        """When a new concept sets in."""

    @abstractmethod
    def concepts(self, tick: int, rng: np.random.Generator, rows: int) -> NDArray[np.int64]:
        """The number of the concept that each of ``rows`` rows of a tick is drawn from."""

    def at(self, tick: int) -> datetime:
        """The time of a tick."""
        assert isinstance(self.start, datetime)
        assert isinstance(self.step, timedelta)
        return self.start + tick * self.step

    def batch(self, interval: Interval) -> pa.Table:
        """The rows of every tick in ``interval``."""
        assert isinstance(self.step, timedelta)
        return tabulate(self.columns, list(ticks(interval, self.step, self.at(0))), self._tick)

    def best_possible(self) -> float:
        """The accuracy of the Bayes rule while one concept holds."""
        return 0.5 * math.erfc(-self.separation * math.sqrt(self.features) / 2 / math.sqrt(2.0))

    def _tick(self, time: datetime) -> Rows:
        rng = generator(self.seed, time)
        labels = np.repeat(np.array([0, 1], dtype=np.int32), self.rows)
        noise = rng.standard_normal((2 * self.rows, self.features))
        concepts = self.concepts((time - self.at(0)) // (self.at(1) - self.at(0)), rng, 2 * self.rows)
        means = concepts * self.shift + (labels - 0.5) * self.separation
        target = pa.DictionaryArray.from_arrays(pa.array(labels), pa.array(["no", "yes"])).cast(pa.string())
        return noise + means[:, None], target


def rising(name: str, value: object) -> tuple[int, ...]:
    """A list of tick numbers, each 1 or more and later than the one before. Raises ConfigError."""
    if not isinstance(value, (list, tuple)) or not value:
        raise ConfigError(f"{name} is {value!r}", remedy="give a list of ticks, as [24, 48]")
    points = tuple(whole(name, one, least=1) for one in value)
    if list(points) != sorted(set(points)):
        raise ConfigError(f"{name} is {list(points)}", remedy="give every tick once, in order")
    return points
