"""Any classifier on rows that were moved to the time it will serve at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from heliotrope.candidates import forward
from heliotrope.candidates.checked import number, positive_weights, times
from heliotrope.candidates.dynamic import DynamicDiscriminant
from heliotrope.candidates.estimator import make
from heliotrope.candidates.grid import Grid
from heliotrope.config import Candidate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["ForwardedClassifier", "made"]


class ForwardedClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc] # scikit-learn has no types
    """A classifier, such as boosted trees, fitted to the training's rows as they would be when it serves.

    How the means of the classes moved is estimated as by :class:`heliotrope.candidates.DynamicDiscriminant`, shrunk
    to none where chance explains it. Every row is then moved by as much as its class's mean will have moved until the
    interval that is served, and keeps its place beside that mean: a tree, which cannot extrapolate, meets the classes
    where they will be. Each of the ``ahead`` intervals after the training has a classifier of its own; a later row is
    given the last one's answer. It is one step of transport along the drift of each class, as in the extrapolation of
    moments by Lampert (2015), "Predicting the future behavior of a time-varying probability distribution", CVPR.

    Rows are moved on evidence alone: unless a classifier of moved rows predicts the training's last rows better than
    one of rows that stay, by more than a standard error, both fitted to the rows before, nothing is moved (``moves_``
    is then False), and what is fitted is the classifier itself.

    Parameters
    ----------
    estimator : its import path, or an estimator.
    params : its arguments where it is a path.
    ahead : for how many intervals after the training there is a classifier.
    random_state : the seed of a classifier that is made from a path and has one.

    ``fit`` takes ``time``, seconds since the Unix epoch, shape (n,), and ``interval``, the length of one in seconds;
    where that is absent, the distance of times that lie on a grid, else a twelfth of the training. ``predict`` takes
    ``time`` too, the end of the training's where it is absent. ``sample_weight`` counts rows: 2 is the row twice.

    >>> rng = np.random.default_rng(0)
    >>> hours = np.repeat(np.arange(8.0), 300)
    >>> y = np.tile([0, 1], 1200)
    >>> X = rng.normal(size=(2400, 2)) + np.where(y == 0, hours, hours + 3.0)[:, None]
    >>> seen = hours < 7
    >>> tree = {"estimator": "sklearn.tree.DecisionTreeClassifier", "params": {"max_depth": 3}}
    >>> model = ForwardedClassifier(**tree, random_state=0).fit(X[seen], y[seen], time=3600 * hours[seen])
    >>> moved = (model.predict(X[~seen], time=3600 * hours[~seen]) == y[~seen]).mean()
    >>> still = (made(**tree, seed=0).fit(X[seen], y[seen]).predict(X[~seen]) == y[~seen]).mean()
    >>> bool(moved > 0.95), bool(still < 0.8)
    (True, True)
    """

    def __init__(
        self,
        *,
        estimator: Any = "sklearn.ensemble.HistGradientBoostingClassifier",
        params: Mapping[str, Any] | None = None,
        ahead: int = 1,
        random_state: int | None = None,
    ) -> None:
        self.estimator = estimator
        self.params = params
        self.ahead = ahead
        self.random_state = random_state

    # --- fitting -------------------------------------------------------------------------------------------

    def fit(self, X: Any, y: Any, sample_weight: Any = None, time: Any = None, interval: float | None = None) -> Self:
        """X of shape (n, p), labels y and times of shape (n,). Raises ValueError for input that cannot be used."""
        number("ahead", self.ahead, whole=True, least=1)
        X, y = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(y)
        seconds, weights = times(time, len(X)), positive_weights(sample_weight, X)
        if not weights.all():
            X, y, seconds, weights = (rows[weights > 0.0] for rows in (X, y, seconds, weights))
        self.classes_, label = np.unique(y, return_inverse=True)
        self.grid_ = Grid.of(seconds, interval)
        self.end_ = float(seconds.max())
        self.last_ = int(self.grid_.place(seconds).max())
        self.moves_ = self._better(X, label, weights, seconds)
        if not self.moves_:
            self.models_ = [self._made().fit(X, label, **_weighted(weights))]
            return self
        motion = DynamicDiscriminant().fit(X, label, sample_weight=weights, time=seconds)
        self.models_ = [
            self._made().fit(_moved(motion, X, label, seconds, at), label, **_weighted(weights))
            for at in self._served(seconds)
        ]
        return self

    def _better(self, X: Floats, label: NDArray[np.intp], weights: Floats, seconds: Floats) -> bool:
        """Whether moved rows predict the last ones better than rows that stay."""
        before = forward.earlier(seconds, weights)
        if before is None or len(np.unique(label[before])) < len(self.classes_):
            return False
        known = X[before], label[before], seconds[before]
        motion = DynamicDiscriminant().fit(known[0], known[1], sample_weight=weights[before], time=known[2])
        moved = _moved(motion, *known, float(np.average(seconds[~before], weights=weights[~before])))
        if np.array_equal(moved, known[0]):
            return False
        losses = []
        for rows in (known[0], moved):
            model = self._made().fit(rows, known[1], **_weighted(weights[before]))
            losses.append(np.asarray(model.predict(X[~before]) != label[~before], dtype=np.float64))
        return forward.best(losses, weights[~before]) == 1

    def _served(self, seconds: Floats) -> list[float]:
        """The times of the intervals ahead, each as late within its interval as the newest rows in the mean are."""
        newest = seconds[self.grid_.place(seconds) == self.last_].mean()
        return [float(newest + age * self.grid_.length) for age in range(1, self.ahead + 1)]

    def _made(self) -> Any:
        return made(self.estimator, self.params, seed=self.random_state)

    # --- predicting ----------------------------------------------------------------------------------------

    def predict(self, X: Any, time: Any = None) -> NDArray[Any]:
        """The class of every row at its time, shape (n,)."""
        label = np.asarray(self._ask("predict", X, time)).astype(np.intp)
        return np.asarray(self.classes_[label])

    def predict_proba(self, X: Any, time: Any = None) -> Floats:
        """The probability of every class, in the order of ``classes_``, shape (n, K), where the classifier has it."""
        return np.asarray(self._ask("predict_proba", X, time), dtype=np.float64)

    def _ask(self, method: str, X: Any, time: Any) -> Any:
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        seconds = times(time, len(X), absent=self.end_)
        place = np.clip(self.grid_.place(seconds) - self.last_, 1, len(self.models_)) - 1
        found: Any = None
        for one in np.unique(place):
            rows = place == one
            part = np.asarray(getattr(self.models_[one], method)(X[rows]))
            if found is None:
                found = np.empty((len(X), *part.shape[1:]), dtype=part.dtype)
            found[rows] = part
        return getattr(self.models_[0], method)(X) if found is None else found


def made(estimator: Any, params: Mapping[str, Any] | None = None, *, seed: int | None = None) -> Any:
    """An estimator from its import path and arguments, as a pipeline's candidate is made; of an estimator a copy.

    Raises EstimatorError for a path that leads to none, or arguments that it refuses.
    """
    if not isinstance(estimator, str):
        return clone(estimator)
    return make(Candidate(name="within", estimator=estimator, params=dict(params or {})), seed=seed or 0)


def _moved(motion: DynamicDiscriminant, X: Floats, label: NDArray[np.intp], seconds: Floats, to: float) -> Floats:
    """Every row beside where its class's mean will be at ``to``, as it was beside where that was at its own time."""
    there = motion.mean_at(to)
    moved = X.copy()
    for at in np.unique(seconds):
        rows = seconds == at
        moved[rows] += (there - motion.mean_at(float(at)))[label[rows]]
    return moved


def _weighted(weights: Floats) -> dict[str, Floats]:
    return {} if (weights == weights[0]).all() else {"sample_weight": weights}
