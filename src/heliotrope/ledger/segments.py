"""What the segments of a pipeline came to: a line each, to be added up or ranked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from heliotrope.interval import Interval
from heliotrope.ledger.history import Recorded
from heliotrope.sql import statement

if TYPE_CHECKING:
    import psycopg

__all__ = ["SegmentSummary", "recorded_segments", "segment_champions", "segment_names", "segments"]


@dataclass(frozen=True, kw_only=True, slots=True)
class SegmentSummary:
    """The cycles of one segment in a range of time."""

    segment: str
    cycles: int
    scored: int
    mean: float | None
    """Of the metric of the model that served, over the intervals in which it was scored; None where there is none."""
    by_whole: int
    """Intervals in which the whole's champion served."""
    held: int
    trained: int
    failed: int
    """Intervals in which a candidate could not be fitted or scored."""
    all_failed: int
    """Intervals in which none could."""
    rows: int
    latest: datetime
    """The start of the latest interval."""


def segments(
    connection: psycopg.Connection[Any], pipeline: int, metric: str, start: datetime, end: datetime
) -> tuple[SegmentSummary, ...]:
    """Every segment with a cycle whose interval starts in ``[start, end)``, by name."""
    parameters = {"pipeline_id": pipeline, "metric": metric, "start": start, "end": end}
    return tuple(
        SegmentSummary(
            segment=row[0],
            cycles=row[1],
            scored=row[2],
            mean=row[3],
            by_whole=row[4],
            held=row[5],
            trained=row[6],
            failed=row[7],
            all_failed=row[8],
            rows=row[9],
            latest=row[10],
        )
        for row in connection.execute(statement("segments"), parameters).fetchall()
    )


def recorded_segments(
    connection: psycopg.Connection[Any], pipeline: int, interval: Interval, columns: Mapping[int, tuple[str, ...]]
) -> tuple[tuple[str, Recorded], ...]:
    """By segment with a cycle of the interval: its latest content hash. ``columns`` are those of each declaration."""
    parameters = {"pipeline_id": pipeline, "start": interval.start}
    return tuple(
        (row[0], Recorded(row[1], interval, row[2], row[3], row[4], columns[row[5]]))
        for row in connection.execute(statement("recorded_segments"), parameters).fetchall()
    )


def segment_champions(connection: psycopg.Connection[Any], pipeline: int, at: datetime) -> Mapping[str, int]:
    """By candidate: in how many segments it serves at that time, the most frequent first."""
    found = connection.execute(statement("segment_champions"), {"pipeline_id": pipeline, "at": at}).fetchall()
    return {row[0]: int(row[1]) for row in found}


def segment_names(connection: psycopg.Connection[Any], pipeline: int) -> tuple[str, ...]:
    """The segments that have a cycle, by name."""
    return tuple(row[0] for row in connection.execute(statement("segment_names"), {"pipeline_id": pipeline}))
