"""Segments whose rows of an interval are no longer those on record."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from heliotrope.context import Context
from heliotrope.interval import Interval
from heliotrope.ledger import Recorded, declarations, recorded_segments
from heliotrope.store import Division

__all__ = ["changed"]


def changed(
    context: Context, span: Sequence[Interval], *, advance: Callable[[Interval], object] = lambda _: None
) -> Iterator[tuple[Context, Recorded]]:
    """Every segment's recorded intervals of the span whose rows are others now, with the segment's context.

    As :func:`heliotrope.replay.changed` does for the whole, whose context is ``context``: each is compared over the
    columns that its hash was taken over, and passed over where the table has lost one of these. An interval's rows are
    read once for all. ``advance`` is called for each interval.
    """
    pipeline, ledger = context.pipeline, context.ledger
    assert pipeline.partition_by is not None, "there are segments"
    with context.database.errors():
        declared = {one.id: one.columns for one in declarations(ledger.connection, ledger.pipeline_id)}
    gone = set(context.lacking({name for columns in declared.values() for name in columns[1:]}))
    wanted = {*pipeline.reads, *(name for columns in declared.values() for name in columns[1:])} - gone
    division = Division(context.rows, pipeline.partition_by, pipeline.interval, sorted(wanted))
    for interval in span:
        with context.database.errors():
            known = recorded_segments(ledger.connection, ledger.pipeline_id, interval, declared)
        for segment, record in known:
            if gone & set(record.columns[1:]):
                continue
            part = context.beside(segment, division.rows_of(segment), sharers=max(len(known), 1))
            if part.content_hashes(interval, record.columns)[interval.start] != record.content_hash:
                yield part, record
        advance(interval)
