"""Weights of experts by how they predicted: exponential weights that are shared a little after every round.

Hedge: Freund and Schapire (1997), "A decision-theoretic generalization of on-line learning and an application to
boosting"; Cesa-Bianchi and Lugosi (2006), "Prediction, learning, and games", chapters 2 and 4. Fixed share: Herbster
and Warmuth (1998), "Tracking the best expert", Machine Learning 32: another expert may be best tomorrow, and keeps a
little of everybody's weight today, so that the weights follow a change within a round or two.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["fixed_share"]

_LEAST_LOSS = 0.5  # half a mistake: none in a few rows is no proof


def fixed_share(rounds: Sequence[Floats], count: int, *, share: float, rate: float | None = None) -> Floats:
    """The weights of ``count`` experts after the rounds, oldest first, each with every expert's loss, shape (count,).

    A loss of NaN is of an expert that was not asked, and counts as the mean of the others. Without a ``rate`` it is the
    one that suits the loss L of the best expert, ``log(1 + sqrt(2 log(count) / L))`` (Cesa-Bianchi and Lugosi,
    corollary 2.4): where one makes no mistakes it is followed at once, where all make many, slowly.

    >>> fixed_share([], 4, share=0.1).tolist()
    [0.25, 0.25, 0.25, 0.25]
    >>> fixed_share([np.array([0.0, 2.0])] * 3, 2, share=0.1).round(2).tolist()
    [0.94, 0.06]
    >>> fixed_share([np.array([90.0, 92.0])] * 3, 2, share=0.1).round(2).tolist()
    [0.58, 0.42]
    """
    asked = [losses for losses in rounds if not np.isnan(losses).all()]
    known = [np.where(np.isnan(losses), np.nanmean(losses), losses) for losses in asked]
    if rate is None and known:
        least = max(float(np.sum(known, axis=0).min()), _LEAST_LOSS)
        rate = float(np.log1p(np.sqrt(2.0 * np.log(max(count, 2)) / least)))
    weights = np.full(count, 1.0 / count)
    for losses in known:
        logs = np.log(weights) - (rate or 0.0) * losses
        weights = np.exp(logs - logs.max())
        weights = (1.0 - share) * weights / weights.sum() + share / count
    return weights
