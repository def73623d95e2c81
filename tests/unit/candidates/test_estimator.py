"""Import paths, parameters, seeds, and what is said when they are wrong."""

from __future__ import annotations

import builtins
import os
import re
import subprocess
import sys
import types
from collections.abc import Iterator
from typing import Any

import pytest
from sklearn.base import BaseEstimator
from sklearn.tree import DecisionTreeClassifier

from heliotrope.candidates import ExtrapolatedDiscriminant
from heliotrope.candidates.estimator import make, takes
from heliotrope.config import Candidate
from heliotrope.errors import EstimatorError


def candidate(path: str, **params: Any) -> Candidate:
    return Candidate(name="tried", estimator=path, params=params)


class Plain:
    """An estimator that owes nothing to scikit-learn."""

    def __init__(self, **settings: Any) -> None:
        self.settings = settings

    def fit(self, X: Any, y: Any) -> None: ...

    def predict(self, X: Any) -> None: ...


class Open(Plain):
    """One that takes any parameter, and names random_state only in get_params, as XGBoost does."""

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        return {"random_state": None} | self.settings

    def set_params(self, **settings: Any) -> None:
        self.settings |= settings


class Parted(BaseEstimator):  # type: ignore[misc] # scikit-learn has no types
    """One with a part."""

    def __init__(self, inner: Any = None) -> None:
        self.inner = DecisionTreeClassifier() if inner is None else inner

    def fit(self, X: Any, y: Any) -> None: ...

    def predict(self, X: Any) -> None: ...


@pytest.fixture(autouse=True)
def module() -> Iterator[types.ModuleType]:
    """A module of estimators that is in no package index."""
    made = types.ModuleType("homegrown")
    made.__dict__.update(Plain=Plain, Open=Open, Parted=Parted, number=3, Nothing=dict)
    made.__dict__["build"] = lambda depth=2, random_state=None: Plain(depth=depth, random_state=random_state)
    sys.modules["homegrown"] = made
    yield made
    del sys.modules["homegrown"]


@pytest.mark.parametrize("path", ["sklearn.tree.DecisionTreeClassifier", "sklearn.tree:DecisionTreeClassifier"])
def test_both_ways_to_write_a_path_lead_to_the_class(path: str) -> None:
    made = make(candidate(path, max_depth=3), seed=7)
    assert type(made).__name__ == "DecisionTreeClassifier"
    assert (made.max_depth, made.random_state) == (3, 7)


def test_our_estimators_are_found_where_they_are_offered() -> None:
    made = make(candidate("heliotrope.candidates.ExtrapolatedDiscriminant", degree=2), seed=7)
    assert isinstance(made, ExtrapolatedDiscriminant)
    assert made.degree == 2


def test_a_random_state_that_is_given_is_kept() -> None:
    assert make(candidate("sklearn.tree.DecisionTreeClassifier", random_state=1), seed=7).random_state == 1


def test_an_estimator_without_random_state_is_given_none() -> None:
    assert "random_state" not in make(candidate("sklearn.linear_model.LinearRegression"), seed=7).get_params()


def test_an_estimator_of_any_parameters_is_given_its_seed_where_it_has_one() -> None:
    assert make(candidate("homegrown.Open", depth=2), seed=7).settings == {"depth": 2, "random_state": 7}
    assert make(candidate("homegrown.Open", random_state=1), seed=7).settings == {"random_state": 1}
    assert make(candidate("homegrown.Plain", depth=2), seed=7).settings == {"depth": 2}


def test_a_function_that_returns_an_estimator_will_do() -> None:
    assert make(candidate("homegrown.build", depth=4), seed=7).settings == {"depth": 4, "random_state": 7}


def test_parameters_of_a_part_are_set() -> None:
    made = make(candidate("homegrown.Parted", inner__max_depth=3), seed=7)
    assert made.inner.max_depth == 3


@pytest.mark.parametrize(
    ("path", "said", "remedy"),
    [
        (
            "sklearn.tree.DecisionTreeClasifier",
            "sklearn.tree has no 'DecisionTreeClasifier'",
            "'DecisionTreeClassifier'",
        ),
        ("sklearn.tre.DecisionTreeClassifier", "sklearn has no module 'tre'", "did you mean 'tree'"),
        ("nosuchpackage.Thing", "there is no package 'nosuchpackage'", "install 'nosuchpackage'"),
        ("nosuchpackage.deep.Thing", "there is no package 'nosuchpackage'", "install 'nosuchpackage'"),
        ("heliotrope.candidates.Extrapolated", "has no 'Extrapolated'", "did you mean 'ExtrapolatedDiscriminant'"),
        ("homegrown.number", "homegrown.number is a int, not an estimator", "name its class"),
        ("homegrown.Nothing", "homegrown.Nothing has no method 'fit'", "fit and predict"),
    ],
)
def test_a_path_that_leads_nowhere_says_what_was_meant(path: str, said: str, remedy: str) -> None:
    with pytest.raises(EstimatorError) as caught:
        make(candidate(path), seed=7)
    assert str(caught.value).startswith("candidate tried: ")
    assert said in caught.value.message
    assert remedy in caught.value.remedy


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("sys.exit", "of Python's standard library"),
        ("builtins.quit", "of Python's standard library"),
        ("os.abort", "of Python's standard library"),
        ("os:_exit", "of Python's standard library"),
        ("shutil.rmtree", "of Python's standard library"),
        ("homegrown.end", "of Python's standard library"),
        ("homegrown.stop", "is a built-in function, not an estimator"),
        ("homegrown.leave", "is a Quitter, not an estimator"),
        ("homegrown.Bare", "has no method 'predict'"),
        ("homegrown.ends", "tried to end the process"),
        ("sklearn.tree.sys.exit", "sklearn.tree has no module 'sys'"),
    ],
)
def test_what_may_do_anything_is_refused_before_it_is_called(path: str, said: str, module: types.ModuleType) -> None:
    class Bare:
        def __init__(self) -> None:
            raise AssertionError("called")

        def fit(self, X: Any, y: Any) -> None: ...

    module.__dict__.update(end=subprocess.call, stop=os.abort, leave=builtins.quit, Bare=Bare)
    module.__dict__["ends"] = lambda: sys.exit(0)
    with pytest.raises(EstimatorError, match=re.escape(said)):
        make(candidate(path), seed=7)


def test_a_module_that_ends_the_process_when_imported_is_refused(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ending_module.py").write_text("raise SystemExit(0)\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(EstimatorError, match="importing ending_module failed: SystemExit"):
        make(candidate("ending_module.Thing"), seed=7)


@pytest.mark.parametrize(
    ("path", "task", "said"),
    [
        ("sklearn.cluster.KMeans", "classification", "KMeans is no classifier, its type is 'clusterer'"),
        (
            "sklearn.linear_model.LinearRegression",
            "classification",
            r"is no classifier.*'regressor'.*set task: regression",
        ),
        ("sklearn.linear_model.LogisticRegression", "regression", r"is no regressor.*name a regressor"),
        ("sklearn.ensemble.IsolationForest", "classification", "'outlier detector'"),
        ("heliotrope.candidates.VaryingCoefficientRegressor", "classification", "'regressor'"),
    ],
)
def test_an_estimator_for_another_task_is_refused(path: str, task: str, said: str) -> None:
    make(candidate(path), seed=7)
    with pytest.raises(EstimatorError, match=said):
        make(candidate(path), seed=7, task=task)


@pytest.mark.parametrize(
    ("path", "task"),
    [
        ("sklearn.tree.DecisionTreeClassifier", "classification"),
        ("sklearn.linear_model.Ridge", "regression"),
        ("heliotrope.candidates.ExtrapolatedDiscriminant", "classification"),
        ("heliotrope.candidates.VaryingCoefficientRegressor", "regression"),
        ("homegrown.Parted", "classification"),
        ("homegrown.Plain", "regression"),
    ],
)
def test_one_for_the_task_or_that_says_nothing_of_it_is_taken(path: str, task: str) -> None:
    assert make(candidate(path), seed=7, task=task) is not None


def test_a_module_that_needs_another_package_says_which(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "needy_module.py").write_text("import nosuchpackage\n")
    (tmp_path / "broken_module.py").write_text("1 / 0\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(EstimatorError, match=r"importing needy_module failed.*install 'nosuchpackage'"):
        make(candidate("needy_module.Thing"), seed=7)
    with pytest.raises(EstimatorError, match="importing broken_module failed: ZeroDivisionError"):
        make(candidate("broken_module.Thing"), seed=7)


def test_an_unknown_parameter_names_the_nearest() -> None:
    with pytest.raises(EstimatorError, match=r"has no parameter 'max_dept' \(did you mean 'max_depth'\?\)"):
        make(candidate("sklearn.tree.DecisionTreeClassifier", max_dept=3), seed=7)


def test_an_unknown_parameter_of_a_part_names_the_nearest() -> None:
    path = "sklearn.multioutput.ClassifierChain"
    with pytest.raises(EstimatorError, match="refuses its parameters"):
        make(candidate(path), seed=7)
    with pytest.raises(EstimatorError, match="has no parameter 'part__depth'"):
        make(candidate("sklearn.tree.DecisionTreeClassifier", part__depth=3), seed=7)
    with pytest.raises(EstimatorError, match="no parts to set 'part__depth' of"):
        make(candidate("homegrown.build", part__depth=3), seed=7)


def test_takes_looks_at_the_names_of_parameters() -> None:
    assert takes(ExtrapolatedDiscriminant().fit, "time")
    assert not takes(Plain().fit, "time")
    assert not takes(dict.fromkeys, "time")
