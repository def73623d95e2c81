"""The content hash: what counts as equal, and that everything else does not."""

from __future__ import annotations

import struct
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from heliotrope.content import content_hash, in_order
from heliotrope.interval import interval_at, parse_step, parse_time
from heliotrope.streams import make

HOUR = interval_at(parse_time("2026-11-22T05:00"), parse_step("1h"))


def of(values: Any, kind: pa.DataType | None = None, name: str = "c") -> str:
    """The hash of a table with one column."""
    column = values if isinstance(values, (pa.Array, pa.ChunkedArray)) else pa.array(values, kind)
    return content_hash(pa.table({name: column}))


def test_it_is_64_hexadecimal_digits() -> None:
    digest = content_hash(make("rotating_gaussians").batch(HOUR))
    assert len(digest) == 64
    assert set(digest) <= set("0123456789abcdef")


def test_it_is_the_same_in_every_release() -> None:
    # The ledger keeps hashes for years: a change of this value makes every stored batch look changed.
    table = pa.table(
        {
            "time": pa.array([0, 1], pa.timestamp("us", tz="UTC")),
            "x": [1.5, None],
            "n": [1, -1],
            "flag": [True, None],
            "class": ["A", "한국어"],
        }
    )
    assert content_hash(table) == "db26b6d93ae6e208d5323867e600d64685368ec23986d5f4867a76cdb89e9ce3"


def test_the_order_of_rows_does_not_matter() -> None:
    table = make("rotating_gaussians", seed=1).batch(HOUR)
    order = np.random.default_rng(1).permutation(table.num_rows)
    assert content_hash(table.take(order)) == content_hash(table)


def test_the_order_of_columns_does_not_matter_but_what_each_is_called_does() -> None:
    table = make("rotating_gaussians", rows=3).batch(HOUR)
    assert content_hash(table.select(["time", "y", "x", "class"])) == content_hash(table)
    assert content_hash(table.rename_columns(["time", "y", "x", "class"])) != content_hash(table)


def test_chunks_and_offsets_do_not_matter() -> None:
    table = make("rotating_gaussians", rows=10).batch(HOUR)
    cut = pa.concat_tables([table.slice(0, 7), table.slice(7, 0), table.slice(7)])
    assert cut["x"].num_chunks > 1
    assert content_hash(cut) == content_hash(table)


def test_the_way_text_is_stored_does_not_matter() -> None:
    values = ["b", "a", None, "b", ""]
    plain = of(values, pa.string())
    assert of(values, pa.large_string()) == plain
    assert of(values, pa.string_view()) == plain
    assert of(pa.array(values).dictionary_encode()) == plain
    assert of(pa.array(values, pa.dictionary(pa.int8(), pa.large_string()))) == plain


def test_dictionaries_with_other_orders_doubles_nulls_and_leftovers_are_equal() -> None:
    plain = of(["a", "b", None, "a"])
    for codes, names in (
        ([0, 1, None, 0], ["a", "b"]),
        ([1, 0, None, 1], ["b", "a", "unused"]),
        ([0, 1, 3, 2], ["a", "b", "a", None]),
    ):
        assert of(pa.DictionaryArray.from_arrays(pa.array(codes, pa.int8()), pa.array(names))) == plain


def test_chunks_with_dictionaries_of_their_own_are_equal() -> None:
    chunks = pa.chunked_array([pa.array(["a", "b"]).dictionary_encode(), pa.array(["b", "c"]).dictionary_encode()])
    assert of(chunks) == of(["a", "b", "b", "c"])


def test_a_dictionary_of_numbers_is_its_numbers() -> None:
    assert of(pa.array([1.5, None, -0.0]).dictionary_encode()) == of([1.5, None, 0.0])


def test_minus_zero_is_zero() -> None:
    assert of([-0.0]) == of([0.0])


def test_every_nan_is_the_same() -> None:
    odd = np.frombuffer(struct.pack("<Q", 0xFFF8000000000123), dtype=np.float64)
    assert np.isnan(odd[0])
    assert of(pa.array(odd)) == of([float("nan")])


def test_what_lies_under_a_null_does_not_matter() -> None:
    hidden = pa.Array.from_buffers(pa.float64(), 2, [pa.py_buffer(b"\x01"), pa.py_buffer(struct.pack("<dd", 1.0, 7.0))])
    assert hidden.to_pylist() == [1.0, None]
    assert of(hidden) == of([1.0, None])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        *[(None, float("nan")), (None, 0.0), (1.0, 1.0000000000000002), (float("inf"), float("-inf"))],
        *[(1.0, -1.0), (float("nan"), float("inf"))],
    ],
)
def test_numbers_that_differ_hash_differently(one: float | None, other: float | None) -> None:
    assert of([one, 5.0], pa.float64()) != of([other, 5.0], pa.float64())


@pytest.mark.parametrize(("one", "other"), [(None, ""), ("a", "b"), ("a", "a "), ("\u00e9", "e\u0301"), ("ab", "ba")])
def test_texts_that_differ_hash_differently(one: str | None, other: str | None) -> None:
    assert of([one], pa.string()) != of([other], pa.string())


def test_the_same_values_in_another_pairing_hash_differently() -> None:
    assert content_hash(pa.table({"a": [1, 2], "b": [3, 4]})) != content_hash(pa.table({"a": [1, 2], "b": [4, 3]}))
    assert content_hash(pa.table({"a": [1, 2], "b": [2, 1]})) != content_hash(pa.table({"a": [2, 1], "b": [2, 1]}))


def test_counts_names_and_types_matter() -> None:
    hashes = [
        *[of([1.0]), of([1.0, 1.0]), of([1.0, 1.0, 1.0]), of([], pa.float64()), of([1.0], name="d")],
        *[of([1], pa.int64()), of([1], pa.int32()), of([1.0], pa.float32()), of(["1"]), of([True])],
        *[of([1], pa.timestamp("us", tz="UTC")), of([1], pa.timestamp("us")), of([1], pa.timestamp("ns", tz="UTC"))],
        *[of([None], pa.int64()), of([None], pa.null()), of([None], pa.string()), of([b"1"], pa.binary())],
    ]
    assert len(set(hashes)) == len(hashes)


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (pa.bool_(), [True, False, None]),
        (pa.int8(), [-128, 127, None]),
        (pa.uint64(), [2**64 - 1, 0, None]),
        (pa.float16(), [np.float16(1.5), np.float16(2.5), None]),
        (pa.float32(), [1.5, 2.5, None]),
        (pa.date32(), [date(2026, 1, 1), date(1969, 1, 1), None]),
        (pa.time32("s"), [1, 2, None]),
        (pa.time64("us"), [1, 2, None]),
        (pa.duration("s"), [1, -2, None]),
        (pa.decimal128(5, 2), [Decimal("1.25"), Decimal("-1.25"), None]),
        (pa.binary(), [b"\x00", b"", None]),
        (pa.binary(2), [b"ab", b"ba", None]),
        (pa.list_(pa.int64()), [[1], [], None]),
        (pa.struct([("a", pa.int64())]), [{"a": 1}, {"a": None}, None]),
        (pa.opaque(pa.string(), "numeric", "PostgreSQL"), None),
    ],
)
def test_every_type_can_be_hashed_and_tells_its_values_apart(kind: pa.DataType, values: list[Any] | None) -> None:
    if values is None:
        arrays = [
            pa.ExtensionArray.from_storage(kind, pa.array([value], pa.string())) for value in ("1.0", "2.0", None)
        ]
    else:
        arrays = [pa.array([value], kind) for value in values]
    hashes = {of(array) for array in arrays}
    assert len(hashes) == 3
    both = pa.chunked_array(arrays)
    assert of(both) == of(pa.chunked_array(arrays[::-1]))


def test_tables_without_rows_or_columns_have_hashes() -> None:
    empty = pa.schema({"x": pa.float64(), "c": pa.dictionary(pa.int8(), pa.string())}).empty_table()
    assert content_hash(empty) == content_hash(
        pa.table({"x": pa.array([], pa.float64()), "c": pa.array([], pa.string())})
    )
    assert content_hash(pa.table({})) != content_hash(empty)


def test_rows_beyond_a_block_count_too() -> None:
    values = np.arange(70_000, dtype=np.float64)
    changed = values.copy()
    changed[-1] += 1
    assert of(pa.array(values)) != of(pa.array(changed))
    assert of(pa.array(values)) == of(pa.array(values[::-1]))


def test_names_cannot_be_mistaken_for_one_another() -> None:
    one = pa.table({"a int64\n'b'": pa.array([1]), "c": pa.array([1])})
    other = pa.table({"a": pa.array([1]), "b": pa.array([1])})
    assert content_hash(one) != content_hash(other)


def test_columns_beside_the_others_decide_the_order_of_equal_rows_and_nothing_else() -> None:
    rows = pa.table({"at": [1, 1, 1, 0], "x": [5.0, 5.0, 7.0, 5.0]})
    beside = pa.table({"z": [1.0, 2.0, 3.0, None]})
    plain, digest = in_order(rows, "at")
    both, same = in_order(rows, "at", beside)
    turned, again = in_order(rows.take([1, 0, 3, 2]), "at", beside.take([1, 0, 3, 2]))
    assert digest == same == again == content_hash(rows)
    assert both == turned
    assert both.select(["at", "x"]) == plain
