"""Columns as an estimator takes them."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from heliotrope.candidates import matrix
from heliotrope.errors import SchemaError


def test_numbers_of_every_type_become_one_contiguous_matrix() -> None:
    table = pa.table(
        {
            "f": pa.array([1.5, None], pa.float32()),
            "i": pa.array([1, None], pa.int8()),
            "b": pa.array([True, None]),
            "d": pa.array([Decimal("2.50"), None]),
            "n": pa.array([None, None], pa.null()),
        }
    )
    found = matrix.numbers(table, ("d", "b", "i", "f", "n"))
    np.testing.assert_array_equal(found, [[2.5, 1.0, 1.0, 1.5, np.nan], [np.nan] * 5])
    assert found.flags.c_contiguous
    assert found.dtype == np.float64


def test_chunks_are_joined_in_order() -> None:
    table = pa.concat_tables([pa.table({"x": [1.0, 2.0]}), pa.table({"x": [3.0]})])
    assert matrix.numbers(table, ("x",))[:, 0].tolist() == [1.0, 2.0, 3.0]


def test_a_column_without_numbers_is_named() -> None:
    with pytest.raises(SchemaError, match="column 'x' holds 'cold', which is not a number"):
        matrix.numbers(pa.table({"x": ["1", "cold"]}), ("x",))
    with pytest.raises(SchemaError, match="no single column 'xx'"):
        matrix.numbers(pa.table({"x": [1.0]}), ("xx",))


def test_a_frame_holds_numbers_and_text() -> None:
    table = pa.table({"n": [1, None], "c": pa.array(["p", None]).dictionary_encode(), "k": [1.0, 2.5]})
    frame = matrix.frame(table, {"n": "numeric", "c": "categorical", "k": "categorical"})
    assert list(frame.columns) == ["n", "c", "k"]
    assert frame["n"].dtype == np.float64
    assert frame["c"].tolist()[0] == "p"
    assert frame["c"].isna().tolist() == [False, True]
    assert frame["k"].tolist() == ["1", "2.5"]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC"])
def test_times_are_seconds_since_the_epoch(unit: str, zone: str | None) -> None:
    table = pa.table({"at": pa.array([0, 1], pa.timestamp("s")).cast(pa.timestamp(unit, zone))})
    assert matrix.seconds(table, "at").tolist() == [0.0, 1.0]


def test_times_keep_their_microseconds() -> None:
    table = pa.table({"at": pa.array([1_764_000_000_123_456], pa.timestamp("us", "UTC"))})
    assert matrix.seconds(table, "at")[0] == 1_764_000_000.123456


def test_what_is_no_time_is_refused() -> None:
    with pytest.raises(SchemaError, match="'at' holds int64"):
        matrix.seconds(pa.table({"at": [1]}), "at")
    with pytest.raises(SchemaError, match="'at' holds 1 nulls"):
        matrix.seconds(pa.table({"at": pa.array([None, 1], pa.timestamp("us", "UTC"))}), "at")
