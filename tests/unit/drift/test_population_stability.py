"""The stability index: bins, ties, empty bins, and what chance reaches."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from heliotrope.config import PopulationStability
from heliotrope.drift.population_stability import by_chance, index, measure
from heliotrope.drift.reading import Reading
from heliotrope.drift.sample import Floats, read

RANDOM = np.random.default_rng(0)


def reading(
    reference: object, current: object, kind: str = "numeric", detector: PopulationStability | None = None
) -> Reading:
    sample = read(
        pa.table({"x": reference}),
        pa.table({"x": current}),
        features={"x": "numeric" if kind == "numeric" else "categorical"},
        target=None,
        max_rows=10**9,
        seed=0,
    )
    (one,) = measure(detector or PopulationStability(), sample)
    return one


def normal(rows: int, mean: float = 0.0, spread: float = 1.0) -> Floats:
    return RANDOM.normal(mean, spread, rows)


def test_the_index_is_the_sum_over_bins_with_half_a_row_added() -> None:
    p, q = np.array([10.5, 20.5]) / 31, np.array([30.5, 5.5]) / 36
    assert index(np.array([10.0, 20.0]), np.array([30.0, 5.0])) == pytest.approx(float(np.sum((p - q) * np.log(p / q))))


def test_equal_shares_have_an_index_of_nought_and_an_empty_bin_a_finite_one() -> None:
    assert index(np.array([100.0, 50.0]), np.array([100.0, 50.0])) == 0.0
    assert 1.0 < index(np.array([100.0, 0.0]), np.array([0.0, 100.0])) < math.inf


def test_many_rows_of_a_shifted_normal_have_the_index_of_theory() -> None:
    edges = stats.norm.ppf(np.linspace(0.0, 1.0, 11))
    p, q = np.diff(stats.norm.cdf(edges)), np.diff(stats.norm.cdf(edges, loc=0.5))
    expected = float(np.sum((p - q) * np.log(p / q)))
    assert reading(normal(100_000), normal(100_000, 0.5)).statistic == pytest.approx(expected, rel=0.05)


def test_shift_and_spread_are_seen_and_no_change_is_not() -> None:
    assert not reading(normal(2700), normal(900)).large
    assert reading(normal(2700), normal(900, 0.7)).large
    assert reading(normal(2700), normal(900, 0.0, 2.0)).large


def test_a_reading_has_no_p_value_and_the_configured_threshold() -> None:
    one = reading(normal(2700), normal(900), detector=PopulationStability(threshold=0.3))
    assert (one.p_value, one.threshold) == (None, 0.3)


def test_few_rows_raise_the_threshold_to_what_chance_reaches() -> None:
    one = reading(normal(144), normal(48))
    assert one.threshold == pytest.approx(by_chance(10, 144, 48))
    alarms = [reading(normal(60), normal(30)).large for _ in range(300)]
    assert np.mean(alarms) <= 0.01


def test_chance_is_a_thousandth_of_chi_square() -> None:
    for bins in (3, 10, 50):
        expected = stats.chi2.isf(0.001, bins - 1) * (1 / 300 + 1 / 100)
        assert by_chance(bins, 300, 100) == pytest.approx(expected, rel=0.03)
    assert by_chance(1, 300, 100) == 0.0


@pytest.mark.parametrize("away", [-1.0, 1.0])
def test_a_constant_that_moves_is_seen_on_either_side(away: float) -> None:
    assert reading([3.0] * 100, [3.0] * 50).statistic == 0.0
    assert reading([3.0] * 100, [3.0 + away] * 50).large


def test_a_value_that_most_rows_have_is_a_bin_of_its_own() -> None:
    zeros = np.where(RANDOM.random(3000) < 0.6, 0.0, normal(3000, 5.0))
    fewer_zeros = np.where(RANDOM.random(3000) < 0.2, 0.0, normal(3000, 5.0))
    negative = np.where(zeros == 0.0, -1.0, zeros)
    assert not reading(zeros[:2000], zeros[2000:]).large
    assert reading(zeros, fewer_zeros).large
    assert reading(zeros, negative).large


def test_more_missing_values_are_drift() -> None:
    gaps = np.where(RANDOM.random(1000) < 0.3, np.nan, normal(1000))
    assert reading(normal(1000), gaps).large
    assert not reading(gaps, gaps).large
    assert reading([None] * 100, normal(100)).large
    assert reading([None] * 100, [None] * 50).statistic == 0.0


def test_categories_are_bins_and_one_unseen_counts() -> None:
    before = ["a", "b"] * 200
    assert reading(before, ["b", "a"] * 50, "categorical").statistic == pytest.approx(0.0, abs=1e-3)
    assert reading(before, ["a", "b", "new", "new"] * 50, "categorical").large


def test_the_index_of_categories_is_the_same_both_ways() -> None:
    before, after = ["a"] * 100 + ["b"] * 50, ["a"] * 30 + ["b"] * 70
    there, back = reading(before, after, "categorical"), reading(after, before, "categorical")
    assert there.statistic == pytest.approx(back.statistic)


def test_thousands_of_rare_categories_are_no_drift() -> None:
    names = RANDOM.integers(0, 4000, 3600).astype(str)
    assert not reading(names[:2700], names[2700:], "categorical").large
