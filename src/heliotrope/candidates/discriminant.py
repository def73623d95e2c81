"""Linear discriminant analysis whose class means and priors are extrapolated to each row's own time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from heliotrope.candidates.cells import Cells
from heliotrope.candidates.checked import number, positive_weights, times
from heliotrope.candidates.trend import Trend, highest_degree, shrink

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["ExtrapolatedDiscriminant", "whitener"]

_BINS = 12  # as many groups in time as the scatter around the trends is looked at in
_LEAST_SPREAD = 1e-3  # within a class, of a feature's whole standard deviation
_LEAST_EIGENVALUE = 1e-6  # of the correlation matrix within classes
_LEAST_PRIOR = 0.1  # of what a class's share was over the window


class ExtrapolatedDiscriminant(ClassifierMixin, BaseEstimator):  # type: ignore[misc] # scikit-learn has no types
    """Fisher's discriminant for the hour in which it serves, not for the hour its data came from.

    Means and shares of the classes are polynomials of time, fitted by weighted least squares over the training's
    rows and evaluated at each row's own time; one covariance is pooled over the residuals around the moving means.
    A row goes to the class of largest ``log share(t) - |x - mean(t)|^2 / 2`` in the metric of that covariance, as
    in linear discriminant analysis (Fisher, 1936, "The use of multiple measurements in taxonomic problems";
    Hastie, Tibshirani and Friedman, 2009, "The elements of statistical learning", 4.3). Serving a distribution that
    comes after the ones trained on is temporal domain generalization: Nasery et al. (2021), "Training for the future:
    a simple gradient interpolation loss to generalize along time", NeurIPS; Bai, Ling and Zhao (2023), "Temporal
    domain generalization with drift-aware dynamic neural networks", ICLR. They let a network's parameters move; here
    the moments of the classes do, which takes a few milliseconds and no tuning.

    Two bounds keep it from running away:

    - Evidence. The coefficients of each degree, a matrix of classes by features in units of their standard error,
      are shrunk by :func:`heliotrope.candidates.trend.shrink`: drift no larger than chance becomes none at all. The
      standard error grows by the scatter of the window's intervals around the trend, so that intervals that differ
      from each other without direction are not taken for a trend. One distinct time is left to see that scatter by,
      which lowers the degree where there are few: 1 for two or three times, 2 for four. One time alone, or no
      times, gives plain linear discriminant analysis.
    - ``horizon``. A class is followed beyond the times it was seen at by at most ``horizon`` spans of those times;
      later (or earlier) rows find it where it was then.

    Parameters
    ----------
    degree : highest power of time, 0 for no drift at all. 1 suits windows of three or four intervals; 2 follows a
        curve over five or more, and is sooner misled by intervals that differ without direction.
    shrinkage : of the pooled correlations towards independent features, 0 to 1, or "auto" after Ledoit and Wolf
        (2004), "A well-conditioned estimator for large-dimensional covariance matrices".
    horizon : how far a class is followed beyond the training's times, in spans of those times.
    evidence : False to take the trends as fitted, without shrinking them.

    ``fit`` takes ``time``, seconds (of any origin) shape (n,), and so do ``predict`` and ``predict_proba``, which
    take the end of the training's times where it is absent. ``sample_weight`` counts rows: 2 is the row twice.

    >>> rng = np.random.default_rng(0)
    >>> hours = np.repeat([0.0, 1.0, 2.0, 3.0], 500)
    >>> y = np.tile(["a", "b"], 1000)
    >>> X = rng.normal(size=(2000, 2)) + np.where(y == "a", hours, -hours)[:, None]
    >>> seen = hours < 3
    >>> model = ExtrapolatedDiscriminant().fit(X[seen], y[seen], time=3600 * hours[seen])
    >>> model.mean_at(3 * 3600.0).round()
    array([[ 3.,  3.],
           [-3., -3.]])
    """

    def __init__(
        self,
        *,
        degree: int = 1,
        shrinkage: float | Literal["auto"] = "auto",
        horizon: float = 1.0,
        evidence: bool = True,
    ) -> None:
        self.degree = degree
        self.shrinkage = shrinkage
        self.horizon = horizon
        self.evidence = evidence

    # --- fitting -------------------------------------------------------------------------------------------

    def fit(self, X: Any, y: Any, sample_weight: Any = None, time: Any = None) -> Self:
        """X of shape (n, p), labels y and times of shape (n,). Raises ValueError for input that cannot be used."""
        self._check_parameters()
        X, y = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(y)
        seconds, weights = times(time, len(X)), positive_weights(sample_weight, X)
        if not weights.all():
            X, y, seconds, weights = (rows[weights > 0.0] for rows in (X, y, seconds, weights))
        self.classes_, label = np.unique(y, return_inverse=True)
        self.end_ = float(seconds.max())
        self.location_ = weights @ X / weights.sum()
        spread = np.sqrt(weights @ (X - self.location_) ** 2 / weights.sum())
        spread[spread <= 1e-13 * np.abs(self.location_)] = 1.0  # constant, but for rounding
        standard = (X - self.location_) / spread

        cells = Cells(label, seconds, weights, len(self.classes_))
        sums = cells.sum(weights[:, None] * standard)
        self.trends_, coefficients, fitted = self._fit_means(cells, sums)
        residual = standard - fitted[cells.of_row]
        counted = max(weights.sum() - sum(trend.degree + 1 for trend in self.trends_), weights.sum() / 2)
        whiten, rank = whitener(residual, weights, counted, self.shrinkage)
        self.whiten_ = whiten / spread[:, None]
        coefficients = coefficients @ whiten
        if self.evidence:
            scatter = (sums - cells.weight[:, None] * fitted) @ whiten
            self._shrink(coefficients, cells, scatter, rank)
        self.coef_ = coefficients
        self._fit_priors(label, seconds, weights)
        return self

    def _check_parameters(self) -> None:
        number("degree", self.degree, whole=True)
        number("horizon", self.horizon)
        if self.shrinkage != "auto":
            number('shrinkage (or "auto")', self.shrinkage, most=1.0)

    def _fit_means(self, cells: Cells, sums: Floats) -> tuple[list[Trend], Floats, Floats]:
        """Each class's trend in time; its coefficients, (K, degree + 1, p); the mean it gives every cell."""
        trends: list[Trend] = []
        coefficients = np.zeros((cells.classes, self.degree + 1, sums.shape[1]))
        fitted = np.empty_like(sums)
        for k in range(cells.classes):
            own = cells.label == k
            when, weight = cells.time[own], cells.weight[own]
            trend = Trend.fit(when, weight, degree=highest_degree(self.degree, len(when)))
            powers = trend(when)
            found = powers.T @ sums[own] / weight.sum()
            coefficients[k, : len(found)] = found
            fitted[own] = powers @ found
            trends.append(trend)
        return trends, coefficients, fitted

    def _shrink(self, coefficients: Floats, cells: Cells, scatter: Floats, rank: int) -> None:
        """Take from every degree's coefficients (whitened) what chance, or scatter without direction, explains.

        ``rank`` is how many dimensions chance has within the classes.
        """
        count = np.sqrt([cells.weight[cells.label == k].sum() for k in range(cells.classes)])[:, None]
        axes, noise = _noise(cells, scatter, self.trends_)
        for degree in range(1, coefficients.shape[1]):
            moving = sum(trend.degree >= degree for trend in self.trends_)
            if moving:
                in_noise = count * (coefficients[:, degree] @ axes) / noise
                kept = shrink(in_noise, rows=moving, columns=rank)
                coefficients[:, degree] = (kept * noise) @ axes.T / count

    def _fit_priors(self, label: NDArray[np.intp], seconds: Floats, weights: Floats) -> None:
        """The classes' shares as polynomials of time, shrunk like the means."""
        classes = len(self.classes_)
        cells = Cells(np.zeros_like(label), seconds, weights, 1)
        trend = Trend.fit(cells.time, cells.weight, degree=highest_degree(self.degree, len(cells.time)))
        sums = cells.sum(weights[:, None] * (label[:, None] == np.arange(classes)))
        powers, total = trend(cells.time), weights.sum()
        coefficients = powers.T @ sums / total
        unit = np.sqrt(coefficients[0])  # a share's standard error over the square root of n, in the chi-square metric
        scatter = (sums - cells.weight[:, None] * (powers @ coefficients)) / unit
        excess = 1.0
        freedom = (classes - 1) * (cells.groups(_BINS)[1] - trend.degree - 1)
        if freedom > 0:
            excess = np.sqrt(max(1.0, float((cells.grouped(scatter, _BINS) ** 2).sum()) / freedom))
        for degree in range(1, len(coefficients)):
            if self.evidence and classes > 1:
                in_noise = np.sqrt(total) * coefficients[degree] / (unit * excess)
                kept = shrink(in_noise[None, :], rows=1, columns=classes - 1)[0]
                coefficients[degree] = kept * unit * excess / np.sqrt(total)
        self.prior_trend_, self.prior_coef_ = trend, coefficients

    # --- predicting ----------------------------------------------------------------------------------------

    def mean_at(self, time: float) -> Floats:
        """The means of the classes at a time, in the units of X, shape (K, p)."""
        check_is_fitted(self)
        basis = self._basis(np.array([time]))[0]
        return np.asarray(self.location_ + np.einsum("kd,kdp->kp", basis, self.coef_) @ np.linalg.pinv(self.whiten_))

    def predict(self, X: Any, time: Any = None) -> NDArray[Any]:
        """The most probable class of every row at its time, shape (n,)."""
        best = self._scores(X, time).argmax(axis=1)
        return np.asarray(self.classes_[best])

    def predict_proba(self, X: Any, time: Any = None) -> Floats:
        """The probability of every class, in the order of ``classes_``, shape (n, K)."""
        scores = self._scores(X, time)
        scores -= scores.max(axis=1, keepdims=True)
        odds = np.exp(scores)
        return np.asarray(odds / odds.sum(axis=1, keepdims=True))

    def _basis(self, seconds: Floats) -> Floats:
        """Every class's polynomials at every time, shape (n, K, degree + 1)."""
        basis = np.zeros((len(seconds), len(self.trends_), self.coef_.shape[1]))
        for k, trend in enumerate(self.trends_):
            basis[:, k, : trend.degree + 1] = trend(seconds, horizon=self.horizon)
        return basis

    def _scores(self, X: Any, time: Any) -> Floats:
        """log share - |mean|^2 / 2 + x . mean in whitened features: what depends on the class, shape (n, K)."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        seconds = times(time, len(X), absent=self.end_)
        if len(seconds) and seconds.min() == seconds.max():
            seconds = seconds[:1]
        basis = self._basis(seconds)
        classes, degrees, features = self.coef_.shape
        whitened = (X - self.location_) @ self.whiten_
        if len(seconds) == 1:
            mean = np.einsum("kd,kdp->kp", basis[0], self.coef_)
            return np.asarray(whitened @ mean.T - 0.5 * (mean**2).sum(axis=1) + self.log_prior(seconds))
        along = (whitened @ self.coef_.reshape(-1, features).T).reshape(-1, classes, degrees)
        square = np.einsum("nkd,kdp,kep,nke->nk", basis, self.coef_, self.coef_, basis, optimize=True)
        return np.asarray((along * basis).sum(axis=2) - 0.5 * square + self.log_prior(seconds))

    def log_prior(self, seconds: Floats) -> Floats:
        """The logarithm of every class's share at every time, shape (n, K)."""
        share = self.prior_trend_(seconds, horizon=self.horizon) @ self.prior_coef_
        share = np.maximum(share, _LEAST_PRIOR * self.prior_coef_[0])
        return np.asarray(np.log(share / share.sum(axis=1, keepdims=True)))


def _noise(cells: Cells, scatter: Floats, trends: list[Trend]) -> tuple[Floats, Floats]:
    """Axes, orthonormal, and the standard deviation along each that cells scatter with, at least that of the rows."""
    features = scatter.shape[1]
    freedom = cells.groups(_BINS)[1] - sum(trend.degree + 1 for trend in trends)
    if freedom <= 0:
        return np.eye(features), np.ones(features)
    seen = cells.grouped(scatter, _BINS)
    variance, axes = np.linalg.eigh(seen.T @ seen / freedom)
    return axes, np.sqrt(np.maximum(variance, 1.0))


def whitener(residual: Floats, weights: Floats, counted: float, shrinkage: float | str) -> tuple[Floats, int]:
    """The matrix, (p, p), after which residuals are uncorrelated and of variance 1, never infinite; and their rank."""
    spread = np.maximum(np.sqrt(weights @ residual**2 / counted), _LEAST_SPREAD)
    scaled = residual / spread
    correlation = (scaled * weights[:, None]).T @ scaled / counted
    share = _ledoit_wolf(scaled, weights, correlation) if shrinkage == "auto" else float(shrinkage)
    correlation *= 1.0 - share
    correlation[np.diag_indices_from(correlation)] += share
    variance, axes = np.linalg.eigh(correlation)
    rank = max(int(np.count_nonzero(variance > _LEAST_EIGENVALUE)), 1)
    return axes / np.sqrt(np.maximum(variance, _LEAST_EIGENVALUE)) / spread[:, None], rank


def _ledoit_wolf(scaled: Floats, weights: Floats, correlation: Floats) -> float:
    """How far to shrink a correlation matrix towards the identity, 0 to 1."""
    features, total = len(correlation), weights.sum()
    distance = float(((correlation - np.eye(features)) ** 2).sum())
    if features == 1 or distance == 0.0:
        return 0.0
    fourth = float(weights @ (scaled**2).sum(axis=1) ** 2 / total)
    excess = max(fourth - float((correlation**2).sum()), 0.0)
    return min(excess / float(total) / distance, 1.0)
