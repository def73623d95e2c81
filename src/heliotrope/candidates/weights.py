"""Weights of experts by how they predicted: exponential weights that are shared a little after every round.

Hedge: Freund and Schapire (1997), "A decision-theoretic generalization of on-line learning and an application to
boosting"; Cesa-Bianchi and Lugosi (2006), "Prediction, learning, and games", chapters 2 and 4. Fixed share: Herbster
and Warmuth (1998), "Tracking the best expert", Machine Learning 32: another expert may be best tomorrow, and keeps a
little of everybody's weight today, so that the weights follow a change within a round or two.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["fixed_share"]


def fixed_share(rounds: Iterable[Floats], count: int, *, rate: float, share: float) -> Floats:
    """The weights of ``count`` experts after the rounds, oldest first, each with every expert's loss, shape (count,).

    A loss of NaN is of an expert that was not asked, and counts as the mean of the others.

    >>> fixed_share([], 4, rate=0.2, share=0.1).tolist()
    [0.25, 0.25, 0.25, 0.25]
    >>> fixed_share([np.array([3.0, 30.0])] * 3, 2, rate=0.2, share=0.1).round(2).tolist()
    [0.95, 0.05]
    >>> fixed_share([np.array([3.0, 30.0])] * 3 + [np.array([30.0, 3.0])], 2, rate=0.2, share=0.1).round(2).tolist()
    [0.12, 0.88]
    """
    weights = np.full(count, 1.0 / count)
    for losses in rounds:
        if np.isnan(losses).all():
            continue
        known = np.where(np.isnan(losses), np.nanmean(losses), losses)
        logs = np.log(weights) - rate * known
        weights = np.exp(logs - logs.max())
        weights = (1.0 - share) * weights / weights.sum() + share / count
    return weights
