"""Windows are half-open, on the grid, never look ahead, and hold every row of their range exactly once."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from heliotrope.config import Decayed, Expanding, Sliding, Window
from heliotrope.interval import floor, interval_at, intervals
from heliotrope.window import select, weights

STEPS = st.sampled_from(
    [timedelta(minutes=1), timedelta(minutes=15), timedelta(hours=1), timedelta(days=1), timedelta(weeks=1)]
)
TIMES = st.datetimes(datetime(1950, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds have no zone
COUNTS = st.integers(1, 60)
WINDOWS: st.SearchStrategy[Window] = st.one_of(
    st.builds(Sliding, intervals=COUNTS),
    st.builds(Decayed, intervals=COUNTS, half_life=st.floats(0.1, 100.0)),
    st.builds(Expanding, start=st.none() | TIMES, max_intervals=COUNTS),
)


@given(WINDOWS, TIMES, STEPS, st.none() | TIMES)
def test_a_window_ends_at_its_end_and_lies_on_the_grid(
    window: Window, time: datetime, step: timedelta, first: datetime | None
) -> None:
    end = floor(time, step)
    found = select(window, end=end, step=step, first=first)
    if found is None:
        return
    assert found.end == end
    assert floor(found.start, step) == found.start < end
    assert first is None or found.start >= floor(first, step)
    longest = window.intervals if isinstance(window, Sliding | Decayed) else window.max_intervals
    assert (found.end - found.start) // step <= longest


@given(WINDOWS, TIMES, STEPS, TIMES)
def test_nothing_is_left_only_when_nothing_is_there(
    window: Window, time: datetime, step: timedelta, first: datetime
) -> None:
    end = floor(time, step)
    begins = [floor(first, step)]
    if isinstance(window, Expanding) and window.start is not None:
        begins.append(window.start)
    assert (select(window, end=end, step=step, first=first) is None) == (max(begins) > end - step)


@given(WINDOWS, TIMES, STEPS, st.none() | TIMES, st.integers(1, 100))
def test_a_later_window_never_begins_earlier(
    window: Window, time: datetime, step: timedelta, first: datetime | None, later: int
) -> None:
    end = floor(time, step)
    before = select(window, end=end, step=step, first=first)
    after = select(window, end=end + later * step, step=step, first=first)
    assume(before is not None)
    assert before is not None
    assert after is not None
    assert after.start >= before.start


@given(WINDOWS, TIMES, STEPS, st.integers(1, 200))
def test_a_longer_history_never_shortens_a_window(window: Window, time: datetime, step: timedelta, more: int) -> None:
    end = floor(time, step)
    short = select(window, end=end, step=step, first=end - step)
    long = select(window, end=end, step=step, first=end - (1 + more) * step)
    if short is not None:
        assert long is not None
        assert long.start <= short.start


@given(WINDOWS, TIMES, STEPS, st.lists(st.integers(-100 * 86_400_000_000, 100 * 86_400_000_000), max_size=50))
def test_every_row_of_the_range_is_in_exactly_one_of_its_intervals(
    window: Window, time: datetime, step: timedelta, offsets: list[int]
) -> None:
    end = floor(time, step)
    found = select(window, end=end, step=step, first=None)
    assume(found is not None)
    assert found is not None
    parts = list(intervals(found.start, found.end, step))
    for offset in offsets:
        row = end + timedelta(microseconds=offset)
        holding = [part for part in parts if row in part]
        assert holding == ([interval_at(row, step)] if found.start <= row < end else [])


@given(TIMES, STEPS, st.lists(st.integers(1, 100 * 86_400_000_000), max_size=50), st.floats(0.1, 1000.0))
def test_newer_rows_never_weigh_less_and_rows_of_one_interval_weigh_the_same(
    time: datetime, step: timedelta, ages: list[int], half_life: float
) -> None:
    end = floor(time, step)
    microseconds = (end - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    times = np.sort(microseconds - np.array(ages, dtype=np.int64))
    found = weights(Decayed(half_life=half_life), times, end=end, step=step)
    assert found is not None
    assert ((found >= 0.0) & (found <= 1.0)).all()
    assert (np.diff(found) >= 0.0).all()
    moments = [datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(one)) for one in times]
    for weight, moment in zip(found, moments, strict=True):
        age = (end - interval_at(moment, step).end) // step
        assert math.isclose(weight, 0.5 ** (age / half_life), rel_tol=1e-12, abs_tol=1e-300)


@given(WINDOWS, TIMES, STEPS)
def test_the_same_question_has_the_same_answer(window: Window, time: datetime, step: timedelta) -> None:
    end = floor(time, step)
    assert select(window, end=end, step=step, first=None) == select(window, end=end, step=step, first=None)
