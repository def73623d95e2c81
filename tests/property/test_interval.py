"""Interval arithmetic over all times and steps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from heliotrope.interval import floor, format_step, format_time, interval_at, intervals, parse_step, parse_time

times = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - zone given
steps = st.integers(1, 400_000).map(lambda seconds: timedelta(seconds=seconds))


@given(times, steps)
def test_every_time_lies_in_exactly_one_interval(time: datetime, step: timedelta) -> None:
    interval = interval_at(time, step)
    assert time in interval
    assert time not in interval.shift(1)
    assert time not in interval.shift(-1)


@given(times, steps, st.integers(1, 50))
def test_intervals_tile_their_range_without_gap_or_overlap(time: datetime, step: timedelta, count: int) -> None:
    start = floor(time, step)
    found = list(intervals(start, start + count * step, step))
    assert len(found) == count
    assert found[0].start == start
    assert all(one.end == other.start for one, other in pairwise(found))


@given(times)
def test_a_time_reads_back_as_it_was_written(time: datetime) -> None:
    assert parse_time(format_time(time)) == time


@given(steps)
def test_a_step_reads_back_as_it_was_written(step: timedelta) -> None:
    assert parse_step(format_step(step)) == step
