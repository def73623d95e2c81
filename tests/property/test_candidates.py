"""Whatever the rows, a candidate's probabilities are probabilities, and neither order nor clock matters."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from heliotrope.candidates import (
    ExtrapolatedDiscriminant,
    VaryingCoefficientClassifier,
    VaryingCoefficientRegressor,
    artifact,
)
from heliotrope.candidates.forward import earlier
from heliotrope.candidates.trend import Trend, highest_degree, shrink
from unit.candidates.checks import fit, pipeline, rows

Floats = NDArray[np.float64]
Sample = tuple[Floats, NDArray[np.intp], Floats, Floats]


@st.composite
def samples(draw: st.DrawFn) -> Sample:
    """Features, labels, times and weights: few or more rows, often tied, constant or of one class."""
    count, features = draw(st.integers(1, 40)), draw(st.integers(1, 5))
    classes, times = draw(st.integers(1, 4)), draw(st.integers(1, 6))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    X = rng.standard_normal((count, features)) * 10.0 ** draw(st.integers(-3, 3)) + draw(st.sampled_from([0.0, 1e3]))
    if draw(st.booleans()):
        X = np.round(X)
    if draw(st.booleans()):
        X[:, 0] = X[0, 0]
    time: Floats = 1.764e9 + 3600.0 * rng.integers(0, times, count).astype(np.float64)
    weights: Floats = np.array([0.25, 1.0, 2.0])[rng.integers(0, 3, count)]
    return X, rng.integers(0, classes, count), time, weights


CLASSIFIERS = st.sampled_from(
    [
        ExtrapolatedDiscriminant(),
        ExtrapolatedDiscriminant(degree=3, shrinkage=0.0, horizon=3.0),
        ExtrapolatedDiscriminant(degree=2, evidence=False),
        VaryingCoefficientClassifier(),
        VaryingCoefficientClassifier(degree=2, time_penalty=1.0),
    ]
)
ESTIMATORS = st.one_of(CLASSIFIERS, st.just(VaryingCoefficientRegressor()))


def said(estimator: Any, X: Floats, time: Floats) -> Floats:
    return np.asarray(getattr(estimator, "predict_proba", estimator.predict)(X, time=time))


@settings(deadline=None, max_examples=60)
@given(CLASSIFIERS, samples(), st.floats(-1e10, 1e10))
def test_probabilities_are_probabilities_at_any_time(estimator: Any, sample: Sample, later: float) -> None:
    X, y, time, weights = sample
    estimator.fit(X, y, sample_weight=weights, time=time)
    for when in (time, time + later):
        shares = said(estimator, X, when)
        assert np.isfinite(shares).all()
        assert (shares >= 0.0).all()
        np.testing.assert_allclose(shares.sum(axis=1), 1.0)
        np.testing.assert_array_equal(estimator.predict(X, time=when), estimator.classes_[shares.argmax(axis=1)])


@settings(deadline=None, max_examples=40)
@given(ESTIMATORS, samples(), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(estimator: Any, sample: Sample, random: Any) -> None:
    X, y, time, weights = sample
    order = list(range(len(X)))
    random.shuffle(order)
    here = said(estimator.fit(X, y, sample_weight=weights, time=time), X, time)
    there = said(estimator.fit(X[order], y[order], sample_weight=weights[order], time=time[order]), X, time)
    np.testing.assert_allclose(here, there, rtol=1e-4, atol=1e-4)


@settings(deadline=None, max_examples=40)
@given(ESTIMATORS, samples())
def test_the_origin_of_time_does_not_matter(estimator: Any, sample: Sample) -> None:
    X, y, time, _ = sample
    here = said(estimator.fit(X, y, time=time), X, time + 3600.0)
    there = said(estimator.fit(X, y, time=time - 1.764e9), X, time - 1.764e9 + 3600.0)
    np.testing.assert_allclose(here, there, rtol=1e-4, atol=1e-4)


@settings(deadline=None)
@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 2**32 - 1), st.floats(0.0, 20.0))
def test_shrinking_never_stretches_and_never_turns(rows_: int, columns: int, seed: int, scale: float) -> None:
    noisy = scale * np.random.default_rng(seed).standard_normal((rows_, columns))
    kept = shrink(noisy, rows=rows_, columns=columns)
    before, after = (np.linalg.svd(one, compute_uv=False) for one in (noisy, kept))
    assert (after <= before + 1e-9).all()
    assert (kept * noisy).sum() >= -1e-9
    assert (after[before <= np.sqrt(rows_) + np.sqrt(columns)] <= 1e-9).all()


@settings(deadline=None)
@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=30, unique=True), st.integers(0, 3), st.floats(0.0, 3.0))
def test_a_trend_is_bounded_by_what_it_is_at_its_horizon(hours: list[int], wanted: int, horizon: float) -> None:
    times = np.sort(np.array(hours, dtype=np.float64)) * 3600.0
    trend = Trend.fit(times, np.ones(len(times)), degree=highest_degree(wanted, len(times)))
    span = times[-1] - times[0]
    edge = trend(np.array([times[-1] + horizon * span]), horizon=horizon)
    np.testing.assert_allclose(trend(np.array([times[-1] + 1e12]), horizon=horizon), edge)
    assert (trend(times)[:, 0] == edge[0, 0]).all()


@settings(deadline=None)
@given(st.lists(st.integers(0, 8), min_size=1, max_size=40))
def test_what_is_held_out_comes_after_all_that_is_not(moments: list[int]) -> None:
    seconds = np.array(moments, dtype=np.float64)
    before = earlier(seconds, np.ones(len(seconds)))
    if before is None:
        assert len(set(moments)) < 3
        return
    assert seconds[before].max() < seconds[~before].min()
    assert len(set(seconds[before])) >= 2


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 2**32 - 1), st.integers(9, 60))
def test_a_file_gives_back_the_very_same_model(seed: int, count: int) -> None:
    table = rows(count, seed=seed)
    for estimator in ("heliotrope.candidates.ExtrapolatedDiscriminant", "sklearn.tree.DecisionTreeClassifier"):
        model = fit(pipeline(estimator), table, seed=seed)
        data = artifact.dump(model)
        back = artifact.load(data, sha256=hashlib.sha256(data).hexdigest())
        np.testing.assert_array_equal(model.predict_proba(table), back.predict_proba(table))
        assert artifact.dump(back) == data
