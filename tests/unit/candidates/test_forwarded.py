"""Rows are moved to the time that is served where that helps, and stay where it does not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.tree import DecisionTreeClassifier

from heliotrope.candidates import ForwardedClassifier, ResidualTrendRegressor
from heliotrope.errors import EstimatorError
from unit.candidates.turning import joined, standing, turning

HOUR = 3600.0
TREE: dict[str, Any] = {"estimator": "sklearn.tree.DecisionTreeClassifier", "params": {"min_samples_leaf": 5}}


def test_a_tree_follows_classes_that_turn() -> None:
    rng = np.random.default_rng(0)
    hours = [turning(rng, hour) for hour in range(12)]
    moved, still = [], []
    for hour in range(6, 12):
        seen, later = joined(hours[hour - 4 : hour]), hours[hour]
        model = ForwardedClassifier(**TREE, random_state=0).fit(seen.X, seen.y, time=seen.time, interval=HOUR)
        moved.append((model.predict(later.X, time=later.time) == later.y).mean())
        plain = DecisionTreeClassifier(min_samples_leaf=5, random_state=0).fit(seen.X, seen.y)
        still.append((plain.predict(later.X) == later.y).mean())
    assert np.mean(moved) > np.mean(still) + 0.03


def test_where_nothing_moves_it_is_the_classifier_itself() -> None:
    rng = np.random.default_rng(1)
    used = same = 0
    for trial in range(6):
        seen = joined([standing(rng, hour) for hour in range(4)])
        model = ForwardedClassifier(**TREE, random_state=trial).fit(seen.X, seen.y, time=seen.time, interval=HOUR)
        plain = DecisionTreeClassifier(min_samples_leaf=5, random_state=trial).fit(
            seen.X, model.classes_.searchsorted(seen.y)
        )
        used += model.moves_
        same += bool((model.models_[0].predict(seen.X) == plain.predict(seen.X)).all())
    assert used <= 1
    assert same >= 5


def test_every_interval_ahead_has_a_classifier_where_rows_move() -> None:
    rng = np.random.default_rng(2)
    hour = np.repeat(np.arange(10.0), 200)
    y = np.tile([0, 1], 1000)
    X = rng.normal(size=(2000, 2)) + np.where(y == 0, hour, hour + 3.0)[:, None]
    seen = hour < 7
    model = ForwardedClassifier(**TREE, ahead=3).fit(X[seen], y[seen], time=HOUR * hour[seen], interval=HOUR)
    assert len(model.models_) == 3
    later = hour == 9
    assert (model.predict(X[later], time=HOUR * hour[later]) == y[later]).mean() > 0.9
    shares = model.predict_proba(X[~seen], time=HOUR * hour[~seen])
    assert shares.shape == (600, 2)
    assert np.isfinite(shares).all()


def test_a_path_that_leads_nowhere_is_refused() -> None:
    with pytest.raises(EstimatorError, match=r"sklearn\.tree has no 'DecisionTreeClasifier'"):
        ForwardedClassifier(estimator="sklearn.tree.DecisionTreeClasifier").fit([[0.0], [1.0]], [0, 1])


def test_a_regressor_is_left_alone_where_nothing_moves() -> None:
    rng = np.random.default_rng(3)
    moved = 0
    for _ in range(6):
        hour = np.repeat(np.arange(5.0), 100)
        X = rng.uniform(-2.0, 2.0, size=(500, 1))
        y = np.sin(3.0 * X[:, 0]) + 0.1 * rng.normal(size=500)
        model = ResidualTrendRegressor(params={"max_iter": 20}).fit(X, y, time=HOUR * hour)
        moved += model.trend_ is not None
        assert np.isfinite(model.predict(X, time=HOUR * hour)).all()
    assert moved <= 2
