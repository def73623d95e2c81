"""CSV and Parquet files, of any size when their rows are in order of time.

A CSV is told from a Parquet file by its first bytes. In a CSV the empty field, ``NA``, ``NaN`` and ``null`` are
nulls, unless quoted; the numbers of features are float64.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from heliotrope.columns import TIME, as_utc
from heliotrope.config import FileDataset, Pipeline
from heliotrope.datasets.table import by_interval, check_columns, check_times, in_order, microseconds
from heliotrope.errors import DataError, SchemaError
from heliotrope.interval import Interval

__all__ = ["read_file"]

_BLOCK = 8 * 2**20  # bytes of a CSV that are parsed at a time, and by which the types of columns are judged
_ROWS = 2**17  # rows of a Parquet file that are read at a time


def read_file(path: Path, dataset: FileDataset, pipeline: Pipeline) -> Iterator[tuple[Interval, pa.Table]]:
    """The rows of a file by interval. Rows in order of time are streamed; others are held in memory and sorted.

    Raises SchemaError for missing columns, and DataError for a file or a time that cannot be read.
    """
    with _errors(path):
        source: _Csv | _Parquet = _Parquet(path) if _is_parquet(path) else _Csv(path, pipeline)
        time = pipeline.source.time
        if dataset.start is not None and time in source.names:
            raise SchemaError(
                f"{path}: has a column {time!r} of its own",
                remedy="remove start and step from the dataset, or give source.time another name",
            )
        wanted = pipeline.columns if dataset.start is None else pipeline.columns[1:]
        check_columns(source.names, wanted, str(path))
        ordered = dataset.start is not None or _in_order(path, source, pipeline)
        tables = _timed(path, source.tables(wanted), dataset, pipeline)
        if not ordered:
            tables = iter([in_order(pa.concat_tables(tables), time)])
        empty = True
        for interval, table in by_interval(tables, pipeline):
            empty = False
            yield interval, table
        if empty:
            raise DataError(f"{path}: holds no rows", remedy="name another file")


class _Csv:
    """A CSV with a header."""

    def __init__(self, path: Path, pipeline: Pipeline) -> None:
        self.path = path
        self.pipeline = pipeline
        self.schema = self._open({}).schema
        self.names = self.schema.names
        self.time_type = _time_type(self.schema, pipeline.source.time)
        """What the file's times are parsed as; text, which is slower, takes any mixture of them."""

    def tables(self, columns: tuple[str, ...]) -> Iterator[pa.Table]:
        """The columns' rows, a block at a time."""
        types = {name: self._type(name) for name in columns}
        for batch in self._open(types, columns):
            yield pa.Table.from_batches([batch]).select(list(columns))

    def _open(self, types: dict[str, pa.DataType], columns: tuple[str, ...] = ()) -> Any:
        return pyarrow.csv.open_csv(
            self.path,
            read_options=pyarrow.csv.ReadOptions(block_size=_BLOCK),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types=types,
                include_columns=list(columns),
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )

    def _type(self, name: str) -> pa.DataType:
        pipeline, found = self.pipeline, self.schema.field(name).type
        kind = pipeline.features.get(name, "auto")
        if name == pipeline.source.time:
            return self.time_type
        if kind == "categorical":
            return pa.string()
        numeric = pa.types.is_integer(found) or pa.types.is_null(found)
        if kind == "numeric" or (numeric and name in pipeline.features):
            return pa.float64()
        if name == pipeline.target and (pipeline.task == "regression" or pa.types.is_null(found)):
            return pa.float64() if pipeline.task == "regression" else pa.string()
        return found


class _Parquet:
    """A Parquet file."""

    def __init__(self, path: Path) -> None:
        self.file = pyarrow.parquet.ParquetFile(path)
        self.names = self.file.schema_arrow.names

    def tables(self, columns: tuple[str, ...]) -> Iterator[pa.Table]:
        """The columns' rows, so many at a time."""
        for batch in self.file.iter_batches(batch_size=_ROWS, columns=list(columns)):
            yield pa.Table.from_batches([batch]).select(list(columns))


def _is_parquet(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"PAR1"


def _time_type(schema: pa.Schema, name: str) -> pa.DataType:
    """What to parse times as that look like those of the first block."""
    found = schema.field(name).type if schema.names.count(name) == 1 else pa.string()
    if pa.types.is_timestamp(found):
        return pa.timestamp("us", tz=found.tz)
    return pa.timestamp("us") if pa.types.is_date(found) else pa.string()


def _in_order(path: Path, source: _Csv | _Parquet, pipeline: Pipeline) -> bool:
    """Whether no row is earlier than the one before it. Reads every time, and so raises for one that is none."""
    try:
        return _is_rising(path, source, pipeline)
    except pa.ArrowInvalid:
        if isinstance(source, _Parquet):
            raise
        source.time_type = pa.string()  # which tells the row, should the time be none at all
        return _is_rising(path, source, pipeline)


def _is_rising(path: Path, source: _Csv | _Parquet, pipeline: Pipeline) -> bool:
    latest, before, ordered = None, 0, True
    for table in source.tables(pipeline.columns[:1]):
        times = microseconds(_utc(path, table[pipeline.source.time], pipeline, before))
        if len(times):
            ordered = ordered and bool((times[1:] >= times[:-1]).all()) and (latest is None or times[0] >= latest)
            latest = times[-1]
        before += len(times)
    return ordered


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
        return as_utc(column, pipeline.source.time_zone)
    except (SchemaError, DataError) as error:
        raise type(error)(f"{path}: column {name!r}: {error.message}", remedy=error.remedy) from None


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
