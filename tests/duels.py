"""Thousands of streams at once: challenger against champion, interval by interval, and who is promoted when."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heliotrope.evidence.betting import BETS, feed
from heliotrope.evidence.budget import Budget, Policy

__all__ = ["NEVER", "Run", "counted", "run"]

Array = NDArray[np.float64]
NEVER = 10**9


@dataclass(frozen=True)
class Run:
    """Promotions of each stream, shape (streams,), and the interval of its first, counted from 1."""

    promotions: Array
    first: Array

    def within(self, intervals: int) -> float:
        """The share of streams in which the challenger was promoted within so many intervals."""
        return float((self.first <= intervals).mean())


def run(grown: Iterator[Array], policy: Policy, *, streams: int, candidates: int = 1) -> Run:
    """Promote whenever a capital reaches the price, then begin anew; ``grown``, shape (candidates, streams, bets)."""
    capital = np.zeros((candidates, streams, BETS))
    promotions, first = np.zeros(streams), np.full(streams, float(NEVER))
    for decision, growth in enumerate(grown):
        stake = policy.stake(Budget(decisions=decision)) / candidates
        capital = feed(capital, growth, np.full((candidates, streams), stake))
        prices = np.array([policy.price(Budget(promotions=n)) for n in range(int(promotions.max()) + 1)])
        promoted = (capital.sum(axis=-1) >= prices[promotions.astype(int)]).any(axis=0)
        first = np.where(promoted & (first == NEVER), decision + 1, first)
        promotions += promoted
        capital[:, promoted] = 0.0
    return Run(promotions, first)


def counted(
    random: np.random.Generator, streams: int, intervals: int, rows: int, chances: Callable[[int], tuple[Array, Array]]
) -> Iterator[tuple[Array, Array]]:
    """Wins and losses of every interval, shape (streams,) each, from the chances of a win and a loss in it."""
    for interval in range(intervals):
        win, lose = (np.broadcast_to(chance, (streams,)) for chance in chances(interval))
        wins = random.binomial(rows, win)
        yield wins.astype(float), random.binomial(rows - wins, lose / (1.0 - win)).astype(float)
