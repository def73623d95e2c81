"""Of pictures and pages: what holds whatever is drawn."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from heliotrope.interval import Interval
from heliotrope.report.fonts import legible, plain
from heliotrope.report.history import CycleRow, History
from heliotrope.report.page import render
from heliotrope.report.timeline import SPAN, group, ticks
from heliotrope.report.view import choose_limits

START = datetime(2026, 11, 24, tzinfo=UTC)
HOUR = timedelta(hours=1)
WORDS = st.text(max_size=12)


@given(st.lists(st.floats(), max_size=40))
def test_limits_are_a_finite_range_that_holds_the_middle_of_the_values(values: list[float]) -> None:
    low, high = choose_limits(np.array(values, dtype=float))
    assert np.isfinite([low, high]).all()
    assert low < high
    finite = np.array([value for value in values if abs(value) < 1e290])
    if len(finite) and len(finite) == len(values):
        assert low <= float(np.median(finite)) <= high


@given(st.text(), st.integers(2, 60))
def test_lettering_is_printable_and_fits(text: str, width: int) -> None:
    shown = legible(text, width)
    assert len(shown) <= width
    assert shown.isprintable()
    assert len(plain(text, width)) <= width


@given(st.integers(0, 300), st.integers(1, 50))
def test_every_cycle_is_in_one_group_and_groups_keep_their_order(count: int, most: int) -> None:
    rows = [CycleRow(interval=Interval(START + i * HOUR, START + (i + 1) * HOUR)) for i in range(count)]
    found = group(rows, START, START + max(count, 1) * HOUR, most)
    assert len(found) <= most
    assert [row for one in found for row in one.rows] == rows
    assert all(0 <= one.left < one.right <= SPAN for one in found)


@given(st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1)), st.integers(1, 10**9))  # noqa: DTZ001 - made aware below
def test_named_moments_are_few_and_lie_in_the_range(start: datetime, seconds: int) -> None:
    begin = start.replace(tzinfo=UTC)
    found = ticks(begin, begin + timedelta(seconds=seconds))
    assert len(found) <= 9
    assert all(0 <= tick.percent <= 100 for tick in found)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.builds(
            CycleRow,
            interval=st.integers(0, 40).map(lambda i: Interval(START + i * HOUR, START + (i + 1) * HOUR)),
            champion=st.none() | WORDS,
            score=st.none() | st.floats(-1e12, 1e12) | st.just(float("nan")),
            challengers=st.dictionaries(WORDS, st.floats(-1e12, 1e12), max_size=3),
            frozen=st.none() | st.floats(-1e6, 1e6),
            drift=st.dictionaries(WORDS, st.floats(), max_size=3),
            drifted=st.lists(WORDS, max_size=3).map(tuple),
            decision=st.sampled_from(["hold", "skip", "train", "keep", "promote", "roll_back", ""]),
            reasons=st.lists(WORDS, max_size=2).map(tuple),
            trained=st.booleans(),
        ),
        max_size=12,
        unique_by=lambda row: row.interval.start,
    ),
    st.none() | st.floats(-1e6, 1e6),
    WORDS,
)
def test_any_history_is_a_page_that_encodes(rows: list[CycleRow], best: float | None, name: str) -> None:
    history = History(
        pipeline=name,
        task="classification",
        metric="accuracy",
        lower_is_better=False,
        best_possible=best,
        start=START,
        end=START + 41 * HOUR,
        rows=tuple(sorted(rows, key=lambda row: row.interval.start)),
        champions=(),
        generated_at=START,
    )
    text = render(history)
    assert text.count("<script") == 2
