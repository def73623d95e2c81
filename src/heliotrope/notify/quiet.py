"""Quiet hours: whether they are now, by the clock on the wall of their time zone."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from heliotrope.config import QuietHours, Target
from heliotrope.records import Event

__all__ = ["allowed", "is_quiet"]


def is_quiet(hours: QuietHours, now: datetime) -> bool:
    """Whether ``now``, a time with its zone, lies in them. Their start belongs to them, their end does not.

    >>> from datetime import UTC
    >>> hours = QuietHours(start="22:00", end="07:00", time_zone="Europe/Berlin")
    >>> [is_quiet(hours, datetime(2026, 11, 24, hour, tzinfo=UTC)) for hour in (20, 21, 5, 6)]
    [False, True, True, False]
    """
    there = now.astimezone(ZoneInfo(hours.time_zone)).time()
    if hours.start < hours.end:
        return hours.start <= there < hours.end
    return there >= hours.start or there < hours.end


def allowed(target: Target, now: datetime) -> tuple[Event, ...]:
    """The events of which messages may be sent to the target now: in quiet hours those that they let through."""
    if target.quiet_hours is not None and is_quiet(target.quiet_hours, now):
        return target.quiet_hours.let_through
    return tuple(Event)
