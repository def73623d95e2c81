"""Several challengers under one budget."""

from __future__ import annotations

import json

import numpy as np
import pytest

from heliotrope.evidence.budget import Rate, Share
from heliotrope.evidence.contest import Contest, Counts, Losses

POLICY = Rate(100)
EVEN = Counts(20, 20, 900)
BETTER = Counts(60, 10, 900)


def test_the_stake_is_divided_among_those_that_met_the_champion() -> None:
    contest = Contest().after({"a": EVEN, "b": EVEN}, POLICY)
    assert [one.staked for one in contest.evidence.values()] == [pytest.approx(0.005)] * 2
    contest = contest.decided(promoted=False).after({"a": EVEN}, POLICY)
    assert contest.evidence["a"].staked == pytest.approx(0.015)
    assert contest.evidence["b"].staked == pytest.approx(0.005)


def test_weights_divide_it_otherwise() -> None:
    contest = Contest().after({"a": EVEN, "b": EVEN}, POLICY, weights={"a": 3.0, "b": 1.0})
    assert contest.evidence["a"].staked == pytest.approx(0.0075)


def test_those_that_reached_the_price_are_named_richest_first() -> None:
    contest = Contest().after({"a": EVEN, "b": BETTER, "c": Counts(70, 10, 900)}, POLICY)
    assert contest.passed(POLICY) == ("c", "b")


def test_a_new_champion_meets_everyone_anew() -> None:
    contest = Contest().after({"a": BETTER}, POLICY)
    assert contest.decided(promoted=False).evidence == contest.evidence
    crowned = contest.decided(promoted=True)
    assert crowned.evidence == {}
    assert crowned.budget.promotions == 1


def test_a_minimum_effect_is_asked_for() -> None:
    better_by_two_in_a_hundred = Counts(30, 12, 900)
    evidence = [
        Contest().after({"a": better_by_two_in_a_hundred}, POLICY, above=above).evidence["a"].e_value
        for above in (-0.01, 0.0, 0.01, 0.02)
    ]
    assert evidence == sorted(evidence, reverse=True)
    assert evidence[-1] < 1.0 < evidence[1]


def test_losses_without_bounds_are_cut_at_what_was_known_before() -> None:
    random = np.random.default_rng(0)
    contest = Contest().after({"a": Losses(random.normal(0, 2, 900), scale=1.0)}, POLICY)
    assert 200 < contest.evidence["a"].clipped < 700
    contest = contest.decided(promoted=False).after({"a": Losses(random.normal(0, 2, 900), scale=1.0)}, POLICY)
    assert contest.evidence["a"].clipped < 700


def test_one_gone_on_with_from_the_ledger_decides_the_same() -> None:
    for policy in (Rate(100), Share(0.1)):
        straight, kept = Contest(), Contest()
        for turn in range(12):
            meetings = {"a": Counts(30, 20 + turn % 3, 900), "b": Counts(22, 20, 900)}
            straight = straight.after(meetings, policy)
            straight = straight.decided(promoted=bool(straight.passed(policy)))
            kept = Contest.parse(json.loads(json.dumps(kept.plain()))).after(meetings, policy)
            kept = kept.decided(promoted=bool(kept.passed(policy)))
        assert kept == straight
        assert straight.budget.promotions > 0
