"""The best that hindsight could do with at most k trainings of one candidate, by dynamic programming.

A model that is trained after interval t scores ``matrix[t, s]`` on the interval s > t. Of all ways to have trained last
after t, the best is the best of having trained last after an earlier t', and what the model of t' scores up to t:
O(P^2 k) for P times to train at. Nobody could have known when to train: no trigger does better with the same candidate
and window, save where the gate keeps an older model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from heliotrope import cycle
from heliotrope.cycle import concat
from heliotrope.errors import EstimatorError
from heliotrope.interval import Interval
from heliotrope.records import Batch

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from heliotrope.candidates.model import Model
    from heliotrope.config import Candidate
    from heliotrope.whatif.past import PastContext

    Floats = NDArray[np.float64]

__all__ = ["POINTS", "Oracle", "Scores", "best_sums", "points"]

POINTS = 100
"""Times to train at that are looked at: of a longer history so many of its intervals' ends, evenly apart."""
_TOGETHER = 256  # batches predicted in one call


def points(count: int) -> tuple[int, ...]:
    """The places of the intervals after which a training is thought of.

    >>> points(4), len(points(1000))
    ((0, 1, 2, 3), 100)
    """
    return tuple(range(0, count, -(-count // POINTS)))


def best_sums(matrix: Floats, after: Sequence[int], most: int) -> Floats:
    """The best sum of scores with at most 1, 2, ... ``most`` trainings, the first of them at the first time there is.

    ``matrix``, shape (P, T), holds what the model trained after interval ``after[p]`` scores on interval s; only what
    is later than that counts. A row of -inf is of a model that could not be trained.

    >>> matrix = np.array([[0, 1.0, 0.2, 0.1], [0, 0, 0.9, 0.5], [0, 0, 0, 1.0]])
    >>> best_sums(matrix, (0, 1, 2), 3).round(6).tolist()
    [1.3, 2.4, 2.9]
    """
    places = np.asarray(after)
    usable = np.isfinite(matrix).all(axis=1)
    matrix, places = matrix[usable], places[usable]
    found = np.full(most, -np.inf)
    if not len(places):
        return found
    later = np.arange(matrix.shape[1]) > places[:, None]
    sums = np.cumsum(np.where(later, matrix, 0.0), axis=1)
    # The interval after which is trained anew is still the old model's.
    between = np.where(places > places[:, None], sums[:, places], -np.inf)
    reached = np.full(len(places), -np.inf)
    reached[0] = 0.0
    for k in range(most):
        found[k] = (reached + sums[:, -1]).max()
        reached = (reached[:, None] + between).max(axis=0)
    return np.asarray(np.maximum.accumulate(found))


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """What the models of one candidate score, trained at one time or another, as :func:`best_sums` takes it."""

    candidate: str
    after: tuple[int, ...]
    matrix: Floats

    def means(self, most: int, kept: NDArray[np.bool_], *, lower_is_better: bool) -> Floats:
        """The best mean with at most 1, 2, ... ``most`` trainings over the intervals that are kept, shape (T,)."""
        sign = -1.0 if lower_is_better else 1.0
        matrix = self.matrix[:, : len(kept)]
        trained = np.isfinite(matrix)
        matrix = np.where(trained, sign * np.where(trained & kept, matrix, 0.0), -np.inf)
        return sign * best_sums(matrix, self.after, most) / max(1, int(kept.sum()))


@dataclass(eq=False)
class Oracle:
    """The scores of one candidate, filled row by row while the policies run."""

    context: PastContext
    candidate: Candidate
    span: Sequence[Interval]
    scores: Scores = field(init=False)

    def __post_init__(self) -> None:
        after = points(len(self.span))
        matrix = np.full((len(after), len(self.span)), -np.inf)
        self.scores = Scores(self.candidate.name, after, matrix)

    def train(self, interval: Interval) -> None:
        """Fit the candidate after the interval, where that is a time to train at, and score it on every later one."""
        place = self._place(interval)
        if place not in self.scores.after:
            return
        fitted = cycle.fit_until(self.context, self.candidate, interval.end)
        if fitted is None or fitted.model is None:
            return
        self.context.shared.took(fitted.training)
        row = np.zeros(len(self.span))
        try:
            for low in range(place + 1, len(self.span), _TOGETHER):
                part = self.span[low : low + _TOGETHER]
                batches = self.context.usable(Interval(part[0].start, part[-1].end))
                if batches:
                    row[[self._place(batch.interval) for batch in batches]] = self._scored(fitted.model, batches)
        except EstimatorError:  # of a model that can be fitted and not asked: it is none that could serve
            return
        self.scores.matrix[self.scores.after.index(place)] = row

    def _place(self, interval: Interval) -> int:
        return (interval.start - self.span[0].start) // self.context.pipeline.interval

    def _scored(self, model: Model, batches: Sequence[Batch]) -> Floats:
        """The metric on each of the batches, asked for all of them together."""
        metric = self.context.pipeline.metric
        if metric == "balanced_accuracy":  # whose losses are weighted by the rows they are of
            pipeline = self.context.pipeline
            return np.array([cycle.score(pipeline, model, batch.table).metrics[metric] for batch in batches])
        loss = cycle.score(self.context.pipeline, model, concat(batches)).loss
        counts = np.array([batch.rows for batch in batches])
        means = np.add.reduceat(loss, np.cumsum(counts) - counts) / counts
        return np.asarray(1.0 - means if metric == "accuracy" else np.sqrt(means) if metric == "rmse" else means)
