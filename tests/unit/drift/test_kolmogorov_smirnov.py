"""Kolmogorov-Smirnov against scipy, in every region of the p-value, and with ties, few rows and missing values."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from heliotrope.drift.kolmogorov_smirnov import p_value, statistic


@pytest.mark.parametrize("rows", [(30, 30), (12, 500), (40, 300), (141, 20_000), (300, 600), (900, 2700), (5000, 4000)])
@pytest.mark.parametrize("shift", [0.0, 0.05, 0.3, 1.0, 3.0])
def test_it_agrees_with_scipy(rows: tuple[int, int], shift: float) -> None:
    random = np.random.default_rng(rows[0])
    first, second = random.normal(size=rows[0]), random.normal(shift, size=rows[1])
    expected = stats.ks_2samp(first, second, method="asymp")
    distance = statistic(np.sort(first), np.sort(second))
    assert distance == pytest.approx(expected.statistic, abs=1e-12)
    assert p_value(distance, *rows) == pytest.approx(expected.pvalue, abs=1e-6)


@pytest.mark.parametrize("rows", [1, 2, 3, 10, 50, 140, 141, 160, 200, 300, 500, 501, 1000, 20_000, 500_000])
def test_the_p_value_is_scipys_for_every_distance(rows: int) -> None:
    # A first sample without end makes the second's rows the number that counts.
    endless = 10**15
    distances = np.concatenate([np.linspace(0.0, 1.0, 21), np.sqrt(np.linspace(0.001, 12.0, 60) / rows)])
    if rows > 1000:  # where scipy sums as many terms as there are rows
        distances = distances[rows * distances**2 < 2.2]
    for distance in distances[distances < 1.0]:
        assert p_value(distance, endless, rows) == pytest.approx(stats.kstwo.sf(distance, rows), abs=1e-6), distance


def test_it_agrees_with_scipy_where_values_are_tied() -> None:
    random = np.random.default_rng(0)
    first, second = random.integers(0, 5, 300).astype(float), random.integers(0, 6, 200).astype(float)
    distance = statistic(np.sort(first), np.sort(second))
    assert distance == pytest.approx(stats.ks_2samp(first, second).statistic, abs=1e-12)


def test_samples_apart_have_distance_one_and_equal_samples_zero() -> None:
    low, high = np.array([1.0, 2.0]), np.array([3.0, 4.0, 5.0])
    assert statistic(low, high) == statistic(high, low) == 1.0
    assert statistic(low, low) == 0.0
    assert p_value(0.0, 10, 10) == 1.0


def test_few_rows_are_never_more_certain_than_an_exact_test() -> None:
    for first, second in [(1, 1), (1, 5), (3, 3), (4, 6)]:
        exact = stats.ks_2samp(np.arange(first), 100 + np.arange(second), method="exact").pvalue
        assert p_value(1.0, first, second) >= exact * (1.0 - 1e-9)
    assert p_value(1.0, 1, 1) == 1.0


def test_a_tiny_p_value_is_too_large_rather_than_too_small_and_not_zero() -> None:
    for rows, distance in [(200, 0.3), (1000, 0.12), (1000, 0.4)]:
        exact = stats.kstwo.sf(distance, rows)
        assert p_value(distance, 10**15, rows) >= exact * 0.999
        assert p_value(distance, 10**15, rows) < 1e-6


def test_the_p_value_falls_as_the_distance_grows() -> None:
    for rows in (30, 300, 3000):
        p_values = [p_value(float(distance), rows, rows) for distance in np.linspace(0.0, 1.0, 400)]
        assert np.all(np.diff(p_values) <= 1e-6)
        assert all(0.0 <= one <= 1.0 and math.isfinite(one) for one in p_values)


def test_without_drift_p_values_are_uniform() -> None:
    random = np.random.default_rng(3)
    p_values = [
        p_value(statistic(np.sort(random.normal(size=401)), np.sort(random.normal(size=300))), 401, 300)
        for _ in range(500)
    ]
    assert stats.kstest(p_values, "uniform").pvalue > 0.01
