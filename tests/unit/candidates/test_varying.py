"""Coefficients that move are followed where that is seen to help, and are left alone elsewhere."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge

from heliotrope.candidates import VaryingCoefficientClassifier, VaryingCoefficientRegressor
from unit.candidates.turning import START, Floats, Rows, joined, next_hour_accuracy, standing, turning, wide

Either = VaryingCoefficientClassifier | VaryingCoefficientRegressor


def hours(count: int, seed: int = 0, **options: Any) -> Rows:
    rng = np.random.default_rng(seed)
    return joined([turning(rng, hour, **options) for hour in range(count)])


def sliding_effect(count: int = 4, rows: int = 300, seed: int = 0) -> tuple[Floats, Floats, Floats]:
    """A number whose dependence on two of three features moves by one an hour."""
    rng = np.random.default_rng(seed)
    hour = np.repeat(np.arange(float(count)), rows)
    X = rng.standard_normal((len(hour), 3)) * [1.0, 10.0, 1.0] + [0.0, 100.0, 0.0]
    y = 5.0 + hour * X[:, 0] - 0.1 * hour * (X[:, 1] - 100.0) + 2.0 * X[:, 2] + 0.1 * rng.standard_normal(len(hour))
    return X, y, START + 3600.0 * hour


# --- classification on streams -----------------------------------------------------------------------------


def test_on_the_original_stream_three_hours_predict_the_fourth() -> None:
    assert next_hour_accuracy(VaryingCoefficientClassifier, turning, window=3, hours=60) >= 0.963


def test_six_hours_with_degree_two_do_as_well() -> None:
    make = partial(VaryingCoefficientClassifier, degree=2)
    assert next_hour_accuracy(make, turning, window=6, hours=12) >= 0.96


@pytest.mark.parametrize("rows", [300, 30])
def test_on_a_standing_stream_it_costs_next_to_nothing(rows: int) -> None:
    stream = partial(standing, rows=rows)
    moving = next_hour_accuracy(VaryingCoefficientClassifier, stream, window=3, hours=40)
    fixed = next_hour_accuracy(partial(VaryingCoefficientClassifier, degree=0), stream, window=3, hours=40)
    assert fixed - moving < 0.003


@pytest.mark.parametrize("correlation", [0.0, 0.99])
def test_of_many_features_and_classes_the_few_that_move_are_followed(correlation: float) -> None:
    stream = partial(wide, moving=0.4, correlation=correlation)
    moving = next_hour_accuracy(VaryingCoefficientClassifier, stream, window=4, hours=4)
    fixed = next_hour_accuracy(partial(VaryingCoefficientClassifier, degree=0), stream, window=4, hours=4)
    assert moving >= fixed


# --- what it is without movement ---------------------------------------------------------------------------


def test_without_times_it_is_ridge_penalised_logistic_regression() -> None:
    X, y, _ = hours(1)
    ours = VaryingCoefficientClassifier(alpha=2.0).fit(X, y)
    scaled = (X - X.mean(axis=0)) / X.std(axis=0)
    plain = LogisticRegression(C=0.5, tol=1e-10).fit(scaled, y)
    np.testing.assert_allclose(ours.predict_proba(X), plain.predict_proba(scaled), atol=1e-4)


def test_without_times_it_is_ridge_regression() -> None:
    X, y, _ = sliding_effect(1)
    ours = VaryingCoefficientRegressor(alpha=2.0).fit(X, y)
    scaled = (X - X.mean(axis=0)) / X.std(axis=0)
    np.testing.assert_allclose(ours.predict(X), Ridge(alpha=2.0).fit(scaled, y).predict(scaled), atol=1e-6)


@pytest.mark.parametrize("estimator", [VaryingCoefficientClassifier(), VaryingCoefficientRegressor()])
def test_two_times_leave_nothing_to_check_a_slope_on_so_nothing_moves(estimator: Either) -> None:
    X, y, time = hours(2)
    assert estimator.fit(X, y, time=time).time_penalty_ is None
    assert estimator.trend_.degree == 0


def test_a_penalty_that_is_given_is_taken_as_it_is() -> None:
    X, y, time = hours(2)
    model = VaryingCoefficientClassifier(time_penalty=3.0).fit(X, y, time=time)
    assert (model.time_penalty_, model.trend_.degree) == (3.0, 1)


# --- regression --------------------------------------------------------------------------------------------


def test_effects_that_move_are_extrapolated() -> None:
    X, y, time = sliding_effect()
    seen = time < time.max()
    moving = VaryingCoefficientRegressor().fit(X[seen], y[seen], time=time[seen])
    fixed = VaryingCoefficientRegressor(degree=0).fit(X[seen], y[seen], time=time[seen])
    new = X[~seen], time[~seen]
    assert np.abs(moving.predict(new[0], time=new[1]) - y[~seen]).mean() < 0.15
    assert np.abs(fixed.predict(new[0], time=new[1]) - y[~seen]).mean() > 1.0


def test_an_intercept_that_moves_is_extrapolated() -> None:
    rng = np.random.default_rng(0)
    hour = np.repeat(np.arange(4.0), 100)
    X = rng.standard_normal((400, 1))
    y = 10.0 * hour + X[:, 0] + 0.1 * rng.standard_normal(400)
    model = VaryingCoefficientRegressor().fit(X[hour < 3], y[hour < 3], time=hour[hour < 3])
    np.testing.assert_allclose(model.predict([[0.0]], time=[3.0]), 30.0, atol=0.5)


def test_effects_that_stand_still_are_not_moved() -> None:
    rng = np.random.default_rng(0)
    still = []
    for _ in range(40):
        hour = np.repeat(np.arange(3.0), 50)
        X = rng.standard_normal((150, 4))
        y = X @ [1.0, -1.0, 0.5, 0.0] + rng.standard_normal(150)
        still.append(VaryingCoefficientRegressor().fit(X, y, time=hour).time_penalty_ is None)
    assert np.mean(still) > 0.7


def test_the_scale_of_the_target_does_not_matter() -> None:
    X, y, time = sliding_effect()
    here = VaryingCoefficientRegressor().fit(X, y, time=time).predict(X, time=time)
    there = VaryingCoefficientRegressor().fit(X, 1e6 * y - 7e8, time=time).predict(X, time=time)
    np.testing.assert_allclose((there + 7e8) / 1e6, here, rtol=1e-6)


# --- both --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("estimator", [VaryingCoefficientClassifier(), VaryingCoefficientRegressor()])
def test_beyond_the_horizon_coefficients_stand_still(estimator: Either) -> None:
    X, y, time = hours(3)
    estimator.fit(X, y, time=time)
    edge, far = np.full(len(X), START + 4 * 3600.0), np.full(len(X), START + 1e9)
    ask = getattr(estimator, "predict_proba", estimator.predict)
    np.testing.assert_array_equal(ask(X, time=edge), ask(X, time=far))


@pytest.mark.parametrize(
    "estimator", [VaryingCoefficientClassifier(time_penalty=1.0), VaryingCoefficientRegressor(time_penalty=1.0)]
)
def test_rows_of_many_times_at_once_are_scored_each_at_its_own(estimator: Either) -> None:
    X, y, time = hours(3, rows=50)
    estimator.fit(X, y, time=time)
    ask = getattr(estimator, "predict_proba", estimator.predict)
    together = ask(X, time=time)
    for hour in range(3):
        own = time == START + 3600 * hour
        np.testing.assert_allclose(together[own], ask(X[own], time=time[own]), atol=1e-10)


@pytest.mark.parametrize("estimator", [VaryingCoefficientClassifier(), VaryingCoefficientRegressor()])
@pytest.mark.parametrize("rows", [1, 2])
@pytest.mark.parametrize("features", [1, 30])
def test_a_handful_of_rows_is_enough(estimator: Either, rows: int, features: int) -> None:
    rng = np.random.default_rng(0)
    y = np.tile(np.repeat([0, 1, 2], rows), 4)
    time = START + 3600.0 * np.repeat(np.arange(4), 3 * rows)
    X = rng.standard_normal((len(y), features)) + y[:, None]
    X[:, 0] = 1.0
    estimator.fit(X, y, time=time)
    ask = getattr(estimator, "predict_proba", estimator.predict)
    assert np.isfinite(ask(X, time=time + 1e9)).all()


@pytest.mark.parametrize("absent", [[0], [3], [0, 1, 2]])
def test_a_class_may_be_absent_in_part_of_the_window(absent: list[int]) -> None:
    X, y, time = hours(4, rows=50)
    kept = ~((y == 1) & np.isin((time - START) / 3600, absent))
    model = VaryingCoefficientClassifier().fit(X[kept], y[kept], time=time[kept])
    shares = model.predict_proba(X, time=time + 3600.0)
    assert np.isfinite(shares).all()
    np.testing.assert_allclose(shares.sum(axis=1), 1.0)


def test_two_classes_and_one() -> None:
    X, y, time = hours(3, classes=2)
    model = VaryingCoefficientClassifier().fit(X, np.array(["no", "yes"])[y], time=time)
    assert set(model.predict(X, time=time)) == {"no", "yes"}
    alone = VaryingCoefficientClassifier().fit(X, np.full(len(X), "yes"), time=time)
    assert (alone.predict_proba(X, time=time) == 1.0).all()


@pytest.mark.parametrize("estimator", [VaryingCoefficientClassifier(), VaryingCoefficientRegressor()])
def test_weights_are_counts_of_rows_whatever_the_times(estimator: Either) -> None:
    X, y, time = hours(4, rows=20)
    often = 1 + np.arange(len(y)) % 3
    ask = "predict_proba" if isinstance(estimator, VaryingCoefficientClassifier) else "predict"
    weighted = getattr(estimator.fit(X, y, sample_weight=often, time=time), ask)(X, time=time)
    repeated = getattr(
        estimator.fit(np.repeat(X, often, axis=0), np.repeat(y, often), time=np.repeat(time, often)), ask
    )(X, time=time)
    np.testing.assert_allclose(weighted, repeated, atol=1e-6)
