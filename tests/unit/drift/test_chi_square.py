"""Chi-square against scipy, and the pooling of rare categories."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from heliotrope.drift.chi_square import homogeneity
from heliotrope.drift.sample import Categories


def categories(reference: list[int], current: list[int]) -> Categories:
    """From counts of each category."""
    codes = np.arange(len(reference))
    return Categories(np.repeat(codes, reference), np.repeat(codes, current), len(reference))


@pytest.mark.parametrize(
    ("reference", "current"),
    [([50, 50], [30, 10]), ([900, 900, 900], [310, 280, 310]), ([70, 5, 0, 40], [20, 30, 25, 11]), ([9, 8], [7, 6])],
)
def test_it_agrees_with_scipy(reference: list[int], current: list[int]) -> None:
    expected = stats.chi2_contingency(np.array([reference, current]), correction=False)
    statistic, p_value = homogeneity(np.array(reference, dtype=float), np.array(current, dtype=float))
    assert statistic == pytest.approx(expected.statistic, rel=1e-12)
    assert p_value == pytest.approx(expected.pvalue, rel=1e-9)


def test_one_category_is_no_evidence() -> None:
    assert homogeneity(*categories([100], [30]).pooled) == (0.0, 1.0)


def test_common_categories_are_not_pooled_and_unused_ones_left_out() -> None:
    reference, current = categories([50, 0, 50], [20, 0, 30]).pooled
    assert (reference.tolist(), current.tolist()) == ([50, 50], [20, 30])


def test_rare_categories_are_pooled_together() -> None:
    # Of 100 + 100 rows, five to be expected a side are ten in all.
    reference, current = categories([80, 4, 5, 11], [85, 5, 4, 6]).pooled
    assert (reference.tolist(), current.tolist()) == ([80, 11, 9], [85, 6, 9])


def test_rare_ones_that_are_too_few_even_together_take_the_least_other_in() -> None:
    reference, current = categories([60, 37, 2, 1], [50, 48, 1, 1]).pooled
    assert (reference.tolist(), current.tolist()) == ([60, 40], [50, 50])


def test_a_single_row_is_no_evidence() -> None:
    assert homogeneity(*categories([50, 50], [0, 1]).pooled) == (0.0, 1.0)


def test_a_category_unseen_in_the_reference_is_seen() -> None:
    assert homogeneity(*categories([100, 100, 0], [40, 40, 20]).pooled)[1] < 1e-6


def test_without_drift_p_values_are_uniform_even_with_many_rare_categories() -> None:
    random = np.random.default_rng(4)
    shares = 1.0 / np.arange(1, 200)
    p_values = []
    for _ in range(500):
        drawn = random.choice(len(shares), 1200, p=shares / shares.sum())
        p_values.append(homogeneity(*Categories(drawn[:900], drawn[900:], len(shares)).pooled)[1])
    assert stats.kstest(p_values, "uniform").pvalue > 0.01
