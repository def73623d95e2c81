"""An alarm of the watched distributions, as a trigger is told of it."""

from __future__ import annotations

from dataclasses import dataclass

from heliotrope.evidence.change import Era
from heliotrope.evidence.harm import Rise

__all__ = ["Alarm", "Watched"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """A change that was found in an interval."""

    ago: int
    """How many intervals ago; 0: in the one that has just ended."""
    features: tuple[str, ...]
    """What changed."""
    rise: Rise | None
    """What became of the champion's mean loss then; None where it could not be told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What the watch has to say at an interval's end."""

    era: Era
    alarms: tuple[Alarm, ...] = ()
    """Those since the last training, the newest last."""
