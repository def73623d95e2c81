"""A stream that never drifts: what a detector must stay silent on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from heliotrope.streams.concept import ConceptStream

__all__ = ["Stationary"]


@dataclass(frozen=True, kw_only=True)
class Stationary(ConceptStream):
    """One concept for ever.

    >>> stream = Stationary(rows=2, seed=1)
    >>> stream.drift_points, round(stream.best_possible(), 4)
    ((), 0.9214)
    """

    drift: ClassVar[str] = "none"

    @property
    def drift_points(self) -> tuple[datetime, ...]:
        """None."""
        return ()

    def concepts(self, tick: int, rng: np.random.Generator, rows: int) -> NDArray[np.int64]:
        """Concept 0 for every row."""
        return np.zeros(rows, dtype=np.int64)
