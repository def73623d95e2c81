"""CSV and Parquet files, of any size when their rows are in order of time; told apart by their first bytes.

A file is read to its end and checked before its first rows are given, so that a fault in its last line is found before
anything is written.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from heliotrope.columns import TIME, as_utc
from heliotrope.config import FileDataset, Pipeline
from heliotrope.datasets.parquet import Parquet
from heliotrope.datasets.separated import Separated
from heliotrope.datasets.table import by_interval, check_columns, check_times, check_years, in_order, microseconds
from heliotrope.errors import DataError, SchemaError
from heliotrope.interval import Interval

__all__ = ["read_file"]

_Source = Separated | Parquet


def read_file(
    path: Path, dataset: FileDataset, pipeline: Pipeline, stored: Mapping[str, pa.DataType]
) -> Iterator[tuple[Interval, pa.Table]]:
    """The rows of a file by interval. Rows in order of time are streamed; others are held in memory and sorted.

    ``stored`` has the types of the columns of the table that the rows are for, where there is one.

    Raises SchemaError for missing columns, and DataError for a file, a number or a time that cannot be read.
    """
    with _errors(path):
        kind = Parquet if _is_parquet(path) else Separated
        source: _Source = kind(path, pipeline, stored)
        time = pipeline.source.time
        if dataset.start is not None and time in source.names:
            raise SchemaError(
                f"{path}: has a column {time!r} of its own",
                remedy="remove start and step from the dataset, or give source.time another name",
            )
        wanted = pipeline.columns if dataset.start is None else pipeline.columns[1:]
        check_columns(source.names, wanted, str(path))
        ordered = _check(path, source, pipeline, wanted, stored) or dataset.start is not None
        tables = _timed(path, source.tables(wanted), dataset, pipeline)
        if not ordered:
            tables = iter([in_order(pa.concat_tables(tables), time)])
        empty = True
        for interval, table in by_interval(tables, pipeline):
            empty = False
            yield interval, table
        if empty:
            raise DataError(f"{path}: holds no rows", remedy="name another file")


def _is_parquet(path: Path) -> bool:
    if not stat.S_ISREG(path.stat().st_mode) and not path.is_dir():
        raise DataError(f"{path}: is not a regular file", remedy="write the rows to a file first: it is read twice")
    with path.open("rb") as file:
        return file.read(4) == b"PAR1"


def _check(
    path: Path, source: _Source, pipeline: Pipeline, wanted: tuple[str, ...], stored: Mapping[str, pa.DataType]
) -> bool:
    """Whether no row is earlier than the one before it. Reads every value, and so raises for one that cannot be."""
    while True:
        try:
            return _is_rising(path, source, pipeline, wanted, stored)
        except pa.ArrowInvalid:
            if isinstance(source, Parquet) or not source.retry(wanted):
                raise


def _is_rising(
    path: Path, source: _Source, pipeline: Pipeline, wanted: tuple[str, ...], stored: Mapping[str, pa.DataType]
) -> bool:
    latest, before, ordered = None, 0, True
    whole = [name for name in wanted if name in stored and pa.types.is_integer(stored[name])]
    for table in source.tables(wanted):
        for name in whole:
            _check_whole(path, source, table[name], name)
        if pipeline.source.time in wanted and table.num_rows:
            times = microseconds(_utc(path, table[pipeline.source.time], pipeline, before))
            ordered = ordered and bool((times[1:] >= times[:-1]).all()) and (latest is None or times[0] >= latest)
            latest = times[-1]
        before += table.num_rows
    return ordered


def _check_whole(path: Path, source: _Source, column: pa.ChunkedArray, name: str) -> None:
    """Raises DataError when a number has a fraction, and the table's column holds whole ones."""
    if not pa.types.is_floating(column.type):
        return
    broken = column.filter(pc.not_equal(column, pc.floor(column)))
    if len(broken):
        fault = source.fault((name,)) if isinstance(source, Separated) else None
        raise fault or DataError(
            f"{path}: column {name!r} holds {broken[0]}, which is not a whole number",
            remedy="mend the value, or give the table's column the type double precision",
        )


def _timed(path: Path, tables: Iterator[pa.Table], dataset: FileDataset, pipeline: Pipeline) -> Iterator[pa.Table]:
    """The tables with their time in UTC in front: the one they have, or ``start + i * step`` for row i."""
    before = 0
    for table in tables:
        if dataset.start is None or dataset.step is None:
            times = _utc(path, table[pipeline.source.time], pipeline, before)
            yield table.set_column(0, pipeline.source.time, times)
        else:
            times = _counted(dataset.start, dataset.step, before, table.num_rows)
            yield table.add_column(0, pipeline.source.time, times)
        before += table.num_rows


def _counted(start: datetime, step: timedelta, before: int, rows: int) -> pa.Array:
    unit = timedelta(microseconds=1)
    first = (start - datetime(1970, 1, 1, tzinfo=UTC)) // unit
    return pa.array(first + (before + np.arange(rows, dtype=np.int64)) * (step // unit)).cast(TIME)


def _utc(path: Path, column: pa.ChunkedArray, pipeline: Pipeline, before: int) -> pa.ChunkedArray:
    name = pipeline.source.time
    check_times(column, name, str(path), before=before)
    try:
        if column.type == pa.string():
            column = _parsed(column, pipeline.source.time_zone, before)
        times = as_utc(column, pipeline.source.time_zone)
    except (SchemaError, DataError) as error:
        raise type(error)(f"{path}: column {name!r}: {error.message}", remedy=error.remedy) from None
    check_years(times, name, str(path), before=before)
    return times


def _parsed(column: pa.ChunkedArray, time_zone: str, before: int) -> pa.ChunkedArray:
    """Texts as times: fast where all of them have an offset or none has, one by one otherwise."""
    for kind in (TIME, pa.timestamp("us")):
        try:
            return column.cast(kind)
        except pa.ArrowInvalid:
            continue
    times = []
    for row, text in enumerate(column.to_pylist(), start=before + 1):
        try:
            times.append(datetime.fromisoformat(text.strip()))
        except ValueError:
            raise DataError(f"row {row}: {text!r} is not a time", remedy="write it as 2026-11-24T05:00Z") from None
    local = pa.chunked_array([[None if time.tzinfo else time for time in times]], pa.timestamp("us"))
    placed = as_utc(local, time_zone).to_pylist()
    return pa.chunked_array([[time if time.tzinfo else there for time, there in zip(times, placed, strict=True)]], TIME)


@contextmanager
def _errors(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, pa.ArrowException, UnicodeDecodeError) as error:
        said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise DataError(
            f"{path}: cannot be read: {said}", remedy="name a CSV with a header, or a Parquet file"
        ) from None
