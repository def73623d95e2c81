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
from heliotrope.context import Context
from heliotrope.errors import ConnectionLostError, DataError
from heliotrope.interval import Interval, floor, intervals
from heliotrope.ledger import Recorded, recorded

__all__ = ["Outcome", "changed", "incomparable", "last_complete", "patiently", "reevaluate", "replay", "span_of"]

T = TypeVar("T")

_PATIENCE = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0)


@dataclass(frozen=True, slots=True)
class Outcome:
    """An interval of a replay: whether its cycle ran now or was done before, and how long that took."""

    interval: Interval
    ran: bool
    seconds: float


def last_complete(now: datetime, step: timedelta) -> Interval:
    """The latest interval that has ended: the one a live cycle is for."""
    end = floor(now, step)
    return Interval(end - step, end)


def span_of(context: Context, start: datetime | None = None, end: datetime | None = None) -> list[Interval]:
    """The intervals of a replay: from the first row's to the last row's, narrowed by ``start`` and ``end``.

    One that has not ended by the clock is left out: it may be half filled. Raises DataError where there is no row.
    """
    step = context.pipeline.interval
    if start is None or end is None:
        span = context.rows.span()
        if span is None:
            raise DataError(
                f"{context.pipeline.source.table} holds no rows to replay",
                remedy=f"load some: heliotrope load {context.pipeline.name}.yaml",
            )
        start = floor(span[0], step) if start is None else start
        end = floor(span[1], step) + step if end is None else end
    now = context.clock()
    found = [interval for interval in intervals(start, end, step) if interval.end <= now]
    if not found:
        raise DataError(f"no interval from {start} to {end} has ended yet", remedy="wait for its end, or name a range")
    return found


def replay(context: Context, span: Sequence[Interval]) -> Iterator[Outcome]:
    """Run every cycle of the span in order; those done before are passed over. A lost connection is made again.

    Stop it where you like, by closing the generator, by Ctrl-C or by a kill: what is done stays, and the next call
    goes on there.
    """
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
