"""A CSV or Parquet file, looked at before it is loaded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from heliotrope.columns import as_text
from heliotrope.config import FileDataset, parse
from heliotrope.datasets.file import read_file
from heliotrope.errors import DataError, SchemaError
from heliotrope.interval import ORIGIN, format_step
from heliotrope.profile.column import SAMPLE, ColumnProfile
from heliotrope.profile.suggestion import Counts, Profile, suggest

__all__ = ["look_into"]


def look_into(
    path: Path,
    table: str,
    *,
    time: str | None = None,
    target: str | None = None,
    interval: timedelta | None = None,
) -> Profile:
    """The profile of a file whose rows are to be loaded into ``table``; what is not given is found out.

    Reads the times of the whole file, as loading it would, and the other columns of its first 100,000 rows. Raises
    what :func:`heliotrope.datasets.file.read_file` does, and ConfigError where no target or feature is found.
    """
    return suggest(_File(path), table, path=str(path), time=time, target=target, interval=interval)


class _File:
    """The questions of a profile, asked of a file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = str(path)
        self.sample = _first_rows(path)

    def types(self) -> Mapping[str, str]:
        """The type that each column would have in PostgreSQL, by the first rows."""
        return {field.name: _type(field.type) for field in self.sample.schema}

    def columns(self) -> list[ColumnProfile]:
        """What the first rows hold."""
        return [_profiled(name, self.sample.column(name)) for name in self.sample.column_names]

    def classes(self, target: str) -> Mapping[str, int]:
        """How often the first rows have each class, the commonest first."""
        counted = Counter(one for one in as_text(self.sample.column(target)).to_pylist() if one is not None)
        return dict(sorted(counted.items(), key=lambda one: (-one[1], one[0])))

    def counts(self, time: str, step: timedelta) -> Counts | None:
        """How many rows fall into each interval, and the first and last time, by reading all of them."""
        others = [name for name in self.sample.column_names if name != time]
        if len(others) < 2:
            raise SchemaError(f"{self.path}: has {len(others)} columns beside {time!r}", remedy="two are needed")
        pipeline = parse(
            {
                "name": "times",
                "source": {"table": "times", "time": time},
                "interval": format_step(step),
                "features": {others[0]: "categorical"},
                "target": others[1],
                "candidates": [{"name": "none", "estimator": "sklearn.dummy.DummyClassifier"}],
            },
            where=str(self.path),
        )
        counted: dict[int, int] = {}
        first = last = None
        for interval, rows in read_file(self.path, FileDataset(), pipeline, {}):
            counted[(interval.start - ORIGIN) // step] = rows.num_rows
            ends = pc.min_max(rows.column(time)).as_py()
            first = first or ends["min"]
            last = ends["max"]
        return None if first is None or last is None else Counts(rows=counted, first=first, last=last)


def _first_rows(path: Path) -> pa.Table:
    try:
        with path.open("rb") as file:
            is_parquet = file.read(4) == b"PAR1"
        if is_parquet:
            parquet = pyarrow.parquet.ParquetFile(path)
            return pa.Table.from_batches(islice(parquet.iter_batches(batch_size=SAMPLE), 1), parquet.schema_arrow)
        options = pyarrow.csv.ConvertOptions(strings_can_be_null=True, quoted_strings_can_be_null=False)
        parsing = pyarrow.csv.ParseOptions(newlines_in_values=True)
        found = _some(pyarrow.csv.open_csv(path, parse_options=parsing, convert_options=options))
    except (OSError, ValueError, pa.ArrowException) as error:
        said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise DataError(
            f"{path}: cannot be read: {said}", remedy="name a CSV with a header, or a Parquet file"
        ) from None
    return found


def _some(reader: Any) -> pa.Table:
    """The first blocks of a CSV, up to the one whose values are no longer of the first one's types."""
    batches: list[pa.RecordBatch] = []
    while sum(batch.num_rows for batch in batches) < SAMPLE:
        try:
            batches.append(reader.read_next_batch())
        except (StopIteration, pa.ArrowInvalid):
            break
    return pa.Table.from_batches(batches, reader.schema).slice(0, SAMPLE)


def _profiled(name: str, column: pa.ChunkedArray) -> ColumnProfile:
    if pa.types.is_floating(column.type):
        column = pc.if_else(pc.is_nan(column), None, column)
    nested, empty = pa.types.is_nested(column.type), column.null_count == len(column)
    distinct = 0 if nested or empty else pc.count_distinct(column, mode="only_valid").as_py()
    return ColumnProfile(
        name=name,
        type=_type(column.type),
        values=len(column) - column.null_count,
        nulls=column.null_count,
        distinct=distinct,
        constant=not nested and (distinct == 0 or (distinct == 1 and not column.null_count)),
    )


def _type(kind: pa.DataType) -> str:
    """What PostgreSQL calls the type; Arrow's own name where it has none."""
    if pa.types.is_dictionary(kind):
        return _type(kind.value_type)
    for is_kind, name in (
        (pa.types.is_boolean, "bool"),
        (pa.types.is_integer, "int8"),
        (pa.types.is_floating, "float8"),
        (pa.types.is_decimal, "numeric"),
        (pa.types.is_null, "text"),
        (pa.types.is_string, "text"),
        (pa.types.is_large_string, "text"),
        (pa.types.is_date, "date"),
    ):
        if is_kind(kind):
            return name
    if pa.types.is_timestamp(kind):
        return "timestamptz" if kind.tz else "timestamp"
    return str(kind)
