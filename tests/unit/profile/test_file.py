"""A file is looked at as a table is, before any database has its rows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

from heliotrope.errors import ConfigError, DataError, HeliotropeError, SchemaError
from heliotrope.profile import look_into
from heliotrope.profile.file import _File

ROWS = 2400
COLUMNS: dict[str, Any] = {
    "at": pa.array([datetime(2026, 1, 5, tzinfo=UTC) + timedelta(minutes=15 * i) for i in range(ROWS)]),
    "id": range(ROWS),
    "shop_id": [i % 12 for i in range(ROWS)],
    "note": [f"note {i}" for i in range(ROWS)],
    "version": ["a"] * ROWS,
    "nothing": pa.nulls(ROWS),
    "price": [None if i % 10 == 0 else i / 7 for i in range(ROWS)],
    "member": [i % 5 == 0 for i in range(ROWS)],
    "late": ["yes" if i % 4 == 0 else "no" for i in range(ROWS)],
}


@pytest.fixture(params=["rows.csv", "rows.parquet"])
def file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return write(tmp_path / request.param, COLUMNS)


def write(path: Path, columns: dict[str, Any]) -> Path:
    table = pa.table(columns)
    if path.suffix == ".csv":
        pyarrow.csv.write_csv(table, path)
    else:
        pyarrow.parquet.write_table(table, path)
    return path


def test_features_target_and_interval_are_found(file: Path) -> None:
    found = look_into(file, "rows", target="late")
    assert [(one.name, one.type) for one in found.features] == [
        *(("shop_id", "int8"), ("price", "float8"), ("member", "bool")),
    ]
    assert found.left_out == {
        "id": "an id: every row has its own",
        "note": "an id: every row has its own",
        "version": "the same in every row",
        "nothing": "null in every row",
    }
    assert (found.table, found.path, found.rows) == ("rows", str(file), ROWS)
    assert (found.time.name, found.time.type) == ("at", "timestamptz")
    assert (found.task, found.classes) == ("classification", {"no": 1800, "yes": 600})
    assert (found.step.length, found.step.rows, found.step.intervals) == (timedelta(days=1), 96, 25)
    assert (found.first, found.last) == (datetime(2026, 1, 5, tzinfo=UTC), datetime(2026, 1, 29, 23, 45, tzinfo=UTC))
    assert {one.name: one.nulls for one in found.features}["price"] == 240


def test_labels_are_the_texts_that_the_table_will_have(tmp_path: Path) -> None:
    file = write(tmp_path / "rows.csv", {**COLUMNS, "late": [i % 2 for i in range(ROWS)]})
    assert look_into(file, "rows", target="late").classes == {"0": 1200, "1": 1200}
    assert set(look_into(file, "rows", target="member").classes) == {"true", "false"}
    assert look_into(file, "rows", target="price").task == "regression"


def test_rows_need_not_be_in_order_of_time(tmp_path: Path) -> None:
    file = write(tmp_path / "rows.csv", {name: list(values)[::-1] for name, values in COLUMNS.items()})
    found = look_into(file, "rows", target="late")
    assert found.first < found.last
    assert found.rows == ROWS


@pytest.mark.parametrize(
    ("columns", "asked", "error", "said"),
    [
        ({"x": [1, 2], "y": [1, 2]}, {}, SchemaError, "has no timestamptz, timestamp or date column"),
        ({"at": COLUMNS["at"], "x": range(ROWS), "y": [1] * ROWS}, {"target": "y"}, ConfigError, "y holds one value"),
        (COLUMNS, {"target": "z"}, SchemaError, "has no column 'z'"),
        (COLUMNS, {"time": "note"}, SchemaError, "is of type text, not a time"),
        ({"at": pa.array([], pa.timestamp("s")), "x": pa.array([], pa.int64())}, {}, HeliotropeError, "rows"),
    ],
)
def test_what_cannot_be_is_said(
    tmp_path: Path, columns: dict[str, Any], asked: dict[str, Any], error: type[HeliotropeError], said: str
) -> None:
    with pytest.raises(error, match=said) as caught:
        look_into(write(tmp_path / "rows.csv", columns), "rows", **asked)
    assert caught.value.remedy


@pytest.mark.parametrize("content", [b"", b"\0\xff" * 100, b"PAR1 and no more", b"a,a\n1,2\n"])
def test_what_is_no_table_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(content)
    with pytest.raises((DataError, SchemaError), match=r"rows\.csv"):
        look_into(path, "rows")


def test_a_quoted_value_with_a_line_break_ends_nothing(tmp_path: Path) -> None:
    """Not even where one lies at the end of a block of the file."""
    lines = [
        f'2026-03-01T{place % 24:02d}:00Z,{place}.5,"two\nlines",{"ab"[place % 2]},{"" if place % 10 == 0 else "c"}'
        for place in range(40_000)
    ]
    path = tmp_path / "clicks.csv"
    path.write_text("\n".join(["at,x,said,bought,shop", *lines]) + "\n", encoding="utf-8")
    (shop,) = (one for one in _File(path).columns() if one.name == "shop")
    assert (shop.values, shop.nulls) == (36_000, 4_000)
