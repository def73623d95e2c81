"""Means and their errors, the frontier, the recommendation and the regret."""

from __future__ import annotations

import numpy as np
import pytest

from heliotrope.whatif.verdict import _choose, difference, judge, mean_and_error
from unit.whatif import sample


def test_the_error_of_independent_values_is_the_usual_one() -> None:
    values = np.random.default_rng(0).normal(size=4000)
    assert mean_and_error(values)[1] == pytest.approx(values.std() / np.sqrt(len(values)), rel=0.1)


def test_values_that_follow_each_other_have_a_larger_error() -> None:
    noise = np.random.default_rng(0).normal(size=4000)
    slow = np.convolve(noise, np.ones(5), mode="valid")
    naive = slow.std() / np.sqrt(len(slow))
    assert mean_and_error(slow)[1] > 1.7 * naive


def test_the_cheapest_policy_within_one_error_of_the_best_is_recommended() -> None:
    near = sample.trial(means=(0.95, 0.96, 0.9599, 0.9, 0.7)).verdict
    assert near.best.policy.trigger == "every 1"
    assert near.recommended.policy.trigger == "every 2"
    assert near.recommended.behind.within
    clear = sample.trial(means=(0.95, 0.96, 0.95, 0.9, 0.7)).verdict
    assert clear.recommended is clear.best


def test_pairing_by_interval_tells_apart_what_hard_intervals_would_hide() -> None:
    verdict = sample.trial(means=(0.95, 0.96, 0.95, 0.9, 0.7), noise=0.05).verdict
    assert verdict.best.standard_error > 0.005
    assert verdict.running.behind.standard_error < 0.004


def test_the_regret_of_the_running_policy_is_to_the_best_one() -> None:
    verdict = sample.trial().verdict
    assert verdict.running.policy.declared
    assert verdict.running.behind.mean == pytest.approx(verdict.best.mean - verdict.running.mean)
    assert verdict.best.behind.mean == 0.0


def test_nothing_on_the_frontier_is_beaten() -> None:
    verdict = sample.trial().verdict
    frontier = verdict.frontier
    assert verdict.best in frontier
    for one in frontier:
        assert not any(other.mean >= one.mean and other.run.trainings < one.run.trainings for other in verdict.policies)
    assert [one.mean for one in frontier] == sorted(one.mean for one in frontier)


def test_a_smaller_score_is_better_where_the_metric_says_so() -> None:
    policies = sample.policies((1, 4))
    runs = [sample.run([0.3] * 30, 30), sample.run([0.2] * 30, 30), sample.run([0.5] * 30, 8)]
    verdict = judge(policies, runs, lower_is_better=True)
    assert verdict is not None
    assert verdict.best.mean == pytest.approx(0.2)
    assert verdict.running.behind.mean == pytest.approx(0.1)
    assert [one.mean for one in verdict.frontier] == pytest.approx([0.5, 0.2])


def test_policies_are_compared_where_all_were_scored_or_not_at_all() -> None:
    policies, nan = sample.policies((2,)), float("nan")
    verdict = judge(
        policies, [sample.run([nan, 0.5, 0.5, 0.1], 4), sample.run([nan, nan, 0.4, 0.3], 2)], lower_is_better=False
    )
    assert verdict is not None
    assert verdict.kept.tolist() == [False, False, True, True]
    assert verdict.running.mean == pytest.approx(0.3)
    assert judge(policies, [sample.run([nan, 0.5], 2), sample.run([0.5, nan], 1)], lower_is_better=False) is None


def test_the_choice_is_checked_on_intervals_it_was_not_made_on() -> None:
    later = sample.trial().verdict.later
    assert later is not None
    assert abs(later.mean) < 0.02
    assert sample.trial(count=16).verdict.later is None


def test_what_another_beats_at_no_more_cost_is_not_recommended_for_being_noisy() -> None:
    """The noisy one is within an error of the best, the steady one, which is better and cheaper, is not."""
    intervals = np.arange(20)
    best = np.full(20, 0.9)
    steady = best - 0.004 - 0.0001 * (intervals % 2)
    noisy = best - 0.014 + 0.2 * np.where(intervals % 2, 1.0, -1.0)
    scores = np.stack([best, steady, noisy])
    assert difference(scores[0], scores[2]).within
    assert _choose(scores, [(40, 1, 1.0), (3, 1, 1.0), (4, 3, 1.0)]) == (0, 0)
