"""Population stability index: the symmetric relative entropy between two distributions over bins.

``sum((p - q) * log(p / q))`` over bins, p and q the shares of the batch and the reference (Jeffreys, 1946; the name and
the rule of thumb 'above 0.2 is a shift' are from credit scoring). Half a row is added to every bin of either side, so
that an empty one counts for much but not for infinity.
"""

from __future__ import annotations

import math

import numpy as np

from heliotrope import config
from heliotrope.drift.reading import Reading
from heliotrope.drift.sample import Categories, Floats, Numbers, Sample

__all__ = ["by_chance", "index", "measure"]

_ONCE_IN_A_THOUSAND = 3.0902


def measure(detector: config.PopulationStability, sample: Sample) -> tuple[Reading, ...]:
    """A reading of each feature; its threshold is the detector's, or what chance reaches where that is higher."""
    readings = []
    for name, column in sample.features.items():
        counts = column.pooled if isinstance(column, Categories) else _binned(column, detector.bins)
        stability = index(*counts)
        threshold = max(detector.threshold, by_chance(len(counts[0]), sample.reference_rows, sample.current_rows))
        readings.append(
            Reading(feature=name, statistic=stability, p_value=None, threshold=threshold, large=stability > threshold)
        )
    return tuple(readings)


def index(reference: Floats, current: Floats) -> float:
    """The index, 0 or more, of two arrays of counts over the same bins.

    >>> round(index(np.array([50.0, 50.0]), np.array([80.0, 20.0])), 4)
    0.4063
    """
    p, q = ((counts + 0.5) / (counts.sum() + 0.5 * len(counts)) for counts in (reference, current))
    return float(((p - q) * np.log(p / q)).sum())


def by_chance(bins: int, reference_rows: int, current_rows: int) -> float:
    """What the index exceeds once in a thousand times where nothing has changed.

    Without drift it is ``1 / n + 1 / m`` times a chi-square variable of ``bins - 1`` degrees of freedom (Yurdakul and
    Naranjo, 2020); that one's quantile is by Wilson and Hilferty (1931).

    >>> round(by_chance(10, 2700, 900), 3), round(by_chance(10, 144, 48), 3)
    (0.042, 0.779)
    """
    if bins < 2:
        return 0.0
    spread = 2.0 / (9.0 * (bins - 1))
    quantile = (bins - 1) * (1.0 - spread + _ONCE_IN_A_THOUSAND * math.sqrt(spread)) ** 3
    return quantile * (1.0 / reference_rows + 1.0 / current_rows)


def _binned(numbers: Numbers, bins: int) -> tuple[Floats, Floats]:
    """Counts of both sides between quantiles of the reference.

    A value that alone fills a bin and more gets a bin of its own, and so do missing values; what lies beside a value
    that all of the reference has is then seen. Bins that are empty on both sides are left out.
    """
    reference = numbers.sorted_reference
    values = reference[np.searchsorted(reference, -np.inf, side="right") :]
    bins = min(bins, max(len(values), 2))
    edges = values[:0]
    if len(values):
        edges = np.unique(values[np.ceil(np.arange(1, bins) * len(values) / bins).astype(int) - 1])
    held = np.searchsorted(values, edges, side="right") - np.searchsorted(values, edges, side="left")
    alone = edges[held * bins > len(values)]
    counts = np.stack([_counts(side, edges, alone) for side in (reference, numbers.sorted_current)])
    counts = counts[:, counts.any(axis=0)]
    return counts[0], counts[1]


def _counts(ordered: Floats, edges: Floats, alone: Floats) -> Floats:
    missing = np.searchsorted(ordered, -np.inf, side="right")
    upto = np.searchsorted(ordered, edges, side="right")
    below = np.searchsorted(ordered, alone, side="left")
    cuts = np.concatenate([[0, missing], np.sort(np.concatenate([upto, below])), [len(ordered)]])
    return np.diff(cuts).astype(float)
