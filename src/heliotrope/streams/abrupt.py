"""A stream that drifts at once."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from heliotrope.streams.concept import ConceptStream, rising

__all__ = ["Abrupt"]


@dataclass(frozen=True, kw_only=True)
class Abrupt(ConceptStream):
    """At every tick of ``points`` a concept that has not been before takes the place of the last.

    >>> stream = Abrupt(points=[24, 48], shift=3.0)
    >>> [str(point) for point in stream.drift_points]
    ['2026-01-02 00:00:00+00:00', '2026-01-03 00:00:00+00:00']
    """

    drift: ClassVar[str] = "abrupt"

    points: Sequence[int] = (24,)

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "points", rising("points", self.points))

    @property
    def drift_points(self) -> tuple[datetime, ...]:
        """The time of every tick in ``points``: the first of the new concept."""
        return tuple(self.at(point) for point in self.points)

    def concepts(self, tick: int, rng: np.random.Generator, rows: int) -> NDArray[np.int64]:
        """How many of the points have been reached, for every row."""
        return np.full(rows, bisect_right(self.points, tick), dtype=np.int64)
