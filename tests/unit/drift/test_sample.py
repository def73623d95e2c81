"""Reading Arrow tables: every type a column may have, missing values, and sampling."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pytest

from heliotrope.drift.sample import Categories, Numbers, read, shuffle
from heliotrope.errors import SchemaError


def column(
    reference: Any, current: Any, kind: Literal["numeric", "categorical"], *, max_rows: int = 10**9
) -> Numbers | Categories:
    tables = pa.table({"x": reference}), pa.table({"x": current})
    return read(*tables, features={"x": kind}, target=None, max_rows=max_rows, seed=0).features["x"]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (pa.array([1, 2, 3], pa.int8()), [1.0, 2.0, 3.0]),
        (pa.array([True, False, True]), [1.0, 0.0, 1.0]),
        (pa.array([2**62, 0, 1]), [2.0**62, 0.0, 1.0]),
        (pa.array([0.5, None, 2.0], pa.float32()), [0.5, -np.inf, 2.0]),
        (pa.array([np.inf, np.nan, -np.inf]), [-np.inf, -np.inf, -np.inf]),
        (pa.array([Decimal("1.5"), None, Decimal("2.5")]), [1.5, -np.inf, 2.5]),
        (pa.array([None, None, None]), [-np.inf, -np.inf, -np.inf]),
        (pa.array([1.5, 2.5, 1.5]).dictionary_encode(), [1.5, 2.5, 1.5]),
        (pa.array([date(1970, 1, 1), date(1970, 1, 3), None]), [0.0, 2.0, -np.inf]),
        (pa.array([datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)] * 3, pa.timestamp("us", "UTC")), [1e6, 1e6, 1e6]),
        (pa.chunked_array([pa.array([1.0, 2.0]), pa.array([3.0])]), [1.0, 2.0, 3.0]),
    ],
)
def test_numbers_of_any_type_are_read_as_floats(values: Any, expected: list[float]) -> None:
    numbers = column(values, [0.0], "numeric")
    assert isinstance(numbers, Numbers)
    assert numbers.reference.tolist() == expected


@pytest.mark.parametrize(
    "values",
    [
        pa.array(["b", "a", None, "b"]),
        pa.array(["b", "a", None, "b"]).dictionary_encode(),
        pa.array(["b", "a", None, "b"], pa.large_string()),
        pa.array(["b", "a", None, "b"], pa.string_view()),
        pa.chunked_array([pa.array(["b", "a"]).dictionary_encode(), pa.array([None, "b"]).dictionary_encode()]),
        pa.DictionaryArray.from_arrays(pa.array([0, 1, 2, 0]), pa.array(["b", "a", None])),
    ],
)
def test_categories_are_codes_in_the_order_of_their_text_whatever_holds_them(values: Any) -> None:
    categories = column(values, ["a", "c"], "categorical")
    assert isinstance(categories, Categories)
    assert categories.count == 4  # a, b, c, missing
    assert categories.reference.tolist() == [1, 0, 3, 1]
    assert categories.current.tolist() == [0, 2]


@pytest.mark.parametrize("values", [[True, False], [1, 2], [date(2026, 1, 1), date(2026, 1, 2)], ["가", "'; --"]])
def test_categories_may_be_bools_numbers_dates_and_any_text(values: list[Any]) -> None:
    categories = column(values, values, "categorical")
    assert sorted(categories.reference.tolist()) == [0, 1]


def test_nan_among_categories_is_missing() -> None:
    assert column([1.0, float("nan")], [1.0], "categorical").reference.tolist() == [0, 1]


def test_a_column_that_is_absent_is_named_with_the_nearest() -> None:
    rows = pa.table({"price": [1.0]})
    with pytest.raises(SchemaError, match=r"column 'prise' is not in the rows \(did you mean 'price'\?\)"):
        read(rows, rows, features={"prise": "numeric"}, target=None, max_rows=10, seed=0)


@pytest.mark.parametrize("values", [pa.array(["a"]), pa.array([[1]]), pa.array([{"a": 1}])])
def test_text_and_nested_values_are_no_numbers(values: pa.Array) -> None:
    with pytest.raises(SchemaError, match=r"feature 'x' is .*, not numeric"):
        column(values, values, "numeric")


def test_nested_values_are_no_categories() -> None:
    with pytest.raises(SchemaError, match="column 'x' is list<item: int64>, which has no categories"):
        column(pa.array([[1]]), pa.array([[1]]), "categorical")


def test_a_large_reference_is_sampled_the_batch_is_not() -> None:
    values = np.arange(1000.0)
    numbers = column(values, values, "numeric", max_rows=100)
    assert (len(numbers.reference), len(numbers.current)) == (100, 1000)
    assert len(set(numbers.reference.tolist())) == 100
    assert 300 < numbers.reference.mean() < 700


def test_a_sample_keeps_the_rows_together() -> None:
    values = np.arange(1000)
    rows = pa.table({"x": values, "c": values.astype(str), "y": values.astype(str)})
    kinds: dict[str, Literal["numeric", "categorical"]] = {"x": "numeric", "c": "categorical"}
    sample = read(rows, rows, features=kinds, target="y", max_rows=50, seed=1)
    assert sample.target is not None
    texts = sorted(values.astype(str))
    assert [int(texts[code]) for code in sample.features["c"].reference] == sample.features["x"].reference.tolist()
    assert sample.target[1].reference.tolist() == sample.features["c"].reference.tolist()


def test_a_sample_holds_each_of_few_values_by_its_share() -> None:
    numbers = column(np.repeat([0.0, 1.0], [3000, 1000]), [0.0], "numeric", max_rows=400)
    assert 0.17 < numbers.reference.mean() < 0.33


def test_shuffling_gives_every_row_once_and_the_same_content_for_any_order() -> None:
    random = np.random.default_rng(0)
    values, codes = random.integers(0, 9, 500).astype(float), random.integers(0, 3, 500)
    order = random.permutation(500)
    first = shuffle([values, codes], np.random.default_rng(5), 500)
    second = shuffle([values[order], codes[order]], np.random.default_rng(5), 500)
    assert sorted(first.tolist()) == list(range(500))
    assert values[first].tolist() == values[order][second].tolist()
    assert codes[first].tolist() == codes[order][second].tolist()


def test_shuffling_takes_both_zeros_for_one() -> None:
    zeros, signed = np.array([0.0, 0.0, 1.0]), np.array([-0.0, 0.0, 1.0])
    assert (
        shuffle([zeros], np.random.default_rng(0), 3).tolist()
        == shuffle([signed], np.random.default_rng(0), 3).tolist()
    )
