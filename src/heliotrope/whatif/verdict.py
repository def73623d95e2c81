"""What the scores of many policies say: means with their errors, the frontier, the recommendation, the regret.

Intervals follow each other, and a policy that does badly in one tends to in the next; standard errors are therefore
those of Newey and West (1987, Econometrica 55:703-708), with their 1994 rule of thumb for the number of lags.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from heliotrope.whatif.engine import Run

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from heliotrope.whatif.grid import Policy

    Floats = NDArray[np.float64]

__all__ = ["Difference", "Judged", "Verdict", "difference", "judge", "mean_and_error"]


@dataclass(frozen=True, slots=True)
class Difference:
    """How much better the best policy was than another, interval by interval: the mean and its standard error."""

    mean: float
    standard_error: float

    @property
    def within(self) -> bool:
        """Whether that is no more than one standard error."""
        return self.mean <= self.standard_error


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Judged:
    """A policy, what it came to, and where it stands."""

    policy: Policy
    run: Run
    mean: float
    standard_error: float
    behind: Difference
    """Against the best one."""
    on_frontier: bool = False
    """No other policy has as good a mean with fewer trainings, or a better one with as many."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Verdict:
    """All policies, judged on the intervals in which every one of them was scored."""

    policies: tuple[Judged, ...]
    """In the order of the grid: the running one first."""
    kept: NDArray[np.bool_]
    """Of every interval whether all policies were scored there: else one had no champion yet, or held the batch."""
    best: Judged
    recommended: Judged
    later: Difference | None
    """Had it been chosen on the first half of the intervals by the same rule: how much better than what was then
    chosen the second half's best was there. None where there are fewer than 20 intervals."""

    @property
    def running(self) -> Judged:
        """The declared policy; its ``behind`` is its regret."""
        return self.policies[0]

    @property
    def frontier(self) -> tuple[Judged, ...]:
        """The policies on the frontier, fewest trainings first."""
        return tuple(sorted((one for one in self.policies if one.on_frontier), key=lambda one: one.run.trainings))


def mean_and_error(values: Floats) -> tuple[float, float]:
    """The mean of values that follow each other in time, shape (n,), and its standard error; 0 for a single one.

    >>> mean_and_error(np.array([1.0, 0.0, 1.0, 0.0]))
    (0.5, 0.25)
    """
    count = len(values)
    mean = float(values.mean())
    if count < 2:
        return mean, 0.0
    centred = values - mean
    variance = float(centred @ centred) / count
    lags = int(4 * (count / 100) ** (2 / 9)) if count >= 8 else 0
    for lag in range(1, lags + 1):
        variance += 2 * (1 - lag / (lags + 1)) * float(centred[lag:] @ centred[:-lag]) / count
    # The estimate may come below zero where values alternate.
    return mean, math.sqrt(max(variance, 0.0) / count)


def difference(better: Floats, other: Floats) -> Difference:
    """How much better, on the same intervals."""
    return Difference(*mean_and_error(better - other))


def judge(policies: Sequence[Policy], runs: Sequence[Run], *, lower_is_better: bool) -> Verdict | None:
    """Compare policies; None where no interval was scored for all of them.

    Recommended is the cheapest policy that is within one standard error of the best, paired by interval: the best of
    many is in part the luckiest (the rule of Breiman et al., 1984, for trees). Cheapest: fewest trainings, then
    fewest candidates, then fewest seconds of fitting.
    """
    sign = -1.0 if lower_is_better else 1.0
    scores = np.vstack([one.scores for one in runs]) * sign
    kept: NDArray[np.bool_] = np.asarray(np.isfinite(scores).all(axis=0))
    if not kept.any():
        return None
    scores = scores[:, kept]
    costs = [_cost(policy, run) for policy, run in zip(policies, runs, strict=True)]
    best, recommended = _choose(scores, costs)
    means = scores.mean(axis=1)
    on_frontier = _frontier(means, costs)
    judged = []
    for place, (policy, run) in enumerate(zip(policies, runs, strict=True)):
        mean, error = mean_and_error(scores[place])
        judged.append(
            Judged(
                policy=policy,
                run=run,
                mean=sign * mean,
                standard_error=error,
                behind=difference(scores[best], scores[place]),
                on_frontier=place in on_frontier,
            )
        )
    return Verdict(
        policies=tuple(judged),
        kept=kept,
        best=judged[best],
        recommended=judged[recommended],
        later=_later(scores, costs),
    )


def _cost(policy: Policy, run: Run) -> tuple[int, int, float]:
    return run.trainings, len(policy.pipeline.candidates), run.fit_seconds


def _choose(scores: Floats, costs: Sequence[tuple[int, int, float]]) -> tuple[int, int]:
    """The places of the best policy, of equals the cheapest, and of the recommended one.

    That is the cheapest within an error of the best, but none that another beats in the mean with no more trainings and
    candidates: it may be within the error only because its own scores vary.
    """
    means = scores.mean(axis=1)
    best = min(range(len(costs)), key=lambda place: (-means[place], costs[place]))
    near = [
        place
        for place in range(len(costs))
        if difference(scores[best], scores[place]).within
        and not any(
            mean > means[place] and cost[0] <= costs[place][0] and cost[1] <= costs[place][1]
            for mean, cost in zip(means, costs, strict=True)
        )
    ]
    return best, min(near, key=lambda place: (costs[place], -means[place]))


def _frontier(means: Floats, costs: Sequence[tuple[int, int, float]]) -> set[int]:
    """The places that no other beats in mean or trainings and equals in the other; of equals the cheapest."""
    found: set[int] = set()
    highest = -math.inf
    for place in sorted(range(len(costs)), key=lambda place: (costs[place][0], -means[place], costs[place])):
        if means[place] > highest:
            found.add(place)
            highest = float(means[place])
    return found


def _later(scores: Floats, costs: Sequence[tuple[int, int, float]]) -> Difference | None:
    half = scores.shape[1] // 2
    if half < 10:
        return None
    _, chosen = _choose(scores[:, :half], costs)
    second = scores[:, half:]
    return difference(second[second.mean(axis=1).argmax()], second[chosen])
