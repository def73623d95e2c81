"""Half-open intervals in UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from heliotrope.errors import ConfigError, IntervalError
from heliotrope.interval import (
    Interval,
    floor,
    format_step,
    format_time,
    interval_at,
    intervals,
    parse_step,
    parse_time,
)

HOUR = timedelta(hours=1)


@pytest.mark.parametrize("text", ["", "h", "0h", "-1h", "1.5h", "1y", "1 hour", "one"])
def test_a_step_that_is_no_length_of_time_is_refused_with_its_value(text: str) -> None:
    with pytest.raises(ConfigError, match=r"is not a length of time \(write 15m, 1h, 1d or 1w\)") as caught:
        parse_step(text)
    assert repr(text) in str(caught.value)


def test_a_step_too_long_for_a_timedelta_is_refused() -> None:
    with pytest.raises(ConfigError, match="too long"):
        parse_step("99999999999999999999w")


@pytest.mark.parametrize("text", ["1s", "90s", "15m", "1h", "6h", "1d", "2w"])
def test_a_step_reads_back_as_it_was_written(text: str) -> None:
    assert parse_step(format_step(parse_step(text))) == parse_step(text)


def test_an_offset_is_turned_into_utc_and_not_dropped() -> None:
    assert parse_time("2026-11-24T05:00+09:00") == datetime(2026, 11, 23, 20, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "2026-11-24T25:00"])
def test_text_that_is_no_time_is_refused_with_its_value(text: str) -> None:
    with pytest.raises(IntervalError, match="is not a time") as caught:
        parse_time(text)
    assert repr(text) in str(caught.value)


def test_times_are_written_as_short_as_they_allow() -> None:
    assert format_time(datetime(2026, 1, 2, 3, 4, tzinfo=UTC)) == "2026-01-02T03:04Z"
    assert format_time(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)) == "2026-01-02T03:04:05Z"
    assert format_time(datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)) == "2026-01-02T03:04:05.000006Z"
    assert format_time(datetime(2026, 1, 2, 3, tzinfo=timezone(HOUR))) == "2026-01-02T02:00Z"


def test_the_end_belongs_to_the_next_interval() -> None:
    hour = interval_at(parse_time("2026-11-24T05:59:59.999999"), HOUR)
    assert hour.start in hour
    assert hour.end not in hour
    assert hour.end in hour.shift(1)
    assert hour.shift(1).shift(-1) == hour


def test_days_begin_at_midnight_and_weeks_on_monday() -> None:
    assert floor(parse_time("2026-11-24T05:30"), parse_step("1d")) == parse_time("2026-11-24")
    assert floor(parse_time("2026-11-24T05:30"), parse_step("1w")).weekday() == 0


def test_a_naive_time_or_an_empty_interval_is_refused() -> None:
    now = parse_time("2026-11-24")
    with pytest.raises(IntervalError, match="no time zone"):
        Interval(now.replace(tzinfo=None), now)
    with pytest.raises(IntervalError, match="holds nothing"):
        Interval(now, now)


def test_a_time_off_the_grid_is_refused_with_the_nearest_two() -> None:
    with pytest.raises(IntervalError, match=r"05:30Z is not on the 1h grid \(nearest are 05:00Z and 06:00Z\)"):
        list(intervals(parse_time("2026-11-24"), parse_time("2026-11-24T05:30"), HOUR))


def test_a_range_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(IntervalError, match="holds no interval"):
        list(intervals(parse_time("2026-11-25"), parse_time("2026-11-24"), HOUR))
