"""Samples as counts over fixed bins, and distances between two of them, for many pairs at once.

Counts of an interval are small, can be kept for years, and add up to those of any window; a distance between a thousand
pairs of windows is then one expression. All arrays have the shape (..., bins).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["Distance", "count", "edges", "kolmogorov_smirnov", "population_stability", "total_variation"]

Distance = Callable[["Floats", "Floats"], "Floats"]


def edges(values: Floats, bins: int = 32) -> Floats:
    """Inner edges, at most ``bins - 1``, that part the values into equal shares; fewer where values are tied.

    >>> edges(np.arange(8.0), bins=4)
    array([1., 3., 5.])
    """
    ordered = np.sort(values[np.isfinite(values)])
    if not len(ordered):
        return np.empty(0)
    return np.unique(ordered[np.ceil(np.arange(1, bins) * len(ordered) / bins).astype(int) - 1])


def count(values: Floats, inner: Floats, bins: int) -> Floats:
    """How many values lie up to each inner edge, beyond the last, and are missing (the last place); padded to ``bins``.

    >>> count(np.array([0.0, 1.0, 2.0, np.nan]), np.array([1.0]), bins=4)
    array([2., 1., 1., 0.])
    """
    present = np.isfinite(values)
    places = np.where(present, np.searchsorted(inner, values, side="left"), len(inner) + 1)
    return np.bincount(places, minlength=bins).astype(np.float64)


def kolmogorov_smirnov(reference: Floats, current: Floats) -> Floats:
    """The largest distance between the distributions at the edges, shape (...).

    >>> float(kolmogorov_smirnov(np.array([50.0, 50.0]), np.array([80.0, 20.0])).round(3))
    0.3
    """
    return np.asarray(np.abs(np.cumsum(_shares(reference) - _shares(current), axis=-1)).max(axis=-1))


def population_stability(reference: Floats, current: Floats) -> Floats:
    """``sum((p - q) * log(p / q))`` with half a row added to every bin, as
    :mod:`heliotrope.drift.population_stability`.

    >>> float(population_stability(np.array([50.0, 50.0]), np.array([80.0, 20.0])).round(4))
    0.4063
    """
    p, q = _shares(reference + 0.5), _shares(current + 0.5)
    return np.asarray(((p - q) * np.log(p / q)).sum(axis=-1))


def total_variation(reference: Floats, current: Floats) -> Floats:
    """Half the summed difference of the shares: for categories, which have no order.

    >>> float(total_variation(np.array([50.0, 50.0]), np.array([80.0, 20.0])).round(3))
    0.3
    """
    return np.asarray(0.5 * np.abs(_shares(reference) - _shares(current)).sum(axis=-1))


def _shares(counts: Floats) -> Floats:
    return np.asarray(counts / np.maximum(counts.sum(axis=-1, keepdims=True), 1.0))
