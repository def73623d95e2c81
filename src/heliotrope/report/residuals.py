"""How a regression errs: how far it is off, and whether that hangs on what it predicts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Level", "Residuals", "residuals"]

_BARS = 24
_LEVELS = 8
_SHOWN = (0.01, 0.99)
_REACH = 4
"""From the quarters outward, in times of what is between them: one row far off must not flatten all."""


@dataclass(frozen=True, slots=True)
class Level:
    """Rows with predictions from ``low`` to ``high``: the mean of their residuals, and between what 8 in 10 lie."""

    low: float
    high: float
    rows: int
    mean: float
    tenth: float
    ninetieth: float


@dataclass(frozen=True, slots=True)
class Residuals:
    """Actual less predicted: above 0, too little was predicted."""

    rows: int
    mean: float
    tenth: float
    ninetieth: float
    edges: tuple[float, ...]
    """Of bars of equal width that hold the middle 98 in 100, or less where a few lie far off; the outermost count the
    rest."""
    counts: tuple[int, ...]
    levels: tuple[Level, ...]
    """By prediction, as many rows in each as can be."""


def residuals(actual: NDArray[np.float64], predicted: NDArray[np.float64]) -> Residuals:
    """Of at least one row; both arrays of shape (rows,) and finite.

    >>> found = residuals(np.array([1.0, 2.0, 4.0]), np.array([1.0, 2.0, 3.0]))
    >>> found.rows, round(found.mean, 3), sum(found.counts)
    (3, 0.333, 3)
    """
    off = actual - predicted
    low, high = _ends(off)
    room = (high - low) or max(abs(high), 1.0)
    edges = np.linspace(low - 0.02 * room, high + 0.02 * room, _BARS + 1)
    counts, _ = np.histogram(np.clip(off, edges[0], edges[-1]), edges)
    order = np.argsort(predicted, kind="stable")
    parts = [part for part in np.array_split(order, min(_LEVELS, len(order))) if len(part)]
    return Residuals(
        rows=len(off),
        mean=float(off.mean()),
        tenth=float(np.quantile(off, 0.1)),
        ninetieth=float(np.quantile(off, 0.9)),
        edges=tuple(float(edge) for edge in edges),
        counts=tuple(int(count) for count in counts),
        levels=tuple(
            Level(
                float(predicted[part[0]]),
                float(predicted[part[-1]]),
                len(part),
                float(off[part].mean()),
                float(np.quantile(off[part], 0.1)),
                float(np.quantile(off[part], 0.9)),
            )
            for part in parts
        ),
    )


def _ends(off: NDArray[np.float64]) -> tuple[float, float]:
    """The middle 98 in 100, and less where the outermost lie far off.

    >>> _ends(np.array([0.0, 1.0, 2.0, 3.0, 4.0, 1e9]))[1] < 20
    True
    """
    low, high = (float(end) for end in np.quantile(off, _SHOWN))
    lower, upper = (float(end) for end in np.quantile(off, (0.25, 0.75)))
    reach = _REACH * (upper - lower)
    return (max(low, lower - reach), min(high, upper + reach)) if reach > 0 else (low, high)
