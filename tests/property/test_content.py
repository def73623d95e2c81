"""What must hold of the content hash whatever the rows."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from heliotrope.content import content_hash

SCHEMA = pa.schema({"i": pa.int64(), "x": pa.float64(), "b": pa.bool_(), "c": pa.string()})
Row = tuple[int | None, float | None, bool | None, str | None]

rows = st.tuples(
    st.none() | st.integers(-(2**63), 2**63 - 1),
    st.none() | st.floats(),
    st.none() | st.booleans(),
    st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=4),
)
tables = st.lists(rows, max_size=12)


def table(of: list[Row]) -> pa.Table:
    columns: list[list[Any]] = [list(column) for column in zip(*of, strict=True)] or [[]] * len(SCHEMA)
    arrays = [pa.array(column, field.type, from_pandas=False) for column, field in zip(columns, SCHEMA, strict=True)]
    return pa.table(arrays, schema=SCHEMA)


def known(row: Row) -> tuple[object, ...]:
    """What counts as the row's value: one NaN, one zero."""
    x = row[1]
    return (row[0], "nan" if x is not None and x != x else x, row[2], row[3])


@given(of=tables, data=st.data())
@settings(max_examples=150, deadline=None)
def test_order_chunks_and_encoding_change_nothing(of: list[Row], data: st.DataObject) -> None:
    expected = content_hash(table(of))
    shuffled = table(data.draw(st.permutations(of)))
    cut = data.draw(st.integers(0, len(of)))
    again = pa.concat_tables([shuffled.slice(0, cut), shuffled.slice(cut)])
    assert content_hash(again) == expected
    encoded = again.set_column(3, "c", again["c"].dictionary_encode())
    assert content_hash(encoded) == expected


@given(one=tables, other=tables)
@settings(max_examples=150, deadline=None)
def test_hashes_are_equal_exactly_where_the_rows_are(one: list[Row], other: list[Row]) -> None:
    same = sorted(map(repr, map(known, one))) == sorted(map(repr, map(known, other)))
    if any(row[1] == 0 for row in (*one, *other)):  # repr tells -0.0 from 0.0
        zeroed = [
            [(row[0], row[1] + 0.0 if row[1] is not None else None, *row[2:]) for row in of] for of in (one, other)
        ]
        same = sorted(map(repr, map(known, zeroed[0]))) == sorted(map(repr, map(known, zeroed[1])))
    assert (content_hash(table(one)) == content_hash(table(other))) == same


@given(of=st.lists(rows, min_size=1, max_size=12), data=st.data())
@settings(max_examples=150, deadline=None)
def test_one_changed_value_changes_the_hash(of: list[Row], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(of) - 1))
    changed = list(of)
    changed[place] = data.draw(rows.filter(lambda row: known(row) != known(of[place])))
    assert content_hash(table(changed)) != content_hash(table(of))


@given(of=st.lists(rows, min_size=1, max_size=12), data=st.data())
@settings(max_examples=100, deadline=None)
def test_a_row_more_or_less_changes_the_hash(of: list[Row], data: st.DataObject) -> None:
    expected = content_hash(table(of))
    place = data.draw(st.integers(0, len(of) - 1))
    assert content_hash(table(of[:place] + of[place + 1 :])) != expected
    assert content_hash(table([*of, of[place]])) != expected
