"""Drift that hurts, and drift that does not."""

from __future__ import annotations

import math

import numpy as np
import pytest

from heliotrope.evidence.harm import Harm, Rise, of_domain, of_losses, rises_with

RANDOM = np.random.default_rng(0)


def test_a_rise_hurts_a_small_one_is_harmless_and_a_wide_one_unclear() -> None:
    def harm(mean: float, error: float) -> Harm:
        return Rise(mean=mean, standard_error=error, effective_rows=100).harm(tolerance=0.02)

    assert harm(0.05, 0.01) is Harm.HURTS
    assert harm(0.0, 0.005) is Harm.HARMLESS
    assert harm(0.01, 0.001) is Harm.HARMLESS
    assert harm(0.01, 0.05) is Harm.UNCLEAR


def test_too_few_rows_tell_nothing() -> None:
    rise = of_losses(np.zeros(1), np.ones(900))
    assert rise.harm(tolerance=1.0) is Harm.UNCLEAR
    assert math.isnan(rise.mean)


def test_no_rise_is_called_one_no_more_often_than_alpha() -> None:
    found = [
        of_losses(*(RANDOM.binomial(1, 0.1, rows).astype(float) for rows in (2_700, 900))).harm(tolerance=0.0)
        for _ in range(2_000)
    ]
    assert found.count(Harm.HURTS) / 2_000 < 0.065


def test_a_shift_into_what_the_model_cannot_do_is_foretold_without_labels() -> None:
    """The batch lies at 1, the model fails above 1: 0.1 more than below."""
    rises, covered = [], 0
    for _ in range(200):
        x = RANDOM.normal(0, 1, 4_000)
        losses = (RANDOM.random(4_000) < 0.1 + 0.1 * (x > 1)).astype(float)
        rise = of_domain(losses, 1 / (1 + np.exp(0.5 - x)))
        rises.append(rise.mean)
        covered += abs(rise.mean - 0.0341) < 1.96 * rise.standard_error
        assert rise.effective_rows < 4_000
    assert np.mean(rises) == pytest.approx(0.0341, abs=0.002)
    assert covered / 200 > 0.88


def test_a_shift_where_the_model_is_as_good_is_harmless() -> None:
    x = RANDOM.normal(0, 1, 20_000)
    losses = RANDOM.binomial(1, 0.05, 20_000).astype(float)
    assert of_domain(losses, 1 / (1 + np.exp(0.5 - x))).harm(tolerance=0.02) is Harm.HARMLESS


def test_failing_on_the_strange_rows_is_seen_and_failing_anywhere_is_not() -> None:
    likeness = RANDOM.random(900)
    assert rises_with(likeness, (RANDOM.random(900) < 0.2 * likeness).astype(float)) < 1e-3
    p_values = [rises_with(RANDOM.random(300), RANDOM.binomial(1, 0.1, 300).astype(float)) for _ in range(1_000)]
    assert 0.03 < np.mean(np.array(p_values) < 0.05) < 0.07


def test_nothing_to_rank_is_no_evidence() -> None:
    assert rises_with(np.ones(10), np.arange(10.0)) == 1.0
    assert rises_with(np.arange(10.0), np.ones(10)) == 1.0
    assert rises_with(np.ones(1), np.ones(1)) == 1.0
