"""Half-open time arithmetic in UTC: a pipeline's step cuts time into ``[start, end)``.

The grid of a step starts at Monday 1970-01-05T00:00Z, so that days begin at midnight UTC and weeks on
Monday. A row belongs to exactly one interval: the one whose start is the latest not after its time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from heliotrope.errors import ConfigError, IntervalError, shown

__all__ = [
    "ORIGIN",
    "Interval",
    "floor",
    "format_step",
    "format_time",
    "interval_at",
    "intervals",
    "parse_step",
    "parse_time",
    "refuse_off_grid",
]

ORIGIN = datetime(1970, 1, 5, tzinfo=UTC)
"""Where the grid of every step begins."""
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_STEP = re.compile(r"\s*(\d+)\s*([smhdw])\s*")


@dataclass(frozen=True, order=True, slots=True)
class Interval:
    """``[start, end)``, both aware and in UTC.

    >>> hour = interval_at(parse_time("2026-11-24T05:30Z"), parse_step("1h"))
    >>> str(hour)
    '[2026-11-24T05:00Z, 2026-11-24T06:00Z)'
    >>> hour.end in hour
    False
    """

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise IntervalError(f"{self.start} .. {self.end} has no time zone", remedy="use aware times in UTC")
        if self.end <= self.start:
            raise IntervalError(f"[{format_time(self.start)}, {format_time(self.end)}) holds nothing")

    @property
    def step(self) -> timedelta:
        """Its length."""
        return self.end - self.start

    def __contains__(self, time: datetime) -> bool:
        return self.start <= time < self.end

    def __str__(self) -> str:
        return f"[{format_time(self.start)}, {format_time(self.end)})"

    def shift(self, steps: int) -> Interval:
        """The interval ``steps`` of its own length later (earlier when negative)."""
        move = self.step * steps
        return Interval(self.start + move, self.end + move)


def parse_step(text: str) -> timedelta:
    """``"30m"``, ``"1h"``, ``"1d"``, ``"2w"`` as a length of time.

    >>> parse_step("30m")
    datetime.timedelta(seconds=1800)
    """
    found = _STEP.fullmatch(text)
    if not found or not found[1].strip("0"):
        raise ConfigError(f"interval {shown(text)} is not a length of time", remedy="write 15m, 1h, 1d or 1w")
    try:
        return timedelta(seconds=int(found[1]) * _UNITS[found[2]])
    except (OverflowError, ValueError):  # Python refuses to read thousands of digits
        raise ConfigError(f"interval {shown(text)} is too long", remedy="write 15m, 1h, 1d or 1w") from None


def format_step(step: timedelta) -> str:
    """The shortest text that :func:`parse_step` reads back.

    >>> format_step(timedelta(hours=48))
    '2d'
    """
    seconds = int(step.total_seconds())
    for unit in ("w", "d", "h", "m", "s"):
        if seconds % _UNITS[unit] == 0:
            return f"{seconds // _UNITS[unit]}{unit}"
    raise AssertionError("every whole number of seconds has a unit")


def parse_time(text: str) -> datetime:
    """An ISO 8601 time as aware UTC; a time without an offset is UTC, a bare date is its midnight.

    >>> parse_time("2026-11-24T07:00+02:00")
    datetime.datetime(2026, 11, 24, 5, 0, tzinfo=datetime.timezone.utc)
    """
    try:
        time = datetime.fromisoformat(text.strip())
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        raise IntervalError(f"{shown(text)} is not a time", remedy="write it as 2026-11-24T05:00Z") from None


def format_time(time: datetime) -> str:
    """ISO 8601 in UTC with a Z, without seconds where they are zero.

    >>> format_time(datetime(2026, 11, 24, 5, tzinfo=UTC))
    '2026-11-24T05:00Z'
    """
    utc = time.astimezone(UTC).replace(tzinfo=None)
    precision = "microseconds" if utc.microsecond else "seconds" if utc.second else "minutes"
    return utc.isoformat(timespec=precision) + "Z"


def floor(time: datetime, step: timedelta) -> datetime:
    """The latest point of the grid that is not after ``time``. Raises IntervalError where that is before year 1."""
    try:
        return time.astimezone(UTC) - (time - ORIGIN) % step
    except OverflowError:
        raise _beyond(time, step) from None


def interval_at(time: datetime, step: timedelta) -> Interval:
    """The one interval that ``time`` falls into. Raises IntervalError where it reaches out of the years 1 to 9999."""
    start = floor(time, step)
    try:
        return Interval(start, start + step)
    except OverflowError:
        raise _beyond(time, step) from None


def intervals(start: datetime, end: datetime, step: timedelta) -> Iterator[Interval]:
    """Every interval of ``[start, end)`` in order; both ends must be on the grid.

    >>> step = parse_step("1h")
    >>> [str(i) for i in intervals(parse_time("2026-11-24"), parse_time("2026-11-24T02:00"), step)]
    ['[2026-11-24T00:00Z, 2026-11-24T01:00Z)', '[2026-11-24T01:00Z, 2026-11-24T02:00Z)']
    >>> next(intervals(parse_time("2026-11-24T05:30"), parse_time("2026-11-24T07:00"), step))
    Traceback (most recent call last):
    heliotrope.errors.IntervalError: 2026-11-24T05:30Z is not on the 1h grid (nearest are 05:00Z and 06:00Z)
    """
    for time in (start, end):
        refuse_off_grid(time, step)
    if end <= start:
        raise IntervalError(
            f"the range {format_time(start)} .. {format_time(end)} holds no interval",
            remedy="let the end be later than the start",
        )
    while start < end:
        yield Interval(start, start + step)
        start += step


def refuse_off_grid(time: datetime, step: timedelta) -> None:
    """Raise IntervalError unless an interval begins at ``time``."""
    if floor(time, step) != time:
        found = interval_at(time, step)
        raise IntervalError(
            f"{format_time(time)} is not on the {format_step(step)} grid",
            remedy=f"nearest are {_short(found.start, step)} and {_short(found.end, step)}",
        )


def _beyond(time: datetime, step: timedelta) -> IntervalError:
    return IntervalError(
        f"the {format_step(step)} of {time.isoformat()} reaches out of the years 1 to 9999",
        remedy="name a time further inside, or mend the row that has it",
    )


def _short(time: datetime, step: timedelta) -> str:
    text = format_time(time)
    return text if step >= timedelta(days=1) else text.partition("T")[2]
