"""Linear discriminant analysis whose class means follow the motion that moved them through the window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from heliotrope.candidates import forward
from heliotrope.candidates.checked import number, positive_weights, times
from heliotrope.candidates.discriminant import ExtrapolatedDiscriminant, whitener
from heliotrope.candidates.motion import Motion, Steps
from heliotrope.candidates.softmax import log_softmax

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["DynamicDiscriminant"]


class DynamicDiscriminant(ClassifierMixin, BaseEstimator):  # type: ignore[misc] # scikit-learn has no types
    """Fisher's discriminant with class means that turn, swing or drift on as they did in the window.

    The means of all classes are taken to move by one affine map from step to step (see
    :class:`heliotrope.candidates.motion.Motion`), which is estimated together with them and followed into the time
    that is served: means that turn once a day are known a day ahead from half a dozen hours. Steps are the distinct
    times of the training where these lie on a grid, else twelve equal stretches. Scores are those of linear
    discriminant analysis with one covariance, pooled around the means of every class and step.

    It is used on evidence alone: where it does not predict the window's last rows better than
    :class:`ExtrapolatedDiscriminant` by more than a standard error, both fitted to the rows before, that one serves
    (``motion_`` is then None), and so it does where there are fewer than four steps. The last third of the steps
    decides, so that what runs away is seen to.

    Parameters
    ----------
    horizon : how far the motion is followed beyond the training's times, in spans of those times; from there on the
        classes stand still.
    shrinkage : of the pooled correlations towards independent features, 0 to 1, or "auto", after Ledoit and Wolf.

    ``fit`` takes ``time``, seconds (of any origin) shape (n,), and so do ``predict`` and ``predict_proba``, which
    take the end of the training's times where it is absent. ``sample_weight`` counts rows: 2 is the row twice.

    >>> rng = np.random.default_rng(0)
    >>> hours = np.repeat(np.arange(24.0), 200)
    >>> y = np.tile([0, 1], 2400)
    >>> angle = 2 * np.pi * hours / 24 + np.pi * y
    >>> X = 3.0 * np.column_stack([np.cos(angle), np.sin(angle)]) + rng.normal(size=(4800, 2))
    >>> seen = hours < 12
    >>> model = DynamicDiscriminant().fit(X[seen], y[seen], time=3600 * hours[seen])
    >>> later = hours == 20  # nine hours later, and 135 degrees on
    >>> bool((model.predict(X[later], time=3600 * hours[later]) == y[later]).mean() > 0.99)
    True
    """

    def __init__(self, *, horizon: float = 5.0, shrinkage: float | Literal["auto"] = "auto") -> None:
        self.horizon = horizon
        self.shrinkage = shrinkage

    # --- fitting -------------------------------------------------------------------------------------------

    def fit(self, X: Any, y: Any, sample_weight: Any = None, time: Any = None) -> Self:
        """X of shape (n, p), labels y and times of shape (n,). Raises ValueError for input that cannot be used."""
        number("horizon", self.horizon)
        X, y = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(y)
        seconds, weights = times(time, len(X)), positive_weights(sample_weight, X)
        if not weights.all():
            X, y, seconds, weights = (rows[weights > 0.0] for rows in (X, y, seconds, weights))
        self.classes_, label = np.unique(y, return_inverse=True)
        self.motion_: Motion | None = None
        steps = Steps.of(seconds)
        if steps is not None and self._moves(X, label, seconds, weights, ~steps.last(seconds)):
            self._follow(X, label, seconds, weights)
        self.trend_ = self._still().fit(X, y, sample_weight=weights, time=seconds)
        return self

    def _still(self) -> ExtrapolatedDiscriminant:
        return ExtrapolatedDiscriminant(shrinkage=self.shrinkage)

    def _moves(
        self, X: Floats, label: NDArray[np.intp], seconds: Floats, weights: Floats, before: NDArray[np.bool_]
    ) -> bool:
        """Whether the motion of the rows ``before`` predicts the others better than their trend does."""
        if before.all() or len(np.unique(label[before])) < len(self.classes_):
            return False
        self._follow(X[before], label[before], seconds[before], weights[before])
        if self.motion_ is None:
            return False
        other = self._still().fit(X[before], label[before], sample_weight=weights[before], time=seconds[before])
        self.trend_ = other
        later, truth = ~before, label[~before]
        chosen = np.arange(len(truth)), truth
        losses = [
            -np.log(np.maximum(other.predict_proba(X[later], time=seconds[later])[chosen], 1e-15)),
            -log_softmax(self._scores(X[later], seconds[later]))[chosen],
        ]
        self.motion_, moves = None, forward.best(losses, weights[later]) == 1
        return moves

    def _follow(self, X: Floats, label: NDArray[np.intp], seconds: Floats, weights: Floats) -> None:
        """Sets ``motion_``, ``steps_``, ``location_`` and ``whiten_``; ``motion_`` is None where there is none."""
        self.motion_ = None
        steps = Steps.of(seconds)
        if steps is None:
            return
        location = weights @ X / weights.sum()
        spread = np.sqrt(weights @ (X - location) ** 2 / weights.sum())
        spread[spread <= 1e-13 * np.abs(location)] = 1.0  # constant, but for rounding
        standard = (X - location) / spread
        classes = len(self.classes_)
        cell = steps.nearest(seconds) * classes + label
        weight = np.bincount(cell, weights, minlength=steps.count * classes).astype(np.float64)
        sums = np.zeros((len(weight), X.shape[1]))
        np.add.at(sums, cell, weights[:, None] * standard)
        means = sums / np.maximum(weight, 1e-12)[:, None]
        counted = max(weights.sum() - np.count_nonzero(weight), weights.sum() / 2)
        whiten, _ = whitener(standard - means[cell], weights, counted, self.shrinkage)
        shape = (steps.count, classes, X.shape[1])
        ahead = int(np.ceil(self.horizon * (steps.count - 1)))
        self.motion_ = Motion.fit((means @ whiten).reshape(shape), weight.reshape(shape[:2]), ahead=ahead)
        self.steps_, self.location_, self.whiten_ = steps, location, whiten / spread[:, None]

    # --- predicting ----------------------------------------------------------------------------------------

    def mean_at(self, time: float) -> Floats:
        """The means of the classes at a time, in the units of X, shape (K, p)."""
        check_is_fitted(self)
        if self.motion_ is None:
            return self.trend_.mean_at(time)
        (before,), (share,) = self.motion_.between(self.steps_.at(np.array([time])))
        mean = (1.0 - share) * self.motion_.path[before] + share * self.motion_.path[before + 1]
        return np.asarray(self.location_ + mean @ np.linalg.pinv(self.whiten_))

    def predict(self, X: Any, time: Any = None) -> NDArray[Any]:
        """The most probable class of every row at its time, shape (n,)."""
        best = self.predict_proba(X, time).argmax(axis=1)
        return np.asarray(self.classes_[best])

    def predict_proba(self, X: Any, time: Any = None) -> Floats:
        """The probability of every class, in the order of ``classes_``, shape (n, K)."""
        check_is_fitted(self)
        if self.motion_ is None:
            return self.trend_.predict_proba(X, time=time)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        seconds = times(time, len(X), absent=self.trend_.end_)
        return np.asarray(np.exp(log_softmax(self._scores(X, seconds))))

    def _scores(self, X: Floats, seconds: Floats) -> Floats:
        """log share - |mean|^2 / 2 + x . mean in whitened features, at each row's own time, shape (n, K)."""
        assert self.motion_ is not None, "asked only where there is a motion"
        path = self.motion_.path
        whitened = (X - self.location_) @ self.whiten_
        before, share = self.motion_.between(self.steps_.at(seconds))
        scores = np.empty((len(X), path.shape[1]))
        for step in np.unique(before):
            rows = before == step
            here, there, way = path[step], path[step + 1], share[rows, None]
            along = (1.0 - way) * (whitened[rows] @ here.T) + way * (whitened[rows] @ there.T)
            square = (
                (1.0 - way) ** 2 * (here**2).sum(axis=1)
                + 2.0 * way * (1.0 - way) * (here * there).sum(axis=1)
                + way**2 * (there**2).sum(axis=1)
            )
            scores[rows] = along - 0.5 * square
        return np.asarray(scores + self.trend_.log_prior(seconds))
