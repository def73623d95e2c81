"""Thresholds from one's own history: the promised rate of false alarms, whatever the batch size and the wobble."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from heliotrope.evidence.calibration import (
    calibrate,
    exceeded_once_in,
    from_history,
    permuted,
    resampled,
    stationary_blocks,
)
from heliotrope.evidence.histogram import count, edges, kolmogorov_smirnov, population_stability, total_variation

Array = NDArray[np.float64]
BINS = 16


def history(
    random: np.random.Generator, intervals: int, *, rows: int = 900, features: int = 3, wobble: float = 0.0
) -> Array:
    """Counts of equally likely bins; with ``wobble`` the shares move from interval to interval, there and back."""
    level = np.zeros((features, BINS))
    counts = np.empty((intervals, features, BINS))
    for place in range(intervals):
        level = 0.5 * level + random.normal(0, wobble, level.shape)
        shares = np.exp(level)
        counts[place] = random.multinomial(rows, shares / shares.sum(axis=1, keepdims=True))
    return counts


@pytest.mark.parametrize("wobble", [0.0, 0.1])
@pytest.mark.parametrize("distance", [kolmogorov_smirnov, population_stability, total_variation])
@pytest.mark.parametrize("way", [from_history, resampled])
def test_no_more_than_one_alarm_in_a_hundred_intervals(way: object, distance: object, wobble: float) -> None:
    alarms, judged = 0, 0
    for seed in range(20):
        random = np.random.default_rng(seed)
        counts = history(random, 1_200, wobble=wobble)
        null = way(counts[:200], distance, reference=3)  # type: ignore[operator]  # either
        found = calibrate(null, one_in=100, independent=200)
        later = from_history(counts[200:], distance, reference=3)  # type: ignore[arg-type]  # one of the three
        alarms += int(found.exceeded(later).any(axis=1).sum())
        judged += len(later)
    assert alarms / judged <= 0.011
    assert alarms > 0


def test_the_rate_is_the_same_for_small_and_large_batches() -> None:
    """A test of rows would find every large batch of a stream that wobbles drifted."""
    rates = []
    for rows in (100, 900, 9_000):
        alarms = []
        for seed in range(10):
            random = np.random.default_rng(seed)
            past = history(random, 300, rows=10_000, wobble=0.1)
            found = calibrate(from_history(past, population_stability, reference=3, rows=rows), one_in=50)
            batches = history(random, 600, rows=10_000, wobble=0.1)
            later = from_history(batches, population_stability, reference=3, rows=rows, seed=1)
            alarms.append(found.exceeded(later).any(axis=1).mean())
        rates.append(float(np.mean(alarms)))
    assert max(rates) <= 0.025
    assert min(rates) > 0.004


def test_a_change_is_seen() -> None:
    random = np.random.default_rng(0)
    past = history(random, 200)
    found = calibrate(from_history(past, kolmogorov_smirnov, reference=3), one_in=1_000)
    shares = np.full(BINS, 1 / BINS) * np.linspace(0.6, 1.4, BINS)
    changed = np.stack([random.multinomial(900, shares), past[0, 1], past[0, 2]]).astype(float)
    assert found.exceeded(kolmogorov_smirnov(past[-3:].sum(axis=0), changed)).tolist() == [True, False, False]


def test_a_shuffle_of_rows_gives_the_distribution_of_no_change() -> None:
    random = np.random.default_rng(0)
    over = 0
    for _ in range(200):
        counts = history(random, 4)
        reference, current = counts[:3].sum(axis=0), counts[3]
        null = permuted(reference, current, population_stability, draws=400, seed=1)
        over += bool(calibrate(null, one_in=20).exceeded(population_stability(reference, current)).any())
    assert 0.01 < over / 200 < 0.09


def test_the_same_seed_gives_the_same_and_another_another() -> None:
    counts = history(np.random.default_rng(0), 60)
    for way in (from_history, resampled):
        one, same, other = (way(counts, kolmogorov_smirnov, reference=3, rows=100, seed=seed) for seed in (1, 1, 2))
        assert (one == same).all()
        assert (one != other).any()


def test_thinning_draws_so_many_rows_and_no_row_twice() -> None:
    counts = history(np.random.default_rng(0), 30)
    whole = from_history(counts, lambda _, current: current.sum(axis=-1), reference=1, rows=250)
    assert set(whole.ravel().tolist()) == {250.0}
    drawn = from_history(
        counts, lambda _, current: (current > counts[1:]).sum(axis=-1).astype(float), reference=1, rows=250
    )
    assert not drawn.any()


def test_pairs_keep_the_gap() -> None:
    counts = np.arange(10.0).reshape(10, 1, 1)
    pairs = from_history(counts, lambda reference, current: (current - reference).squeeze(-1), reference=1, gap=2)
    assert set(pairs.ravel().tolist()) == {3.0}
    assert len(pairs) == 7


def test_blocks_are_runs_of_neighbours() -> None:
    places = stationary_blocks(50, length=20, draws=500, mean_block=5.0, random=np.random.default_rng(0))
    steps = np.diff(places, axis=1)
    assert 0.75 < (steps == 1).mean() < 0.85
    assert places.min() == 0
    assert places.max() == 49


def test_too_short_a_history_is_refused() -> None:
    with pytest.raises(ValueError, match="3 values without a change are too few"):
        calibrate(np.ones((3, 2)), one_in=100)


def test_a_feature_that_never_moves_has_its_own_value_as_threshold() -> None:
    null = np.column_stack([np.zeros(200), np.random.default_rng(0).random(200)])
    found = calibrate(null, one_in=100)
    assert not found.exceeded(np.array([0.0, 0.5])).any()
    assert found.exceeded(np.array([0.5, 0.5])).tolist() == [True, False]


def test_a_tail_is_continued_where_the_values_end() -> None:
    normal = np.abs(np.random.default_rng(0).normal(size=(200, 150)))
    reached = np.array([exceeded_once_in(values, 1_000) for values in normal])
    assert reached.mean() > 3.29  # what a normal variable exceeds once in a thousand times, either way


def test_bins_hold_every_value_and_the_missing_ones() -> None:
    random = np.random.default_rng(0)
    values = random.normal(size=1_000)
    inner = edges(values, 10)
    assert count(values, inner, 11)[:10] == pytest.approx(100, abs=1)
    assert count(np.array([np.nan, np.inf, 9e9, -9e9]), inner, 11).tolist() == [1.0, *[0.0] * 8, 1.0, 2.0]
    assert len(edges(np.full(5, np.nan))) == 0
