"""Who serves, who served before, and what their comparison has gathered."""

from __future__ import annotations

from dataclasses import dataclass, field

from heliotrope.evidence.betting import Evidence
from heliotrope.records import Champion

__all__ = ["Reign"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reign:
    """The champion, the model that served before it, and the evidence that the latter would do better."""

    champion: Champion | None = None
    previous: Champion | None = None
    """None where there is none, and where both are one and the same fit."""
    evidence: Evidence = field(default_factory=Evidence)
    loss: float = 0.0
    """The latest champion's mean loss when it was last scored; 0 where none was."""
