"""An interval is long enough to score a model on, and short enough that there are many of them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliotrope.profile.step import HOUR, MINUTE, choose, fixed

DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("counts", "length", "rows", "intervals"),
    [
        (dict.fromkeys(range(100), 400), HOUR, 400, 100),
        (dict.fromkeys(range(24 * 30), 50), timedelta(hours=6), 300, 120),
        (dict.fromkeys(range(24 * 30), 20), DAY, 480, 30),
        ({24 * day: 500 for day in range(60)}, DAY, 500, 60),  # dates without an hour
        ({168 * week: 500 for week in range(60)}, timedelta(weeks=1), 500, 60),
        ({24 * day + hour: 400 for day in range(30) for hour in range(9, 17)}, HOUR, 400, 240),  # by day alone
        (dict.fromkeys(range(24 * 365), 400), timedelta(hours=6), 2400, 1460),  # 8,760 would be many
        ({168 * week: 3 for week in range(100)}, timedelta(weeks=4), 12, 25),
        ({24 * day: 9 for day in range(3)}, DAY, 9, 3),
        ({0: 1}, timedelta(weeks=4), 1, 1),
    ],
)
def test_the_length_is_what_fits_the_rows(counts: dict[int, int], length: timedelta, rows: int, intervals: int) -> None:
    found = choose(counts, HOUR)
    assert (found.length, found.rows, found.intervals) == (length, rows, intervals)


def test_a_short_history_is_cut_into_minutes() -> None:
    assert choose(dict.fromkeys(range(60), 400), MINUTE).length == timedelta(minutes=5)
    assert "the longest below 1h" in choose(dict.fromkeys(range(60), 400), MINUTE).reason


@pytest.mark.parametrize("rows", [1, 40, 400, 40_000])
def test_the_reason_is_said(rows: int) -> None:
    found = choose(dict.fromkeys(range(200), rows), HOUR)
    assert str(found).startswith(f"{found.rows:,} rows in a typical ")
    assert f"{found.intervals:,} of them; " in str(found)


def test_what_is_asked_for_is_measured() -> None:
    found = fixed(timedelta(minutes=30), {0: 10, 1: 30, 5: 20}, timedelta(minutes=30))
    assert (found.rows, found.intervals, found.reason) == (20, 3, "as asked for")


@given(st.dictionaries(st.integers(-10_000, 1_000_000), st.integers(1, 10**6), min_size=1))
def test_no_row_is_lost_and_some_length_is_found(counts: dict[int, int]) -> None:
    found = choose(counts, HOUR)
    assert 1 <= found.intervals <= len(counts)
    assert min(counts.values()) <= found.rows <= sum(counts.values())
