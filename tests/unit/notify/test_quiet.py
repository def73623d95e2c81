"""Quiet hours across midnight and across the change of the clocks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from heliotrope.config import QuietHours, Target
from heliotrope.notify.quiet import allowed, is_quiet
from heliotrope.records import Event


def berlin(start: str, end: str, **more: object) -> QuietHours:
    return QuietHours.model_validate({"start": start, "end": end, "time_zone": "Europe/Berlin", **more})


@pytest.mark.parametrize(
    ("day", "ahead"), [((2026, 1, 15), 1), ((2026, 7, 15), 2), ((2026, 3, 29), 2), ((2026, 10, 25), 1)]
)
def test_they_are_by_the_clock_on_the_wall(day: tuple[int, int, int], ahead: int) -> None:
    end = datetime(*day, 7, tzinfo=UTC) - timedelta(hours=ahead)
    hours = berlin("22:00", "07:00")
    assert is_quiet(hours, end - timedelta(seconds=1))
    assert not is_quiet(hours, end)


def test_those_within_a_day_have_a_beginning_and_an_end() -> None:
    hours = berlin("12:00", "13:00")
    noon = datetime(2026, 1, 15, 11, tzinfo=UTC)
    minutes = [-1, 0, 59, 60]
    assert [is_quiet(hours, noon + timedelta(minutes=one)) for one in minutes] == [False, True, True, False]


def test_what_is_let_through_is_sent_in_them() -> None:
    midnight = datetime(2026, 1, 15, 0, tzinfo=UTC)
    target = Target.model_validate({"name": "team", "url_env": "TEAM", "quiet_hours": berlin("22:00", "07:00")})
    assert allowed(target, midnight) == ()
    loud = target.model_copy(update={"quiet_hours": berlin("22:00", "07:00", let_through=("failure",))})
    assert allowed(loud, midnight) == (Event.FAILURE,)
    assert allowed(target, midnight + timedelta(hours=12)) == tuple(Event)
