"""What a gate knows from before its interval."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from heliotrope.evidence.standing import Standing
from heliotrope.ledger.decode import table_of
from heliotrope.ledger.reign import Shadow

__all__ = ["Past", "gains_from", "past_from"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """How challengers stood after the last gate, and what past gains tell."""

    standing: Standing = field(default_factory=Standing)
    gains: Mapping[tuple[str, str], tuple[tuple[float, float], ...]] = field(default_factory=dict)
    """By (champion, challenger), of the last 100 intervals: the mean gains and their standard errors, oldest first."""
    loss: float | None = None
    """The champion's latest mean loss; None where none is that recent."""
    shadow: Shadow | None = None


def past_from(standing: Any, gains: Any, loss: Any) -> Past:
    """From the statement's columns. Raises ValueError, TypeError or KeyError for what heliotrope did not write."""
    met = [((champion, challenger), mean, error) for champion, challenger, mean, error in gains or ()]
    return Past(
        standing=Standing() if standing is None else Standing.parse(table_of(standing, "standing")),
        gains=gains_from(met),
        loss=None if loss is None else float(loss),
    )


def gains_from(met: Iterable[tuple[Any, Any, Any]] | None) -> dict[Any, tuple[tuple[float, float], ...]]:
    """By key, in the order they come: the mean gains and their standard errors, where both are known."""
    found: dict[Any, list[tuple[float, float]]] = {}
    for key, mean, error in met or ():
        if mean is not None and error is not None:
            found.setdefault(key, []).append((float(mean), float(error)))
    return {key: tuple(known) for key, known in found.items()}
