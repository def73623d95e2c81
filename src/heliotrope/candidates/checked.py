"""What the time-varying estimators check of their input before they use it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["number", "positive_weights", "times"]


def times(time: Any, rows: int, *, absent: float = 0.0) -> Floats:
    """Seconds since the epoch, one a row, shape (rows,); all ``absent`` where there are none.

    Raises ValueError for another length, or for a time that is not finite.
    """
    if time is None:
        return np.full(rows, absent)
    seconds = np.asarray(time, dtype=np.float64)
    if seconds.shape != (rows,):
        raise ValueError(f"time has shape {seconds.shape} for {rows} rows; give one time a row")
    if not np.isfinite(seconds).all():
        raise ValueError("time contains NaN or infinity; every row needs the time it happened at")
    return seconds


def positive_weights(sample_weight: Any, X: Floats) -> Floats:
    """Weights, one a row, shape (rows,); ones where there are none. Raises ValueError when nothing has weight."""
    from sklearn.utils.validation import _check_sample_weight

    weights = np.asarray(_check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True))
    if not weights.sum() > 0.0:
        raise ValueError("sample_weight is zero in every row; give some row weight")
    return weights


def number(name: str, value: object, *, whole: bool = False, least: float = 0.0, most: float = np.inf) -> None:
    """Raises ValueError when a parameter is not a number (``whole``: an integer) from ``least`` to ``most``."""
    kinds = (int, np.integer) if whole else (int, float, np.integer, np.floating)
    if isinstance(value, bool) or not isinstance(value, kinds) or not least <= value <= most:
        limits = f"at least {least:g}" if most == np.inf else f"between {least:g} and {most:g}"
        raise ValueError(f"{name}={value!r} is not {'an integer' if whole else 'a number'} of {limits}")
