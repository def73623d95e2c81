"""Time as a regressor: polynomials that are orthonormal over the times of a training, and bounded beyond them.

Orthonormal, because then the first function is the constant 1, the coefficients of the others say how far things
moved over the window in units of its spread, and every coefficient has the same standard error.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["Trend", "highest_degree", "shrink"]


@dataclass(frozen=True, eq=False)
class Trend:
    """Polynomials of time, of degree 0 to ``degree``, orthonormal over weighted times.

    >>> trend = Trend.fit(np.array([0.0, 3600.0, 7200.0]), np.ones(3), degree=1)
    >>> trend(np.array([7200.0, 10800.0])).round(3)
    array([[1.   , 1.225],
           [1.   , 2.449]])

    Beyond the training's times it follows its polynomials no further than the ``horizon``, counted in spans of
    those times, and stands still from there on:

    >>> bool((trend(np.array([1e9]), horizon=0.5) == trend(np.array([10800.0]))).all())
    True
    """

    start: float
    end: float
    center: float
    transform: Floats
    """From powers of (time - center) / (end - start) to the polynomials, shape (degree + 1, degree + 1)."""

    @classmethod
    def fit(cls, times: Floats, weights: Floats, *, degree: int) -> Trend:
        """Over distinct ``times``, seconds, ascending, shape (m,) with m > degree, and their positive ``weights``."""
        total = weights.sum()
        center = float(weights @ times / total)
        powers = np.vander((times - center) / ((times[-1] - times[0]) or 1.0), degree + 1, increasing=True)
        upper = np.linalg.qr(np.sqrt(weights / total)[:, None] * powers, mode="r")
        upper *= np.sign(np.diag(upper))[:, None]
        return cls(float(times[0]), float(times[-1]), center, np.linalg.inv(upper))

    @property
    def degree(self) -> int:
        """Of the highest polynomial."""
        return len(self.transform) - 1

    def __call__(self, times: Floats, *, horizon: float = 1.0) -> Floats:
        """The polynomials at ``times``, seconds, shape (n,): shape (n, degree + 1)."""
        span = self.end - self.start
        bounded = np.clip(times, self.start - horizon * span, self.end + horizon * span)
        powers = np.vander((bounded - self.center) / (span or 1.0), self.degree + 1, increasing=True)
        return np.asarray(powers @ self.transform)


def highest_degree(wanted: int, distinct_times: int) -> int:
    """The degree that ``distinct_times`` can bear: one of them is left to judge the fit by, where there are three.

    >>> [highest_degree(2, times) for times in (1, 2, 3, 4, 5)]
    [0, 1, 1, 2, 2]
    """
    return min(wanted, max(1, distinct_times - 2), distinct_times - 1)


def shrink(noisy: Floats, *, rows: int, columns: int) -> Floats:
    """The matrix under unit noise: singular values that noise alone would reach become 0, larger ones shrink less.

    ``noisy`` is a low-rank matrix plus independent noise of variance 1 that fills ``rows`` by ``columns`` of it (the
    dimensions of what can vary, at most the matrix's own). This is the shrinker of least squared error of Gavish and
    Donoho (2017), "Optimal shrinkage of singular values", IEEE Transactions on Information Theory 63(4): the
    singular value y becomes ``sqrt((y**2 - rows - columns)**2 - 4 * rows * columns) / y`` above
    ``sqrt(rows) + sqrt(columns)``, which is as far as noise reaches, and 0 below. It is exact for large matrices and
    careful with small ones.

    >>> shrink(np.array([[2.0, 0.0], [0.0, 30.0]]), rows=2, columns=2).round(1)
    array([[ 0. ,  0. ],
           [ 0. , 29.9]])
    """
    left, values, right = np.linalg.svd(noisy, full_matrices=False)
    beyond = np.maximum((values**2 - rows - columns) ** 2 - 4.0 * rows * columns, 0.0)
    signal = values > np.sqrt(rows) + np.sqrt(columns)
    kept = np.divide(np.sqrt(beyond), values, out=np.zeros_like(values), where=signal)
    return np.asarray((left * kept) @ right)
