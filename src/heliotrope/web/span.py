"""The range of time that a page shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from heliotrope.errors import IntervalError
from heliotrope.interval import parse_time
from heliotrope.ledger.overview import Stretch, range_of, stretch
from heliotrope.web.page import Subject

if TYPE_CHECKING:
    import psycopg

__all__ = ["CHOICES", "Span", "span"]

CHOICES = (48, 240, 1000)
"""How many of the latest intervals can be asked for; or all."""
_BY_DEFAULT = 240
_MOST_PLACES = 240


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """A range, of all that there is."""

    over: Stretch
    first: datetime
    last: datetime
    cycles: int
    """In all that there is."""
    chosen: str
    """How many of the latest are shown; ``all``, or empty for a range of its own."""

    @property
    def is_all(self) -> bool:
        """Whether that is all there is."""
        return self.over.start <= self.first and self.over.end >= self.last


def span(
    connection: psycopg.Connection[Any], subject: Subject, start: str = "", end: str = "", show: str = ""
) -> Span | None:
    """The range that is asked for by times, or by how many of the latest intervals; None where no cycle has begun.

    Raises IntervalError for what is no time, or no range.
    """
    known = range_of(connection, *subject.key)
    if known is None:
        return None
    first, last, cycles = known
    step = subject.pipeline.interval
    if start or end:
        begin, stop = parse_time(start) if start else first, parse_time(end) if end else last
        if begin >= stop:
            raise IntervalError(f"{start or first} is not before {end or last}", remedy="let the range end later")
        return Span(over=_bounded(begin, stop, subject, known), first=first, last=last, cycles=cycles, chosen="")
    if show == "all":
        begin = first
    else:
        count = int(show) if show.isdigit() and 0 < int(show) < 10**6 else _BY_DEFAULT
        begin, show = max(first, last - count * step), str(count)
    return Span(over=stretch(begin, last, step, _MOST_PLACES), first=first, last=last, cycles=cycles, chosen=show)


def _bounded(start: datetime, end: datetime, subject: Subject, known: tuple[datetime, datetime, int]) -> Stretch:
    """No further than there are cycles, and an interval long at least."""
    step = subject.pipeline.interval
    begin = min(max(start, known[0]), known[1] - step)
    return stretch(begin, max(min(end, known[1]), begin + step), step, _MOST_PLACES)
