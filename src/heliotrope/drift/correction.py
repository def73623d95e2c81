"""Correction of p-values for how many of them were looked at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

__all__ = ["correct"]


def correct(p_values: Sequence[float], method: Literal["holm", "benjamini_hochberg", "none"]) -> list[float]:
    """Adjusted p-values, in the order given: compare each with the level wanted for all of them together.

    ``holm`` bounds the chance of a single false alarm by the level, whatever the dependence (Holm, 1979).
    ``benjamini_hochberg`` bounds the expected share of false alarms among the alarms, for independent or positively
    dependent tests (Benjamini and Hochberg, 1995). ``none`` returns them as they are.

    >>> correct([0.01, 0.04, 0.03], "holm")
    [0.03, 0.06, 0.06]
    >>> correct([0.01, 0.04, 0.03], "benjamini_hochberg")
    [0.03, 0.04, 0.04]
    """
    if method == "none" or not p_values:
        return list(p_values)
    given = np.asarray(p_values)
    order = np.argsort(given, kind="stable")
    rank = np.arange(1, len(given) + 1)
    if method == "holm":
        ascending = np.maximum.accumulate(given[order] * (len(given) + 1 - rank))
    else:
        ascending = np.minimum.accumulate((given[order] * len(given) / rank)[::-1])[::-1]
    adjusted = np.empty_like(given)
    adjusted[order] = np.minimum(ascending, 1.0)
    return [float(p_value) for p_value in adjusted]
