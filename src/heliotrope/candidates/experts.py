"""The experts that a blend asks: names for estimators that suit windows of different lengths."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from heliotrope.errors import nearest

__all__ = ["CLASSIFICATION", "REGRESSION", "Expert", "read"]

Task = Literal["classification", "regression"]

CLASSIFICATION: Mapping[str, Sequence[int]] = {
    "linear": (1, 3, 10, 30),
    "varying": (3, 10),
    "discriminant": (3,),
    "motion": (12,),
    "periodic": (72,),
    "tree": (3,),
    "boosting": (10,),
}
"""The experts that are asked unless others are named, with the intervals each is fitted to."""
REGRESSION: Mapping[str, Sequence[int]] = {
    "linear": (1, 3, 10, 30),
    "varying": (3, 10),
    "periodic": (72,),
    "tree": (3,),
    "boosting": (10,),
}
"""The same for a regression."""


_MOST_COLUMNS = {"periodic": 20, "varying": 100}  # more would take seconds


@dataclass(frozen=True, kw_only=True, slots=True)
class Expert:
    """An estimator and the number of intervals it is fitted to, at most ``rows`` rows of them."""

    name: str
    intervals: int
    make: Callable[[], Any]
    timed: bool
    """Whether it takes the rows' times."""
    rows: int
    columns: int = 1_000
    """It is asked where there are no more columns than this."""


def read(asked: object, task: Task) -> list[Expert]:
    """The experts by name, each with a list of windows in intervals; None for the usual ones.

    Raises ValueError for what is no such mapping, with the nearest name.

    >>> [(one.name, one.intervals) for one in read({"linear": [3, 10]}, "regression")]
    [('linear', 3), ('linear', 10)]
    >>> read({"tress": [3]}, "regression")
    Traceback (most recent call last):
    ValueError: experts: there is no 'tress' for a regression; did you mean 'trees'?
    """
    chosen = (CLASSIFICATION if task == "classification" else REGRESSION) if asked is None else asked
    if not isinstance(chosen, Mapping) or not chosen:
        raise ValueError(f"experts={asked!r} is no mapping of names to windows, such as {{linear: [3, 10]}}")
    known = _known(task)
    found = []
    for name, windows in chosen.items():
        if name not in known:
            raise ValueError(f"experts: there is no {name!r} for a {task}; {nearest(str(name), known)}")
        if not isinstance(windows, Sequence) or isinstance(windows, str) or not windows:
            raise ValueError(f"experts: {name} has {windows!r}; give a list of windows in intervals, such as [3, 10]")
        make, timed, rows = known[name]
        for intervals in windows:
            if isinstance(intervals, bool) or not isinstance(intervals, int) or intervals < 1:
                raise ValueError(f"experts: {name} has {intervals!r}; a window is a whole number of intervals")
            most = _MOST_COLUMNS.get(name, 1_000)
            found.append(Expert(name=name, intervals=intervals, make=make, timed=timed, rows=rows, columns=most))
    return found


def _known(task: Task) -> dict[str, tuple[Callable[[], Any], bool, int]]:
    """Of every name: what makes it, whether it takes times, and how many rows are enough."""
    from sklearn import ensemble, tree

    from heliotrope.candidates import discriminant, dynamic, varying

    if task == "regression":
        ridge: Any = varying.VaryingCoefficientRegressor
        return {
            "linear": (lambda: ridge(degree=0), False, 50_000),
            "varying": (ridge, True, 50_000),
            "periodic": (lambda: ridge(degree=0, periods="auto"), True, 10_000),
            "tree": (lambda: tree.DecisionTreeRegressor(min_samples_leaf=3, random_state=0), False, 20_000),
            "trees": (_extra(ensemble.ExtraTreesRegressor), False, 5_000),
            "boosting": (_boosted(ensemble.HistGradientBoostingRegressor), False, 20_000),
        }
    logistic: Any = varying.VaryingCoefficientClassifier
    return {
        "linear": (lambda: logistic(degree=0), False, 10_000),
        "varying": (logistic, True, 10_000),
        "discriminant": (discriminant.ExtrapolatedDiscriminant, True, 50_000),
        "motion": (dynamic.DynamicDiscriminant, True, 50_000),
        "periodic": (lambda: logistic(degree=0, periods="auto"), True, 4_000),
        "tree": (lambda: tree.DecisionTreeClassifier(random_state=0), False, 20_000),
        "trees": (_extra(ensemble.ExtraTreesClassifier), False, 5_000),
        "boosting": (_boosted(ensemble.HistGradientBoostingClassifier), False, 20_000),
    }


def _extra(estimator: Any) -> Callable[[], Any]:
    return lambda: estimator(n_estimators=30, min_samples_leaf=3, random_state=0)


def _boosted(estimator: Any) -> Callable[[], Any]:
    return lambda: estimator(max_iter=40, max_leaf_nodes=15, random_state=0)
