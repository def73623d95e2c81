"""Whether a model is right as often as it says: its probabilities against what came of them.

A row counts by the probability of the class it was given, which is the largest one; so this is the same for two classes
and for many (confidence calibration: Guo et al., ICML 2017).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Bin", "calibration_error", "reliability"]

_BINS = 10


@dataclass(frozen=True, slots=True)
class Bin:
    """Rows whose class was given a probability from ``low`` to ``high``."""

    low: float
    high: float
    rows: int
    said: float
    """The mean of those probabilities."""
    right: float
    """The share of the rows that are of that class."""


def reliability(sure: NDArray[np.float64], right: NDArray[np.bool_]) -> tuple[Bin, ...]:
    """The rows in ten bins of equal width, those without a row left out; both arrays of shape (rows,).

    >>> reliability(np.array([0.9375, 0.9375, 0.5]), np.array([True, True, False]))[-1]
    Bin(low=0.9, high=1.0, rows=2, said=0.9375, right=1.0)
    """
    place = np.clip((sure * _BINS).astype(np.int64), 0, _BINS - 1)
    rows, said, hits = (np.bincount(place, weights=of, minlength=_BINS) for of in (np.ones_like(sure), sure, right))
    return tuple(
        Bin(at / _BINS, (at + 1) / _BINS, int(rows[at]), float(said[at] / rows[at]), float(hits[at] / rows[at]))
        for at in range(_BINS)
        if rows[at]
    )


def calibration_error(bins: Sequence[Bin]) -> float:
    """How far what was said is from what came of it, on average over the rows (expected calibration error).

    >>> calibration_error([Bin(0.9, 1.0, 1, 0.95, 0.75), Bin(0.8, 0.9, 3, 0.85, 0.85)])
    0.05
    """
    rows = sum(one.rows for one in bins)
    return round(sum(one.rows * abs(one.said - one.right) for one in bins) / rows, 12)
