"""How columns of every type become a batch's."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from heliotrope.columns import as_numbers, as_text, as_utc, infer_kinds
from heliotrope.config import Pipeline, parse
from heliotrope.errors import ConfigError, DataError, SchemaError
from heliotrope.interval import parse_time


def pipeline(features: Any) -> Pipeline:
    return parse(
        {
            "name": "p",
            "source": {"table": "events", "time": "at"},
            "interval": "1h",
            "features": features,
            "target": "class",
            "candidates": [{"name": "c", "estimator": "sklearn.dummy.DummyClassifier"}],
        }
    )


def column(values: Any, kind: pa.DataType | None = None) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(values, kind)])


NUMERIC = pa.opaque(pa.string(), "numeric", "PostgreSQL")


# --- kinds ---


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        *[(pa.bool_(), "numeric"), (pa.int16(), "numeric"), (pa.uint64(), "numeric"), (pa.float32(), "numeric")],
        *[(pa.decimal128(5, 2), "numeric"), (NUMERIC, "numeric"), (pa.dictionary(pa.int8(), pa.int64()), "numeric")],
        *[(pa.string(), "categorical"), (pa.large_string(), "categorical"), (pa.string_view(), "categorical")],
        *[(pa.dictionary(pa.int8(), pa.string()), "categorical")],
    ],
)
def test_auto_is_found_out_by_type(kind: pa.DataType, expected: str) -> None:
    assert infer_kinds(pa.schema({"f": kind}), pipeline(["f"])) == {"f": expected}


@pytest.mark.parametrize(
    "kind", [pa.timestamp("us"), pa.date32(), pa.list_(pa.int64()), pa.binary(), pa.null(), pa.uuid()]
)
def test_auto_of_any_other_type_is_refused_with_what_to_write(kind: pa.DataType) -> None:
    with pytest.raises(SchemaError, match=r"pipeline p: feature 'f' holds .*\{f: categorical\}"):
        infer_kinds(pa.schema({"f": kind}), pipeline(["f"]))


def test_what_the_pipeline_says_goes_before_the_type() -> None:
    schema = pa.schema({"month": pa.int64(), "day": pa.date32()})
    assert infer_kinds(schema, pipeline({"month": "categorical", "day": "categorical"})) == {
        "month": "categorical",
        "day": "categorical",
    }


def test_kinds_come_in_the_order_of_the_features() -> None:
    schema = pa.schema({"a": pa.int64(), "b": pa.int64()})
    assert list(infer_kinds(schema, pipeline(["b", "a"]))) == ["b", "a"]


def test_a_missing_feature_is_named_with_the_nearest_column() -> None:
    with pytest.raises(SchemaError, match=r"events has no column 'tmp'.*did you mean 'temp'"):
        infer_kinds(pa.schema({"temp": pa.int64()}), pipeline({"tmp": "numeric"}))


# --- times ---


@pytest.mark.parametrize(
    "kind", [pa.timestamp(unit, tz=zone) for unit in ("s", "ms", "us", "ns") for zone in ("UTC", "Asia/Seoul")]
)
def test_times_with_a_zone_become_utc_microseconds(kind: pa.DataType) -> None:
    noon = parse_time("2026-11-24T12:00")
    found = as_utc(column([noon, None], kind), "Europe/Berlin")
    assert found.type == pa.timestamp("us", tz="UTC")
    assert found.to_pylist() == [noon, None]


@pytest.mark.parametrize(
    ("zone", "expected"),
    [("UTC", "2026-07-01T12:00Z"), ("Europe/Berlin", "2026-07-01T10:00Z"), ("Asia/Seoul", "2026-07-01T03:00Z")],
)
def test_times_without_a_zone_are_read_in_the_pipelines(zone: str, expected: str) -> None:
    local = column([parse_time("2026-07-01T12:00").replace(tzinfo=None), None])
    assert as_utc(local, zone).to_pylist() == [parse_time(expected), None]


def test_dates_are_their_midnight() -> None:
    days = column([date(2026, 7, 1)])
    assert as_utc(days, "UTC").to_pylist() == [parse_time("2026-07-01")]
    assert as_utc(days, "Europe/Berlin").to_pylist() == [parse_time("2026-06-30T22:00")]


def test_of_the_hour_that_comes_twice_the_later_is_meant() -> None:
    twice = column([datetime.fromisoformat("2013-11-03T01:30")])
    assert as_utc(twice, "America/New_York").to_pylist() == [parse_time("2013-11-03T06:30")]


def test_a_time_that_the_clocks_skipped_is_refused_by_name() -> None:
    skipped = column([datetime.fromisoformat("2013-03-10T01:30"), datetime.fromisoformat("2013-03-10T02:30"), None])
    with pytest.raises(DataError, match="2013-03-10 02:30:00 does not exist in America/New_York"):
        as_utc(skipped, "America/New_York")


def test_an_unknown_zone_is_refused() -> None:
    with pytest.raises(ConfigError, match="'Mars/Olympus' is not a time zone"):
        as_utc(column([datetime.fromisoformat("2026-01-01")]), "Mars/Olympus")


@pytest.mark.parametrize("values", [[1], ["2026-01-01"], [1.5]])
def test_what_is_no_time_is_refused(values: list[Any]) -> None:
    with pytest.raises(SchemaError, match="not times"):
        as_utc(column(values), "UTC")


# --- numbers ---


@pytest.mark.parametrize(
    "given",
    [
        *[column([1, None, 0], kind) for kind in (pa.int8(), pa.uint64(), pa.float16(), pa.float32(), pa.float64())],
        column([True, None, False]),
        column([Decimal("1.00"), None, Decimal("0.00")], pa.decimal128(5, 2)),
        column([1, None, 0]).dictionary_encode(),
        pa.chunked_array([pa.ExtensionArray.from_storage(NUMERIC, pa.array(["1", None, "0"]))]),
        column([1.0, float("nan"), 0.0]),
    ],
)
def test_numbers_of_every_type_become_float64(given: pa.ChunkedArray) -> None:
    found = as_numbers(given)
    assert found.type == pa.float64()
    assert found.to_pylist() == [1.0, None, 0.0]


def test_a_column_of_nothing_is_numbers_without_values() -> None:
    assert as_numbers(column([None, None])).type == pa.float64()


def test_float64_is_handed_on_as_it_is() -> None:
    given = column([1.0, None, float("inf")])
    assert as_numbers(given) is given


def test_whole_numbers_beyond_what_a_float_can_hold_are_rounded() -> None:
    assert as_numbers(column([2**53 + 1])).to_pylist() == [float(2**53)]


@pytest.mark.parametrize("values", [["1.5"], [date(2026, 1, 1)], [[1]], [b"1"]])
def test_what_are_no_numbers_is_refused(values: list[Any]) -> None:
    with pytest.raises(SchemaError, match="not numbers"):
        as_numbers(column(values))


def test_text_is_read_as_numbers_where_that_is_wanted() -> None:
    assert as_numbers(column(["1.5", None, "-2e3"]), text=True).to_pylist() == [1.5, None, -2000.0]
    with pytest.raises(SchemaError, match="holds 'about 3', which is not a number"):
        as_numbers(column(["1.5", "about 3"]), text=True)


# --- text ---


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (column(["a", None], pa.large_string()), ["a", None]),
        (column(["a", None, "a"]).dictionary_encode(), ["a", None, "a"]),
        (column([3, None]), ["3", None]),
        (column([1.0, 1.5, np.nan, None]), ["1", "1.5", None, None]),
        (column([True, False]), ["true", "false"]),
        (column([Decimal("1.50")], pa.decimal128(5, 2)), ["1.50"]),
        (column([date(2026, 1, 1)]), ["2026-01-01"]),
        (column([None]), [None]),
    ],
)
def test_categories_of_every_plain_type_become_text(given: pa.ChunkedArray, expected: list[str | None]) -> None:
    found = as_text(given)
    assert found.type == pa.string()
    assert found.to_pylist() == expected


@pytest.mark.parametrize("values", [[[1]], [{"a": 1}], [b"x"]])
def test_what_has_no_plain_text_is_refused(values: list[Any]) -> None:
    with pytest.raises(SchemaError, match="not categories"):
        as_text(column(values))
