"""How many false promotions are allowed, as stakes: what every decision may bet, and the capital that wins.

A stake bet by :mod:`.betting` is worth at most itself in the mean while its hypothesis holds. Promote when the
capital of a comparison reaches a price, and the mean number of false promotions is at most the sum of all stakes
over the price. From this both promises follow, however the comparisons depend on each other, and whenever one looks:

``Rate``: at most one false promotion in ``one_in`` decisions. Every decision stakes ``1 / one_in``, the price is 1.
Fed so, capital over stake is the Shiryaev-Roberts e-detector (Shin, Ramdas and Rinaldo, 2023, E-detectors, New
England Journal of Statistics in Data Science 2:229-260): a challenger that becomes better late is not held to its
earlier losses.

``Share``: at most the share ``alpha`` of all promotions is false (false discovery rate). The stakes sum to ``alpha``
over all time, and the price falls with every promotion: ``1 / (promotions + 1)``. With one comparison a decision this
is e-LOND (Xu and Ramdas, 2024, Online multiple testing with e-values, AISTATS); feeding comparisons that go on for
many decisions is our extension, and holds by the same line: a false promotion adds at most 1 / (promotions up to it)
to the false share, which is at most the capital it was bought with. e-LORD (Zhang et al., 2025, e-GAI) with a
constant share of what is left is the same with stakes that fall geometrically, so that it starves sooner.

A ``Share`` lets more through while promotions are many, and less and less where they are rare; a ``Rate`` never ends.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

__all__ = ["Budget", "Policy", "Rate", "Share"]


@dataclass(frozen=True, slots=True)
class Rate:
    """At most one false promotion in ``one_in`` decisions, in the mean.

    >>> Rate(500).stake(Budget()), Rate(500).price(Budget(promotions=7))
    (0.002, 1.0)
    """

    one_in: float

    def stake(self, budget: Budget) -> float:
        """What the next decision may stake."""
        del budget  # the same at all times
        return 1.0 / self.one_in

    def price(self, budget: Budget) -> float:
        """The capital that promotes."""
        del budget
        return 1.0


@dataclass(frozen=True, slots=True)
class Share:
    """At most the share ``alpha`` of all promotions is false, in the mean.

    >>> [round(Share(0.05).stake(Budget(decisions=n)), 5) for n in (0, 1, 9, 99)]
    [0.02466, 0.00655, 0.00037, 1e-05]
    >>> Share(0.05).price(Budget(promotions=4))
    0.2
    """

    alpha: float

    def stake(self, budget: Budget) -> float:
        """What the next decision may stake: in proportion to 1 / (t log(t)^2), which sums to a finite number."""
        t = budget.decisions + 2.0
        return self.alpha / (_SUM * t * math.log(t) ** 2)

    def price(self, budget: Budget) -> float:
        """The capital that promotes."""
        return 1.0 / (budget.promotions + 1.0)


Policy = Rate | Share
_SUM = 2.10975
"""Of 1 / (t log(t)^2) over all whole t from 2 on, rounded up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What was decided so far: all that a policy needs to know, and to be told again after a restart."""

    decisions: int = 0
    promotions: int = 0

    def decided(self, *, promoted: bool) -> Self:
        """After one decision more."""
        return replace(self, decisions=self.decisions + 1, promotions=self.promotions + promoted)

    def plain(self) -> dict[str, int]:
        """As JSON has it."""
        return asdict(self)

    @classmethod
    def parse(cls, plain: Mapping[str, Any]) -> Self:
        """What :meth:`plain` gave."""
        return cls(decisions=plain["decisions"], promotions=plain["promotions"])
