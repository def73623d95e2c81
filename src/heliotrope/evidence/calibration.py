"""What a drift statistic reaches where nothing has changed: thresholds from one's own history and batch size.

The promise is 'at most one false alarm in N intervals': the threshold is the point that the statistic, between a
reference and a batch of just these sizes, exceeds with a chance of 1 / N. Three ways to have that distribution:

``from_history``: the pairs of reference and batch that the history itself holds, at the same distance in time.
Intervals differ from each other by more than their rows would by chance (hours, weekdays, customers), and no test on
rows knows that: with many rows it finds every interval drifted. Here such differences are what is usual.

``resampled``: the same from blocks of the history put together anew (stationary bootstrap: Politis and Romano, 1994,
JASA 89:1303-1313). More references than the history holds; where one block ends, a batch meets a reference from
another time, so that slow change within the history makes it cautious.

``permuted``: rows of both sides shuffled between them, for want of a history. It supposes that rows are exchangeable.

Counts of intervals come as :mod:`.histogram` makes them, shape (intervals, features, bins), oldest first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from heliotrope.evidence.histogram import Distance

    Floats = NDArray[np.float64]
    Places = NDArray[np.intp]

__all__ = ["Calibration", "calibrate", "exceeded_once_in", "from_history", "permuted", "resampled", "stationary_blocks"]

_TAIL = 0.1
"""The share of the largest values that the tail is judged by."""
_FEWEST = 10
"""Fewer values than this tell nothing of a tail."""


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """Thresholds of all features together: that any of them is exceeded has a chance of 1 in ``one_in``."""

    thresholds: Floats
    """Shape (features,)."""
    one_in: float
    values: int
    """How many values of the statistic they were found from."""

    def exceeded(self, statistics: Floats) -> NDArray[np.bool_]:
        """Which features' statistics, shape (..., features), are over their thresholds."""
        return np.asarray(statistics > self.thresholds)


def calibrate(null: Floats, *, one_in: float, independent: int | None = None) -> Calibration:
    """Thresholds from the statistics of pairs without a change, shape (values, features).

    Features are put on one scale (their medians and what lies over them), and the largest over all features is held to
    one threshold (Westfall and Young, 1993): however they depend on each other, any alarm counts once. For values that
    :func:`resampled` made give the number of the history's intervals as ``independent``.

    Raises ValueError for fewer than ten values.

    >>> null = np.abs(np.random.default_rng(0).normal(0, [1, 10], (2000, 2)))
    >>> calibrate(null, one_in=100).thresholds.round(1)  # 2.81 and 28.07 if of no end
    array([ 2.8, 27.4])
    """
    if len(null) < _FEWEST:
        raise ValueError(f"{len(null)} values without a change are too few to find a threshold, {_FEWEST} are needed")
    middle = np.median(null, axis=0)
    spread = np.quantile(null, 1.0 - _TAIL, axis=0) - middle
    spread = np.where(spread > 0.0, spread, np.maximum(null.max(axis=0) - middle, np.finfo(float).tiny))
    largest = ((null - middle) / spread).max(axis=1)
    # Half as many: neighbours in a history share most of a reference, and the scales are from the same values.
    known = max((len(null) if independent is None else independent) // 2, 1)
    return Calibration(middle + spread * exceeded_once_in(largest, one_in, independent=known), one_in, len(null))


def exceeded_once_in(values: Floats, one_in: float, *, independent: int | None = None) -> float:
    """What the next value exceeds once in ``one_in`` times in the mean, from ``values``, shape (values,).

    Where there are ten times as many values it is read from them; else their largest tenth is continued by an
    exponential tail (Pickands, 1975, at shape zero), which lies above the truth where tails are lighter, as those of
    distances are. That the tail was itself found from few values is counted in: the next value's chance is averaged
    over what they leave open (Lomax, 1954). ``independent`` says how many there are in truth, where values were made
    from each other.

    >>> exponential = np.random.default_rng(0).exponential(1, 200)
    >>> round(exceeded_once_in(exponential, 1000), 1)  # ln(1000) is 6.9
    6.9
    """
    ordered, count = np.sort(values), len(values)
    whole = count if independent is None else min(independent, count)
    if whole >= 10 * one_in:
        return float(ordered[min(int(np.ceil((count + 1) * (1.0 - 1.0 / one_in))), count) - 1])
    over = max(int(np.ceil(count * _TAIL)), min(5, count - 1))
    base = ordered[count - over - 1]
    mean_excess = float((ordered[count - over :] - base).mean())
    known = max(over * whole / count, 1.0)
    beyond = max(one_in * (known + 1.0) / (whole + 1.0), 1.0)
    return float(base + mean_excess * known * (beyond ** (1.0 / known) - 1.0))


# --- statistics without a change ---------------------------------------------------------------------------


def from_history(
    counts: Floats, distance: Distance, *, reference: int, gap: int = 0, rows: Floats | int | None = None, seed: int = 0
) -> Floats:
    """The statistic of every batch of the history against the ``reference`` intervals before it, shape (pairs,
    features).

    ``gap`` intervals lie between the two, as many as between the reference in use and the batch to be judged. A batch
    of more than ``rows`` rows, of all features alike or of each its own, shape (features,), is sampled down to them, so
    that the batch to be judged is held to its like.
    """
    intervals = len(counts)
    cumulated = np.concatenate([np.zeros_like(counts[:1]), np.cumsum(counts, axis=0)])
    batches = np.arange(reference + gap, intervals)
    windows = cumulated[batches - gap] - cumulated[batches - gap - reference]
    return distance(windows, _thinned(counts[batches], rows, np.random.default_rng(seed)))


def resampled(
    counts: Floats,
    distance: Distance,
    *,
    reference: int,
    rows: int | None = None,
    draws: int = 2_000,
    mean_block: float = 8.0,
    seed: int = 0,
) -> Floats:
    """The same from ``draws`` histories put together of blocks; see :func:`stationary_blocks`."""
    random = np.random.default_rng(seed)
    places = stationary_blocks(len(counts), length=reference + 1, draws=draws, mean_block=mean_block, random=random)
    windows = np.zeros((draws, *counts.shape[1:]))
    for step in range(reference):
        windows += counts[places[:, step]]
    return distance(windows, _thinned(counts[places[:, -1]], rows, random))


def permuted(reference: Floats, current: Floats, distance: Distance, *, draws: int = 2_000, seed: int = 0) -> Floats:
    """The statistic of two samples drawn from the rows of both, of shape (features, bins) each: (draws, features).

    Features are shuffled each by itself, which makes the threshold for all of them together cautious.
    """
    both = np.broadcast_to(reference + current, (draws, *reference.shape))
    drawn = _drawn(both, np.broadcast_to(current.sum(axis=-1), both.shape[:-1]), np.random.default_rng(seed))
    return distance(both - drawn, drawn)


def stationary_blocks(
    intervals: int, *, length: int, draws: int, mean_block: float, random: np.random.Generator
) -> Places:
    """Places in a history, shape (draws, length): runs of neighbours, of geometric length with the mean ``mean_block``.

    >>> stationary_blocks(100, length=8, draws=1, mean_block=4, random=np.random.default_rng(1))
    array([[47, 48, 49, 50, 51, 14, 15, 16]])
    """
    starts = random.integers(intervals, size=(draws, length))
    begins = random.random((draws, length)) < 1.0 / mean_block
    places = starts.copy()
    for step in range(1, length):
        after = places[:, step - 1] + 1
        places[:, step] = np.where(begins[:, step] | (after >= intervals), starts[:, step], after)
    return places


def _thinned(counts: Floats, rows: Floats | int | None, random: np.random.Generator) -> Floats:
    have = counts.sum(axis=-1)
    if rows is None or not (have > rows).any():
        return counts
    return _drawn(counts, np.minimum(have, rows), random)


def _drawn(counts: Floats, rows: Floats, random: np.random.Generator) -> Floats:
    """As many rows drawn without replacement: bin by bin, a hypergeometric number of what is left."""
    drawn = np.empty(counts.shape)
    left, wanted = counts.sum(axis=-1).astype(np.int64), rows.astype(np.int64)
    for place in range(counts.shape[-1]):
        here = counts[..., place].astype(np.int64)
        taken = random.hypergeometric(here, left - here, wanted)
        drawn[..., place] = taken
        left, wanted = left - here, wanted - taken
    return drawn
