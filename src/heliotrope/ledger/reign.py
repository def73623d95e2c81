"""Who serves, who served before, and what their comparison has gathered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from heliotrope.evidence.betting import Evidence
from heliotrope.records import Champion, Training

__all__ = ["Reign", "Shadow"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shadow:
    """A challenger that predicts beside the champion, since when, and what it has gathered."""

    training: Training
    training_id: int
    since: datetime
    evidence: Evidence = field(default_factory=Evidence)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reign:
    """The champion, the model that served before it, and the evidence that the latter would do better."""

    champion: Champion | None = None
    previous: Champion | None = None
    """None where there is none, and where both are one and the same fit."""
    evidence: Evidence = field(default_factory=Evidence)
    loss: float = 0.0
    """The latest champion's mean loss when it was last scored; 0 where none was."""
    shadow: Shadow | None = None
    gains: Mapping[str, tuple[tuple[float, float], ...]] = field(default_factory=dict)
    """By role, of the last 100 intervals: the mean gains of models beside the champion and their standard errors,
    oldest first, whichever models they were."""
