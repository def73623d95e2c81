"""A linear model that moves with time, and any regressor for what it leaves over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from heliotrope.candidates import forward
from heliotrope.candidates.checked import number, positive_weights, times
from heliotrope.candidates.forwarded import made
from heliotrope.candidates.varying import VaryingCoefficientRegressor

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["ResidualTrendRegressor"]


class ResidualTrendRegressor(RegressorMixin, BaseEstimator):  # type: ignore[misc] # scikit-learn has no types
    """Coefficients that move with time for what drifts, and boosted trees, say, for what bends.

    A regressor that is fitted to the whole window is fitted to the middle of what moved in it. Here
    :class:`heliotrope.candidates.VaryingCoefficientRegressor` takes away what moves, each row at its own time; the
    regressor is fitted to what is left over, which stays; and a prediction is the sum of both, the first evaluated at
    the time of the row to be predicted. That is boosting (Friedman, 2001, "Greedy function approximation: a gradient
    boosting machine") whose first base learner knows the time.

    The moving part is there on evidence alone: unless both predict the training's last rows better than the regressor
    by itself, by more than a standard error, fitted to the rows before, there is none (``trend_`` is then None).

    Parameters
    ----------
    estimator : the regressor's import path, or a regressor.
    params : its arguments where it is a path.
    degree : highest power of time.
    horizon : how far coefficients move on beyond the training's times, in spans of those times.
    random_state : the seed of a regressor that is made from a path and has one.

    ``fit`` takes ``time``, seconds (of any origin) shape (n,), and so does ``predict``, which takes the end of the
    training's times where it is absent. ``sample_weight`` counts rows: 2 is the row twice.

    >>> rng = np.random.default_rng(0)
    >>> hours = np.repeat(np.arange(8.0), 300)
    >>> X = rng.uniform(-2.0, 2.0, size=(2400, 1))
    >>> y = np.sin(3.0 * X[:, 0]) + hours + 0.1 * rng.normal(size=2400)
    >>> seen = hours < 7
    >>> model = ResidualTrendRegressor(random_state=0).fit(X[seen], y[seen], time=3600 * hours[seen])
    >>> round(float(np.abs(model.predict(X[~seen], time=3600 * hours[~seen]) - y[~seen]).mean()), 1)
    0.1
    """

    def __init__(
        self,
        *,
        estimator: Any = "sklearn.ensemble.HistGradientBoostingRegressor",
        params: Mapping[str, Any] | None = None,
        degree: int = 1,
        horizon: float = 1.0,
        random_state: int | None = None,
    ) -> None:
        self.estimator = estimator
        self.params = params
        self.degree = degree
        self.horizon = horizon
        self.random_state = random_state

    def fit(self, X: Any, y: Any, sample_weight: Any = None, time: Any = None) -> Self:
        """X of shape (n, p), numbers y and times of shape (n,). Raises ValueError for input that cannot be used."""
        number("degree", self.degree, whole=True)
        number("horizon", self.horizon)
        X, y = validate_data(self, X, y, dtype=np.float64, y_numeric=True)
        seconds, weights = times(time, len(X)), positive_weights(sample_weight, X)
        if not weights.all():
            X, y, seconds, weights = (rows[weights > 0.0] for rows in (X, y, seconds, weights))
        target = np.asarray(y, dtype=np.float64)
        self.end_ = float(seconds.max())
        before = forward.earlier(seconds, weights)
        self.trend_: VaryingCoefficientRegressor | None = None
        if before is not None and self._better(X, target, weights, seconds, before):
            self.trend_, self.model_ = self._both(X, target, weights, seconds)
        else:
            self.model_ = self._alone(X, target, weights)
        return self

    def _better(self, X: Floats, target: Floats, weights: Floats, seconds: Floats, before: NDArray[np.bool_]) -> bool:
        known, later = (X[before], target[before], weights[before]), ~before
        alone = self._alone(*known).predict(X[later])
        trend, model = self._both(*known, seconds[before])
        both = trend.predict(X[later], time=seconds[later]) + model.predict(X[later])
        return forward.best([(target[later] - one) ** 2 for one in (alone, both)], weights[later]) == 1

    def _both(
        self, X: Floats, target: Floats, weights: Floats, seconds: Floats
    ) -> tuple[VaryingCoefficientRegressor, Any]:
        """What moves, and what is fitted to the rest."""
        trend = VaryingCoefficientRegressor(degree=self.degree, horizon=self.horizon)
        trend.fit(X, target, sample_weight=weights, time=seconds)
        return trend, self._alone(X, target - trend.predict(X, time=seconds), weights)

    def _alone(self, X: Floats, target: Floats, weights: Floats) -> Any:
        options = {} if (weights == weights[0]).all() else {"sample_weight": weights}
        return made(self.estimator, self.params, seed=self.random_state).fit(X, target, **options)

    def predict(self, X: Any, time: Any = None) -> Floats:
        """The expected value of every row at its time, shape (n,)."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        seconds = times(time, len(X), absent=self.end_)
        found = np.asarray(self.model_.predict(X), dtype=np.float64)
        return found if self.trend_ is None else np.asarray(found + self.trend_.predict(X, time=seconds))
