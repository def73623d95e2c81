"""Polynomials of time are orthonormal, bounded, and shrunk when chance explains them."""

from __future__ import annotations

import numpy as np
import pytest

from heliotrope.candidates.trend import Trend, highest_degree, shrink

HOURS = np.asarray(1_764_000_000.0 + 3600.0 * np.arange(6), dtype=np.float64)


@pytest.mark.parametrize("degree", [0, 1, 2, 3])
def test_the_polynomials_are_orthonormal_over_weighted_times(degree: int) -> None:
    weights = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    powers = Trend.fit(HOURS, weights, degree=degree)(HOURS)
    gram = (powers * weights[:, None]).T @ powers / weights.sum()
    np.testing.assert_allclose(gram, np.eye(degree + 1), atol=1e-9)
    np.testing.assert_allclose(powers[:, 0], 1.0)


def test_higher_degrees_grow_with_time() -> None:
    later = Trend.fit(HOURS, np.ones(6), degree=2)(HOURS[-1:] + 3600.0)
    assert (later > 0).all()


def test_one_time_has_the_constant_only() -> None:
    trend = Trend.fit(HOURS[:1], np.ones(1), degree=0)
    np.testing.assert_array_equal(trend(np.array([0.0, HOURS[0], 1e12])), np.ones((3, 1)))


def test_it_stands_still_beyond_the_horizon_on_both_sides() -> None:
    trend = Trend.fit(HOURS, np.ones(6), degree=2)
    span = HOURS[-1] - HOURS[0]
    for far, edge in ((1e12, HOURS[-1] + span), (-1e12, HOURS[0] - span)):
        np.testing.assert_array_equal(trend(np.array([far])), trend(np.array([edge])))
    np.testing.assert_array_equal(trend(HOURS[-1:] + 1.0, horizon=0.0), trend(HOURS[-1:]))


def test_within_the_horizon_it_is_the_polynomial() -> None:
    trend = Trend.fit(HOURS, np.ones(6), degree=1)
    steps = np.diff(trend(HOURS[0] + 3600.0 * np.arange(10))[:, 1])
    np.testing.assert_allclose(steps, steps[0])


@pytest.mark.parametrize(
    ("wanted", "times", "degree"), [(0, 9, 0), (1, 1, 0), (1, 2, 1), (1, 9, 1), (2, 3, 1), (2, 4, 2), (3, 4, 2)]
)
def test_the_degree_leaves_a_time_to_judge_it_by(wanted: int, times: int, degree: int) -> None:
    assert highest_degree(wanted, times) == degree


def test_mere_noise_is_shrunk_to_nothing() -> None:
    rng = np.random.default_rng(0)
    norms = [np.linalg.norm(shrink(rng.standard_normal((5, 20)), rows=5, columns=20)) for _ in range(50)]
    assert np.mean(np.array(norms) == 0.0) > 0.8
    assert max(norms) < 0.5 * np.sqrt(5 * 20)


def test_a_strong_signal_is_left_nearly_as_it_is() -> None:
    signal = 100.0 * np.outer([1.0, -1.0, 0.0], [0.6, 0.8])
    noisy = signal + np.random.default_rng(0).standard_normal((3, 2))
    kept = shrink(noisy, rows=3, columns=2)
    assert np.linalg.norm(kept - signal) < np.linalg.norm(noisy - signal)
    np.testing.assert_allclose(kept, signal, atol=2.0)


def test_shrinking_does_not_depend_on_the_axes() -> None:
    rng = np.random.default_rng(1)
    noisy = rng.standard_normal((4, 3)) + 5.0
    turn, _ = np.linalg.qr(rng.standard_normal((3, 3)))
    np.testing.assert_allclose(shrink(noisy @ turn, rows=4, columns=3), shrink(noisy, rows=4, columns=3) @ turn)


def test_nothing_stays_nothing() -> None:
    assert (shrink(np.zeros((3, 2)), rows=3, columns=2) == 0.0).all()
