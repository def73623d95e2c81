"""One step that is asked for: of which interval or cycle, and how. Plain, so that asking for one imports nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from zlib import crc32

from heliotrope.errors import ConfigError
from heliotrope.interval import Interval, format_time

__all__ = ["PART_SIZE", "Order", "Part", "Step"]

Step = Literal["create", "assess", "announce", "train", "propose", "gate", "publish", "divide", "segments"]

PART_SIZE = 200
"""Segments of a part, where nobody says otherwise."""
_MOST = 10_000


@dataclass(frozen=True, slots=True)
class Part:
    """The ``number``-th of ``count`` parts of a pipeline's segments, from 1 on: the same ones whenever it is asked for.

    >>> str(Part.parse("2/8"))
    '2/8'
    >>> sum("a kiosk" in part for part in Part.all(8))
    1
    """

    number: int
    count: int

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    def __contains__(self, segment: str) -> bool:
        return crc32(segment.encode("utf-8", "surrogatepass")) % self.count == self.number - 1

    @classmethod
    def parse(cls, text: str) -> Part:
        """Raises ConfigError for a text that is none."""
        number, slash, count = text.partition("/")
        if not (slash and number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count) <= _MOST):
            raise ConfigError(f"{text!r} is no part of the segments", remedy="write it as 1/8, the first of eight")
        return cls(int(number), int(count))

    @classmethod
    def all(cls, count: int) -> list[Part]:
        """All of so many parts."""
        return [cls(number, count) for number in range(1, count + 1)]


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
    size: int = PART_SIZE
    """divide: how many segments a part shall have."""
    part: Part | None = None
    """segments: which of them; None: all."""

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
        if self.step == "divide":
            options += ["--size", str(self.size)]
        if self.part is not None:
            options += ["--part", str(self.part)]
        return options + ["--missed"] * self.missed + ["--collapse"] * self.collapse
