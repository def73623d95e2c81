"""A motion is found where there is one, followed far, and left alone where there is none."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from heliotrope.candidates import DynamicDiscriminant, ExtrapolatedDiscriminant
from unit.candidates.turning import START, Hour, Rows, joined, next_hour_accuracy, standing, turning, wide


def accuracy_ahead(hour: Hour, *, window: int, ahead: int, tries: int = 20) -> float:
    """Mean accuracy on the hour that lies ``ahead`` hours after a window's last."""
    rng = np.random.default_rng(0)
    stream = [hour(rng, number) for number in range(window + tries + ahead)]
    right = []
    for number in range(window, window + tries):
        seen, later = joined(stream[number - window : number]), stream[number + ahead - 1]
        model = DynamicDiscriminant().fit(seen.X, seen.y, time=seen.time)
        right.append(np.mean(model.predict(later.X, time=later.time) == later.y))
    return float(np.mean(right))


@pytest.mark.parametrize(("window", "ahead"), [(6, 1), (6, 4), (12, 1), (12, 8), (12, 24)])
def test_classes_that_turn_once_a_day_are_known_hours_ahead(window: int, ahead: int) -> None:
    assert accuracy_ahead(turning, window=window, ahead=ahead) >= 0.96


@pytest.mark.parametrize("rows", [300, 30, 10])
@pytest.mark.parametrize("window", [3, 6])
def test_on_a_standing_stream_it_costs_nothing_that_can_be_measured(rows: int, window: int) -> None:
    stream = partial(standing, rows=rows)
    ours = next_hour_accuracy(DynamicDiscriminant, stream, window=window, hours=60)
    assert next_hour_accuracy(ExtrapolatedDiscriminant, stream, window=window, hours=60) - ours < 0.002


def test_of_many_features_that_stand_still_none_is_moved() -> None:
    ours = next_hour_accuracy(DynamicDiscriminant, wide, window=6, hours=10)
    assert next_hour_accuracy(ExtrapolatedDiscriminant, wide, window=6, hours=10) - ours < 0.002


def test_of_three_hours_it_is_the_extrapolated_discriminant() -> None:
    rng = np.random.default_rng(3)
    seen, later = joined([turning(rng, hour) for hour in range(3)]), turning(rng, 3)
    ours = DynamicDiscriminant().fit(seen.X, seen.y, time=seen.time)
    other = ExtrapolatedDiscriminant().fit(seen.X, seen.y, time=seen.time)
    assert ours.motion_ is None
    assert (ours.predict_proba(later.X, later.time) == other.predict_proba(later.X, later.time)).all()


def test_rows_of_many_times_at_once_are_scored_each_at_its_own() -> None:
    rng = np.random.default_rng(4)
    seen = joined([turning(rng, hour) for hour in range(12)])
    model = DynamicDiscriminant().fit(seen.X, seen.y, time=seen.time)
    assert model.motion_ is not None
    later = Rows(seen.X[:50], seen.y[:50], START + 3600.0 * rng.uniform(-2.0, 90.0, size=50))
    together = model.predict_proba(later.X, later.time)
    alone = [model.predict_proba(later.X[[row]], later.time[[row]])[0] for row in range(50)]
    assert together == pytest.approx(np.array(alone), abs=1e-9)


def test_times_that_differ_from_row_to_row_are_followed_too() -> None:
    rng = np.random.default_rng(5)
    hours = np.sort(rng.uniform(0.0, 18.0, size=9000))
    label = rng.integers(3, size=9000)
    angle = 2 * np.pi * (hours / 24 + label / 3)
    X = np.sqrt(6.0) * np.column_stack([np.cos(angle), np.sin(angle)]) + rng.normal(size=(9000, 2))
    seen = hours < 12
    model = DynamicDiscriminant().fit(X[seen], label[seen], time=3600 * hours[seen])
    assert model.motion_ is not None
    assert np.mean(model.predict(X[~seen], 3600 * hours[~seen]) == label[~seen]) > 0.955


def test_beyond_the_horizon_the_classes_stand_still() -> None:
    rng = np.random.default_rng(6)
    seen = joined([turning(rng, hour) for hour in range(12)])
    model = DynamicDiscriminant(horizon=1.0).fit(seen.X, seen.y, time=seen.time)
    late, later = (np.full(5, START + 3600.0 * hour) for hour in (22.0, 400.0))
    assert (model.predict_proba(seen.X[:5], late) == model.predict_proba(seen.X[:5], later)).all()


def test_a_class_that_comes_late_in_the_window_is_not_moved_by_guesswork() -> None:
    rng = np.random.default_rng(7)
    hours = [turning(rng, hour) for hour in range(6)]
    early = [Rows(one.X[one.y < 2], one.y[one.y < 2], one.time[one.y < 2]) for one in hours[:5]]
    seen = joined([*early, hours[5]])
    model = DynamicDiscriminant().fit(seen.X, seen.y, time=seen.time)
    assert model.motion_ is None
    assert set(model.predict(hours[5].X, hours[5].time)) == {0, 1, 2}


def test_weights_count_rows() -> None:
    rng = np.random.default_rng(8)
    seen = joined([turning(rng, hour, rows=60) for hour in range(12)])
    weights = rng.integers(0, 3, size=len(seen.y))
    twice = Rows(np.repeat(seen.X, weights, axis=0), np.repeat(seen.y, weights), np.repeat(seen.time, weights))
    later = turning(rng, 14)
    counted = DynamicDiscriminant().fit(seen.X, seen.y, sample_weight=weights, time=seen.time)
    repeated = DynamicDiscriminant().fit(twice.X, twice.y, time=twice.time)
    assert counted.predict_proba(later.X, later.time) == pytest.approx(repeated.predict_proba(later.X, later.time))


@pytest.mark.parametrize("horizon", [-1.0, True, "far"])
def test_a_horizon_that_is_none_is_refused(horizon: object) -> None:
    with pytest.raises(ValueError, match="horizon"):
        DynamicDiscriminant(horizon=horizon).fit([[0.0], [1.0]], [0, 1])  # type: ignore[arg-type] # the fault
