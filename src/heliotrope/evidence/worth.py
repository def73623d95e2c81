"""What a training is worth: by how much it is expected to lower the mean loss, from what the ledger remembers.

Two measurements of the same quantity, the fall of a row's loss by a training now:

``growth``: by how much the champion's own loss has grown since it was new, latest intervals against its first. It sees
a sudden change at once, and takes a harder spell of data for ageing.

``promised``: what past trainings gained on the rows on which challenger and champion were both scored, as a multiple
of the champion's age then: a line through the origin, by least squares, read at its age now. Pairs cancel how hard the
rows were; what never happened before is not in it. (The gain of a challenger that was chosen for its gain is a little
too high: the winner's curse.)

``together`` weighs them by the inverses of their variances (Cochran, 1937, JRSS supplement 4:102-118). The gain counts
for as long as a training lasts; with loss that grows by a constant at each interval, training when ``gain * life``
reaches the cost settles at 0.71 of the best period, sqrt(2 cost / growth) (Harris, 1913), and costs 6 % more than it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["Expected", "Past", "growth", "promised", "together"]

_SPAN = 3
"""Intervals that make up a new champion, and the latest."""
_FEWEST = 3
"""Fewer trainings promise nothing."""


@dataclass(frozen=True, slots=True)
class Past:
    """A training of the past: the champion's age then, in intervals, and the mean gain over it (0: it was kept)."""

    age: int
    gain: float


@dataclass(frozen=True, slots=True)
class Expected:
    """An expected fall of the mean loss by a training, and its standard error."""

    gain: float
    standard_error: float


def growth(losses: Sequence[float]) -> Expected | None:
    """From the champion's mean loss in each interval since it was new, oldest first; None of fewer than three.

    Intervals differ by more than their rows would by chance, so the error is from their successive differences
    (von Neumann, 1941), which a slow rise leaves alone.

    >>> grown = growth([0.10, 0.11, 0.09, 0.10, 0.21, 0.20, 0.19])
    >>> round(grown.gain, 3), round(grown.standard_error, 3)
    (0.1, 0.027)
    """
    known = np.array([loss for loss in losses if math.isfinite(loss)])
    if len(known) < 3:
        return None
    span = min(_SPAN, len(known) // 2)
    steps = np.diff(known)
    variance = max(float((steps @ steps) / (2 * len(steps))), np.finfo(float).tiny)
    return Expected(float(known[-span:].mean() - known[:span].mean()), math.sqrt(variance * 2 / span))


def promised(past: Sequence[Past], age: int) -> Expected | None:
    """What a training of a champion of that age gains, from at least three past ones.

    >>> promised([Past(2, 0.02), Past(4, 0.04), Past(6, 0.06)], age=10).gain
    0.1
    """
    if len(past) < _FEWEST:
        return None
    ages = np.array([one.age for one in past], dtype=np.float64)
    gains = np.array([one.gain for one in past])
    slope = float(ages @ gains / (ages @ ages))
    rest = gains - slope * ages
    variance = max(float(rest @ rest) / (len(past) - 1), np.finfo(float).tiny)
    return Expected(slope * age, math.sqrt(variance * (1.0 + age * age / float(ages @ ages))))


def together(*measured: Expected | None) -> Expected | None:
    """One from several of the same quantity; None where there is none.

    >>> both = together(Expected(0.2, 0.1), None, Expected(0.1, 0.05))
    >>> round(both.gain, 3), round(both.standard_error, 3)
    (0.12, 0.045)
    """
    known = [one for one in measured if one is not None]
    if not known:
        return None
    weights = [1.0 / max(one.standard_error, 1e-12) ** 2 for one in known]
    gain = sum(weight * one.gain for weight, one in zip(weights, known, strict=True)) / sum(weights)
    return Expected(gain, math.sqrt(1.0 / sum(weights)))
