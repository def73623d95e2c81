"""Experts of different kinds and windows in one estimator, weighted by how they predicted the latest intervals."""

from __future__ import annotations

import hashlib
import threading
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, Literal, Self, TypeVar

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from heliotrope.candidates import experts as known
from heliotrope.candidates.checked import number, positive_weights, times
from heliotrope.candidates.experts import Expert
from heliotrope.candidates.grid import Grid
from heliotrope.candidates.weights import fixed_share
from heliotrope.threads import one_thread

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Places = NDArray[np.intp]

__all__ = ["BlendClassifier", "BlendRegressor"]

T = TypeVar("T")

_LEAST_PROBABILITY = 0.01  # a wrong prediction that was quite sure costs no more than this


class _Kept(Generic[T]):
    """What was computed before, by a hash of all it hangs on; of more than ``most`` the oldest are forgotten.

    The next training asks for most of it again. What is not found is computed anew, and comes out the same.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._found: OrderedDict[bytes, T] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, key: bytes, compute: Callable[[], T]) -> T:
        """What is kept under the key, else what ``compute`` returns."""
        with self._lock:
            if key in self._found:
                self._found.move_to_end(key)
                return self._found[key]
        value = compute()
        with self._lock:
            self._found[key] = value
            while len(self._found) > self._most:
                self._found.popitem(last=False)
        return value


_LOSSES: _Kept[float] = _Kept(20_000)
_MODELS: _Kept[Any] = _Kept(128)
"""Fits of the last few rounds: each is asked about the next intervals too, and the newest is the training's own."""


class _Rows:
    """A training's rows in the order of time, of equals in that of their values, with the interval each is of."""

    def __init__(self, X: Floats, target: Floats, weights: Floats, seconds: Floats, grid: Grid) -> None:
        order = np.lexsort((*X.T[::-1], target, weights, seconds))
        self.X, self.target, self.weights, self.seconds = X[order], target[order], weights[order], seconds[order]
        self.interval = grid.place(self.seconds)

    @property
    def last(self) -> int:
        """The newest interval."""
        return int(self.interval[-1])

    def between(self, first: int, last: int) -> Places:
        """The rows of the intervals ``first`` to ``last``, both included."""
        low, high = np.searchsorted(self.interval, (first, last + 1))
        return np.arange(low, high)

    def halves(self) -> tuple[Places, Places]:
        """The newest interval's earlier and later rows; where all have one time, every other one."""
        rows = self.between(self.last, self.last)
        middle = self.seconds[rows[len(rows) // 2]]
        later = self.seconds[rows] >= middle
        if later.all():
            later = self.seconds[rows] > middle
        if not later.any():
            later = np.arange(len(rows)) % 2 == 1
        return rows[~later], rows[later]

    def digest(self, rows: Places) -> bytes:
        """A hash of some rows."""
        said = hashlib.sha256()
        for part in (self.X, self.target, self.weights, self.seconds):
            said.update(np.ascontiguousarray(part[rows]).tobytes())
        return said.digest()


class _Blend(BaseEstimator, ABC):  # type: ignore[misc] # scikit-learn has no types
    """What the two kinds of target have in common."""

    _task: Literal["classification", "regression"]

    def __init__(
        self,
        *,
        experts: Mapping[str, Sequence[int]] | None = None,
        rounds: int = 8,
        ahead: int = 4,
        rate: float | None = None,
        share: float = 0.05,
        loss: str = "mistakes",
    ) -> None:
        self.experts = experts
        self.rounds = rounds
        self.ahead = ahead
        self.rate = rate
        self.share = share
        self.loss = loss

    # --- what the two kinds of target differ in ------------------------------------------------------------

    @abstractmethod
    def _ask(self, model: Any, expert: Expert, X: Floats, seconds: Floats) -> Floats:
        """What an expert predicts, shape (n, columns)."""

    @abstractmethod
    def _costs(self, predicted: Floats, target: Floats, unit: float) -> Floats:
        """What each row's prediction costs, shape (n,)."""

    # --- fitting -------------------------------------------------------------------------------------------

    def _check_parameters(self, losses: Sequence[str]) -> None:
        number("rounds", self.rounds, whole=True, least=1)
        number("ahead", self.ahead, whole=True, least=1)
        if self.rate is not None:
            number("rate (or None)", self.rate)
        number("share", self.share, most=1.0)
        if self.loss not in losses:
            raise ValueError(f"loss={self.loss!r} is none of {', '.join(losses)}")

    def _fit(
        self, X: Floats, target: Floats, weights: Floats, seconds: Floats, interval: float | None, unit: float
    ) -> None:
        """Sets ``grid_``, ``last_``, ``models_``, one an expert, and ``weights_`` of shape (ahead, experts)."""
        asked = self._asked(X.shape[1])
        self.grid_ = Grid.of(seconds, interval)
        self.end_ = float(seconds.max())
        rows = _Rows(X, target, weights, seconds, self.grid_)
        self.last_ = rows.last
        with one_thread(openmp=True):  # so few rows gain nothing from a second one, and wait for it on a busy machine
            forward, within = self._rounds(rows, asked, unit)
            self.weights_ = np.stack(
                [
                    fixed_share([*_of_age(forward, age), within], len(asked), rate=self.rate, share=self.share)
                    for age in range(1, self.ahead + 1)
                ]
            )
            # Windows that reach beyond the first row are the same.
            reach = rows.last - int(rows.interval[0]) + 1
            keys = [(expert.name, min(expert.intervals, reach)) for expert in asked]
            by_key = dict(zip(keys, asked, strict=True))
            self.models_ = [self._trained(one, rows, self._window(one, rows, rows.last)) for one in by_key.values()]
        self.model_of_ = np.array([list(by_key).index(key) for key in keys])

    def _rounds(self, rows: _Rows, asked: Sequence[Expert], unit: float) -> tuple[list[Floats], Floats]:
        """Every expert's losses: by round, oldest first, (experts, ahead); and within the newest interval, (experts,).

        In a round an expert is fitted up to the end of an interval and predicts the ones that follow. Within the newest
        one it is fitted up to the half of it.
        """
        first = max(int(rows.interval[0]), rows.last - self.rounds)
        forward = [np.full((len(asked), self.ahead), np.nan) for _ in range(first, rows.last)]
        within = np.full(len(asked), np.nan)
        earlier, later = rows.halves()
        for place, expert in enumerate(asked):
            for number_, end in enumerate(range(first, rows.last)):
                tests = [rows.between(end + age, end + age) for age in range(1, self.ahead + 1)]
                tests = [test for age, test in enumerate(tests, 1) if end + age <= rows.last]
                losses = self._tried(expert, rows, self._window(expert, rows, end), tests, unit)
                forward[number_][place, : len(losses)] = losses
            if len(earlier) and len(later):
                before = rows.between(rows.last - expert.intervals + 1, rows.last - 1)
                trained = self._thinned(expert, np.concatenate([before, earlier]))
                (within[place],) = self._tried(expert, rows, trained, [later], unit)
        return forward, within

    def _window(self, expert: Expert, rows: _Rows, end: int) -> Places:
        return self._thinned(expert, rows.between(end - expert.intervals + 1, end))

    @staticmethod
    def _thinned(expert: Expert, window: Places) -> Places:
        """The window, or evenly so many rows of it as the expert needs."""
        if len(window) <= expert.rows:
            return window
        return np.asarray(window[np.linspace(0, len(window) - 1, expert.rows).astype(np.intp)])

    def _tried(self, expert: Expert, rows: _Rows, window: Places, tests: Sequence[Places], unit: float) -> list[float]:
        """The sum of losses on each of some rows, NaN where there are none."""
        if not len(window):
            return [np.nan] * len(tests)
        said = f"{expert.name} {self._task} {self.loss} {unit!r} {self._classes()}".encode()
        trained = rows.digest(window)
        return [
            _LOSSES.find(
                hashlib.sha256(said + trained + rows.digest(test)).digest(),
                partial(self._sum, expert, rows, window, test, unit),
            )
            for test in tests
        ]

    def _sum(self, expert: Expert, rows: _Rows, window: Places, test: Places, unit: float) -> float:
        if not len(test):
            return np.nan
        predicted = self._ask(self._trained(expert, rows, window), expert, rows.X[test], rows.seconds[test])
        costs = self._costs(predicted, rows.target[test], unit)
        # In whole rows: weights tell what matters more, and are no more rows.
        weights = rows.weights[test]
        return float(costs @ weights / weights.sum() * len(test))

    def _classes(self) -> int:
        """How many there are; 0 for a regression."""
        return 0

    def _trained(self, expert: Expert, rows: _Rows, window: Places) -> Any:
        """The expert's model of some rows; of a single class that class."""
        key = hashlib.sha256(f"{expert.name} {self._task}".encode() + rows.digest(window)).digest()
        return _MODELS.find(key, lambda: self._made(expert, rows, window))

    def _made(self, expert: Expert, rows: _Rows, window: Places) -> Any:
        target = rows.target[window]
        if self._task == "classification" and (target == target[0]).all():
            return int(target[0])
        options: dict[str, Any] = {"time": rows.seconds[window]} if expert.timed else {}
        if (rows.weights[window] != rows.weights[window][0]).any():
            options["sample_weight"] = rows.weights[window]
        if self._task == "classification":
            target = target.astype(np.intp)
        return expert.make().fit(rows.X[window], target, **options)

    # --- predicting ----------------------------------------------------------------------------------------

    def _mixed(self, X: Any, time: Any) -> Floats:
        """The experts' predictions, weighted for how long after the training each row is."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        seconds = times(time, len(X), absent=self.end_)
        age = np.clip(self.grid_.place(seconds) - self.last_, 1, self.ahead)
        mixed = None
        with one_thread(openmp=True):
            for place, expert in enumerate(self._asked(X.shape[1])):
                model = self.models_[self.model_of_[place]]
                part = self.weights_[age - 1, place][:, None] * self._ask(model, expert, X, seconds)
                mixed = part if mixed is None else mixed + part
        return np.asarray(mixed)

    def _asked(self, columns: int) -> list[Expert]:
        found = known.read(self.experts, self._task)
        return [one for one in found if columns <= one.columns] or found


def _of_age(forward: Sequence[Floats], age: int) -> Iterator[Floats]:
    """The rounds in which experts were asked about the interval so many after the one they were fitted up to."""
    for losses in forward:
        if not np.isnan(losses[:, age - 1]).all():
            yield losses[:, age - 1]


class BlendClassifier(ClassifierMixin, _Blend):  # type: ignore[misc] # scikit-learn has no types
    """A vote of experts, each with the weight that its predictions of the latest intervals have earned.

    A linear model of the last interval, one whose coefficients move, a forest of the last ten: which is best changes
    with the data, and in hindsight alone one knows. Here every expert is fitted up to each of the last intervals in
    turn and predicts what follows, as it would have live; then up to the half of the newest interval, so that a change
    that came with it counts at once. Weights are exponential in the mistakes and shared a little in every round
    (:func:`heliotrope.candidates.weights.fixed_share`, with its sources), by how many intervals ahead the prediction
    was: what is best for the next interval need not be for the fourth. The probabilities are the weighted mean of the
    experts'.

    Nothing is carried over from one training to the next: the same rows give the same model, in any order of them.
    Within a process, though, rounds that were run before on the same rows are not run again.

    Parameters
    ----------
    experts : windows in intervals by the experts' names, such as ``{linear: [1, 10], boosting: [30]}``; absent: those
        of :data:`heliotrope.candidates.experts.CLASSIFICATION`. A longer window than the training has is all of it.
    rounds : how many of the latest intervals the weights are found from.
    ahead : for so many intervals after the training weights are found apart; later ones have the last.
    rate : how fast weights follow the mistakes, by ``exp(-rate)`` with each; None: as suits how many the best makes.
    share : of all weight that is shared among all experts after each round.
    loss : "mistakes" weighs experts by their wrong predictions, "log" by the probability that they gave the truth.

    ``fit`` takes ``time``, seconds since the Unix epoch, shape (n,), and ``interval``, the length of one in seconds;
    where that is absent, the distance of times that lie on a grid, else a twelfth of the training. ``predict`` and
    ``predict_proba`` take ``time`` too, the end of the training's where it is absent. ``sample_weight`` tells which
    rows matter more.

    >>> rng = np.random.default_rng(0)
    >>> hours = np.repeat(np.arange(12.0), 100)
    >>> X = rng.normal(size=(1200, 2))
    >>> y = np.where(X[:, 0] * np.where(hours < 9, 1.0, -1.0) > 0, "a", "b")  # turned round in the tenth hour
    >>> seen = hours < 10
    >>> model = BlendClassifier(experts={"linear": [1, 3, 10]})
    >>> model = model.fit(X[seen], y[seen], time=3600 * hours[seen], interval=3600)
    >>> model.weights_[0].round(2).tolist()
    [0.96, 0.02, 0.02]
    >>> bool((model.predict(X[~seen], time=3600 * hours[~seen]) == y[~seen]).mean() > 0.95)
    True
    """

    _task = "classification"

    def fit(self, X: Any, y: Any, sample_weight: Any = None, time: Any = None, interval: float | None = None) -> Self:
        """X of shape (n, p), labels y and times of shape (n,). Raises ValueError for input that cannot be used."""
        self._check_parameters(("mistakes", "log"))
        X, y = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(y)
        seconds, weights = times(time, len(X)), positive_weights(sample_weight, X)
        if not weights.all():
            X, y, seconds, weights = (rows[weights > 0.0] for rows in (X, y, seconds, weights))
        self.classes_, label = np.unique(y, return_inverse=True)
        self._fit(X, label.astype(np.float64), weights, seconds, interval, 1.0)
        return self

    def predict(self, X: Any, time: Any = None) -> NDArray[Any]:
        """The class of most weight for every row at its time, shape (n,)."""
        best = self._mixed(X, time).argmax(axis=1)
        return np.asarray(self.classes_[best])

    def predict_proba(self, X: Any, time: Any = None) -> Floats:
        """The probability of every class, in the order of ``classes_``, shape (n, K)."""
        mixed = self._mixed(X, time)
        return np.asarray(mixed / mixed.sum(axis=1, keepdims=True))

    def _ask(self, model: Any, expert: Expert, X: Floats, seconds: Floats) -> Floats:
        shares = np.zeros((len(X), len(self.classes_)))
        if isinstance(model, int):
            shares[:, model] = 1.0
        else:
            options = {"time": seconds} if expert.timed else {}
            shares[:, np.asarray(model.classes_, dtype=np.intp)] = model.predict_proba(X, **options)
        return shares

    def _costs(self, predicted: Floats, target: Floats, unit: float) -> Floats:
        label = target.astype(np.intp)
        if self.loss == "mistakes":
            return np.asarray(predicted.argmax(axis=1) != label, dtype=np.float64)
        return np.asarray(-np.log(np.maximum(predicted[np.arange(len(label)), label], _LEAST_PROBABILITY)))

    def _classes(self) -> int:
        return len(self.classes_)


class BlendRegressor(RegressorMixin, _Blend):  # type: ignore[misc] # scikit-learn has no types
    """The weighted mean of experts' predictions, by the errors they made in the latest intervals.

    As :class:`BlendClassifier`, with errors in the place of mistakes: ``loss`` "absolute" or "squared", in units of the
    target's own mean deviation (squared: of its variance) in the training.

    >>> rng = np.random.default_rng(0)
    >>> hours = np.repeat(np.arange(12.0), 100)
    >>> X = rng.normal(size=(1200, 1))
    >>> y = (1.0 + hours) * X[:, 0] + 0.1 * rng.normal(size=1200)
    >>> seen = hours < 10
    >>> model = BlendRegressor(experts={"linear": [3, 10], "varying": [10]})
    >>> model = model.fit(X[seen], y[seen], time=3600 * hours[seen], interval=3600)
    >>> model.weights_[0].round(1).tolist()
    [0.0, 0.0, 1.0]
    """

    _task = "regression"

    def __init__(
        self,
        *,
        experts: Mapping[str, Sequence[int]] | None = None,
        rounds: int = 8,
        ahead: int = 4,
        rate: float | None = None,
        share: float = 0.05,
        loss: str = "absolute",
    ) -> None:
        super().__init__(experts=experts, rounds=rounds, ahead=ahead, rate=rate, share=share, loss=loss)

    def fit(self, X: Any, y: Any, sample_weight: Any = None, time: Any = None, interval: float | None = None) -> Self:
        """X of shape (n, p), numbers y and times of shape (n,). Raises ValueError for input that cannot be used."""
        self._check_parameters(("absolute", "squared"))
        X, y = validate_data(self, X, y, dtype=np.float64, y_numeric=True)
        seconds, weights = times(time, len(X)), positive_weights(sample_weight, X)
        if not weights.all():
            X, y, seconds, weights = (rows[weights > 0.0] for rows in (X, y, seconds, weights))
        target = np.asarray(y, dtype=np.float64)
        self._fit(X, target, weights, seconds, interval, _unit(target))
        return self

    def predict(self, X: Any, time: Any = None) -> Floats:
        """The expected value of every row at its time, shape (n,)."""
        return np.asarray(self._mixed(X, time)[:, 0])

    def _ask(self, model: Any, expert: Expert, X: Floats, seconds: Floats) -> Floats:
        options = {"time": seconds} if expert.timed else {}
        return np.asarray(model.predict(X, **options), dtype=np.float64)[:, None]

    def _costs(self, predicted: Floats, target: Floats, unit: float) -> Floats:
        error = np.abs(predicted[:, 0] - target) / unit
        return error if self.loss == "absolute" else np.asarray(error**2)


def _unit(target: Floats) -> float:
    """The mean deviation of the target from its median, to two digits: else no round would be known again."""
    deviation = float(np.abs(target - np.median(target)).mean())
    return float(f"{deviation:.1e}") or 1.0
