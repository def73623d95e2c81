"""CSV files: what separates their values, what type each column has, and their rows a block at a time.

The empty field and the usual spellings of a missing value (``NULLS``) are nulls, unless quoted; where a column of
numbers has quoted ones, so is every other of that file. The numbers of features are float64.
"""

from __future__ import annotations

import codecs
import csv
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from heliotrope.config import Pipeline
from heliotrope.datasets.fault import NULLS, Column, check_quotes, find
from heliotrope.errors import DataError

__all__ = ["Separated"]

BLOCK = 8 * 2**20  # bytes that are parsed at a time, and by which the types of columns are judged
_SEPARATORS = (",", ";", "\t", "|")
_NUMBER = r"^\s*[+-]?(\d+[.,]?\d*|[.,]\d+)([eE][+-]?\d+)?\s*$"  # a decimal comma too, which is then refused
_FEW = 0.05  # of the values of a column of numbers may be something else: faults, not categories


class Separated:
    """A CSV with a header. ``stored`` has the types of the columns of the table, where there is one.

    Raises DataError for a file that is not UTF-8 or has a quote that is not closed.
    """

    def __init__(self, path: Path, pipeline: Pipeline, stored: Mapping[str, pa.DataType]) -> None:
        self.path = path
        self.pipeline = pipeline
        self.stored = stored
        self._quoted_nulls = False
        quoted = _check_bytes(path)
        self.separator = _separator(path, pipeline.columns)
        self._multiline = quoted and check_quotes(path, self.separator)
        self._first = self._first_block()
        self.schema: pa.Schema = self._first.schema
        self.names: list[str] = self.schema.names
        self.time_type = _time_type(self.schema, pipeline.source.time)
        """What the file's times are parsed as; text, which is slower, takes any mixture of them."""

    def tables(self, columns: tuple[str, ...]) -> Iterator[pa.Table]:
        """The columns' rows, a block at a time."""
        types = {name: self._type(name) for name in columns}
        for batch in self._open(types, columns):
            yield pa.Table.from_batches([batch]).select(list(columns))

    def retry(self, columns: tuple[str, ...]) -> bool:
        """Whether to read again, otherwise, what could not be converted. Raises DataError that names the place."""
        if self.time_type != pa.string():
            self.time_type = pa.string()  # which tells the row, should the time be none at all
            return True
        fault = self.fault(columns)
        if fault is not None:
            raise fault
        again, self._quoted_nulls = not self._quoted_nulls, True
        return again

    def fault(self, columns: tuple[str, ...]) -> DataError | None:
        """The first line that is not as the header has it, or has a value that is no number in a column of them."""
        checked = (pa.float64(), pa.int64(), pa.bool_())
        numbers = {name: self._numbers(name) for name in columns if self._type(name) in checked}
        return find(self.path, self.separator, numbers)

    def _numbers(self, name: str) -> Column:
        declared = name != self.pipeline.target and self.pipeline.features.get(name) == "auto"
        kind = self.stored.get(name)
        return Column(
            whole=kind is not None and pa.types.is_integer(kind),
            table=None if kind is None else f"{self.pipeline.source.table}.{name}",
            may_be_text=declared and kind is None,
            truths=self._type(name) == pa.bool_(),
        )

    def _first_block(self) -> pa.RecordBatch:
        """The rows by which the types of columns are judged."""
        try:
            reader = self._open({})
            return next(iter(reader), None) or pa.RecordBatch.from_pylist([], reader.schema)
        except pa.ArrowInvalid as error:
            raise find(self.path, self.separator, {}) or error from None

    def _open(self, types: dict[str, pa.DataType], columns: tuple[str, ...] = ()) -> Any:
        return pyarrow.csv.open_csv(
            self.path,
            read_options=pyarrow.csv.ReadOptions(block_size=BLOCK),
            parse_options=pyarrow.csv.ParseOptions(delimiter=self.separator, newlines_in_values=self._multiline),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types=types,
                include_columns=list(columns),
                null_values=sorted(NULLS),
                strings_can_be_null=True,
                quoted_strings_can_be_null=self._quoted_nulls,
            ),
        )

    def _type(self, name: str) -> pa.DataType:
        pipeline, found = self.pipeline, self.schema.field(name).type
        if name == pipeline.source.time:
            return self.time_type
        kind, stored = pipeline.features.get(name, "auto"), self.stored.get(name)
        text = pa.types.is_string(found) or pa.types.is_null(found)
        if pa.types.is_boolean(found) and kind != "categorical" and name != pipeline.target and stored != pa.string():
            return found  # true and false, which are 1 and 0
        if stored is not None and _is_number(stored):
            return pa.float64() if text or name in pipeline.features else found
        if kind == "categorical" or stored == pa.string():
            return pa.string()
        if name == pipeline.target:
            regression = pipeline.task == "regression"
            return pa.float64() if regression else pa.string() if pa.types.is_null(found) else found
        if kind == "numeric" or pa.types.is_integer(found) or pa.types.is_null(found):
            return pa.float64()
        return pa.float64() if text and self._is_nearly_all_numbers(name) else found

    def _is_nearly_all_numbers(self, name: str) -> bool:
        """Whether a column of texts is one of numbers with a fault in it."""
        values = self._first.column(name)
        values = values.filter(pc.and_(values.is_valid(), pc.invert(pc.is_in(values, pa.array(sorted(NULLS))))))
        numbers = pc.sum(pc.match_substring_regex(values, _NUMBER)).as_py() or 0
        others = len(values) - numbers
        return bool(numbers > others and others <= max(1, _FEW * len(values)))


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _check_bytes(path: Path) -> bool:
    """Whether the file has quotes. Raises DataError, naming the line, where it is not UTF-8."""
    decoder, line, quoted = codecs.getincrementaldecoder("utf-8")(), 1, False
    with pa.input_stream(str(path)) as file:
        if file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            raise DataError(f"{path}: is UTF-16", remedy=f"`iconv -f utf-16 -t utf-8 {path}` writes it as UTF-8")
    with pa.input_stream(str(path)) as file:
        while block := file.read(BLOCK):
            try:
                decoder.decode(block)
            except UnicodeDecodeError as error:
                line += error.object[: error.start].count(b"\n")
                raise DataError(
                    f"{path}: line {line} is not UTF-8: it holds the byte 0x{error.object[error.start]:02x}",
                    remedy=f"if it is Latin-1, `iconv -f latin1 -t utf-8 {path}` writes it as UTF-8",
                ) from None
            if b"\0" in block:
                line += block[: block.index(b"\0")].count(b"\n")
                raise DataError(f"{path}: line {line} holds a NUL", remedy="remove it, or save the file as UTF-8 text")
            line += block.count(b"\n")
            quoted = quoted or b'"' in block
    return quoted


def _separator(path: Path, wanted: Collection[str]) -> str:
    """What separates the header into the most columns that are wanted; a comma, where nothing does better."""
    with pa.input_stream(str(path)) as file:
        head = file.read(BLOCK).decode("utf-8-sig", "ignore").splitlines()[:1]

    def found(separator: str) -> int:
        try:
            return len(set(next(csv.reader(head, delimiter=separator), [])) & set(wanted))
        except csv.Error:
            return 0

    return max(_SEPARATORS, key=found)


def _time_type(schema: pa.Schema, name: str) -> pa.DataType:
    """What to parse times as that look like those of the first block."""
    found = schema.field(name).type if schema.names.count(name) == 1 else pa.string()
    if pa.types.is_timestamp(found):
        return pa.timestamp("us", tz=found.tz)
    return pa.timestamp("us") if pa.types.is_date(found) else pa.string()
