"""How often does a gate that looks at every interval promote a challenger that is no better, and how soon one that is?

2,000 streams of 200 intervals of 900 rows. Ours may promote falsely once in 100 decisions; the peers are tests of
fixed size at every interval: the paired z test of the gate's ``alpha`` (0.05), and McNemar's exact one at one in 100,
which makes the same promise as ours but forgets every interval before; and half the promise given to each of the two.
Nulls: equal models; models that differ now much, now little; equal procedures whose fresh fits differ by one in a
hundred as a whole (a shock), its size told by the past.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtrc

from bench import Board
from heliotrope.evidence.betting import BETS, Evidence, feed, growth_of_counts
from heliotrope.evidence.budget import Budget, Rate

Array = NDArray[np.float64]
Rule = Callable[[Iterator[tuple[Array, Array]]], Array]
STREAMS, INTERVALS, ROWS, ONE_IN = 2_000, 200, 900, 100
ALPHA = 0.05


def streams(gain: float, differ: float, *, swing: float = 0.0, shock: float = 0.0) -> Iterator[tuple[Array, Array]]:
    """Wins and losses of every interval, of shape (streams,) each."""
    random, level = np.random.default_rng(0), np.zeros(STREAMS)
    for _ in range(INTERVALS):
        level = 0.9 * level + random.normal(0, swing, STREAMS)
        share = np.minimum(differ * np.exp(level), 0.8)
        away = np.clip(gain + random.normal(0, shock, STREAMS), -share, share)
        wins = random.binomial(ROWS, (share + away) / 2)
        yield wins.astype(float), random.binomial(ROWS - wins, (share - away) / (2 - share - away)).astype(float)


def by_betting(met: Iterator[tuple[Array, Array]], *, one_in: float = ONE_IN, shaken: bool = False) -> Array:
    """Ours; which streams promoted at which interval, shape (intervals, streams). After a promotion it begins anew."""
    policy, capital, promoted = Rate(one_in), np.zeros((STREAMS, BETS)), []
    stakes = np.full(STREAMS, policy.stake(Budget()))
    paid = growth_of_counts(0, 0, ROWS, shock=1.0)
    seen = np.zeros((3, STREAMS))  # sums of the mean gains, of their squares, and of what rows explain of those
    for interval, (wins, losses) in enumerate(met):
        grown = growth_of_counts(wins, losses, np.full(STREAMS, ROWS))
        if shaken:
            mean, square, explained = seen / max(interval, 1)
            between = (square - mean**2) * interval / max(interval - 1, 1) - explained
            size = np.maximum(between, 0.0) if interval >= 10 else np.full(STREAMS, 1e-4)
            grown = grown + np.multiply.outer(size, paid)
            gains = (wins - losses) / ROWS
            seen += np.stack([gains, gains**2, (wins + losses) / ROWS**2])
        capital = feed(capital, grown, stakes)
        promoted.append(capital.sum(axis=1) >= policy.price(Budget()))
        capital[promoted[-1]] = 0.0
    return np.array(promoted, dtype=float)


def by_z_test(met: Iterator[tuple[Array, Array]]) -> Array:
    """Today's gate: the paired z test at ``alpha`` in every interval."""
    return np.array([wins - losses > 1.645 * np.sqrt(wins + losses) for wins, losses in met], dtype=float)


def by_mcnemar(met: Iterator[tuple[Array, Array]], *, one_in: float = ONE_IN) -> Array:
    """McNemar's exact test at one in a hundred in every interval."""
    p_values = [
        np.where(wins > 0, bdtrc(np.maximum(wins - 1, 0), (wins + losses).astype(int), 0.5), 1.0)
        for wins, losses in met
    ]
    return np.array(np.array(p_values) < 1 / one_in, dtype=float)


def by_both(met: Iterator[tuple[Array, Array]]) -> Array:
    """Half the promise for this interval alone, half for what has been gathered."""
    intervals = list(met)
    return np.maximum(by_mcnemar(iter(intervals), one_in=2 * ONE_IN), by_betting(iter(intervals), one_in=2 * ONE_IN))


RULES: dict[str, Rule] = {
    f"paired z, {ALPHA} an interval": by_z_test,
    f"McNemar, 1/{ONE_IN} an interval": by_mcnemar,
    "betting": by_betting,
    "half McNemar, half betting": by_both,
    "betting, shock paid": lambda met: by_betting(met, shaken=True),
}
NULLS: dict[str, dict[str, float]] = {
    "equal, 5 % of rows differ": {"gain": 0.0, "differ": 0.05},
    "equal, 0.5 % differ": {"gain": 0.0, "differ": 0.005},
    "equal, now much, now little": {"gain": 0.0, "differ": 0.05, "swing": 0.4},
    "equal, with a shock of 0.01": {"gain": 0.0, "differ": 0.1, "shock": 0.01},
}
BETTER: dict[str, dict[str, float]] = {
    "better by 0.01, 5 % differ": {"gain": 0.01, "differ": 0.05},
    "better by 0.01, 2 % differ": {"gain": 0.01, "differ": 0.02},
    "better by 0.003, 5 % differ": {"gain": 0.003, "differ": 0.05},
    "better by 0.02, shock of 0.01": {"gain": 0.02, "differ": 0.1, "shock": 0.01},
}


def errors(board: Board) -> None:
    """False promotions in 100 decisions."""
    board.note(f"false promotions in {ONE_IN} decisions; 1 is promised")
    for name, stream in NULLS.items():
        for rule, decide in RULES.items():
            rate = float(decide(streams(**stream)).mean() * ONE_IN)
            ours = rule == "betting, shock paid" or (rule == "betting" and "shock" not in stream)
            if ours:
                board.at_most(f"{name}: {rule}", rate, 1.0, form="{:.2f}")
            else:
                board.plain(f"{name}: {rule}", rate, form="{:.2f}")


def power(board: Board) -> None:
    """The share of streams in which a better challenger was promoted within 1, 4, 12 and 50 intervals."""
    board.note("promoted within 1, 4, 12, 50 intervals, of streams whose challenger is better")
    for name, stream in BETTER.items():
        for rule, decide in RULES.items():
            promoted = np.maximum.accumulate(decide(streams(**stream)), axis=0).mean(axis=1)
            shares = ", ".join(f"{promoted[within - 1]:.3f}" for within in (1, 4, 12, 50))
            board.note(f"{name + ': ' + rule:<58} {shares}")


def speed(board: Board) -> None:
    """An interval's gains into the evidence."""
    random = np.random.default_rng(0)
    for rows, limit in ((900, 0.0005), (1_000_000, 0.2)):
        gains, spent = random.uniform(-1, 1, rows), []
        for _ in range(7):
            begun = time.perf_counter()
            Evidence().after(gains, stake=1.0)
            spent.append(time.perf_counter() - begun)
        board.at_most(f"{rows:,} rows of any loss, in ms", float(np.median(spent) * 1e3), limit * 1e3, form="{:.2f}")


def main() -> int:
    """Print the table; the exit code."""
    board = Board(f"errors of the gate, {STREAMS:,} streams of {INTERVALS} intervals")
    errors(board)
    power(board)
    speed(board)
    return board.end()


if __name__ == "__main__":
    sys.exit(main())
