"""Intervals as an estimator sees them: numbered stretches of time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from heliotrope.candidates.motion import Steps
from heliotrope.interval import ORIGIN

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["Grid"]


@dataclass(frozen=True, eq=False)
class Grid:
    """Stretches of ``length`` seconds, numbered from the one that begins at ``origin``."""

    origin: float
    length: float

    @classmethod
    def of(cls, seconds: Floats, interval: float | None) -> Grid:
        """A pipeline's intervals of that length; without one, the steps that the times lie on, or twelfths of them.

        >>> Grid.of(np.array([0.0, 3600.0, 7200.0]), None).place(np.array([0.0, 3599.0, 7200.0])).tolist()
        [0, 0, 2]
        """
        if interval is not None:
            return cls(ORIGIN.timestamp(), interval)
        steps = Steps.of(seconds)
        if steps is None:
            distinct = np.unique(seconds)
            return cls(float(distinct[0]), float(distinct[-1] - distinct[0]) or 1.0)
        return cls(float(seconds.min()), steps.length)

    def place(self, seconds: Floats) -> NDArray[np.intp]:
        """The number of the stretch that each time lies in."""
        return np.asarray(np.floor((seconds - self.origin) / self.length + 1e-9).astype(np.intp))
