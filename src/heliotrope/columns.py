"""How a source's columns become a batch's: times in UTC, numbers as float64, categories and labels as text."""

from __future__ import annotations

from datetime import UTC
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from heliotrope.config import Pipeline
from heliotrope.errors import ConfigError, DataError, SchemaError, nearest

__all__ = ["TIME", "Kind", "as_numbers", "as_text", "as_utc", "infer_kinds"]

Kind = Literal["numeric", "categorical"]
TIME = pa.timestamp("us", tz="UTC")


def infer_kinds(schema: pa.Schema, pipeline: Pipeline) -> dict[str, Kind]:
    """What every feature is: as the pipeline says, or, where it says ``auto``, as the column's type implies.

    Booleans, whole numbers, floats and decimals are numeric; strings and dictionaries of strings categorical.
    Raises SchemaError for a column that is missing, and for an ``auto`` one of any other type.

    >>> from heliotrope.config import parse
    >>> pipeline = parse({
    ...     "name": "p", "source": {"table": "t", "time": "at"}, "interval": "1d", "target": "late",
    ...     "features": {"temp": "auto", "origin": "auto", "month": "categorical"},
    ...     "candidates": [{"name": "c", "estimator": "sklearn.dummy.DummyClassifier"}],
    ... })
    >>> schema = pa.schema({"temp": pa.float32(), "origin": pa.string(), "month": pa.int64()})
    >>> infer_kinds(schema, pipeline)
    {'temp': 'numeric', 'origin': 'categorical', 'month': 'categorical'}
    """
    kinds: dict[str, Kind] = {}
    for name, kind in pipeline.features.items():
        if name not in schema.names:
            raise SchemaError(
                f"pipeline {pipeline.name}: {pipeline.source.table} has no column {name!r}",
                remedy=nearest(name, schema.names),
            )
        if kind != "auto":
            kinds[name] = kind
        elif _is_number(schema.field(name).type):
            kinds[name] = "numeric"
        elif pa.types.is_string(_plain(schema.field(name).type)):
            kinds[name] = "categorical"
        else:
            raise SchemaError(
                f"pipeline {pipeline.name}: feature {name!r} holds {schema.field(name).type}",
                remedy="leave it out, make it a number or a text in a view, or say which it is: "
                f"{{{name}: numeric}} or {{{name}: categorical}}",
            )
    return kinds


def as_utc(column: pa.ChunkedArray, time_zone: str) -> pa.ChunkedArray:
    """Times as timestamp[us, UTC]; those without a zone, and dates, are read in ``time_zone``.

    Of the two hours that one local time can mean when clocks go back the later is taken, as PostgreSQL does.

    Raises SchemaError for another type, ConfigError for an unknown zone, and DataError, naming the time, for a
    local time that was skipped when clocks went forward.

    >>> from datetime import datetime
    >>> noon = pa.chunked_array([[datetime(2013, 7, 1, 12)]], pa.timestamp("s"))
    >>> str(as_utc(noon, "America/New_York")[0])
    '2013-07-01 16:00:00+00:00'
    """
    kind = column.type
    if kind == TIME:
        return column
    if pa.types.is_date(kind):
        column = column.cast(pa.timestamp("s"))
    elif not pa.types.is_timestamp(kind):
        raise SchemaError(f"holds {kind}, not times", remedy="name a column of timestamps or dates")
    if column.type.tz is None and time_zone not in ("UTC", "Etc/UTC"):
        return _local(column.cast(pa.timestamp("us"), safe=False), time_zone).cast(TIME)
    return column.cast(TIME, safe=False)


def as_numbers(column: pa.ChunkedArray, *, text: bool = False) -> pa.ChunkedArray:
    """Numbers as float64, NaN as null. ``text``: strings are read as numbers too.

    Raises SchemaError, naming the value if one is to blame.

    >>> as_numbers(pa.chunked_array([[1, None, 3]])).to_pylist()
    [1.0, None, 3.0]
    """
    kind = column.type
    if not (_is_number(kind) or pa.types.is_null(kind) or (text and pa.types.is_string(_plain(kind)))):
        raise SchemaError(f"holds {kind}, not numbers")
    numbers = column if kind == pa.float64() else _parsed(_stored(column))
    values = numbers.to_numpy()
    if int(np.isnan(values).sum()) > numbers.null_count:
        numbers = pa.chunked_array([pa.array(values, from_pandas=True)])
    return numbers


def as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Categories and labels as string; NaN as null. Raises SchemaError for a type that has no plain text.

    Booleans are ``true`` and ``false``, as PostgreSQL writes them, and 1.0 is ``1``, so that a label is the same
    whether its column holds whole numbers or floats.

    >>> as_text(pa.chunked_array([[True, False, None]])).to_pylist()
    ['true', 'false', None]
    >>> as_text(pa.chunked_array([[0.0, 1.5, float("nan")]])).to_pylist()
    ['0', '1.5', None]
    """
    if column.type == pa.string():
        return column
    column = _stored(column)
    kind = column.type
    if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_fixed_size_binary(kind):
        raise SchemaError(f"holds {kind}, not categories")
    if pa.types.is_floating(kind):
        column = as_numbers(column)
    return column.cast(pa.string())


def _is_number(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        return _is_number(kind.value_type)
    if isinstance(kind, pa.OpaqueType):
        return bool(kind.type_name == "numeric")  # a numeric of PostgreSQL, which ADBC hands over as text
    return bool(
        pa.types.is_boolean(kind)
        or pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_decimal(kind)
    )


def _plain(kind: pa.DataType) -> pa.DataType:
    """The type of the values, without dictionary and width of offsets."""
    if pa.types.is_dictionary(kind):
        return _plain(kind.value_type)
    return pa.string() if pa.types.is_large_string(kind) or pa.types.is_string_view(kind) else kind


def _stored(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The column without extension type and dictionary."""
    kind = column.type
    if isinstance(kind, pa.BaseExtensionType):
        return _stored(pa.chunked_array([chunk.storage for chunk in column.chunks], kind.storage_type))
    return _stored(column.cast(kind.value_type)) if pa.types.is_dictionary(kind) else column


def _parsed(column: pa.ChunkedArray) -> pa.ChunkedArray:
    try:
        return column.cast(pa.float64(), safe=False)
    except pa.ArrowInvalid:
        for value in pc.unique(column).to_pylist():
            try:
                pa.scalar(value, column.type).cast(pa.float64())
            except pa.ArrowInvalid:
                raise SchemaError(f"holds {value!r}, which is not a number") from None
        raise


def _local(column: pa.ChunkedArray, time_zone: str) -> pa.ChunkedArray:
    try:
        return pc.assume_timezone(column, time_zone, ambiguous="latest", nonexistent="raise")
    except pa.ArrowInvalid as error:
        zone = _zone(time_zone)
        for value in pc.unique(column.drop_null()).to_pylist():
            there_and_back = value.replace(tzinfo=zone).astimezone(UTC).astimezone(zone).replace(tzinfo=None)
            if there_and_back != value:
                raise DataError(
                    f"{value} does not exist in {time_zone}: the clocks went forward",
                    remedy="set source.time_zone to the zone the times are in",
                ) from None
        raise DataError(f"times cannot be read in {time_zone}: {error}") from None


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except Exception:
        raise ConfigError(f"source.time_zone {name!r} is not a time zone", remedy="write it as Europe/Berlin") from None
