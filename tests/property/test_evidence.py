"""What must hold of evidence whatever the gains: order, parts, monotony, and that it is fair under the null."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from heliotrope.drift.population_stability import index
from heliotrope.evidence import calibration, histogram
from heliotrope.evidence.betting import BETS, Evidence, growth, growth_of_counts

gains = arrays.arrays(np.float64, st.integers(0, 60), elements=st.floats(-1, 1))
bounds = st.sampled_from([0.0, 0.02, -0.02, 0.5, -0.5])


@settings(max_examples=150, deadline=None)
@given(gains=gains, above=bounds, data=st.data())
def test_a_batch_in_parts_or_in_another_order_gives_the_same(
    gains: np.ndarray, above: float, data: st.DataObject
) -> None:
    whole = Evidence().after(gains, stake=1.0, above=above)
    order = data.draw(st.permutations(range(len(gains))))
    cut = data.draw(st.integers(0, len(gains)))
    shuffled = gains[np.array(order, dtype=int)]
    parts = Evidence().after(shuffled[:cut], stake=1.0, above=above).after(shuffled[cut:], stake=0.0, above=above)
    assert parts.capital == pytest.approx(whole.capital, rel=1e-9)
    assert parts.rows == whole.rows
    assert parts.total == pytest.approx(whole.total, abs=1e-12)


@settings(max_examples=150, deadline=None)
@given(gains=gains, above=bounds, step=st.floats(0, 1))
def test_more_gain_is_never_less_evidence_and_a_higher_bound_never_more(
    gains: np.ndarray, above: float, step: float
) -> None:
    plain = Evidence().after(gains, stake=1.0, above=above)
    raised = Evidence().after(np.minimum(gains + step, 1.0), stake=1.0, above=above)
    assert raised.wealth >= plain.wealth * (1 - 1e-12)


@settings(max_examples=100, deadline=None)
@given(
    probabilities=st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(0.01, 1)),
    above=st.sampled_from([0.0, 0.1, -0.1]),
    rows=st.integers(1, 4),
)
def test_under_the_null_no_bet_wins_in_the_mean(
    probabilities: tuple[float, float, float], above: float, rows: int
) -> None:
    """By every outcome of a few rows, each with its exact chance; the chances are moved till the mean is the bound."""
    win, lose, tie = np.array(probabilities) / sum(probabilities)
    mean = win - lose
    if mean > above:  # so much of it is a loss instead that the mean is the bound
        kept = (1.0 + above) / (1.0 + mean)
        win, lose, tie = win * kept, lose * kept + 1.0 - kept, tie * kept
    chances = {1: win, -1: lose, 0: tie}
    wealth = np.zeros(BETS)
    for outcome in product(chances, repeat=rows):
        chance = np.prod([chances[one] for one in outcome])
        grown = growth_of_counts(outcome.count(1), outcome.count(-1), rows, above=above)
        wealth += chance * np.exp(grown)
    assert (wealth <= 1.0 + 1e-9).all()


@settings(max_examples=100, deadline=None)
@given(wins=st.integers(0, 300), losses=st.integers(0, 300), ties=st.integers(0, 300), above=bounds)
def test_counts_are_gains_counted(wins: int, losses: int, ties: int, above: float) -> None:
    counted = growth_of_counts(wins, losses, wins + losses + ties, above=above)
    listed = growth(np.repeat([1.0, -1.0, 0.0], [wins, losses, ties]), above=above)
    assert counted == pytest.approx(listed, rel=1e-9, abs=1e-9)


counts = arrays.arrays(np.float64, (2, 6), elements=st.integers(0, 500).map(float))


@settings(max_examples=150, deadline=None)
@given(counts=counts)
def test_distances_are_symmetric_zero_for_equals_and_the_detectors_own(counts: np.ndarray) -> None:
    one, other = counts
    for distance in (histogram.kolmogorov_smirnov, histogram.population_stability, histogram.total_variation):
        assert distance(one, other) == pytest.approx(distance(other, one))
        assert distance(one, one) == pytest.approx(0.0, abs=1e-12)
    assert histogram.population_stability(one, other) == pytest.approx(index(one, other))
    if counts.sum(axis=1).all():
        assert histogram.kolmogorov_smirnov(one, other) <= histogram.total_variation(one, other) + 1e-9


@settings(max_examples=60, deadline=None)
@given(values=arrays.arrays(np.float64, st.integers(10, 200), elements=st.floats(0, 1e3)))
def test_rarer_alarms_need_more(values: np.ndarray) -> None:
    reached = [calibration.exceeded_once_in(values, one_in) for one_in in (20, 50, 100, 1000)]
    assert reached == sorted(reached)
