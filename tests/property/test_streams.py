"""What must hold of every stream, however time is cut."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliotrope.interval import Interval
from heliotrope.streams import STREAMS, RotatingGaussians, make

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

times = st.integers(-20 * 525_600, 100 * 525_600).map(lambda minutes: EPOCH + timedelta(minutes=minutes))


@given(name=st.sampled_from(sorted(STREAMS)), start=times, cuts=st.lists(st.integers(1, 600), min_size=1, max_size=5))
@settings(max_examples=60, deadline=None)
def test_the_pieces_of_a_span_are_the_span(name: str, start: datetime, cuts: list[int]) -> None:
    stream = make(name, rows=2, seed=11)
    pieces, begin = [], start
    for minutes in cuts:
        piece = Interval(begin, begin + timedelta(minutes=minutes))
        rows = stream.batch(piece)
        assert all(time in piece for time in rows["time"].to_pylist())
        pieces.append(rows)
        begin = piece.end
    assert pa.concat_tables(pieces).equals(stream.batch(Interval(start, begin)))


@given(seed=st.integers(0, 2**40), start=times, classes=st.integers(1, 30), rows=st.integers(1, 20))
@settings(max_examples=40, deadline=None)
def test_the_same_seed_gives_the_same_rows(seed: int, start: datetime, classes: int, rows: int) -> None:
    hours = Interval(start, start + timedelta(hours=3))
    tables = [RotatingGaussians(seed=seed, classes=classes, rows=rows).batch(hours) for _ in range(2)]
    assert tables[0].equals(tables[1])
    assert tables[0].num_rows == 3 * classes * rows


@given(classes=st.integers(1, 12), radius=st.floats(0.0, 1e8))
@settings(max_examples=60, deadline=None)
def test_best_possible_lies_between_guessing_and_certainty(classes: int, radius: float) -> None:
    assert 1 / classes - 1e-9 <= RotatingGaussians(classes=classes, radius=radius).best_possible() <= 1.0


@given(classes=st.integers(2, 12), radius=st.floats(0.1, 100.0), hour=st.floats(0.0, 24.0))
@settings(max_examples=60, deadline=None)
def test_means_lie_on_a_circle_of_the_square_root_of_the_radius(classes: int, radius: float, hour: float) -> None:
    stream = RotatingGaussians(classes=classes, radius=radius)
    for k in range(classes):
        x, y = stream.mean(k, hour)
        assert x * x + y * y == pytest.approx(radius)
