"""Means that move are followed, means that stand still are left alone, and little data does no harm."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from heliotrope.candidates import ExtrapolatedDiscriminant
from unit.candidates.turning import START, Rows, joined, next_hour_accuracy, standing, turning, wide


class Plain(LinearDiscriminantAnalysis):  # type: ignore[misc] # scikit-learn has no types
    """scikit-learn's, which knows no time."""

    def fit(self, X: Any, y: Any, time: Any = None) -> Any:
        return super().fit(X, y)

    def predict(self, X: Any, time: Any = None) -> Any:
        return super().predict(X)


def hours(make: Callable[..., Rows], count: int, seed: int = 0, **options: Any) -> Rows:
    rng = np.random.default_rng(seed)
    return joined([make(rng, hour, **options) for hour in range(count)])


# --- on streams --------------------------------------------------------------------------------------------


def test_on_the_original_stream_three_hours_predict_the_fourth_nearly_as_well_as_can_be() -> None:
    assert next_hour_accuracy(ExtrapolatedDiscriminant, turning, window=3, hours=200) >= 0.966


@pytest.mark.parametrize(("window", "degree", "least"), [(2, 1, 0.966), (4, 1, 0.966), (5, 2, 0.966), (6, 2, 0.966)])
def test_other_windows_do_as_well_with_the_degree_that_suits_them(window: int, degree: int, least: float) -> None:
    make = partial(ExtrapolatedDiscriminant, degree=degree)
    assert next_hour_accuracy(make, turning, window=window, hours=60) >= least


def test_without_its_bound_by_evidence_it_does_as_well_there() -> None:
    make = partial(ExtrapolatedDiscriminant, evidence=False)
    assert next_hour_accuracy(make, turning, window=3, hours=60) >= 0.966


@pytest.mark.parametrize("rows", [300, 30, 10])
def test_on_a_standing_stream_it_costs_nothing_that_can_be_measured(rows: int) -> None:
    stream = partial(standing, rows=rows)
    ours = next_hour_accuracy(ExtrapolatedDiscriminant, stream, window=3, hours=100)
    plain = next_hour_accuracy(Plain, stream, window=3, hours=100)
    assert plain - ours < 0.002


def test_on_a_standing_stream_of_many_features_it_costs_nothing_that_can_be_measured() -> None:
    ours = next_hour_accuracy(ExtrapolatedDiscriminant, wide, window=3, hours=40)
    plain = next_hour_accuracy(Plain, wide, window=3, hours=40)
    assert plain - ours < 0.002


@pytest.mark.parametrize("correlation", [0.0, 0.99])
def test_of_many_features_the_few_that_move_are_followed(correlation: float) -> None:
    stream = partial(wide, moving=0.3, correlation=correlation)
    ours = next_hour_accuracy(ExtrapolatedDiscriminant, stream, window=4, hours=12)
    plain = next_hour_accuracy(Plain, stream, window=4, hours=12)
    assert ours > plain


def test_intervals_that_differ_without_direction_are_hardly_taken_for_a_trend() -> None:
    def shaken(rng: np.random.Generator, hour: int) -> Rows:
        return standing(rng, hour)._replace(X=standing(rng, hour).X + 0.3 * rng.standard_normal(2))

    bounded = next_hour_accuracy(ExtrapolatedDiscriminant, shaken, window=6, hours=60)
    free = next_hour_accuracy(partial(ExtrapolatedDiscriminant, evidence=False), shaken, window=6, hours=60)
    plain = next_hour_accuracy(Plain, shaken, window=6, hours=60)
    assert bounded > free
    assert plain - bounded < 0.006


# --- without time it is linear discriminant analysis -------------------------------------------------------


@pytest.mark.parametrize("time", [None, 5.0])
def test_one_time_gives_plain_linear_discriminant_analysis(time: float | None) -> None:
    X, y, _ = hours(turning, 1)
    seconds = None if time is None else np.full(len(X), time)
    ours = ExtrapolatedDiscriminant(shrinkage=0.0).fit(X, y, time=seconds)
    plain = LinearDiscriminantAnalysis().fit(X, y)
    np.testing.assert_array_equal(ours.predict(X), plain.predict(X))
    np.testing.assert_allclose(ours.predict_proba(X), plain.predict_proba(X), atol=2e-3)  # n - K against n
    np.testing.assert_allclose(ours.mean_at(0.0), plain.means_, atol=1e-9)


def test_degree_zero_gives_it_over_any_times() -> None:
    X, y, time = hours(turning, 3)
    ours = ExtrapolatedDiscriminant(degree=0, shrinkage=0.0).fit(X, y, time=time)
    plain = LinearDiscriminantAnalysis().fit(X, y)
    np.testing.assert_array_equal(ours.predict(X, time=time), plain.predict(X))
    np.testing.assert_allclose(ours.predict_proba(X, time=time), plain.predict_proba(X), atol=2e-3)


def test_its_shrinkage_is_that_of_ledoit_and_wolf() -> None:
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((40, 25)), np.arange(40) % 2
    X[y == 1] += 0.5
    ours = ExtrapolatedDiscriminant().fit(X, y)
    plain = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto").fit(X, y)
    assert np.mean(ours.predict(X) == plain.predict(X)) > 0.9
    new = rng.standard_normal((500, 25))
    assert np.mean(ours.predict(new) == plain.predict(new)) > 0.9


# --- trends ------------------------------------------------------------------------------------------------


def test_means_are_extrapolated_in_the_units_of_the_features() -> None:
    rng = np.random.default_rng(0)
    hour = np.repeat([0.0, 1.0, 2.0, 3.0], 400)
    y = np.tile([0, 1], 800)
    X = np.column_stack([1000.0 + 100.0 * (y + hour * (1 - y)), 1e-3 * y]) + rng.standard_normal((1600, 2)) * [10, 1e-4]
    model = ExtrapolatedDiscriminant().fit(X, y, time=START + 3600 * hour)
    mean = model.mean_at(START + 3600 * 5.0)
    np.testing.assert_allclose(mean[:, 0], [1500.0, 1100.0], atol=5.0)
    np.testing.assert_allclose(mean[:, 1], [0.0, 1e-3], atol=5e-5)


def test_beyond_the_horizon_the_classes_stand_still() -> None:
    X, y, time = hours(turning, 3)
    model = ExtrapolatedDiscriminant(horizon=1.0).fit(X, y, time=time)
    edge, far = START + 3600 * 4, START + 1e9
    np.testing.assert_array_equal(model.mean_at(edge), model.mean_at(far))
    np.testing.assert_array_equal(
        model.predict_proba(X, time=np.full(len(X), edge)), model.predict_proba(X, time=np.full(len(X), far))
    )
    assert not np.allclose(model.mean_at(edge), model.mean_at(edge - 3600))


def test_rows_of_many_times_at_once_are_scored_each_at_its_own() -> None:
    X, y, time = hours(turning, 5)
    model = ExtrapolatedDiscriminant(degree=2).fit(X, y, time=time)
    together = model.predict_proba(X, time=time)
    for hour in range(5):
        own = time == START + 3600 * hour
        np.testing.assert_allclose(together[own], model.predict_proba(X[own], time=time[own]), atol=1e-12)


def test_without_times_it_predicts_for_the_end_of_its_training() -> None:
    X, y, time = hours(turning, 3)
    model = ExtrapolatedDiscriminant().fit(X, y, time=time)
    np.testing.assert_array_equal(model.predict_proba(X), model.predict_proba(X, time=np.full(len(X), time.max())))


def test_the_origin_and_the_unit_of_time_do_not_matter() -> None:
    X, y, time = hours(turning, 4)
    here = ExtrapolatedDiscriminant(degree=2).fit(X, y, time=time).predict_proba(X, time=time)
    there = (time - START) / 86400.0
    np.testing.assert_allclose(
        ExtrapolatedDiscriminant(degree=2).fit(X, y, time=there).predict_proba(X, time=there), here, atol=1e-6
    )


def test_linear_maps_of_the_features_do_not_matter() -> None:
    X, y, time = hours(turning, 3)
    skew = np.array([[3.0, 1.0], [2.9, 1.0]])
    here = ExtrapolatedDiscriminant(shrinkage=0.0).fit(X, y, time=time).predict_proba(X, time=time)
    there = (
        ExtrapolatedDiscriminant(shrinkage=0.0).fit(X @ skew + 7, y, time=time).predict_proba(X @ skew + 7, time=time)
    )
    np.testing.assert_allclose(here, there, atol=1e-6)


def test_shares_that_grow_are_extrapolated_and_never_vanish() -> None:
    rng = np.random.default_rng(0)
    hour = np.repeat([0.0, 1.0, 2.0], 1000)
    y = (rng.uniform(size=3000) < 0.1 + 0.2 * hour).astype(int)
    X = rng.standard_normal((3000, 1))
    model = ExtrapolatedDiscriminant().fit(X, y, time=hour)
    following = model.predict_proba(np.zeros((1, 1)), time=[3.0])[0]
    np.testing.assert_allclose(following, [0.3, 0.7], atol=0.06)
    falling = ExtrapolatedDiscriminant(horizon=5.0).fit(X, y, time=hour).predict_proba(np.zeros((1, 1)), time=[9.0])[0]
    assert falling[0] > 0.02


def test_times_that_differ_from_row_to_row_are_followed_too() -> None:
    rng = np.random.default_rng(0)
    time = np.sort(rng.uniform(0.0, 3.0, 3000))
    y = rng.integers(0, 2, 3000)
    X = rng.standard_normal((3000, 2)) + np.where(y == 0, time, -time)[:, None]
    model = ExtrapolatedDiscriminant().fit(X, y, time=time)
    np.testing.assert_allclose(model.mean_at(4.0), [[4.0, 4.0], [-4.0, -4.0]], atol=0.3)


# --- little or odd data ------------------------------------------------------------------------------------


def _finite(model: ExtrapolatedDiscriminant, X: NDArray[np.float64], time: NDArray[np.float64]) -> None:
    for when in (time, np.full(len(X), time.max() + 3600.0), np.full(len(X), 1e12)):
        shares = model.predict_proba(X, time=when)
        assert np.isfinite(shares).all()
        np.testing.assert_allclose(shares.sum(axis=1), 1.0)


@pytest.mark.parametrize("rows", [1, 2, 3])
@pytest.mark.parametrize("features", [1, 2, 30])
@pytest.mark.parametrize("shrinkage", ["auto", 0.0, 1.0])
def test_a_handful_of_rows_is_enough(rows: int, features: int, shrinkage: Any) -> None:
    rng = np.random.default_rng(0)
    y = np.tile(np.repeat([0, 1, 2], rows), 3)
    time = START + 3600.0 * np.repeat(np.arange(3.0), 3 * rows)
    X = rng.standard_normal((len(y), features)) + y[:, None]
    _finite(ExtrapolatedDiscriminant(shrinkage=shrinkage).fit(X, y, time=time), X, time)


def test_one_row_a_class_is_enough() -> None:
    X, y, time = np.array([[0.0, 1.0], [1.0, 0.0]]), np.array(["a", "b"]), np.array([0.0, 1.0])
    model = ExtrapolatedDiscriminant().fit(X, y, time=time)
    assert model.predict(X, time=time).tolist() == ["a", "b"]
    _finite(model, X, time)


def test_one_class_is_always_predicted() -> None:
    X, y, time = hours(turning, 3, classes=1)
    model = ExtrapolatedDiscriminant().fit(X, y, time=time)
    assert (model.predict_proba(X, time=time) == 1.0).all()


def test_constant_and_repeated_features_do_no_harm() -> None:
    X, y, time = hours(turning, 3)
    odd = np.column_stack([X, X[:, 0], np.full(len(X), 0.1), X @ [1.0, 2.0]])
    model = ExtrapolatedDiscriminant(shrinkage=0.0).fit(odd, y, time=time)
    plain = ExtrapolatedDiscriminant(shrinkage=0.0).fit(X, y, time=time)
    np.testing.assert_allclose(model.predict_proba(odd, time=time), plain.predict_proba(X, time=time), atol=1e-3)
    odd[:, 3] = 5.0  # constant in the training, another value later
    _finite(model, odd, time)
    np.testing.assert_array_equal(model.predict(odd, time=time), plain.predict(X, time=time))


def test_a_feature_that_tells_the_classes_apart_without_error_is_used() -> None:
    X, y, time = hours(turning, 3)
    model = ExtrapolatedDiscriminant().fit(np.column_stack([X, y]), y, time=time)
    assert (model.predict(np.column_stack([X, y]), time=time) == y).all()


@pytest.mark.parametrize("absent", [[0], [2], [0, 1], [1, 2], [0, 2]])
def test_a_class_may_be_absent_in_part_of_the_window(absent: list[int]) -> None:
    X, y, time = hours(turning, 3)
    hour = (time - START) / 3600
    kept = ~((y == 1) & np.isin(hour, absent))
    model = ExtrapolatedDiscriminant().fit(X[kept], y[kept], time=time[kept])
    _finite(model, X, time)
    seen = START + 3600.0 * max({0, 1, 2} - set(absent))
    own = (y == 1) & (time == seen)
    assert np.linalg.norm(model.mean_at(seen)[1] - X[own].mean(axis=0)) < 0.5


def test_a_class_that_was_seen_long_ago_is_not_followed_further_than_its_own_span() -> None:
    rng = np.random.default_rng(0)
    hour = np.repeat(np.arange(6.0), 200)
    y = np.tile([0, 1], 600)
    X = rng.standard_normal((1200, 1)) + 3.0 * y[:, None] * hour[:, None]
    kept = (y == 0) | (hour < 2)
    model = ExtrapolatedDiscriminant().fit(X[kept], y[kept], time=hour[kept])
    assert abs(model.mean_at(6.0)[1, 0] - 6.0) < 0.5


def test_weights_are_counts_of_rows_whatever_the_times() -> None:
    X, y, time = hours(turning, 4, rows=20)
    often = 1 + np.arange(len(y)) % 4
    for degree in (1, 2):
        weighted = ExtrapolatedDiscriminant(degree=degree).fit(X, y, sample_weight=often, time=time)
        repeated = ExtrapolatedDiscriminant(degree=degree).fit(
            np.repeat(X, often, axis=0), np.repeat(y, often), time=np.repeat(time, often)
        )
        np.testing.assert_allclose(
            weighted.predict_proba(X, time=time), repeated.predict_proba(X, time=time), atol=1e-9
        )


def test_decayed_weights_let_late_rows_decide() -> None:
    X, y, time = hours(turning, 12)
    weights = 0.5 ** ((time.max() - time) / 3600.0)
    later = hours(turning, 13, seed=1)
    new = later.time == later.time.max()
    decayed = ExtrapolatedDiscriminant().fit(X, y, sample_weight=weights, time=time)
    assert np.mean(decayed.predict(later.X[new], time=later.time[new]) == later.y[new]) > 0.94
