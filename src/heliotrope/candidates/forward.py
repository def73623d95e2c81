"""Does letting coefficients move help to predict later rows? Asked of the training's own last rows.

What is fitted to the earlier rows is scored on the last ones, as a stream scores a model on the interval that comes
next (Gama, Sebastiao and Rodrigues, 2013, "On evaluating stream learning algorithms", Machine Learning 90).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["best", "earlier"]

_LAST = 1 / 8  # the share of the weight that is held out, at least one distinct time


def earlier(seconds: Floats, weights: Floats) -> NDArray[np.bool_] | None:
    """Which rows come before the held-out last ones; None where fewer than three distinct times are too few to ask.

    >>> earlier(np.array([0.0, 0.0, 1.0, 2.0]), np.ones(4))
    array([ True,  True,  True, False])
    >>> earlier(np.array([0.0, 1.0, 1.0]), np.ones(3)) is None
    True
    """
    distinct, when = np.unique(seconds, return_inverse=True)
    if len(distinct) < 3:
        return None
    from_here_on = np.cumsum(np.bincount(when, weights)[::-1])[::-1]
    first_held_out = int(np.flatnonzero(from_here_on >= _LAST * from_here_on[0])[-1])
    return np.asarray(when < max(first_held_out, 2))


def best(losses: Sequence[Floats], weights: Floats) -> int:
    """The place of the least mean loss; 0, the first, unless another's gain on it exceeds its standard error.

    >>> still = np.array([1.0, 2.0, 3.0, 4.0])
    >>> best([still, still - 0.5, still + 1.0], np.ones(4))
    1
    >>> best([still, still - [2.0, -2.0, 2.0, -1.9]], np.ones(4))
    0
    """
    place = int(np.argmin([weights @ loss for loss in losses]))
    gain = losses[0] - losses[place]
    total = weights.sum()
    mean = weights @ gain / total
    error = np.sqrt(weights @ (gain - mean) ** 2 / total / total)
    rounding = 1e-9 * abs(weights @ losses[0]) / total
    return place if mean > error + rounding else 0
