"""A table that was read, made to fit a pipeline and cut into its intervals."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from heliotrope.columns import as_utc
from heliotrope.config import Pipeline
from heliotrope.errors import DataError, SchemaError, nearest
from heliotrope.interval import Interval, interval_at

__all__ = ["by_interval", "check_columns", "check_times", "check_years", "fitted", "in_order", "microseconds"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_FIRST, _LAST = (
    (datetime(year, month, day, tzinfo=UTC) - _EPOCH) // _MICROSECOND
    for year, month, day in ((1, 1, 2), (9999, 12, 31))
)


def check_columns(names: Collection[str], wanted: Iterable[str], where: str) -> None:
    """Raises SchemaError for the first of ``wanted`` that ``names`` does not hold exactly once."""
    for name in wanted:
        count = list(names).count(name)
        if count > 1:
            raise SchemaError(f"{where}: {count} columns are called {name!r}", remedy="rename all but one")
        if not count:
            raise SchemaError(f"{where}: there is no column {name!r}", remedy=nearest(name, names))


def check_times(times: pa.ChunkedArray, name: str, where: str, *, before: int = 0) -> None:
    """Raises DataError, naming the first row (from 1, ``before`` rows came already), when a time is null."""
    if times.null_count:
        row = before + int(np.flatnonzero(times.is_null().to_numpy())[0]) + 1
        raise DataError(f"{where}: row {row} has no time in {name!r}", remedy="drop the row, or fill the time")


def check_years(times: pa.ChunkedArray, name: str, where: str, *, before: int = 0) -> None:
    """Raises DataError, naming the row, for one of the times, in UTC, that is not of the years 1 to 9999."""
    numbers = microseconds(times)
    odd = np.flatnonzero((numbers < _FIRST) | (numbers > _LAST))
    if odd.size:
        raise DataError(
            f"{where}: row {before + int(odd[0]) + 1} has a time in {name!r} that is not of the years 1 to 9999",
            remedy="mend the time, or leave the row out",
        )


def fitted(table: pa.Table, pipeline: Pipeline, *, where: str) -> pa.Table:
    """The pipeline's columns in its order, the time in UTC. Raises SchemaError or DataError that begins ``where``."""
    check_columns(table.column_names, pipeline.columns, where)
    time = pipeline.source.time
    try:
        times = as_utc(table[time], pipeline.source.time_zone)
    except (SchemaError, DataError) as error:
        raise type(error)(f"{where}: column {time!r}: {error.message}", remedy=error.remedy) from None
    check_times(times, time, where)
    check_years(times, time, where)
    return table.select(list(pipeline.columns)).set_column(0, time, times)


def in_order(table: pa.Table, time: str) -> pa.Table:
    """The table sorted by time; rows of equal time stay in their order."""
    times = microseconds(table[time])
    if (times[1:] >= times[:-1]).all():
        return table
    return table.take(np.argsort(times, kind="stable"))


def by_interval(tables: Iterable[pa.Table], pipeline: Pipeline) -> Iterator[tuple[Interval, pa.Table]]:
    """The rows of tables that follow each other in order of time, cut at the pipeline's intervals; none is empty."""
    time, step = pipeline.source.time, pipeline.interval
    waiting: list[pa.Table] = []  # the rows so far of the latest interval
    interval: Interval | None = None
    for table in tables:
        times = microseconds(table[time])
        start = 0
        while start < len(times):
            first = _EPOCH + int(times[start]) * _MICROSECOND
            if interval is None or first not in interval:
                if interval is not None:
                    yield interval, pa.concat_tables(waiting)
                interval, waiting = interval_at(first, step), []
            stop = int(np.searchsorted(times, (interval.end - _EPOCH) // _MICROSECOND))
            waiting.append(table.slice(start, stop - start))
            start = stop
    if interval is not None:
        yield interval, pa.concat_tables(waiting)


def microseconds(times: pa.ChunkedArray) -> NDArray[np.int64]:
    """Times without nulls as microseconds since 1970."""
    numbers: NDArray[np.int64] = times.cast(pa.int64()).to_numpy()
    return numbers
