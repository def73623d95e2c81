"""Parquet files: their rows, some at a time, in the types that a table of PostgreSQL can hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet

from heliotrope.columns import as_numbers
from heliotrope.config import Pipeline
from heliotrope.errors import SchemaError

__all__ = ["Parquet"]

_ROWS = 2**17  # rows that are read at a time


class Parquet:
    """A Parquet file. ``stored`` has the types of the columns of the table, where there is one."""

    def __init__(self, path: Path, pipeline: Pipeline, stored: Mapping[str, pa.DataType]) -> None:
        self.path = path
        self.pipeline = pipeline
        self.stored = stored
        self.file = pyarrow.parquet.ParquetFile(path)
        self.names: list[str] = self.file.schema_arrow.names

    def tables(self, columns: tuple[str, ...]) -> Iterator[pa.Table]:
        """The columns' rows, so many at a time. Raises SchemaError for a column that no table can hold."""
        for name in columns:
            self._check(name)
        for batch in self.file.iter_batches(batch_size=_ROWS, columns=list(columns)):
            table = pa.Table.from_batches([batch])
            yield pa.table({name: self._plain(table[name], name) for name in columns})

    def _check(self, name: str) -> None:
        kind = self.file.schema_arrow.field(name).type
        if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_fixed_size_binary(kind):
            raise SchemaError(
                f"{self.path}: column {name!r} is of type {kind}",
                remedy="leave it out, or write it as columns of numbers, texts or times",
            )

    def _plain(self, column: pa.ChunkedArray, name: str) -> pa.ChunkedArray:
        """The column without dictionary; decimals as float64, and texts too where numbers are wanted."""
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        kind = column.type
        if pa.types.is_decimal(kind) or pa.types.is_float16(kind):
            return column.cast(pa.float64())
        if not (pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)):
            return column
        return self._numbers(column, name) if self._is_numeric(name) else column.cast(pa.string())

    def _is_numeric(self, name: str) -> bool:
        stored = self.stored.get(name)
        if stored is not None:
            return bool(pa.types.is_integer(stored) or pa.types.is_floating(stored))
        wanted = self.pipeline.features.get(name) == "numeric"
        return wanted or (name == self.pipeline.target and self.pipeline.task == "regression")

    def _numbers(self, column: pa.ChunkedArray, name: str) -> pa.ChunkedArray:
        try:
            return as_numbers(column.cast(pa.string()), text=True)
        except SchemaError as error:
            raise SchemaError(
                f"{self.path}: column {name!r} {error.message}", remedy="mend the value, or make it a null"
            ) from None
