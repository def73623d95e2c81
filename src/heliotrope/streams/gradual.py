"""A stream that drifts little by little."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from heliotrope.errors import ConfigError
from heliotrope.streams.concept import ConceptStream, rising
from heliotrope.streams.stream import whole

__all__ = ["Gradual"]


@dataclass(frozen=True, kw_only=True)
class Gradual(ConceptStream):
    """From every tick of ``points``, over ``width`` ticks, rows of the new concept take the place of the old one's.

    Gradual in the sense of Gama et al., A survey on concept drift adaptation (2014): both concepts are met side by
    side, and the share of the new one rises evenly: ``(i + 1) / (width + 1)`` at the i-th tick of the change.

    >>> stream = Gradual(points=[24], width=12)
    >>> str(stream.drift_points[0])
    '2026-01-02 00:00:00+00:00'
    """

    drift: ClassVar[str] = "gradual"

    points: Sequence[int] = (24,)
    width: int = 12

    def __post_init__(self) -> None:
        super().__post_init__()
        points = rising("points", self.points)
        object.__setattr__(self, "points", points)
        width = whole("width", self.width, least=1)
        gap = min((later - earlier for earlier, later in pairwise(points)), default=width)
        if gap < width:
            raise ConfigError(f"width is {width}, but two points are only {gap} ticks apart", remedy="lower width")

    @property
    def drift_points(self) -> tuple[datetime, ...]:
        """When each change begins; it is over ``width`` ticks later."""
        return tuple(self.at(point) for point in self.points)

    def concepts(self, tick: int, rng: np.random.Generator, rows: int) -> NDArray[np.int64]:
        """The old concept or the new one, drawn row by row."""
        shares = (np.array([tick - point for point in self.points]) + 1) / (self.width + 1)
        reached = np.clip(shares, 0.0, 1.0).sum()
        new: NDArray[np.int64] = (rng.random(rows) < reached % 1).astype(np.int64)
        return int(reached) + new
