"""Many segments in one process: every one runs an interval before any runs the next, over rows that are read once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from heliotrope import cycle
from heliotrope.context import Context
from heliotrope.errors import DatabaseError, HeliotropeError, counted, shown
from heliotrope.interval import Interval, floor, interval_at
from heliotrope.replay import patiently
from heliotrope.store import Division, Reach, too_long

__all__ = ["STRIDE", "Done", "Failure", "Segment", "behind", "covered", "run", "segments_of", "why_refused"]

STRIDE = 50
"""Segments after which it is said how far they are."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One value of the partition column, from which interval to which it has rows, and how many."""

    name: str
    first: datetime
    """The start of the first interval with a row."""
    end: datetime
    """The end of the last one."""
    rows: int


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a segment's cycle ended with an error, what to do about it, and the exit code of that error."""

    interval: Interval
    message: str
    remedy: str
    exit_code: int


@dataclass(kw_only=True)
class Done:
    """What became of the cycles of segments."""

    ran: int = 0
    passed_over: int = 0
    """Cycles that were done before."""
    failures: dict[str, Failure] = field(default_factory=dict)
    """By segment; none of its later intervals was run."""
    queries: int = 0
    """How often an interval's rows were read."""

    def add(self, other: Done) -> None:
        """Count what was done elsewhere too."""
        self.ran += other.ran
        self.passed_over += other.passed_over
        self.failures |= other.failures
        self.queries += other.queries


def segments_of(context: Context) -> tuple[list[Segment], list[str]]:
    """The segments that have rows, by name; and the names that are too long to be recorded, whose rows have no segment.

    One pass over the table.
    """
    column = context.pipeline.partition_by
    assert column is not None, "asked of pipelines with segments"
    found = context.rows.reaches(column)
    refused = too_long([one.segment for one in found])
    return [_segment(one, context) for one in found if one.segment not in set(refused)], refused


def why_refused(names: Sequence[str]) -> tuple[str, str]:
    """What is wrong with segments whose names are too long to be recorded, and what to do."""
    count = counted(len(names), "segment")
    what = f"{count} cannot be recorded, for the name is longer than a thousand bytes: {shown(names[0])}"
    return f"{what}; their rows are only the whole's", "partition by a shorter text"


def _segment(reach: Reach, context: Context) -> Segment:
    step = context.pipeline.interval
    return Segment(reach.segment, floor(reach.first, step), interval_at(reach.last, step).end, reach.rows)


def behind(context: Context, segments: Sequence[Segment], interval: Interval) -> list[Interval]:
    """The interval, and those before it that one of the segments has to run first; the whole's cycle of each is done.

    A segment goes on after the latest cycle it has, and begins with its first row.
    """
    step, last = context.pipeline.interval, context.ledger.last_done_segments(interval.start)
    begins = [last[one.name] + step if one.name in last else one.first for one in segments]
    done = context.ledger.done_intervals(min([interval.start, *begins]), interval.start)
    return [*(Interval(start, start + step) for start in sorted(done)), interval]


def covered(segment: Segment, interval: Interval, *, trailing: bool) -> bool:
    """Whether the segment has a cycle of the interval: from its first row on, and, unless ``trailing``, to its last."""
    return segment.first <= interval.start and (trailing or interval.end <= segment.end)


def run(
    context: Context,
    segments: Sequence[Segment],
    span: Sequence[Interval],
    *,
    trailing: bool,
    advance: Callable[[Interval], object] = lambda _: None,
) -> Done:
    """Run the segments' cycles of the span, those of the whole having been run; ``context`` is the whole's.

    Those done before are passed over. A segment whose cycle fails runs no later one, and holds up no other. ``advance``
    is called in each interval after every :data:`STRIDE` segments and after the last. Raises DatabaseError, which all
    have in common.
    """
    if not segments:
        return Done()
    pipeline = context.pipeline
    assert pipeline.partition_by is not None, "there are segments"
    names = [one.name for one in segments]
    division = Division(context.rows, pipeline.partition_by, pipeline.interval, pipeline.reads, names)
    contexts = {
        one.name: context.beside(one.name, division.rows_of(one.name), first=one.first, sharers=len(segments))
        for one in segments
    }
    told = Done()
    for interval in span:
        done = patiently(context, partial(context.ledger.done_segments, interval.start))
        for place, segment in enumerate(segments, 1):
            if segment.name in done:
                told.passed_over += 1
            elif covered(segment, interval, trailing=trailing) and segment.name not in told.failures:
                _one(contexts[segment.name], interval, told)
            if place % STRIDE == 0 or place == len(segments):
                advance(interval)
    told.queries = division.queries
    return told


def _one(context: Context, interval: Interval, told: Done) -> None:
    try:
        if patiently(context, partial(cycle.run, context, interval)):
            told.ran += 1
        else:
            told.passed_over += 1
    except DatabaseError:
        raise
    except HeliotropeError as error:
        told.failures[context.segment] = Failure(interval, error.message, error.remedy or "", error.exit_code)
