"""Time on the page."""

from __future__ import annotations

import itertools
from datetime import timedelta

import pytest

from heliotrope.report.timeline import SPAN, group, mean, place, ticks
from unit.report.sample import HOUR, START, cycle


def test_moments_outside_the_range_are_brought_to_its_ends() -> None:
    assert place(START - HOUR, START, START + HOUR) == 0
    assert place(START + 2 * HOUR, START, START + HOUR) == SPAN


@pytest.mark.parametrize(("cycles", "groups"), [(0, 0), (1, 1), (10, 10), (11, 6), (95, 10)])
def test_cycles_are_grouped_to_no_more_than_there_is_room_for(cycles: int, groups: int) -> None:
    rows = [cycle(hour) for hour in range(cycles)]
    found = group(rows, START, START + max(cycles, 1) * HOUR, most=10)
    assert len(found) == groups
    assert [row for one in found for row in one.rows] == rows


def test_groups_lie_side_by_side_over_the_whole_range() -> None:
    found = group([cycle(hour) for hour in range(40)], START, START + 40 * HOUR, most=10)
    assert found[0].left == 0
    assert found[-1].right == SPAN
    assert all(one.right == other.left for one, other in itertools.pairwise(found))


def test_a_mean_leaves_out_what_is_not_a_number() -> None:
    rows = [cycle(0, score=None), cycle(1, score=float("inf")), cycle(2, score=0.5), cycle(3, score=0.7)]
    assert mean(rows, lambda row: row.score) == pytest.approx(0.6)
    assert mean(rows[:2], lambda row: row.score) is None


@pytest.mark.parametrize(
    "length",
    [timedelta(seconds=7), timedelta(minutes=90), 3 * HOUR, 48 * HOUR, 500 * HOUR, 10_000 * HOUR, 900_000 * HOUR],
)
def test_however_long_the_range_a_few_moments_are_named(length: timedelta) -> None:
    found = ticks(START + 17 * HOUR, START + 17 * HOUR + length)
    assert len(found) <= 8
    assert len(found) >= (2 if length >= timedelta(minutes=90) else 0)
    assert all(0 <= tick.percent < 100 for tick in found)
    assert len({tick.percent for tick in found}) == len(found)


def test_midnight_is_named_by_its_day() -> None:
    assert [tick.label for tick in ticks(START, START + 48 * HOUR)][:5] == [
        "24 Nov",
        "06:00",
        "12:00",
        "18:00",
        "25 Nov",
    ]
