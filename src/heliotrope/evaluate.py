"""How good predictions are: metrics over rows, the loss of every row, and two models' losses paired.

The mean of a row's losses is what the gate compares. For ``accuracy`` and ``balanced_accuracy`` it is one minus the
metric, for ``rmse`` its square, else the metric itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from heliotrope.errors import ConfigError, DataError, EstimatorError, nearest
from heliotrope.records import LARGEST, PairedLoss

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Codes = NDArray[np.intp]

__all__ = ["Scored", "paired", "score"]

_SLACK = 1e-3  # what probabilities may be off by, for single precision
_EPSILON = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scored:
    """The metrics of one model on some rows, and ``loss``, shape (rows,): each row's loss by the primary metric."""

    metrics: dict[str, float]
    loss: Floats


def score(
    *,
    task: str,
    metric: str,
    actual: NDArray[Any],
    predicted: NDArray[Any],
    proba: NDArray[Any] | None,
    classes: tuple[str, ...],
) -> Scored:
    """Every metric that is defined on these rows, and each row's loss by ``metric``.

    Parameters are ``actual`` and ``predicted``, shape (rows,): labels, compared as ``str(label)``, for a
    classification, numbers for a regression; ``proba``, shape (rows, classes), or None from a model that has no
    probabilities; ``classes``, what its columns stand for, in their order.

    Metrics of a classification: accuracy, balanced_accuracy (mean recall over the classes that occur), kappa
    (Cohen, 1960); with ``proba`` log_loss (probabilities clipped to [eps, 1 - eps]), brier (Brier, 1950: half the
    squared distance to the class that occurred, so that it lies between 0 and 1 for any number of classes) and, for
    two classes, roc_auc (of the second). Of a regression: mae, rmse, r2. A class the model does not know is an
    error, to which it gave probability 0. A metric that is not defined on the rows (kappa, roc_auc and r2 where all
    are alike) is left out.

    Raises EstimatorError for predictions of a wrong shape or that are not finite, or when ``metric`` needs
    probabilities and there are none; DataError for no rows; ConfigError for an unknown metric.

    >>> actual, predicted = np.array(["a", "b", "b"], object), np.array(["a", "b", "a"], object)
    >>> scored = score(
    ...     task="classification", metric="accuracy", actual=actual, predicted=predicted, proba=None,
    ...     classes=("a", "b"),
    ... )
    >>> {name: round(value, 3) for name, value in scored.metrics.items()}
    {'accuracy': 0.667, 'balanced_accuracy': 0.75, 'kappa': 0.4}
    >>> scored.loss
    array([0., 0., 1.])
    """
    rows = len(actual)
    if rows == 0:
        raise DataError("there are no rows to score a model on", remedy="hold the batch: validation.on_empty")
    if predicted.shape != (rows,):
        raise EstimatorError(
            f"the model predicted an array of shape {predicted.shape} for {rows} rows",
            remedy="let predict return one value a row",
        )
    if task == "regression":
        metrics, losses = _regression(_numbers(actual, "actual"), _numbers(predicted, "predicted"))
    else:
        if proba is not None:
            proba = _probabilities(proba, rows, classes)
        metrics, losses = _classification(actual, predicted, proba, classes)
    if metric not in losses:
        raise _no_loss(metric, task, losses)
    return Scored(metrics=metrics, loss=losses[metric])


def paired(champion_loss: Floats, challenger_loss: Floats) -> PairedLoss:
    """The challenger's gain over the champion, row by row; both of shape (rows,), of the same rows in one order.

    >>> paired(np.array([1.0, 0.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0, 0.0]))
    PairedLoss(rows=4, mean_gain=0.25, standard_error=0.25, wins=1, losses=0)
    """
    if champion_loss.shape != challenger_loss.shape or champion_loss.ndim != 1:
        raise ValueError(f"losses of shapes {champion_loss.shape} and {challenger_loss.shape} are not of the same rows")
    gains = champion_loss - challenger_loss
    rows = len(gains)
    wins = losses = None
    if _zero_or_one(champion_loss) and _zero_or_one(challenger_loss):
        wins, losses = int(np.count_nonzero(gains > 0)), int(np.count_nonzero(gains < 0))
    return PairedLoss(
        rows=rows,
        mean_gain=float(gains.mean()) if rows else 0.0,
        standard_error=float(gains.std(ddof=1) / np.sqrt(rows)) if rows > 1 else 0.0,
        wins=wins,
        losses=losses,
    )


def _zero_or_one(loss: Floats) -> bool:
    return bool(np.all((loss == 0.0) | (loss == 1.0)))


# --- classification ----------------------------------------------------------------------------------------


class _Codes(dict[str, int]):
    """The number of each label: a class's place, and the next free number for a label that is no class."""

    def __missing__(self, label: str) -> int:
        self[label] = len(self)
        return self[label]

    def of(self, labels: NDArray[Any]) -> Codes:
        return np.array(list(map(self.__getitem__, map(str, labels.tolist()))), dtype=np.intp)


def _classification(
    actual: NDArray[Any], predicted: NDArray[Any], proba: Floats | None, classes: tuple[str, ...]
) -> tuple[dict[str, float], dict[str, Floats]]:
    codes = _Codes({label: place for place, label in enumerate(classes)})
    truth, guess = codes.of(actual), codes.of(predicted)
    rows, kinds = len(truth), len(codes)
    counts, guesses, hits = (np.bincount(of, minlength=kinds) for of in (truth, guess, truth[truth == guess]))
    occurring = counts > 0
    metrics = {
        "accuracy": float(hits.sum() / rows),
        "balanced_accuracy": float((hits[occurring] / counts[occurring]).mean()),
    }
    by_chance = float(counts @ guesses) / rows**2
    if by_chance < 1.0:
        metrics["kappa"] = (metrics["accuracy"] - by_chance) / (1.0 - by_chance)
    wrong = (truth != guess).astype(np.float64)
    weight = rows / (np.count_nonzero(occurring) * np.maximum(counts, 1))
    losses = {"accuracy": wrong, "balanced_accuracy": wrong * weight[truth]}
    if proba is not None:
        losses |= {"log_loss": _log_loss(truth, proba), "brier": _brier(truth, proba)}
        metrics |= {name: float(losses[name].mean()) for name in ("log_loss", "brier")}
        if len(classes) == 2 and kinds == 2 and occurring.all():
            metrics["roc_auc"] = _roc_auc(truth == 1, proba[:, 1])
    return metrics, losses


def _log_loss(truth: Codes, proba: Floats) -> Floats:
    return -np.log(np.clip(_of_truth(truth, proba), _EPSILON, 1.0 - _EPSILON))


def _brier(truth: Codes, proba: Floats) -> Floats:
    """Half of ``sum(p**2) - p_truth**2 + (1 - p_truth)**2``."""
    given = _of_truth(truth, proba)
    others = np.einsum("ij,ij->i", proba, proba) - given * given
    return np.asarray(0.5 * (others + (1.0 - given) ** 2))


def _of_truth(truth: Codes, proba: Floats) -> Floats:
    """The probability each row's true class was given, shape (rows,); 0 for a class the model does not know."""
    known = truth < proba.shape[1]
    given = np.zeros(len(truth))
    given[known] = proba[known, truth[known]]
    return given


def _roc_auc(positive: NDArray[np.bool_], scores: Floats) -> float:
    """The Mann-Whitney statistic with midranks for ties (Hanley and McNeil, 1982)."""
    _, places, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2.0)[places]
    positives = int(np.count_nonzero(positive))
    negatives = len(positive) - positives
    return float((ranks[positive].sum() - positives * (positives + 1) / 2.0) / (positives * negatives))


# --- regression --------------------------------------------------------------------------------------------


def _regression(actual: Floats, predicted: Floats) -> tuple[dict[str, float], dict[str, Floats]]:
    residual = actual - predicted
    losses = {"mae": np.abs(residual), "rmse": residual * residual}
    metrics = {"mae": float(losses["mae"].mean()), "rmse": float(np.sqrt(losses["rmse"].mean()))}
    spread = float(((actual - actual.mean()) ** 2).sum())
    if spread > 0.0:
        metrics["r2"] = 1.0 - float(losses["rmse"].sum()) / spread
    return metrics, losses


# --- what a model must give --------------------------------------------------------------------------------


def _numbers(values: NDArray[Any], whose: str) -> Floats:
    numbers = np.asarray(values, dtype=np.float64)
    bad = len(numbers) - int(np.count_nonzero(np.abs(numbers) <= LARGEST))
    if bad and whose == "actual":
        raise DataError(
            f"the target is not finite, or beyond {LARGEST:.2g}, in {bad} rows",
            remedy="set validation.on_non_finite to drop",
        )
    if bad:
        raise EstimatorError(
            f"the model's prediction is not finite, or beyond {LARGEST:.2g}, in {bad} rows",
            remedy="mend its parameters",
        )
    return numbers


def _probabilities(proba: NDArray[Any], rows: int, classes: tuple[str, ...]) -> Floats:
    if proba.shape != (rows, len(classes)):
        raise EstimatorError(
            f"the model gave probabilities of shape {proba.shape} for {rows} rows and {len(classes)} classes",
            remedy="let predict_proba return a column for every class it was fitted on",
        )
    proba = np.asarray(proba, dtype=np.float64)
    if not np.isfinite(proba).all():
        bad = int(np.count_nonzero(~np.isfinite(proba).all(axis=1)))
        raise EstimatorError(f"the model's probabilities are not finite in {bad} rows", remedy="mend its parameters")
    odd = (proba < -_SLACK).any(axis=1) | (np.abs(proba.sum(axis=1) - 1.0) > _SLACK)
    if odd.any():
        first = int(np.flatnonzero(odd)[0])
        said = ", ".join(f"{value:.4g}" for value in proba[first, :5])
        raise EstimatorError(
            f"the model's probabilities are none in {int(odd.sum())} rows: those of row {first + 1} are {said}"
            f"{' ...' if len(classes) > 5 else ''}",
            remedy="let predict_proba return shares of one, none below 0",
        )
    return proba


def _no_loss(metric: str, task: str, losses: dict[str, Floats]) -> Exception:
    if task != "regression" and metric in ("log_loss", "brier"):
        return EstimatorError(
            f"metric {metric!r} needs class probabilities, and the model has no predict_proba",
            remedy="judge by accuracy or balanced_accuracy, or take an estimator that has it",
        )
    return ConfigError(f"metric {metric!r} cannot judge a {task}", remedy=nearest(metric, losses))
