"""What a gate knows from before its interval."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from heliotrope.evidence.betting import shock_between
from heliotrope.evidence.standing import Standing
from heliotrope.ledger.decode import table_of
from heliotrope.ledger.reign import Shadow

__all__ = ["Past", "past_from"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """How challengers stood after the last gate, and what past gains tell."""

    standing: Standing = field(default_factory=Standing)
    gains: Mapping[tuple[str, str], tuple[tuple[float, float], ...]] = field(default_factory=dict)
    """By (champion, challenger), of the last 100 intervals: the mean gains and their standard errors, oldest first."""
    loss: float | None = None
    """The champion's latest mean loss; None where none is that recent."""
    shadow: Shadow | None = None

    def shock(self, champion: str, challenger: str, *, at_first: float, enough: int = 10) -> float:
        """The standard deviation of what an interval's rows share in their gain; ``at_first`` before ``enough`` gains.

        >>> gains = {("a", "b"): ((0.02, 0.001), (-0.02, 0.001)) * 5}
        >>> round(Past(gains=gains).shock("a", "b", at_first=0.01), 3)
        0.021
        >>> Past(gains=gains).shock("a", "c", at_first=0.01)
        0.01
        """
        known = self.gains.get((champion, challenger), ())[-50:]
        return at_first if len(known) < enough else shock_between(*zip(*known, strict=True))


def past_from(standing: Any, gains: Any, loss: Any) -> Past:
    """From the statement's columns. Raises ValueError, TypeError or KeyError for what heliotrope did not write."""
    by_pair: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for champion, challenger, mean, error in gains or ():
        if mean is not None and error is not None:
            by_pair.setdefault((champion, challenger), []).append((float(mean), float(error)))
    return Past(
        standing=Standing() if standing is None else Standing.parse(table_of(standing, "standing")),
        gains={pair: tuple(known) for pair, known in by_pair.items()},
        loss=None if loss is None else float(loss),
    )
