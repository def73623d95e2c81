"""Stakes and prices."""

from __future__ import annotations

import json

import pytest

from heliotrope.evidence.budget import Budget, Rate, Share


def test_the_stakes_of_a_share_never_sum_to_more_than_it() -> None:
    stakes = sum(Share(0.1).stake(Budget(decisions=n)) for n in range(200_000))
    assert 0.09 < stakes < 0.1


def test_a_rate_stakes_the_same_for_ever() -> None:
    assert {Rate(250).stake(Budget(decisions=n, promotions=n)) for n in (0, 10, 10_000)} == {1 / 250}


def test_every_promotion_lowers_the_price_of_a_share_and_not_of_a_rate() -> None:
    prices = [Share(0.1).price(Budget(promotions=n)) for n in range(4)]
    assert prices == [1.0, 0.5, pytest.approx(1 / 3), 0.25]
    assert Rate(100).price(Budget(promotions=50)) == 1.0


def test_a_budget_counts_and_survives_json() -> None:
    budget = Budget().decided(promoted=True).decided(promoted=False)
    assert budget == Budget(decisions=2, promotions=1)
    assert Budget.parse(json.loads(json.dumps(budget.plain()))) == budget
