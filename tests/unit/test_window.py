"""What a candidate is trained on: ends where prediction begins, begins where data does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest

from heliotrope.config import Decayed, DriftCut, Expanding, Sliding, Window
from heliotrope.errors import IntervalError
from heliotrope.interval import Interval
from heliotrope.window import select, weights

HOUR = timedelta(hours=1)
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def at(hour: int) -> datetime:
    return datetime(2026, 11, 24, hour, tzinfo=UTC)


@pytest.mark.parametrize(
    ("window", "first", "start"),
    [
        (Sliding(intervals=3), None, at(9)),
        (Sliding(intervals=3), at(10), at(10)),
        (Sliding(intervals=3), at(1), at(9)),
        (Sliding(intervals=1), None, at(11)),
        (Decayed(intervals=5), None, at(7)),
        (Decayed(intervals=24), at(4), at(4)),
        (Expanding(), at(2), at(2)),
        (Expanding(start=at(5)), at(2), at(5)),
        (Expanding(start=at(1)), at(2), at(2)),
        (Expanding(start=at(5)), None, at(5)),
        (Expanding(start=datetime(2026, 11, 24, 5, 30, tzinfo=UTC)), None, at(6)),
        (Expanding(max_intervals=4), at(2), at(8)),
        (Expanding(start=at(3), max_intervals=4), at(2), at(8)),
    ],
)
def test_the_range_is_the_one_declared_within_what_there_is(
    window: Window, first: datetime | None, start: datetime
) -> None:
    assert select(window, end=NOON, step=HOUR, first=first) == Interval(start, NOON)


@pytest.mark.parametrize("window", [Sliding(), Decayed(), Expanding()])
@pytest.mark.parametrize("first", [NOON, NOON + HOUR])
def test_nothing_is_left_before_the_first_data(window: Window, first: datetime) -> None:
    assert select(window, end=NOON, step=HOUR, first=first) is None


def test_nothing_is_left_before_the_declared_start() -> None:
    assert select(Expanding(start=NOON), end=NOON, step=HOUR, first=None) is None
    assert select(Expanding(start=NOON + HOUR), end=NOON, step=HOUR, first=at(1)) is None


def test_an_expanding_window_of_unknown_beginning_is_as_long_as_it_may_be() -> None:
    found = select(Expanding(max_intervals=1000), end=NOON, step=HOUR, first=None)
    assert found == Interval(NOON - 1000 * HOUR, NOON)


def test_a_window_longer_than_the_calendar_begins_where_it_does() -> None:
    week = timedelta(weeks=2)
    end = datetime(1970, 1, 5, tzinfo=UTC)
    found = select(Expanding(), end=end, step=week, first=None)
    assert found is not None
    assert found.start.year == 1
    assert (found.end - found.start) % week == timedelta(0)


def test_an_end_off_the_grid_is_refused() -> None:
    end = NOON + timedelta(minutes=30)
    with pytest.raises(IntervalError, match="2026-11-24T12:30Z is not on the 1h grid"):
        select(Sliding(), end=end, step=HOUR, first=None)
    with pytest.raises(IntervalError, match="not on the 1h grid"):
        weights(Decayed(), np.array([], dtype=np.int64), end=end, step=HOUR)


def test_another_zone_means_the_same_instant() -> None:
    seoul = NOON.astimezone(timezone(timedelta(hours=9)))
    found = select(Sliding(), end=seoul, step=HOUR, first=at(1).astimezone(seoul.tzinfo))
    assert found == Interval(at(9), NOON)
    assert found is not None
    assert found.end.tzinfo is UTC


@pytest.mark.parametrize(
    ("changed", "start"),
    [(None, at(4)), (at(9), at(9)), (at(11), at(10)), (at(1), at(4)), (at(4), at(4))],
)
def test_a_window_goes_back_to_the_last_change_within_its_bounds(changed: datetime | None, start: datetime) -> None:
    window = DriftCut(min_intervals=2, max_intervals=8)
    assert select(window, end=NOON, step=HOUR, first=at(1), changed=changed) == Interval(start, NOON)


# --- weights -----------------------------------------------------------------------------------------------

MINUTES = np.array(["2026-11-24T09:00", "2026-11-24T10:59:59.999999", "2026-11-24T11:00", "2026-11-24T11:30"])


@pytest.mark.parametrize("window", [Sliding(), Expanding()])
def test_only_decayed_windows_weigh(window: Window) -> None:
    assert weights(window, MINUTES.astype("datetime64[us]"), end=NOON, step=HOUR) is None


@pytest.mark.parametrize("kind", ["datetime64[us]", "datetime64[ns]", "int64"])
def test_the_rows_of_an_interval_weigh_the_same(kind: Any) -> None:
    times = MINUTES.astype("datetime64[us]").astype(kind)
    found = weights(Decayed(half_life=1.0), times, end=NOON, step=HOUR)
    assert found is not None
    assert found.dtype == np.float64
    assert found.tolist() == [0.25, 0.5, 1.0, 1.0]


def test_the_half_life_is_counted_in_intervals() -> None:
    times = (np.datetime64("2026-11-24T11:00", "us") - np.arange(5) * np.timedelta64(3600, "s")).astype(
        "datetime64[us]"
    )
    found = weights(Decayed(half_life=2.0), times, end=NOON, step=HOUR)
    assert found is not None
    np.testing.assert_allclose(found, [1.0, 2**-0.5, 0.5, 2**-1.5, 0.25])


def test_times_before_the_epoch_have_an_age_too() -> None:
    times = np.array(["1969-12-31T22:00", "1969-12-31T23:59"], dtype="datetime64[us]")
    found = weights(Decayed(half_life=1.0), times, end=datetime(1970, 1, 1, tzinfo=UTC), step=HOUR)
    assert found is not None
    assert found.tolist() == [0.5, 1.0]


@pytest.mark.parametrize("time", ["2026-11-24T12:00", "2026-11-24T12:00:00.000001", "2027-01-01T00:00"])
def test_a_row_of_what_is_to_be_predicted_is_refused(time: str) -> None:
    with pytest.raises(IntervalError, match="is not before the end of the window"):
        weights(Decayed(), np.array([time], dtype="datetime64[us]"), end=NOON, step=HOUR)


def test_no_rows_have_no_weights() -> None:
    found = weights(Decayed(), np.array([], dtype="datetime64[us]"), end=NOON, step=HOUR)
    assert found is not None
    assert found.shape == (0,)
