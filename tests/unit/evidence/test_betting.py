"""Capital, its state, its limits, and the interval beside it."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from heliotrope.evidence.betting import BETS, Evidence, bound, growth, growth_of_counts, interval, shock_between

RANDOM = np.random.default_rng(3)


def test_before_anything_is_staked_the_e_value_is_one() -> None:
    assert Evidence().e_value == 1.0
    assert Evidence().after_counts(5, 5, 900, stake=0.0).e_value == 1.0


def test_counts_give_what_the_gains_themselves_give() -> None:
    gains = np.repeat([1.0, -1.0, 0.0], [31, 12, 857])
    for above in (0.0, 0.01, -0.02):
        for shock in (0.0, 0.005):
            counted = Evidence().after_counts(31, 12, 900, stake=0.5, above=above, shock=shock)
            assert counted.capital == pytest.approx(
                Evidence().after(gains, stake=0.5, above=above, shock=shock).capital, rel=1e-9
            )


def test_growth_is_the_sum_of_the_logarithms() -> None:
    gains = RANDOM.uniform(-1, 1, 40_003)
    bets = np.array([0.9, *(0.5**k for k in range(1, 10))])
    expected = np.log1p(np.multiply.outer(gains, bets)).sum(axis=0)
    assert growth(gains) == pytest.approx(expected, rel=1e-9)
    assert growth(np.stack([gains, -gains]))[0] == pytest.approx(expected, rel=1e-9)


def test_a_row_on_which_both_are_right_changes_nothing() -> None:
    assert growth_of_counts(8, 3, 900).tolist() == growth_of_counts(8, 3, 11).tolist()


def test_the_state_survives_json() -> None:
    evidence = Evidence().after(RANDOM.normal(0, 3, 500), stake=0.1, low=-2.0, high=2.0)
    assert evidence.clipped > 0
    assert Evidence.parse(json.loads(json.dumps(evidence.plain()))) == evidence


def test_a_capital_that_a_database_has_as_a_whole_number_is_gone_on_with_as_before() -> None:
    evidence = Evidence(capital=tuple(10.0**power + 0.1 for power in range(36, 36 + BETS)), staked=1.0)
    plain = evidence.plain() | {"capital": [int(one) for one in evidence.capital]}
    plain["staked"] = 1
    again = Evidence.parse(plain)
    assert again == evidence
    assert {type(one) for one in (*again.capital, again.staked)} == {float}
    assert again.after_counts(9, 3, 900, stake=0.1) == evidence.after_counts(9, 3, 900, stake=0.1)


def test_capital_neither_overflows_nor_becomes_other_than_a_number() -> None:
    rich = Evidence()
    for _ in range(5):
        rich = rich.after(np.ones(100_000), stake=1.0)
    assert math.isfinite(rich.wealth)
    poor = Evidence().after(-np.ones(100_000), stake=1.0)
    assert poor.wealth >= 0.0
    assert poor.after_counts(9, 0, 900, stake=1.0).wealth > 1.0


def test_gains_that_are_not_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="1 of 2 gains are not finite"):
        Evidence().after(np.array([np.nan, 1.0]), stake=1.0)
    with pytest.raises(ValueError, match="not finite"):
        Evidence().after(np.array([np.inf, 1.0]), stake=1.0, high=np.inf)


def test_there_is_nothing_to_bet_on_where_no_gain_can_be_below_the_bound() -> None:
    assert growth(np.array([0.0, 0.5]), above=-1.0).tolist() == [0.0] * BETS
    assert growth_of_counts(3, 0, 3, above=-1.0).tolist() == [0.0] * BETS


def test_no_rows_change_nothing() -> None:
    assert Evidence().after(np.empty(0), stake=1.0).e_value == pytest.approx(1.0)


def test_the_bound_is_of_the_past_alone() -> None:
    assert bound(Evidence(), at_first=2.0) == 2.0
    assert bound(Evidence().after(np.zeros(5), stake=1.0), at_first=2.0) == 2.0
    assert bound(Evidence().after([3.0, -4.0], stake=1.0, low=-9, high=9), at_first=2.0) == pytest.approx(
        5.0 * math.sqrt(12.5)
    )


def test_a_losses_rise_needs_no_cut() -> None:
    losses = RANDOM.exponential(1.5, 900)
    risen = Evidence().after(losses - 1.0, stake=1.0, low=-1.0, high=np.inf)
    assert risen.e_value > 1e6
    assert risen.clipped == 0


def test_a_shock_makes_it_slower() -> None:
    plain, shaken = (Evidence().after_counts(40, 20, 900, stake=1.0, shock=shock) for shock in (0.0, 0.01))
    assert 1.0 < shaken.e_value < plain.e_value


def test_the_shock_is_what_rows_alone_do_not_explain() -> None:
    rows = RANDOM.normal(0, 0.006, 4_000)
    assert shock_between(rows, np.full(4_000, 0.006)) < 0.002
    shaken = rows + RANDOM.normal(0, 0.01, 4_000)
    assert shock_between(shaken, np.full(4_000, 0.006)) == pytest.approx(0.01, rel=0.05)
    assert shock_between([0.5], [0.1]) == 0.0


def test_the_interval_covers_at_all_times_at_once() -> None:
    missed = 0
    for stream in range(200):
        random = np.random.default_rng(stream)
        evidence, out = Evidence(), False
        for _ in range(30):
            wins, losses, _ = random.multinomial(300, [0.06, 0.04, 0.9])
            evidence = evidence.after_counts(wins, losses, 300, stake=0.0)
            low, high = interval(evidence, 0.9)
            out |= not low <= 0.02 <= high
        missed += out
    assert missed / 200 <= 0.1
    assert interval(Evidence()) == (-math.inf, math.inf)
