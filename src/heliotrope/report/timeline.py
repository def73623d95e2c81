"""Time on the page: where a moment lies, which moments are named, and how many cycles become few enough to draw."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from heliotrope.interval import floor
from heliotrope.report.history import CycleRow

__all__ = ["MOST_GROUPS", "SPAN", "Group", "Tick", "group", "mean", "place", "ticks"]

SPAN = 1000
"""The width of every chart in its own units; the page stretches it."""
MOST_GROUPS = 480

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_STEPS = (
    *(minutes * _MINUTE for minutes in (1, 5, 15, 30)),
    *(hours * _HOUR for hours in (1, 2, 3, 6, 12)),
    *(days * _DAY for days in (1, 2, 7, 14, 28, 91, 182, 364)),
)
_MOST_TICKS = 8


@dataclass(frozen=True, slots=True)
class Group:
    """Cycles that share one place in the charts, with where it begins and ends."""

    rows: tuple[CycleRow, ...]
    left: float
    right: float

    @property
    def middle(self) -> float:
        """Where the group's one point is drawn."""
        return (self.left + self.right) / 2


@dataclass(frozen=True, slots=True)
class Tick:
    """A named moment, at a share of the width in percent."""

    percent: float
    label: str


def place(moment: datetime, start: datetime, end: datetime) -> float:
    """Where ``moment`` lies, from 0 at ``start`` to SPAN at ``end``; before and after are brought to the ends.

    >>> from datetime import UTC
    >>> day = [datetime(2026, 11, n, tzinfo=UTC) for n in (24, 25, 26)]
    >>> place(day[1], day[0], day[2])
    500.0
    """
    return round(min(max((moment - start) / (end - start), 0.0), 1.0) * SPAN, 2)


def group(rows: Sequence[CycleRow], start: datetime, end: datetime, most: int = MOST_GROUPS) -> list[Group]:
    """Cycles in order of time, so many to a group that there are no more than ``most`` groups."""
    size = max(1, math.ceil(len(rows) / most))
    parts = [tuple(rows[at : at + size]) for at in range(0, len(rows), size)]
    return [
        Group(part, place(part[0].interval.start, start, end), place(part[-1].interval.end, start, end))
        for part in parts
    ]


def mean(rows: Sequence[CycleRow], value: Callable[[CycleRow], float | None]) -> float | None:
    """The mean of what ``value`` finds in ``rows``, apart from None and what is not finite; None where that is all."""
    found = [one for row in rows if (one := value(row)) is not None and math.isfinite(one)]
    return math.fsum(found) / len(found) if found else None


def ticks(start: datetime, end: datetime) -> list[Tick]:
    """Named moments at round times, at most eight.

    >>> from datetime import UTC
    >>> [tick.label for tick in ticks(datetime(2026, 11, 24, tzinfo=UTC), datetime(2026, 11, 25, tzinfo=UTC))]
    ['24 Nov', '03:00', '06:00', '09:00', '12:00', '15:00', '18:00', '21:00']
    """
    seconds = (end - start).total_seconds()
    fitting = (step for step in _STEPS if seconds / step <= _MOST_TICKS)
    step = timedelta(seconds=next(fitting, _STEPS[-1] * math.ceil(seconds / _STEPS[-1] / _MOST_TICKS)))
    moment = floor(start, step)
    found = []
    while moment < end:
        if moment >= start:
            found.append(Tick(place(moment, start, end) * 100 / SPAN, _label(moment, step)))
        moment += step
    return found


def _label(moment: datetime, step: timedelta) -> str:
    if step >= timedelta(days=91):
        return f"{moment:%b %Y}"
    if step >= timedelta(days=1) or (moment.hour, moment.minute) == (0, 0):
        return f"{moment.day} {moment:%b}"
    return f"{moment:%H:%M}"
