"""The promised rate of false promotions, kept over 2,000 streams without a better challenger; and the power."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest

from duels import Array, Run, counted, run
from heliotrope.evidence.betting import BETS, feed, growth, growth_of_counts, shock_between
from heliotrope.evidence.budget import Budget, Rate, Share

STREAMS = 2_000
INTERVALS = 200
ROWS = 900
RATE = Rate(100)


def false_rate(found: Run, *, intervals: int = INTERVALS) -> float:
    """False promotions in a hundred decisions, with two standard errors for what 2,000 streams leave open."""
    error = found.promotions.std() / math.sqrt(len(found.promotions))
    return float((found.promotions.mean() - 2 * error) * RATE.one_in / intervals)


# --- losses of 0 and 1 -------------------------------------------------------------------------------------


def of_counts(win: float, lose: float, *, seed: int, swing: float = 0.0) -> Iterator[Array]:
    """Two models that differ on a share of rows; with ``swing`` that share goes up and down from day to day."""
    random = np.random.default_rng(seed)
    level = np.zeros(STREAMS)

    def chances(interval: int) -> tuple[Array, Array]:
        nonlocal level
        del interval
        level = 0.9 * level + random.normal(0, 1, STREAMS)
        much = np.exp(swing * level)
        return np.minimum(win * much, 0.4), np.minimum(lose * much, 0.4)

    for wins, losses in counted(random, STREAMS, INTERVALS, ROWS, chances):
        yield growth_of_counts(wins, losses, np.full(STREAMS, ROWS))


@pytest.mark.parametrize(("differ", "swing"), [(0.005, 0.0), (0.05, 0.0), (0.3, 0.0), (0.05, 0.4)])
def test_no_more_is_promoted_than_was_allowed_where_both_are_equally_good(differ: float, swing: float) -> None:
    found = run(of_counts(differ / 2, differ / 2, seed=1, swing=swing), RATE, streams=STREAMS)
    assert false_rate(found) <= 1.0
    assert found.promotions.any()


def test_looking_at_every_interval_by_a_test_of_fixed_size_promotes_ten_in_200() -> None:
    random = np.random.default_rng(1)
    chance = np.full(STREAMS, 0.025)
    z = [
        (wins - losses) / np.sqrt(np.maximum(wins + losses, 1))
        for wins, losses in counted(random, STREAMS, INTERVALS, ROWS, lambda _: (chance, chance))
    ]
    assert 7 < (np.array(z) > 1.645).sum(axis=0).mean() < 13


def test_a_share_of_all_promotions_is_kept_where_none_is_true() -> None:
    found = run(of_counts(0.025, 0.025, seed=2), Share(0.1), streams=STREAMS)
    any_false = (found.promotions > 0).mean()
    assert any_false - 2 * math.sqrt(0.1 * 0.9 / STREAMS) <= 0.1


def test_a_share_of_all_promotions_is_kept_where_every_other_one_is_true() -> None:
    """Reigns take turns: in one a challenger is better, in the next none is; what share of promotions was false?"""
    random, policy = np.random.default_rng(3), Share(0.1)
    streams, reign = 500, 10
    better = np.repeat(np.arange(INTERVALS // reign) % 2 == 0, reign)
    true, false = np.zeros(streams), np.zeros(streams)
    capital = np.zeros((streams, BETS))
    for interval in range(INTERVALS):
        if interval % reign == 0:
            capital[:] = 0.0  # another champion, by hand or by another way
        wins = random.binomial(ROWS, 0.045 if better[interval] else 0.025, streams)
        losses = random.binomial(ROWS, 0.025, streams)
        stake = policy.stake(Budget(decisions=interval))
        capital = feed(capital, growth_of_counts(wins, losses, np.full(streams, ROWS)), np.full(streams, stake))
        prices = np.array([policy.price(Budget(promotions=int(n))) for n in true + false])
        promoted = capital.sum(axis=-1) >= prices
        capital[promoted] = 0.0
        (true if better[interval] else false)[promoted] += 1
    share = false / np.maximum(true + false, 1)
    assert true.mean() > 5
    assert share.mean() <= 0.1


def test_three_challengers_that_depend_on_each_other_share_one_budget() -> None:
    """One is equal, one is the mirror of it, one is the same as the first."""
    random = np.random.default_rng(4)
    chance = np.full(STREAMS, 0.025)

    def grown() -> Iterator[Array]:
        for wins, losses in counted(random, STREAMS, INTERVALS, ROWS, lambda _: (chance, chance)):
            first, mirrored = (
                growth_of_counts(*pair, np.full(STREAMS, ROWS)) for pair in ((wins, losses), (losses, wins))
            )
            yield np.stack([first, mirrored, first])

    assert false_rate(run(grown(), RATE, streams=STREAMS, candidates=3)) <= 1.0


# --- other losses ------------------------------------------------------------------------------------------


def of_gains(kind: str, *, intervals: int = 60, rows: int = 60, streams: int = STREAMS) -> Iterator[Array]:
    """Gains of mean zero given the past, cut to five times their root mean square so far."""
    random = np.random.default_rng(5)
    squares, seen, volatility = np.zeros(streams), 0, np.ones(streams)
    for _ in range(intervals):
        noise = random.standard_t(2.0 if kind == "heavy tails" else 4.0, (streams, rows))
        if kind == "clustered":
            # The size of the gains is autocorrelated, from interval to interval and within, as in GARCH.
            volatility = np.exp(0.9 * np.log(volatility) + 0.4 * random.normal(0, 1, streams))
            noise *= volatility[:, np.newaxis] * (1.0 + np.abs(np.roll(noise, 1, axis=1)))
        if kind == "squared errors":
            noise = noise**2 - random.standard_t(4.0, (streams, rows)) ** 2
        cut = np.where(squares > 0, 5.0 * np.sqrt(squares / max(seen, 1)), 1.0)[:, np.newaxis]
        gains = np.clip(noise, -cut, cut)
        squares, seen = squares + (gains**2).sum(axis=1), seen + rows
        yield growth(gains / cut)


@pytest.mark.parametrize("kind", ["heavy tails", "clustered", "squared errors"])
def test_losses_without_bounds_keep_the_promise(kind: str) -> None:
    found = run(of_gains(kind), RATE, streams=STREAMS)
    assert false_rate(found, intervals=60) <= 1.0


def test_many_small_wins_against_few_great_losses_are_no_gain() -> None:
    """Gains of 0.01 in 99 rows of a hundred and of -0.99 in one: bounded, so the mean itself is judged."""
    random = np.random.default_rng(6)

    def grown() -> Iterator[Array]:
        for _ in range(INTERVALS):
            lost = random.binomial(ROWS, 0.01, STREAMS).astype(float)
            yield lost[:, np.newaxis] * growth(np.array([-0.99])) + (ROWS - lost)[:, np.newaxis] * growth(
                np.array([0.01])
            )

    assert false_rate(run(grown(), RATE, streams=STREAMS)) <= 1.0


# --- what all rows of an interval share --------------------------------------------------------------------


def shaken(*, known: bool, gain: float = 0.0, shock: float = 0.01) -> Iterator[Array]:
    """Each interval's fresh fit is better or worse as a whole; the size of that taken from ten intervals and more."""
    random = np.random.default_rng(7)
    means: list[Array] = []
    errors: list[Array] = []

    def chances(interval: int) -> tuple[Array, Array]:
        del interval
        away = np.clip(random.normal(gain, shock, STREAMS), -0.1, 0.1)
        return (0.1 + away) / 2, (0.1 - away) / 2

    size = np.full(STREAMS, 0.01)
    for wins, losses in counted(random, STREAMS, INTERVALS, ROWS, chances):
        rows = np.full(STREAMS, ROWS)
        grown = growth_of_counts(wins, losses, rows)
        if known:
            paid = growth_of_counts(np.zeros(1), np.zeros(1), np.full(1, ROWS), shock=1.0)
            grown = grown + size[:, np.newaxis] ** 2 * paid
        yield grown
        means.append((wins - losses) / ROWS)
        errors.append(np.sqrt(wins + losses) / ROWS)
        if len(means) >= 10:
            explained = np.mean(np.square(errors), axis=0)
            size = np.sqrt(np.maximum(np.var(means, axis=0, ddof=1) - explained, 0.0))
            assert size[0] == pytest.approx(shock_between([m[0] for m in means], [e[0] for e in errors]))


def test_a_shock_that_is_not_told_breaks_the_promise_and_one_measured_on_the_past_keeps_it() -> None:
    told, untold = (run(shaken(known=known), RATE, streams=STREAMS) for known in (True, False))
    assert false_rate(told) <= 1.0
    assert false_rate(untold) > 1.0


def test_a_challenger_better_in_the_mean_is_found_through_the_shocks() -> None:
    found = run(shaken(known=True, gain=0.02), RATE, streams=STREAMS)
    assert found.within(12) > 0.8
    assert found.within(50) == 1.0


def autocorrelated(*, known: bool, intervals: int = 60, rows: int = 300) -> Iterator[Array]:
    """Gains that follow each other (AR(1), 0.5) with a mean of zero in the long run, not given the row before."""
    random = np.random.default_rng(12)
    last, gains = random.normal(0, 1, STREAMS), np.empty((STREAMS, rows))
    means: list[Array] = []
    errors: list[Array] = []
    size = np.full(STREAMS, 0.01)
    paid = growth_of_counts(0, 0, rows, shock=1.0)
    for _ in range(intervals):
        for row, noise in enumerate(random.normal(0, math.sqrt(0.75), (rows, STREAMS))):
            last = 0.5 * last + noise
            gains[:, row] = last
        cut = np.clip(gains / 5.0, -1.0, 1.0)
        yield growth(cut) + np.multiply.outer(size**2 if known else 0.0 * size, paid)
        means.append(cut.mean(axis=1))
        errors.append(cut.std(axis=1) / math.sqrt(rows))
        if len(means) >= 10:
            size = np.sqrt(np.maximum(np.var(means, axis=0, ddof=1) - np.mean(np.square(errors), axis=0), 0.0))


def test_rows_that_follow_each_other_break_the_promise_and_the_shock_measured_on_the_past_keeps_it() -> None:
    told, untold = (run(autocorrelated(known=known), RATE, streams=STREAMS) for known in (True, False))
    assert false_rate(told, intervals=60) <= 1.0
    assert false_rate(untold, intervals=60) > 1.0


# --- power -------------------------------------------------------------------------------------------------


def test_a_challenger_better_by_one_in_a_hundred_is_found() -> None:
    """5 % of rows differ; the promise is one false promotion in 100 decisions."""
    found = run(of_counts(0.03, 0.02, seed=8), RATE, streams=STREAMS)
    assert found.within(4) > 0.2
    assert found.within(12) > 0.85


def test_the_more_alike_the_models_the_sooner() -> None:
    found = run(of_counts(0.015, 0.005, seed=9), RATE, streams=STREAMS)
    assert found.within(4) > 0.8


def test_a_gain_of_three_in_a_thousand_is_found_in_time() -> None:
    found = run(of_counts(0.0265, 0.0235, seed=10), RATE, streams=STREAMS)
    assert found.within(INTERVALS) > 0.98


def test_a_challenger_that_becomes_better_late_is_not_held_to_its_losses() -> None:
    """Worse by one in a hundred for a hundred intervals, better by as much from then on."""
    random = np.random.default_rng(11)

    def chances(interval: int) -> tuple[Array, Array]:
        sides = np.full(STREAMS, 0.03), np.full(STREAMS, 0.02)
        return sides if interval >= 100 else (sides[1], sides[0])

    rows = np.full(STREAMS, ROWS)
    grown = (growth_of_counts(*pair, rows) for pair in counted(random, STREAMS, 112, ROWS, chances))
    found = run(grown, RATE, streams=STREAMS)
    assert found.within(100) < 0.01
    assert found.within(112) > 0.95
