"""A stream whose concepts come back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from heliotrope.streams.concept import ConceptStream
from heliotrope.streams.stream import whole

__all__ = ["Recurring"]


@dataclass(frozen=True, kw_only=True)
class Recurring(ConceptStream):
    """Two concepts take turns, ``period`` ticks each; ``changes`` times, then the last one stays.

    >>> stream = Recurring(period=24, changes=3)
    >>> [point.day for point in stream.drift_points]
    [2, 3, 4]
    """

    drift: ClassVar[str] = "recurring"

    period: int = 24
    changes: int = 4

    def __post_init__(self) -> None:
        super().__post_init__()
        whole("period", self.period, least=1)
        whole("changes", self.changes, least=1)

    @property
    def drift_points(self) -> tuple[datetime, ...]:
        """When the turn passes."""
        return tuple(self.at(self.period * (number + 1)) for number in range(self.changes))

    def concepts(self, tick: int, rng: np.random.Generator, rows: int) -> NDArray[np.int64]:
        """0 or 1, whose turn it is, for every row."""
        turn = min(max(tick // self.period, 0), self.changes)
        return np.full(rows, turn % 2, dtype=np.int64)
