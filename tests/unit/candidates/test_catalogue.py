"""Every candidate passes the catalogue of checks, and every estimator of ours scikit-learn's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sklearn.base import clone
from sklearn.utils.estimator_checks import estimator_checks_generator

from heliotrope.candidates import (
    DynamicDiscriminant,
    ExtrapolatedDiscriminant,
    VaryingCoefficientClassifier,
    VaryingCoefficientRegressor,
)
from heliotrope.config import Pipeline
from unit.candidates.checks import CATALOGUE, Check, applies, pipeline

OURS = "heliotrope.candidates"
PIPELINES = {
    "dynamic": pipeline(f"{OURS}.DynamicDiscriminant"),
    "dynamic, encoded": pipeline(f"{OURS}.DynamicDiscriminant", encode="tabular"),
    "discriminant": pipeline(f"{OURS}.ExtrapolatedDiscriminant"),
    "discriminant, degree 2": pipeline(f"{OURS}.ExtrapolatedDiscriminant", params={"degree": 2, "shrinkage": 0.1}),
    "discriminant, encoded": pipeline(f"{OURS}.ExtrapolatedDiscriminant", encode="tabular"),
    "blend": pipeline(f"{OURS}.BlendClassifier", params={"experts": {"linear": [1, 3], "tree": [3]}, "rounds": 2}),
    "blend of numbers": pipeline(
        f"{OURS}.BlendRegressor", params={"experts": {"linear": [1, 3], "tree": [3]}, "rounds": 2}, task="regression"
    ),
    "forwarded": pipeline(f"{OURS}.ForwardedClassifier", params={"estimator": "sklearn.tree.DecisionTreeClassifier"}),
    "residual": pipeline(f"{OURS}.ResidualTrendRegressor", params={"params": {"max_iter": 5}}, task="regression"),
    "periodic": pipeline(f"{OURS}.VaryingCoefficientClassifier", params={"periods": ["3h"]}),
    "varying": pipeline(f"{OURS}.VaryingCoefficientClassifier"),
    "varying, free": pipeline(f"{OURS}.VaryingCoefficientClassifier", params={"time_penalty": 1.0}),
    "varying, encoded": pipeline(f"{OURS}:VaryingCoefficientClassifier", encode="tabular"),
    "tree": pipeline("sklearn.tree.DecisionTreeClassifier"),
    "forest": pipeline("sklearn.ensemble.RandomForestClassifier", params={"n_estimators": 5}),
    "logistic": pipeline("sklearn.linear_model.LogisticRegression", params={"tol": 1e-10, "max_iter": 1000}),
    "boosting": pipeline("sklearn.ensemble.HistGradientBoostingClassifier", params={"max_iter": 5}),
    "neighbours": pipeline("sklearn.neighbors.KNeighborsClassifier"),
    "ridge of classes": pipeline("sklearn.linear_model.RidgeClassifier"),
    "bayes, encoded": pipeline("sklearn.naive_bayes.GaussianNB", encode="tabular"),
    "ridge": pipeline("sklearn.linear_model.Ridge", task="regression"),
    "tree of numbers": pipeline("sklearn.tree.DecisionTreeRegressor", task="regression"),
    "varying ridge": pipeline(f"{OURS}.VaryingCoefficientRegressor", task="regression"),
    "varying ridge, encoded": pipeline(f"{OURS}.VaryingCoefficientRegressor", task="regression", encode="tabular"),
}


CASES = [
    pytest.param(of, check, id=f"{name}-{check.__name__}")
    for name, of in PIPELINES.items()
    for check in CATALOGUE
    if applies(check, of)
]


@pytest.mark.parametrize(("of", "check"), CASES)
def test_every_candidate(of: Pipeline, check: Check) -> None:
    check(of)


def _scikit_learn_checks() -> list[Any]:
    estimators = (
        DynamicDiscriminant(),
        ExtrapolatedDiscriminant(),
        VaryingCoefficientClassifier(),
        VaryingCoefficientRegressor(),
    )
    return [
        pytest.param(one, check, id=f"{type(one).__name__}-{getattr(check, 'func', check).__name__}-{place}")
        for estimator in estimators
        for place, (one, check) in enumerate(estimator_checks_generator(estimator))
        if "array_api" not in getattr(check, "func", check).__name__
    ]


@pytest.mark.parametrize(("estimator", "check"), _scikit_learn_checks())
@pytest.mark.filterwarnings("ignore")  # the checks raise some on purpose
def test_scikit_learns_own_checks(estimator: Any, check: Callable[[Any], None]) -> None:
    check(estimator)


@pytest.mark.parametrize(
    "estimator",
    [
        DynamicDiscriminant(horizon=2.0, shrinkage=0.5),
        ExtrapolatedDiscriminant(degree=2, shrinkage=0.5, horizon=2.0, evidence=False),
        VaryingCoefficientClassifier(degree=2, alpha=3.0, time_penalty=1.0, horizon=2.0),
        VaryingCoefficientRegressor(degree=0, alpha=0.1),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_a_clone_has_the_same_parameters(estimator: Any) -> None:
    assert clone(estimator).get_params() == estimator.get_params()
