"""Cycles over stored history, exactly as they would have run live; and what came late into it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby
from operator import attrgetter
from typing import TypeVar

from heliotrope import cycle
from heliotrope.config import Pipeline
from heliotrope.context import Context
from heliotrope.errors import ConnectionLostError, DataError, IntervalError
from heliotrope.interval import Interval, floor, format_step, format_time, interval_at, intervals, refuse_off_grid
from heliotrope.ledger import Recorded, recorded
from heliotrope.ledger import span as recorded_span
from heliotrope.store import Gap

__all__ = [
    "BEHIND",
    "GAP",
    "MOST",
    "Outcome",
    "changed",
    "incomparable",
    "last_complete",
    "missed",
    "patiently",
    "reevaluate",
    "replay",
    "span_of",
    "stale_since",
]

BEHIND = 2
"""Complete intervals without a cycle that make a pipeline stale; one may just be under way."""
GAP = 1000
"""Empty intervals in a row, between rows, that are run without being asked for; or as many as there are full ones."""
MOST = 1_000_000
"""Intervals that one call runs at most."""

T = TypeVar("T")

_PATIENCE = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0)


@dataclass(frozen=True, slots=True)
class Outcome:
    """An interval of a replay: whether its cycle ran now or was done before, and how long that took."""

    interval: Interval
    ran: bool
    seconds: float


def _unsaid(text: str) -> None:
    """Where nobody wants to hear it."""


def last_complete(now: datetime, step: timedelta) -> Interval:
    """The latest interval that has ended: the one a live cycle is for."""
    end = floor(now, step)
    return Interval(end - step, end)


def stale_since(done: datetime, pipeline: Pipeline, now: datetime) -> datetime | None:
    """Since when a pipeline is stale whose last cycle is of rows up to ``done``; None while it is not."""
    since = done + BEHIND * pipeline.interval + pipeline.source.wait
    return since if since <= now else None


def span_of(
    context: Context,
    start: datetime | None = None,
    end: datetime | None = None,
    *,
    remark: Callable[[str], object] = _unsaid,
) -> list[Interval]:
    """The intervals of a replay: from the first row's to the last row's, narrowed by ``start`` and ``end``.

    One that has not ended by the clock is left out: it may be half filled. ``remark`` is told where ``start`` or
    ``end`` reach further than the rows. Raises DataError where there is no row, or where the rows lie so far apart that
    nearly every cycle would be of an empty interval (:data:`GAP`); IntervalError for a range of more than :data:`MOST`.
    """
    step = context.pipeline.interval
    now = floor(context.complete(), step)
    _refuse_range(start, end, step, now)
    first, last = _reach(context, now)
    if (start is not None and start >= last) or (end is not None and end <= first):
        raise DataError(
            f"{context.pipeline.source.table} holds no row there: its rows are of {format_time(first)} to "
            f"{format_time(last)}",
            remedy="wait for them, load them, or name another range",
        )
    low, high = max(first, start or first), min(last, end or last)
    if start is not None and start < low:
        remark(f"nothing is run before {format_time(low)}, where the first row is")
    if end is not None and end > high:
        remark(f"nothing is run from {format_time(high)} on, where the rows of intervals that have ended end")
    gap = None if start is not None and end is not None else _wide_gap(context, low, high)
    if gap is not None:
        if gap.rows_before <= gap.rows_after and start is None:
            raise _gap_error(gap, "--start", floor(gap.next, step), low)
        if gap.rows_before > gap.rows_after and end is None:
            raise _gap_error(gap, "--end", interval_at(gap.last, step).end, high)
    return _listed(low, high, step)


def missed(
    context: Context, since: datetime | None = None, *, remark: Callable[[str], object] = _unsaid
) -> list[Interval]:
    """The intervals from ``since``, else from the last done one, to the latest that has ended; that one at least.

    None is older than the first row; ``remark`` is told where ``since`` is. Raises DataError as :func:`span_of` does,
    and where more than :data:`GAP` intervals have ended since the last row.
    """
    step = context.pipeline.interval
    now = floor(context.complete(), step)
    _refuse_range(since, None, step, now)
    first, last = _reach(context, now)
    with context.database.errors():
        done = recorded_span(context.ledger.connection, context.ledger.pipeline_id, context.segment)
    low = since or (first if done is None else done[1])
    if low < first:
        low = first
        if since is not None:
            remark(f"nothing is run before {format_time(first)}, where the first row is")
    low = min(low, now - step)
    quiet = (now - max(last, low)) // step
    if quiet > GAP:
        raise DataError(
            f"{quiet:,} intervals have ended since {format_time(last)}, where the rows of "
            f"{context.pipeline.source.table} end",
            remedy=f"run those that have rows: heliotrope replay {context.pipeline.name}.yaml",
        )
    gap = None if since is not None else _wide_gap(context, low, now)
    if gap is not None:
        raise _gap_error(gap, "--since", floor(gap.next, step), low)
    return _listed(low, now, step)


def _reach(context: Context, now: datetime) -> tuple[datetime, datetime]:
    """The start of the first row's interval and the end of the last one that has ended and holds rows."""
    span = context.rows.span(end=now)
    if span is None and (later := context.rows.span()) is not None:
        raise DataError(
            f"no interval from {format_time(floor(later[0], context.pipeline.interval))} on has ended yet",
            remedy="wait for its end",
        )
    if span is None:
        outside = context.rows.outside()
        but = f": the time of its {_rows(outside)} is none, infinite or not of the years 1 to 9999" if outside else ""
        raise DataError(
            f"{context.pipeline.source.table} holds no rows to replay{but}",
            remedy=f"load some: heliotrope load {context.pipeline.name}.yaml",
        )
    step = context.pipeline.interval
    return floor(span[0], step), interval_at(span[1], step).end


def _refuse_range(start: datetime | None, end: datetime | None, step: timedelta, now: datetime) -> None:
    """Bounds that are not on the grid, the wrong way round, or all in the future."""
    for bound in (start, end):
        if bound is not None:
            refuse_off_grid(bound, step)
    if start is not None and start >= now:
        raise DataError(
            f"no interval from {format_time(start)} on has ended yet", remedy="wait for its end, or name a range"
        )
    if start is not None and end is not None:
        next(intervals(start, end, step))


def _wide_gap(context: Context, low: datetime, high: datetime) -> Gap | None:
    """The gap that makes the range mostly empty: longer than :data:`GAP`, and than all the intervals with rows."""
    if (high - low) // context.pipeline.interval <= GAP:
        return None
    gap = context.rows.gap(context.pipeline.interval, low, high)
    return None if gap is None or gap.empty <= max(GAP, gap.filled) else gap


def _gap_error(gap: Gap, option: str, beside: datetime, whole: datetime) -> DataError:
    return DataError(
        f"{gap.empty:,} intervals without a row lie between {format_time(gap.last)} and {format_time(gap.next)}, with "
        f"{_rows(gap.rows_before)} before and {_rows(gap.rows_after)} after",
        remedy=f"leave them out with {option} {format_time(beside)}, or mend the time of a stray row; "
        f"{option} {format_time(whole)} runs the empty ones too",
    )


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"


def _listed(low: datetime, high: datetime, step: timedelta) -> list[Interval]:
    count = (high - low) // step
    if count > MOST:
        raise IntervalError(
            f"{format_time(low)} to {format_time(high)} are {count:,} intervals of {format_step(step)}, more than "
            f"{MOST:,} at once",
            remedy="run it in parts, with --start and --end",
        )
    return list(intervals(low, high, step))


def replay(context: Context, span: Sequence[Interval]) -> Iterator[Outcome]:
    """Run every cycle of the span in order; those done before are passed over. A lost connection is made again.

    Stop it where you like, by closing the generator, by Ctrl-C or by a kill: what is done stays, and the next call
    goes on there. What the pipeline declares is recorded, and its columns looked for, though nothing be left to run.
    """
    patiently(context, lambda: (context.ledger.ids, context.kinds))
    done = patiently(context, lambda: context.ledger.done_intervals(span[0].start, span[-1].end))
    for interval in span:
        begun = time.perf_counter()
        ran = interval.start not in done and patiently(context, partial(cycle.run, context, interval))
        yield Outcome(interval, ran, time.perf_counter() - begun)


def patiently(context: Context, call: Callable[[], T]) -> T:
    """Make a call that may be made again, waiting for a server that restarts; about 16 seconds in all."""
    for wait in _PATIENCE:
        try:
            return call()
        except ConnectionLostError:
            context.close()
            time.sleep(wait)
    return call()


def changed(context: Context, span: Sequence[Interval]) -> tuple[Recorded, ...]:
    """The recorded intervals whose rows are no longer the ones the ledger knows by their content hash.

    Each is compared over the columns that its hash was taken over, whatever is declared now. One that was taken over
    a column that is gone is none of them: see :func:`incomparable`.
    """
    found = []
    for columns, alike in groupby(_known(context, span), key=attrgetter("columns")):
        if context.lacking(columns[1:]):
            continue
        for part in _parts(tuple(alike)):
            window = Interval(part[0].interval.start, part[-1].interval.end)
            hashes = context.content_hashes(window, columns)
            found += [record for record in part if hashes[record.interval.start] != record.content_hash]
    return tuple(found)


def incomparable(context: Context, span: Sequence[Interval]) -> tuple[tuple[Recorded, ...], tuple[str, ...]]:
    """The recorded intervals that :func:`changed` cannot tell of, and the columns that the table no longer has.

    Their hashes were taken over these columns too.
    """
    known = _known(context, span)
    gone = context.lacking(sorted({name for one in known for name in one.columns[1:]}))
    return tuple(one for one in known if set(gone) & set(one.columns[1:])), gone


def _known(context: Context, span: Sequence[Interval]) -> tuple[Recorded, ...]:
    ledger = context.ledger
    with context.database.errors():
        return recorded(ledger.connection, ledger.pipeline_id, context.segment, span[0].start, span[-1].end)


def _parts(known: Sequence[Recorded]) -> Iterator[Sequence[Recorded]]:
    """At most 64 records at a time, so that no more rows than theirs are read at once."""
    for low in range(0, len(known), 64):
        yield known[low : low + 64]


def reevaluate(context: Context, record: Recorded) -> bool:
    """Validate and score the interval's rows as they are now, beside what was recorded; whether they had changed.

    The champion is the one that served. Decisions already taken stay as they were.
    """
    with context.ledger.lock():
        return cycle.reassess(context, record)
