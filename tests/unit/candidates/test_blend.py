"""Experts are weighted by what they did, whatever the order of rows, and the same rows give the same model."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pytest

from heliotrope.candidates import BlendClassifier, BlendRegressor, artifact, blend
from unit.candidates.checks import fit, pipeline, rows

HOUR = 3600.0
FEW = {"linear": [1, 3], "discriminant": [3], "tree": [3]}


def stream(hours: int, *, turned_at: int | None = None, seed: int = 0, count: int = 80) -> tuple[Any, Any, Any]:
    """Two classes told by x0, the other way round from an hour on."""
    rng = np.random.default_rng(seed)
    hour = np.repeat(np.arange(hours), count)
    X = rng.normal(size=(len(hour), 2))
    sign = np.where(hour >= (hours if turned_at is None else turned_at), -1.0, 1.0)
    y = (sign * X[:, 0] + 0.3 * rng.normal(size=len(hour)) > 0).astype(int)
    return X, y, HOUR * hour


def test_the_order_of_rows_does_not_matter() -> None:
    X, y, time = stream(8)
    order = np.random.default_rng(1).permutation(len(y))
    one = BlendClassifier(experts=FEW).fit(X, y, time=time, interval=HOUR)
    other = BlendClassifier(experts=FEW).fit(X[order], y[order], time=time[order], interval=HOUR)
    np.testing.assert_array_equal(one.weights_, other.weights_)
    np.testing.assert_array_equal(one.predict_proba(X, time=time), other.predict_proba(X, time=time))


def test_what_was_run_before_does_not_change_a_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    X, y, time = stream(12)
    seen = time < 10 * HOUR
    BlendClassifier(experts=FEW).fit(X[seen], y[seen], time=time[seen], interval=HOUR)
    warm = BlendClassifier(experts=FEW).fit(X, y, time=time, interval=HOUR)
    monkeypatch.setattr(blend, "_LOSSES", blend._Kept(1))
    monkeypatch.setattr(blend, "_MODELS", blend._Kept(1))
    cold = BlendClassifier(experts=FEW).fit(X, y, time=time, interval=HOUR)
    np.testing.assert_array_equal(warm.weights_, cold.weights_)
    np.testing.assert_array_equal(warm.predict_proba(X, time=time), cold.predict_proba(X, time=time))


def test_rounds_of_the_training_before_are_not_run_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blend, "_LOSSES", blend._Kept(1000))
    monkeypatch.setattr(blend, "_MODELS", blend._Kept(128))
    made: list[int] = []
    fitted = blend._Blend._made

    def counted(self: Any, *of: Any) -> Any:
        made.append(1)
        return fitted(self, *of)

    monkeypatch.setattr(blend._Blend, "_made", counted)
    X, y, time = stream(20)
    counts = []
    for hours in (18, 19):
        made.clear()
        seen = (time < hours * HOUR) & (time >= (hours - 14) * HOUR)
        BlendClassifier(experts={"linear": [1, 3]}, rounds=8).fit(X[seen], y[seen], time=time[seen], interval=HOUR)
        counts.append(len(made))
    # eight rounds, half an interval and the last fit, of two; then the half and the last fit
    assert counts == [20, 4]


def test_a_change_that_came_with_the_newest_interval_counts_at_once() -> None:
    X, y, time = stream(12, turned_at=10)
    seen, later = time < 11 * HOUR, time >= 11 * HOUR
    model = BlendClassifier(experts={"linear": [1, 3, 10]}).fit(X[seen], y[seen], time=time[seen], interval=HOUR)
    assert model.weights_[0, 0] > 0.8
    assert (model.predict(X[later], time=time[later]) == y[later]).mean() > 0.85


def test_weights_are_those_of_how_far_ahead_a_row_is() -> None:
    rng = np.random.default_rng(2)
    hour = np.repeat(np.arange(30), 200)
    angle = 2 * np.pi * hour / 24
    y = rng.integers(0, 2, len(hour))
    centre = 2.0 * np.column_stack([np.cos(angle), np.sin(angle)]) * np.where(y == 0, 1.0, -1.0)[:, None]
    X = centre + rng.normal(size=(len(hour), 2))
    seen, time = hour < 26, HOUR * hour
    model = BlendClassifier(experts={"linear": [1], "motion": [12]})
    model.fit(X[seen], y[seen], time=time[seen], interval=HOUR)
    assert model.weights_.shape == (4, 2)
    assert model.weights_[3, 1] > 0.9  # what turned for four hours, a line of the last one does not know
    ahead = hour == 29
    assert (model.predict(X[ahead], time=time[ahead]) == y[ahead]).mean() > 0.95


def test_probabilities_are_shares_and_classes_that_a_short_window_lacks_are_kept() -> None:
    X, y, time = stream(6)
    y = np.where(time < 2 * HOUR, y + 1, np.where(y == 1, 2, 0))
    model = BlendClassifier(experts=FEW).fit(X, y, time=time, interval=HOUR)
    shares = model.predict_proba(X, time=time)
    assert shares.shape == (len(y), 3)
    assert np.isfinite(shares).all()
    np.testing.assert_allclose(shares.sum(axis=1), 1.0)


@pytest.mark.parametrize("hours", [1, 2])
def test_few_intervals_are_enough(hours: int) -> None:
    X, y, time = stream(hours)
    model = BlendClassifier().fit(X, y, time=time, interval=HOUR)
    assert (model.predict(X, time=time) == y).mean() > 0.8


def test_without_an_interval_or_times_it_still_predicts() -> None:
    X, y, _ = stream(3)
    model = BlendClassifier(experts=FEW).fit(X, y)
    assert (model.predict(X) == y).mean() > 0.8


def test_on_a_still_stream_it_costs_nothing_measurable() -> None:
    X, y, time = stream(40, count=200, seed=5)
    blended, alone = [], []
    from heliotrope.candidates import VaryingCoefficientClassifier

    for hour in range(31, 40):
        seen = (time < hour * HOUR) & (time >= (hour - 31) * HOUR)
        later = time == hour * HOUR
        line = VaryingCoefficientClassifier(degree=0).fit(X[seen], y[seen])
        mixed = BlendClassifier(rounds=3).fit(X[seen], y[seen], time=time[seen], interval=HOUR)
        alone.append((line.predict(X[later]) == y[later]).mean())
        blended.append((mixed.predict(X[later], time=time[later]) == y[later]).mean())
    assert np.mean(blended) > np.mean(alone) - 0.005


def test_a_regression_follows_the_expert_with_the_least_error() -> None:
    rng = np.random.default_rng(3)
    hour = np.repeat(np.arange(12.0), 60)
    X = rng.normal(size=(720, 1))
    y = np.where(np.abs(X[:, 0]) > 0.7, 3.0, 0.0) + 0.05 * rng.normal(size=720)  # what no line can tell
    model = BlendRegressor(experts={"linear": [3, 10], "boosting": [10]})
    model.fit(X, y, time=HOUR * hour, interval=HOUR)
    assert model.weights_[0, 2] > 0.8


def test_it_is_a_candidate_that_is_told_the_interval_and_can_be_saved() -> None:
    of = pipeline("heliotrope.candidates.BlendClassifier", params={"experts": FEW})
    model = fit(of, rows())
    assert model.estimator.grid_.length == HOUR
    data = artifact.dump(model)
    again = artifact.load(data, sha256=hashlib.sha256(data).hexdigest())
    np.testing.assert_array_equal(again.predict_proba(rows()), model.predict_proba(rows()))
    assert artifact.dump(again) == data


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"experts": {"tress": [3]}}, "did you mean 'tree"),
        ({"experts": {"linear": [0]}}, "a window is a whole number of intervals"),
        ({"experts": {"linear": 3}}, "give a list of windows"),
        ({"experts": []}, "is no mapping of names to windows"),
        ({"rounds": 0}, "rounds=0"),
        ({"share": 2.0}, "share=2.0"),
        ({"rate": -1.0}, "rate"),
        ({"loss": "squared"}, "none of mistakes, log"),
    ],
)
def test_a_parameter_that_cannot_be_is_refused(params: dict[str, Any], said: str) -> None:
    X, y, time = stream(2)
    with pytest.raises(ValueError, match=said):
        BlendClassifier(**params).fit(X, y, time=time)
