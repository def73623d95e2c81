"""What goes into an estimator and what comes out, on every way through the encoder."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.tree import DecisionTreeClassifier

from heliotrope.candidates.model import Model
from heliotrope.config import Pipeline, parse
from heliotrope.errors import EstimatorError, SchemaError
from unit.candidates.checks import fit, pipeline, rows

HERE = __name__


class Recorder(ClassifierMixin, BaseEstimator):  # type: ignore[misc] # scikit-learn has no types
    """Keeps what it is given; predicts the first class."""

    def __init__(self, random_state: int | None = None) -> None:
        self.random_state = random_state

    def fit(self, X: Any, y: Any, sample_weight: Any = None, time: Any = None) -> Recorder:
        self.given = {"X": X, "y": y, "sample_weight": sample_weight, "time": time}
        self.classes_ = np.unique(y)
        return self

    def predict(self, X: Any, time: Any = None) -> NDArray[Any]:
        self.asked = {"X": X, "time": time}
        return np.zeros(len(X), dtype=int)


class Unweighted(Recorder):
    """Takes neither weights nor times."""

    def fit(self, X: Any, y: Any) -> Recorder:  # type: ignore[override] # what it is for
        return super().fit(X, y)


class Stray(Recorder):
    """Predicts a class that does not exist."""

    def predict(self, X: Any, time: Any = None) -> NDArray[Any]:
        return np.full(len(X), -1)


@pytest.fixture(autouse=True)
def _importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "recording", sys.modules[HERE])


def mixed(encode: str = "auto", estimator: str = "recording.Recorder", task: str = "classification") -> Pipeline:
    return parse(
        {
            "name": "p",
            "source": {"table": "t", "time": "at"},
            "interval": "1h",
            "features": {"x": "numeric", "port": "categorical"},
            "target": "class",
            "task": task,
            "candidates": [{"name": "tried", "estimator": estimator, "encode": encode}],
        }
    )


def mixed_rows(count: int = 200) -> pa.Table:
    rng = np.random.default_rng(0)
    place = rng.integers(0, 3, count)
    ports = np.array(["JFK", "LGA", "서울"], dtype=object)[place]
    ports[::11] = None
    x = rng.standard_normal(count)
    x[::13] = np.nan
    at = np.datetime64("2026-11-24T00:00", "us") + np.arange(count) * np.timedelta64(60_000_000, "us")
    label = np.where(place + 0.3 * np.nan_to_num(x) > 1, "late", "on time")
    return pa.table(
        {
            "at": pa.array(at, pa.timestamp("us", "UTC")),
            "x": pa.array(x, from_pandas=True),
            "port": pa.array(ports.tolist(), pa.string()),
            "class": pa.array(label.tolist()),
        }
    )


def fit_mixed(of: Pipeline, table: pa.Table, weights: NDArray[np.float64] | None = None) -> Model:
    kinds: dict[str, Any] = {"x": "numeric", "port": "categorical"}
    return Model.fit(of.candidates[0], table, pipeline=of, kinds=kinds, weights=weights, seed=3)


# --- what the estimator is given ---------------------------------------------------------------------------


def test_numbers_go_in_as_a_contiguous_matrix_and_classes_as_their_places() -> None:
    table = rows()
    given = fit(pipeline("recording.Recorder"), table).estimator.given
    assert given["X"].flags.c_contiguous
    np.testing.assert_array_equal(given["X"], np.column_stack([table["x"], table["y"]]))
    assert given["y"].tolist() == [0, 1, 2] * 80
    assert given["sample_weight"] is None


def test_times_go_in_as_seconds_in_a_fit_and_in_a_prediction() -> None:
    table = rows()
    model = fit(pipeline("recording.Recorder"), table)
    expected = table["at"].cast(pa.int64()).to_numpy() / 1e6
    np.testing.assert_array_equal(model.estimator.given["time"], expected)
    model.predict(table.slice(200, 40))
    np.testing.assert_array_equal(model.estimator.asked["time"], expected[200:])


def test_an_estimator_that_takes_no_time_needs_no_time_column() -> None:
    table = rows()
    model = fit(pipeline("recording.Unweighted"), table)
    assert model.time is None
    assert model.predict(table.drop_columns(["at", "class"])).tolist() == ["1"] * 240


def test_an_estimator_that_takes_time_says_when_it_is_missing() -> None:
    table = rows()
    model = fit(pipeline("recording.Recorder"), table)
    with pytest.raises(SchemaError, match="no single column 'at'"):
        model.predict(table.drop_columns(["at"]))


def test_weights_go_in_where_they_are_taken() -> None:
    weights = np.linspace(0.1, 1.0, 240)
    given = fit(pipeline("recording.Recorder"), rows(), weights).estimator.given
    np.testing.assert_array_equal(given["sample_weight"], weights)


def test_weights_become_a_sample_where_they_are_not_taken() -> None:
    table = rows()
    weights = np.where(np.arange(240) < 120, 1e-12, 1.0)
    given = fit(pipeline("recording.Unweighted"), table, weights).estimator.given
    assert given["X"].shape == (240, 2)
    late = set(table["x"].to_pylist()[120:])
    assert set(given["X"][:, 0]) <= late
    again = fit(pipeline("recording.Unweighted"), table, weights).estimator.given
    np.testing.assert_array_equal(given["X"], again["X"])
    other = fit(pipeline("recording.Unweighted"), table, weights, seed=4).estimator.given
    assert not np.array_equal(given["X"], other["X"])


def test_the_seed_becomes_the_random_state() -> None:
    assert fit(pipeline("recording.Recorder"), rows(), seed=11).estimator.random_state == 11


def test_class_weights_are_given_by_label() -> None:
    params = {"class_weight": {"1": 1.0, "A": 100.0, "가": 1.0}}
    table = rows()
    favoured = fit(pipeline("sklearn.linear_model.LogisticRegression", params=params), table)
    equal = fit(pipeline("sklearn.linear_model.LogisticRegression"), table)
    assert (favoured.predict(table) == "A").sum() > (equal.predict(table) == "A").sum() + 20


# --- encoding ----------------------------------------------------------------------------------------------


def test_categories_are_encoded_and_times_reach_the_estimator_behind_the_encoder() -> None:
    table = mixed_rows()
    model = fit_mixed(mixed(), table)
    given = model.estimator.given
    assert len(given["X"]) == 200
    assert np.asarray(given["X"]).dtype.kind == "f"
    assert np.isfinite(np.asarray(given["X"])).all()
    assert given["time"].shape == (200,)
    model.predict(table.slice(5, 7))
    assert model.estimator.asked["time"].shape == (7,)


def test_with_encode_none_categories_go_in_as_they_are() -> None:
    given = fit_mixed(mixed("none"), mixed_rows()).estimator.given
    assert list(given["X"].columns) == ["x", "port"]
    assert given["X"]["port"].tolist()[1] in ("JFK", "LGA", "서울")
    assert given["X"]["x"].dtype == np.float64


def test_an_estimator_that_cannot_take_categories_says_to_encode_them() -> None:
    table = mixed_rows().drop_columns(["x"]).append_column("x", pa.array(np.arange(200.0)))
    table = table.set_column(1, "port", pa.array(["JFK"] * 200))
    with pytest.raises(EstimatorError, match="could not convert string") as caught:
        fit_mixed(mixed("none", "sklearn.linear_model.LogisticRegression"), table)
    assert caught.value.remedy == "set encode: auto"


@pytest.mark.parametrize(
    "estimator",
    [
        "sklearn.linear_model.LogisticRegression",
        "sklearn.ensemble.HistGradientBoostingClassifier",
        "heliotrope.candidates.ExtrapolatedDiscriminant",
        "heliotrope.candidates.VaryingCoefficientClassifier",
    ],
)
def test_mixed_tables_with_holes_are_learnt(estimator: str) -> None:
    table = mixed_rows()
    model = fit_mixed(mixed(estimator=estimator), table)
    assert np.mean(model.predict(table) == table["class"].to_numpy()) > 0.85
    shares = model.predict_proba(table)
    assert shares is not None
    assert np.isfinite(shares).all()


def test_a_category_that_was_never_seen_is_borne() -> None:
    model = fit_mixed(mixed(estimator="sklearn.linear_model.LogisticRegression"), mixed_rows())
    new = mixed_rows(3).set_column(2, "port", pa.array(["EWR", "'; DROP TABLE t; --", None]))
    assert set(model.predict(new)) <= {"late", "on time"}


def test_categories_stored_as_a_dictionary_are_the_same_categories() -> None:
    table = mixed_rows()
    model = fit_mixed(mixed(estimator="sklearn.linear_model.LogisticRegression"), table)
    stored = table.set_column(2, "port", table["port"].dictionary_encode())
    np.testing.assert_array_equal(model.predict(table), model.predict(stored))


def test_a_regression_through_the_encoder() -> None:
    table = mixed_rows()
    target = pa.array(np.where(np.array(table["port"].to_pylist(), dtype=object) == "JFK", 10.0, 20.0))
    table = table.set_column(3, "class", target)
    model = fit_mixed(mixed(estimator="heliotrope.candidates.VaryingCoefficientRegressor", task="regression"), table)
    assert np.abs(model.predict(table) - target.to_numpy()).mean() < 1.0


# --- refusals ----------------------------------------------------------------------------------------------


def test_a_parameter_the_estimator_refuses_in_its_fit_is_passed_on() -> None:
    of = pipeline("sklearn.tree.DecisionTreeClassifier", params={"max_depth": "deep"})
    with pytest.raises(EstimatorError, match=r"candidate tried: DecisionTreeClassifier, fitted to 240 rows.*max_depth"):
        fit(of, rows())


def test_a_target_without_numbers_is_refused_in_a_regression() -> None:
    of = pipeline("sklearn.linear_model.Ridge", task="regression")
    with pytest.raises(SchemaError, match="column 'class' holds 'A', which is not a number"):
        fit(of, rows())


def test_a_class_that_does_not_exist_is_not_passed_on() -> None:
    table = rows()
    with pytest.raises(EstimatorError, match="predicted a class it was not fitted on"):
        fit(pipeline("recording.Stray"), table).predict(table)


def test_a_long_complaint_is_cut_short() -> None:
    class Verbose(Recorder):
        def fit(self, X: Any, y: Any, sample_weight: Any = None, time: Any = None) -> Recorder:
            raise ValueError("word " * 1000)

    sys.modules[HERE].__dict__["Verbose"] = Verbose
    with pytest.raises(EstimatorError) as caught:
        fit(pipeline("recording.Verbose"), rows())
    assert len(str(caught.value)) < 600


# --- imports -----------------------------------------------------------------------------------------------


def test_importing_candidates_imports_no_scikit_learn() -> None:
    code = (
        "import sys, heliotrope.candidates, heliotrope.candidates.model, heliotrope.candidates.artifact\n"
        "assert not {'sklearn', 'scipy', 'skops', 'skrub', 'pandas'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_estimator_that_ends_the_process_is_an_error_of_the_candidate(monkeypatch: pytest.MonkeyPatch) -> None:
    def leave(*_: Any, **__: Any) -> None:
        sys.exit(0)

    pipeline = parse(
        {
            "name": "p",
            "source": {"table": "t", "time": "at"},
            "interval": "1h",
            "features": ["x"],
            "target": "class",
            "candidates": [{"name": "tree", "estimator": "sklearn.tree.DecisionTreeClassifier"}],
        }
    )
    table = pa.table({"x": [0.0, 1.0], "class": ["a", "b"]})

    def fitted() -> Model:
        return Model.fit(pipeline.candidates[0], table, pipeline=pipeline, kinds={"x": "numeric"}, weights=None, seed=0)

    model = fitted()
    monkeypatch.setattr(DecisionTreeClassifier, "predict", leave)
    with pytest.raises(EstimatorError, match="asked about 2 rows, raised SystemExit"):
        model.predict(table)
    monkeypatch.setattr(DecisionTreeClassifier, "fit", leave)
    with pytest.raises(EstimatorError, match="fitted to 2 rows, raised SystemExit: 0"):
        fitted()


TWO = pa.array([0, 3600], pa.int64()).cast(pa.timestamp("s", "UTC"))


class _UnspeakableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("not even that")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ValueError("a\0b"), r"raised ValueError: a\\x00b"),
        (ValueError("a\ud800b"), r"raised ValueError: a\\ud800b"),
        (_UnspeakableError(), "raised _UnspeakableError: "),
        (GeneratorExit(), "raised GeneratorExit: "),
        (BaseException("base"), "raised BaseException: base"),
    ],
)
@pytest.mark.parametrize("method", ["fit", "predict"])
def test_whatever_an_estimator_raises_is_said_in_words_that_can_be_kept(
    monkeypatch: pytest.MonkeyPatch, method: str, error: BaseException, said: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(Recorder, method, fail)
    table = pa.table({"at": TWO, "x": [0.0, 1.0], "class": ["a", "b"]})
    with pytest.raises(EstimatorError, match=said) as caught:
        plain().predict(table)
    str(caught.value).encode()
    assert "\0" not in str(caught.value)


@pytest.mark.parametrize("answer", [None, "a", [["a"], ["b"]], [object(), object()], [1, [2]]])
def test_answers_that_are_no_numbers_are_said(monkeypatch: pytest.MonkeyPatch, answer: Any) -> None:
    monkeypatch.setattr(Recorder, "predict", lambda *_, **__: answer)
    with pytest.raises(EstimatorError, match="candidate r: predict of Recorder gave what is no array of numbers"):
        plain().predict(pa.table({"at": TWO, "x": [0.0, 1.0]}))


def plain() -> Model:
    """A Recorder, fitted to two rows."""
    pipeline = parse(
        {
            "name": "p",
            "source": {"table": "t", "time": "at"},
            "interval": "1h",
            "features": ["x"],
            "target": "class",
            "candidates": [{"name": "r", "estimator": "recording.Recorder"}],
        }
    )
    table = pa.table({"at": TWO, "x": [0.0, 1.0], "class": ["a", "b"]})
    return Model.fit(pipeline.candidates[0], table, pipeline=pipeline, kinds={"x": "numeric"}, weights=None, seed=0)


class Forking(DecisionTreeClassifier):  # type: ignore[misc]  # scikit-learn's has no types
    """Leaves a copy of the process behind that fails."""

    def fit(self, X: Any, y: Any) -> Forking:
        if os.fork() == 0:
            raise RuntimeError("in the copy")
        os.wait()
        super().fit(X, y)
        return self


def test_a_copy_of_the_process_that_an_estimator_leaves_goes_no_further() -> None:
    program = """
from unit.candidates.checks import fit, pipeline, rows
try:
    fit(pipeline("unit.candidates.test_model.Forking"), rows(30))
finally:
    print("went on", flush=True)
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    ran = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=120)
    assert (ran.returncode, ran.stdout) == (0, "went on\n"), ran.stderr
