"""Several challengers of one champion on the same rows, under one budget.

Each decision's stake is divided among the challengers that are compared, equally or by weights given beforehand, and
each bets with its own share alone (weighted e-values: Wang and Ramdas, 2022, False discovery rate control with
e-values, JRSS-B 84:822-852). However their losses depend on each other, the promise of the budget holds for all of
them together. No capital is moved from one to another: what a truly better one has won must not buy a false
promotion.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from heliotrope.evidence.betting import Evidence, bound
from heliotrope.evidence.budget import Budget, Policy

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["Contest", "Counts", "Losses", "Meeting"]


@dataclass(frozen=True, slots=True)
class Counts:
    """Rows that only the challenger, only the champion got right, of all: for losses of 0 and 1."""

    wins: int
    losses: int
    rows: int


@dataclass(frozen=True, slots=True, eq=False)
class Losses:
    """Each row's gain, shape (rows,); ``scale`` is None for a loss between 0 and 1.

    Else the gains have no bound, and are cut to a multiple of their root mean square in earlier intervals; ``scale``
    stands in for that at the first: in the loss's unit and known before, as the champion's mean loss in the interval
    before.
    """

    gains: Floats
    scale: float | None = None


Meeting = Counts | Losses


@dataclass(frozen=True, slots=True, kw_only=True)
class Contest:
    """The standing of all challengers of one champion; plain, to be kept in the ledger from interval to interval.

    >>> from heliotrope.evidence.budget import Rate
    >>> contest, policy = Contest(), Rate(500)
    >>> for _ in range(4):
    ...     contest = contest.after({"a": Counts(30, 14, 900), "b": Counts(20, 22, 900)}, policy)
    ...     print(contest.passed(policy), round(contest.evidence["a"].wealth, 3))
    () 0.004
    () 0.052
    () 0.637
    ('a',) 8.296
    >>> contest.decided(promoted=True).evidence
    {}
    """

    budget: Budget = field(default_factory=Budget)
    evidence: Mapping[str, Evidence] = field(default_factory=dict)

    def after(
        self,
        meetings: Mapping[str, Meeting],
        policy: Policy,
        *,
        above: float = 0.0,
        shock: float | Mapping[str, float] = 0.0,
        weights: Mapping[str, float] | None = None,
    ) -> Self:
        """With one interval more, in which these challengers met the champion; the others stand as they stood.

        ``above`` is the mean gain that must be exceeded; ``shock`` the standard deviation of what all rows of an
        interval share, see :mod:`.betting`, for all or for each. ``weights`` say how the stake is divided (one each
        where absent); they must not depend on the interval's rows. Call :meth:`decided` before the next one.
        """
        stake = policy.stake(self.budget)
        shares = {name: 1.0 if weights is None else weights[name] for name in meetings}
        whole = sum(shares.values())
        shocks = shock if isinstance(shock, Mapping) else dict.fromkeys(meetings, shock)
        grown = {
            name: _after(
                self.evidence.get(name, Evidence()), meeting, stake * shares[name] / whole, above, shocks[name]
            )
            for name, meeting in meetings.items()
        }
        return type(self)(budget=self.budget, evidence={**self.evidence, **grown})

    def passed(self, policy: Policy) -> tuple[str, ...]:
        """The challengers whose capital has reached the price, the richest first."""
        price = policy.price(self.budget)
        rich = [(-one.wealth, name) for name, one in self.evidence.items() if one.wealth >= price]
        return tuple(name for _, name in sorted(rich))

    def decided(self, *, promoted: bool) -> Self:
        """After the decision: with a new champion every comparison begins anew."""
        return type(self)(
            budget=self.budget.decided(promoted=promoted), evidence={} if promoted else dict(self.evidence)
        )

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        return {"budget": self.budget.plain(), "evidence": {name: one.plain() for name, one in self.evidence.items()}}

    @classmethod
    def parse(cls, plain: Mapping[str, Any]) -> Self:
        """What :meth:`plain` gave."""
        return cls(
            budget=Budget.parse(plain["budget"]),
            evidence={name: Evidence.parse(one) for name, one in plain["evidence"].items()},
        )


def _after(evidence: Evidence, meeting: Meeting, stake: float, above: float, shock: float) -> Evidence:
    match meeting:
        case Counts():
            return evidence.after_counts(
                meeting.wins, meeting.losses, meeting.rows, stake=stake, above=above, shock=shock
            )
        case Losses():
            cut = 1.0 if meeting.scale is None else bound(evidence, at_first=meeting.scale)
            return evidence.after(meeting.gains, stake=stake, above=above, low=-cut, high=cut, shock=shock)
