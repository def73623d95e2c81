"""Logistic and ridge regression whose coefficients are functions of time, evaluated at each row's own time."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from heliotrope.candidates import forward
from heliotrope.candidates.checked import number, positive_weights, times
from heliotrope.candidates.cycles import Cycles, read_periods
from heliotrope.candidates.softmax import log_softmax, minimise
from heliotrope.candidates.trend import Trend, highest_degree

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["VaryingCoefficientClassifier", "VaryingCoefficientRegressor"]

_RATIOS = (100.0, 10.0, 1.0)  # penalties of what moves, in those of what stays, tried after none may move
_CYCLE_RATIOS = (10.0, 1.0)  # the same of what comes back, tried after none may
_FREE = 1e-6  # the penalty of an intercept


@dataclass(frozen=True, eq=False)
class _Freedom:
    """How coefficients may move: a trend, or none but the constant, and what comes back, or nothing."""

    trend: Trend
    ratio: float | None = None
    cycles: Cycles | None = None
    cycle_ratio: float = 1.0

    def basis(self, seconds: Floats, horizon: float) -> Floats:
        """The functions of time at ``seconds``, shape (n, 1 + degree + those that come back)."""
        powers = self.trend(seconds, horizon=horizon)
        return powers if self.cycles is None else np.column_stack([powers, self.cycles(seconds)])

    def penalty(self, alpha: float, width: int, functions: int) -> Floats:
        """Of every product of a function of time and one of ``width`` columns, the intercept first."""
        moving = 1 + self.trend.degree
        penalty = np.full((functions, width), alpha * self.cycle_ratio)
        penalty[1:moving] = alpha * (self.ratio or 1.0)
        penalty[0], penalty[0, 0] = alpha, _FREE
        return penalty.ravel()


class _VaryingCoefficients(BaseEstimator, ABC):  # type: ignore[misc] # scikit-learn has no types
    """Every feature, and the intercept, times every function of time: one linear model on the products."""

    def __init__(
        self,
        *,
        degree: int = 1,
        alpha: float = 1.0,
        time_penalty: float | Literal["auto"] = "auto",
        horizon: float = 1.0,
        periods: Sequence[str] | Literal["auto"] = (),
    ) -> None:
        self.degree = degree
        self.alpha = alpha
        self.time_penalty = time_penalty
        self.horizon = horizon
        self.periods = periods

    # --- what the two kinds of target differ in ------------------------------------------------------------

    @abstractmethod
    def _solve(self, design: Floats, target: Floats, weights: Floats, penalty: Floats, start: Floats | None) -> Floats:
        """The coefficients, (D, columns of the target)."""

    @abstractmethod
    def _losses(self, scores: Floats, target: Floats) -> Floats:
        """What each row's scores cost, (n,)."""

    # --- fitting -------------------------------------------------------------------------------------------

    def _check_parameters(self) -> None:
        number("degree", self.degree, whole=True)
        number("alpha", self.alpha, least=1e-9)
        number("horizon", self.horizon)
        if self.time_penalty != "auto":
            number('time_penalty (or "auto")', self.time_penalty, least=1e-9)

    def _fit(self, X: Floats, target: Floats, weights: Floats, seconds: Floats) -> None:
        """Sets ``trend_``, ``cycles_``, ``time_penalty_``, and ``coef_``, (functions of time, p + 1, columns)."""
        periods = read_periods(self.periods)
        self.end_ = float(seconds.max())
        self.location_ = weights @ X / weights.sum()
        self.scale_ = np.sqrt(weights @ (X - self.location_) ** 2 / weights.sum())
        self.scale_[self.scale_ <= 1e-13 * np.abs(self.location_)] = 1.0  # constant, but for rounding
        lines = self._lines(X)
        degree = highest_degree(self.degree, len(np.unique(seconds)))
        chosen, start = _Freedom(_trend(seconds, weights, 0)), None
        if self.time_penalty != "auto":
            cycles = [one for period in periods if (one := Cycles.seen(period, seconds)) is not None]
            ratio = float(self.time_penalty)
            chosen = _Freedom(_trend(seconds, weights, degree), ratio, _together(cycles), ratio)
        elif degree > 0 or periods:
            chosen, start = self._choose(lines, target, weights, seconds, degree, periods)
        self.trend_, self.time_penalty_, self.cycles_ = chosen.trend, chosen.ratio, chosen.cycles
        basis = chosen.basis(seconds, self.horizon)
        penalty = chosen.penalty(self.alpha, lines.shape[1], basis.shape[1])
        found = self._solve(_products(lines, basis), target, weights, penalty, start)
        self.coef_ = found.reshape(basis.shape[1], lines.shape[1], -1)

    def _choose(
        self,
        lines: Floats,
        target: Floats,
        weights: Floats,
        seconds: Floats,
        degree: int,
        periods: Sequence[float],
    ) -> tuple[_Freedom, Floats | None]:
        """How coefficients may move, and coefficients to begin the last fit from.

        First whether with a trend, then whether they come back too: each time nothing more moves unless that predicts
        the last rows better, from a fit to the ones before.
        """
        still = _Freedom(_trend(seconds, weights, 0))
        before = forward.earlier(seconds, weights)
        if before is None:
            return still, None
        then = seconds[before]
        known = lines[before], target[before], weights[before], then
        later = lines[~before], target[~before], seconds[~before]
        flat = _trend(then, weights[before], 0)
        trend = _trend(then, weights[before], min(degree, highest_degree(self.degree, len(np.unique(then)))))
        options = [_Freedom(flat), *(_Freedom(trend, ratio) for ratio in _RATIOS if degree > 0)]
        chosen, start, losses = self._best(options, known, later, weights[~before])
        cycles = _together([one for period in periods if (one := Cycles.seen(period, then)) is not None])
        if cycles is not None:
            options = [chosen, *(_Freedom(chosen.trend, chosen.ratio, cycles, ratio) for ratio in _CYCLE_RATIOS)]
            chosen, start, _ = self._best(options, known, later, weights[~before], (losses, start))
        trend = _trend(seconds, weights, 0 if chosen.ratio is None else degree)
        final = _Freedom(trend, chosen.ratio, chosen.cycles, chosen.cycle_ratio)
        functions = final.basis(seconds[:1], self.horizon).shape[1]
        level = start[: lines.shape[1]]
        return final, _padded(level, lines.shape[1] * functions)

    def _best(
        self,
        options: Sequence[_Freedom],
        known: tuple[Floats, Floats, Floats, Floats],
        later: tuple[Floats, Floats, Floats],
        weights: Floats,
        first: tuple[Floats, Floats] | None = None,
    ) -> tuple[_Freedom, Floats, Floats]:
        """What predicts the later rows best, its coefficients and losses; ``first`` has those of the first option."""
        lines, target, own, then = known
        losses, found = ([first[0]], [first[1]]) if first is not None else ([], [])
        for option in options[len(losses) :]:
            basis = option.basis(then, self.horizon)
            penalty = option.penalty(self.alpha, lines.shape[1], basis.shape[1])
            size = lines.shape[1] * basis.shape[1]
            start = _padded(found[-1][:size], size) if found else None
            found.append(self._solve(_products(lines, basis), target, own, penalty, start))
            losses.append(self._losses(_products(later[0], option.basis(later[2], self.horizon)) @ found[-1], later[1]))
        place = forward.best(losses, weights)
        return options[place], found[place], losses[place]

    def _lines(self, X: Floats) -> Floats:
        return np.column_stack([np.ones(len(X)), (X - self.location_) / self.scale_])

    # --- predicting ----------------------------------------------------------------------------------------

    def _scores(self, X: Any, time: Any) -> Floats:
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        seconds = times(time, len(X), absent=self.end_)
        moves = _Freedom(self.trend_, cycles=self.cycles_)
        if len(seconds) and seconds.min() == seconds.max():
            functions = moves.basis(seconds[:1], self.horizon)[0]
            return np.asarray(self._lines(X) @ np.tensordot(functions, self.coef_, axes=1))
        design = _products(self._lines(X), moves.basis(seconds, self.horizon))
        return np.asarray(design @ self.coef_.reshape(design.shape[1], -1))


class VaryingCoefficientClassifier(ClassifierMixin, _VaryingCoefficients):  # type: ignore[misc] # no types
    """Multinomial logistic regression with coefficients that are polynomials of time.

    Varying-coefficient models: Hastie and Tibshirani (1993), "Varying-coefficient models", Journal of the Royal
    Statistical Society B 55(4). A model evaluated after its training's times is temporal domain generalization: Bai,
    Ling and Zhao (2023), "Temporal domain generalization with drift-aware dynamic neural networks", ICLR, predict a
    network's next parameters from the ones it had; Nasery et al. (2021), "Training for the future: a simple gradient
    interpolation loss to generalize along time", NeurIPS, let time be an input and bound how it acts. Here the
    parameters are linear in powers of time, so that one convex problem has them all.

    Features are standardised, the polynomials orthonormal over the training's times; ``alpha`` penalises half the
    squared coefficients, and ``time_penalty`` times as much those that move. With "auto" the last rows of the
    training decide, scored by a fit to the ones before: nothing moves unless that predicts them better by more than
    a standard error. It takes three distinct times to ask; with fewer nothing moves.

    Parameters
    ----------
    degree : highest power of time, lowered where there are few distinct times (1 for two or three, 2 for four).
    alpha : penalty of the coefficients on standardised features; the intercept is free.
    time_penalty : penalty of the moving part in units of ``alpha``, or "auto".
    horizon : how far coefficients move on beyond the training's times, in spans of those times.
    periods : after which coefficients come back, such as ``["1d"]``: sines and cosines of time beside the polynomials
        (see :mod:`heliotrope.candidates.cycles`), on evidence alone; "auto" tries the day and the week.

    ``fit`` takes ``time``, seconds (of any origin) shape (n,), and so do ``predict`` and ``predict_proba``, which
    take the end of the training's times where it is absent. ``sample_weight`` counts rows: 2 is the row twice.

    >>> rng = np.random.default_rng(0)
    >>> hours = np.repeat([0.0, 1.0, 2.0, 3.0], 500)
    >>> X = rng.normal(size=(2000, 1))
    >>> effect = 4.0 * (hours - 1.5)  # -6, -2, 2, and then 6
    >>> y = np.where(effect * X[:, 0] + rng.logistic(size=2000) > 0, "a", "b")
    >>> seen = hours < 3
    >>> model = VaryingCoefficientClassifier().fit(X[seen], y[seen], time=hours[seen])
    >>> round(float((model.predict(X[~seen], time=hours[~seen]) == y[~seen]).mean()), 1)
    0.9
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None, time: Any = None) -> Self:
        """X of shape (n, p), labels y and times of shape (n,). Raises ValueError for input that cannot be used."""
        self._check_parameters()
        X, y = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(y)
        seconds, weights = times(time, len(X)), positive_weights(sample_weight, X)
        if not weights.all():
            X, y, seconds, weights = (rows[weights > 0.0] for rows in (X, y, seconds, weights))
        self.classes_, label = np.unique(y, return_inverse=True)
        self._fit(X, np.eye(len(self.classes_))[label], weights, seconds)
        return self

    def predict(self, X: Any, time: Any = None) -> NDArray[Any]:
        """The most probable class of every row at its time, shape (n,)."""
        best = self._scores(X, time).argmax(axis=1)
        return np.asarray(self.classes_[best])

    def predict_proba(self, X: Any, time: Any = None) -> Floats:
        """The probability of every class, in the order of ``classes_``, shape (n, K)."""
        return np.asarray(np.exp(log_softmax(self._scores(X, time))))

    def _solve(self, design: Floats, target: Floats, weights: Floats, penalty: Floats, start: Floats | None) -> Floats:
        return minimise(design, target, weights, penalty, start)

    def _losses(self, scores: Floats, target: Floats) -> Floats:
        return np.asarray(-(target * log_softmax(scores)).sum(axis=1))


class VaryingCoefficientRegressor(RegressorMixin, _VaryingCoefficients):  # type: ignore[misc] # no types
    """Ridge regression with coefficients that are polynomials of time, in closed form.

    Sources, parameters and the choice of how far coefficients move are those of
    :class:`VaryingCoefficientClassifier`.

    >>> rng = np.random.default_rng(0)
    >>> hours = np.repeat([0.0, 1.0, 2.0, 3.0], 500)
    >>> X = rng.normal(size=(2000, 1))
    >>> y = 10.0 + hours * X[:, 0] + 0.1 * rng.normal(size=2000)
    >>> seen = hours < 3
    >>> model = VaryingCoefficientRegressor().fit(X[seen], y[seen], time=hours[seen])
    >>> model.predict([[0.0], [1.0]], time=[3.0, 3.0]).round(1)
    array([10., 13.])
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None, time: Any = None) -> Self:
        """X of shape (n, p), numbers y and times of shape (n,). Raises ValueError for input that cannot be used."""
        self._check_parameters()
        X, y = validate_data(self, X, y, dtype=np.float64, y_numeric=True)
        seconds, weights = times(time, len(X)), positive_weights(sample_weight, X)
        if not weights.all():
            X, y, seconds, weights = (rows[weights > 0.0] for rows in (X, y, seconds, weights))
        self.center_ = float(weights @ y / weights.sum())
        self._fit(X, (y - self.center_)[:, None], weights, seconds)
        return self

    def predict(self, X: Any, time: Any = None) -> Floats:
        """The expected value of every row at its time, shape (n,)."""
        return np.asarray(self._scores(X, time)[:, 0] + self.center_)

    def _solve(self, design: Floats, target: Floats, weights: Floats, penalty: Floats, start: Floats | None) -> Floats:
        weighted = design * weights[:, None]
        gram = weighted.T @ design
        gram[np.diag_indices_from(gram)] += penalty
        return np.asarray(np.linalg.solve(gram, weighted.T @ target))

    def _losses(self, scores: Floats, target: Floats) -> Floats:
        return np.asarray((scores[:, 0] - target[:, 0]) ** 2)


def _trend(seconds: Floats, weights: Floats, degree: int) -> Trend:
    distinct, when = np.unique(seconds, return_inverse=True)
    return Trend.fit(distinct, np.bincount(when, weights).astype(np.float64), degree=degree)


def _products(lines: Floats, powers: Floats) -> Floats:
    """Every column of ``lines`` times every one of ``powers``, shape (n, powers * columns), power by power."""
    return np.concatenate([lines * powers[:, degree, None] for degree in range(powers.shape[1])], axis=1)


def _padded(coefficients: Floats, rows: int) -> Floats:
    return np.concatenate([coefficients, np.zeros((rows - len(coefficients), coefficients.shape[1]))])


def _together(cycles: Sequence[Cycles]) -> Cycles | None:
    if not cycles:
        return None
    return Cycles(tuple(one.periods[0] for one in cycles), min(one.harmonics for one in cycles))
