"""Drift that hurts the model, told from drift that does not: by how much has the mean loss risen?

``of_losses`` compares losses on both sides, where the batch's labels are known; ``of_intervals`` those of a batch with
the means that the ledger has of earlier intervals. ``of_domain`` foretells the rise
without the batch's labels: reference rows that look like the batch count for more (importance weights from a domain
classifier: Shimodaira, 2000; Bickel, Brueckner and Scheffer, 2009); it sees what changed in the features and not a
change of what they mean. ``rises_with`` says whether, within the batch, the rows least like the reference are those
the model fails on. For a rise watched at every interval use :class:`~heliotrope.evidence.betting.Evidence` on ``loss
- baseline`` with ``low=-baseline`` and ``high=inf``: no loss has to be cut.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["Harm", "Rise", "of_domain", "of_intervals", "of_losses", "rises_with"]

_INTERVALS = 5
"""From so many on their spread is known."""


class Harm(StrEnum):
    """What drift does to the model."""

    HURTS = "hurts"
    """The loss has risen: its rise is above zero."""
    HARMLESS = "harmless"
    """It has not risen by as much as is tolerated."""
    UNCLEAR = "unclear"
    """Neither is shown by these rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rise:
    """The rise of the mean loss from reference to batch, in the loss's unit."""

    mean: float
    standard_error: float
    effective_rows: float
    """Of the side that knows less: rows as good as all with the same weight (Kish, 1965)."""

    def harm(self, *, tolerance: float, alpha: float = 0.05) -> Harm:
        """Both shown one-sided at level ``alpha``: more than nothing, or less than ``tolerance``.

        A rise that is shown to be both is harmless.

        >>> Rise(mean=0.03, standard_error=0.01, effective_rows=900).harm(tolerance=0.02)
        <Harm.HURTS: 'hurts'>
        """
        if not math.isfinite(self.standard_error):
            return Harm.UNCLEAR
        away = NormalDist().inv_cdf(1.0 - alpha) * self.standard_error
        if self.mean + away < tolerance:
            return Harm.HARMLESS
        return Harm.HURTS if self.mean - away > 0.0 else Harm.UNCLEAR


def of_losses(reference: Floats, current: Floats) -> Rise:
    """From the losses of one model on both sides, shapes (rows,), on rows it was not trained on.

    >>> rise = of_losses(np.repeat([0.0, 1.0], [2565, 135]), np.repeat([0.0, 1.0], [810, 90]))
    >>> round(rise.mean, 3), round(rise.standard_error, 4), rise.harm(tolerance=0.01)
    (0.05, 0.0108, <Harm.HURTS: 'hurts'>)
    """
    fewest = min(len(reference), len(current))
    if fewest < 2:
        return Rise(mean=math.nan, standard_error=math.inf, effective_rows=float(fewest))
    variance = reference.var(ddof=1) / len(reference) + current.var(ddof=1) / len(current)
    return Rise(
        mean=float(current.mean() - reference.mean()),
        standard_error=math.sqrt(variance),
        effective_rows=float(fewest),
    )


def of_intervals(reference: Floats, current: Floats) -> Rise:
    """From a champion's mean losses in intervals before, shape (intervals,), and each row's loss in this one, (rows,).

    The error is the larger of two: what the rows alone leave open, and by how much the means differ from each other
    (of five and more): where intervals differ more than their rows would by chance, a difference as usual is no rise.

    >>> calm = np.array([0.10, 0.12, 0.09, 0.11, 0.10])
    >>> of_intervals(calm, np.repeat([0.0, 1.0], [720, 180])).harm(tolerance=0.01)
    <Harm.HURTS: 'hurts'>
    """
    known = reference[np.isfinite(reference)]
    if not len(known) or len(current) < 2:
        return Rise(mean=math.nan, standard_error=math.inf, effective_rows=float(len(current)))
    variance = float(current.var(ddof=1)) / len(current)
    if len(known) >= _INTERVALS:
        variance = max(variance, float(known.var(ddof=1)))
    return Rise(
        mean=float(current.mean() - known.mean()),
        standard_error=math.sqrt(variance * (1.0 + 1.0 / len(known))),
        effective_rows=float(len(current)),
    )


def of_domain(losses: Floats, likeness: Floats) -> Rise:
    """From the losses on the reference alone, and each of its rows' chance to be of the batch, both shapes (rows,).

    ``likeness`` is what a domain classifier, not fitted on the row itself, gives a reference row. Weights are its odds.
    Where a few rows carry all the weight, ``effective_rows`` is small and the standard error large.

    >>> random = np.random.default_rng(0)
    >>> x = random.normal(0, 1, 4000)  # the batch lies at 1: its odds are exp(x - 1/2)
    >>> losses = (random.random(4000) < 0.1 + 0.1 * (x > 1)).astype(float)
    >>> rise = of_domain(losses, 1 / (1 + np.exp(0.5 - x)))
    >>> round(rise.mean, 3), round(rise.standard_error, 3), rise.harm(tolerance=0.01)  # 0.034 in truth
    (0.023, 0.007, <Harm.HURTS: 'hurts'>)
    """
    odds = np.clip(likeness, 1e-9, 1.0 - 1e-9)
    odds = odds / (1.0 - odds)
    weights = odds / odds.sum()
    effective = 1.0 / float(weights @ weights)
    weighted = float(weights @ losses)
    # Of the difference of two means over the same rows: each row's pull on it.
    pull = weights * (losses - weighted) - (losses - losses.mean()) / len(losses)
    return Rise(
        mean=weighted - float(losses.mean()), standard_error=math.sqrt(float(pull @ pull)), effective_rows=effective
    )


def rises_with(likeness: Floats, losses: Floats) -> float:
    """The one-sided p-value that losses do not rise with ``likeness``, the rows' chance to be of the batch.

    Ranks of the likeness times losses, against its mean and variance over all orders of the rows (the permutation
    test's normal approximation: Hoeffding, 1951); both of shape (rows,).

    >>> rises_with(np.arange(100.0), np.repeat([0.0, 1.0], 50)) < 1e-9
    True
    """
    rows = len(losses)
    _, places, counts = np.unique(likeness, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2.0)[places]
    ranks, away = ranks - ranks.mean(), losses - losses.mean()
    spread = math.sqrt(float(ranks @ ranks) * float(away @ away) / max(rows - 1, 1))
    return 1.0 if spread == 0.0 else NormalDist().cdf(-float(ranks @ away) / spread)
