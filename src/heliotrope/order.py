"""One step that is asked for: of which interval or cycle, and how. Plain, so that asking for one imports nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from heliotrope.interval import Interval, format_time

__all__ = ["Order", "Step"]

Step = Literal["create", "assess", "announce", "train", "propose", "gate", "publish"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """One step of one interval or cycle."""

    step: Step
    interval: Interval | None = None
    cycle: int | None = None
    """The cycle's id, where it is known; else that of the interval."""
    since: datetime | None = None
    """assess: first run the cycles that are missing from then on."""
    missed: bool = False
    """assess: first run the cycles that are missing since the last done one."""
    until: datetime | None = None
    """assess: then run and publish later cycles too, up to that time, as long as it is quick."""
    collapse: bool = False
    """assess: train once for a gap, and score all of it."""
    approve: str | None = None
    """gate: who approves the promotion."""
    refuse: str | None = None
    """gate: who refuses it."""

    def arguments(self, pipeline: str) -> list[str]:
        """The order as arguments of the command line.

        >>> from heliotrope.interval import interval_at, parse_step, parse_time
        >>> hour = interval_at(parse_time("2026-11-24T05:00Z"), parse_step("1h"))
        >>> " ".join(Order(step="train", interval=hour).arguments("clicks.yaml"))
        'run-step train clicks.yaml --start 2026-11-24T05:00Z'
        """
        options = ["run-step", self.step, pipeline]
        if self.cycle is not None:
            options += ["--cycle", str(self.cycle)]
        elif self.interval is not None:
            options += ["--start", format_time(self.interval.start)]
        if self.since is not None:
            options += ["--since", format_time(self.since)]
        if self.until is not None:
            options += ["--until", format_time(self.until)]
        if self.approve is not None:
            options += ["--approve", self.approve]
        if self.refuse is not None:
            options += ["--refuse", self.refuse]
        return options + ["--missed"] * self.missed + ["--collapse"] * self.collapse
