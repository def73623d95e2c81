"""Two Arrow tables as arrays that detectors read: numbers as float64, categories as codes.

Null, NaN and infinite values are missing: minus infinity among numbers, the last code among categories.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from heliotrope.errors import SchemaError, nearest

__all__ = ["Categories", "Floats", "Indices", "Numbers", "Sample", "read", "shuffle"]

Array = NDArray[Any]
Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

_LEAST_EXPECTED = 5.0
_ODD = np.uint64(0x9E3779B97F4A7C15)
_HALF = np.uint64(32)


@dataclass(frozen=True, eq=False)
class Numbers:
    """One numeric feature on both sides, in the order of the rows; minus infinity where it is missing."""

    reference: Floats
    current: Floats

    def sampled(self, rows: Indices) -> Numbers:
        """With only these rows of the reference."""
        return Numbers(self.reference[rows], self.current)

    @cached_property
    def sorted_reference(self) -> Floats:
        """The reference in ascending order."""
        return np.sort(self.reference)

    @cached_property
    def sorted_current(self) -> Floats:
        """The batch in ascending order."""
        return np.sort(self.current)


@dataclass(frozen=True, eq=False)
class Categories:
    """One categorical column on both sides as codes ``0 .. count - 1``, in the order of the rows.

    Codes follow the sorted text of the values of both sides; the last code is a missing value.
    """

    reference: Indices
    current: Indices
    count: int

    def sampled(self, rows: Indices) -> Categories:
        """With only these rows of the reference."""
        return Categories(self.reference[rows], self.current, self.count)

    @cached_property
    def pooled(self) -> tuple[Floats, Floats]:
        """How many rows of each side every category has, rare ones taken together.

        Rare is a category of which fewer than five rows are to be expected on the smaller side were both sides
        alike (Cochran, 1954). Should even the rare ones together be fewer, the least of the others joins them.
        """
        counts = np.stack([np.bincount(side, minlength=self.count) for side in (self.reference, self.current)]).astype(
            float
        )
        counts = counts[:, counts.any(axis=0)]
        expected = counts.sum(axis=0) * (counts.sum(axis=1).min() / counts.sum())
        rare = expected < _LEAST_EXPECTED
        if rare.any():
            if expected[rare].sum() < _LEAST_EXPECTED and not rare.all():
                rare[np.argmin(np.where(rare, np.inf, expected))] = True
            counts = np.column_stack([counts[:, ~rare], counts[:, rare].sum(axis=1)])
        return counts[0], counts[1]


@dataclass(frozen=True, kw_only=True, eq=False)
class Sample:
    """A reference and a batch, column by column; ``target`` is None for a regression."""

    reference_rows: int
    current_rows: int
    features: Mapping[str, Numbers | Categories]
    target: tuple[str, Numbers | Categories] | None


def read(
    reference: pa.Table,
    current: pa.Table,
    *,
    features: Mapping[str, Literal["numeric", "categorical"]],
    target: str | None,
    max_rows: int,
    seed: int,
) -> Sample:
    """The columns of both tables, the reference sampled down to ``max_rows`` without regard to the rows' order.

    Raises SchemaError for a column that is absent or of a type that does not fit.
    """
    kinds = [*features.items(), *([] if target is None else [(target, "categorical")])]
    columns = [
        _numbers(reference, current, name) if kind == "numeric" else _categories(reference, current, name)
        for name, kind in kinds
    ]
    if reference.num_rows > max_rows:
        order = shuffle([column.reference for column in columns], np.random.default_rng(seed), reference.num_rows)
        columns = [column.sampled(order[:max_rows]) for column in columns]
    labels = None if target is None else (target, columns.pop())
    return Sample(
        reference_rows=min(reference.num_rows, max_rows),
        current_rows=current.num_rows,
        features=dict(zip(features, columns, strict=True)),
        target=labels,
    )


def shuffle(columns: Sequence[Array], random: np.random.Generator, rows: int) -> Indices:
    """Indices of all rows in an order drawn by ``random`` that depends on what the rows hold, not on their order.

    Rows are sorted by a 64-bit hash of their content, then permuted: a database may return the rows of one interval
    in any order, and a cycle that is run twice must still measure the same.
    """
    content = np.zeros(rows, dtype=np.uint64)
    for column in columns:
        # Adding zero makes the two zeros one.
        bits = (column + 0.0).view(np.uint64) if column.dtype == np.float64 else column.astype(np.uint64)
        content = (content ^ bits) * _ODD
        content ^= content >> _HALF
    order: Indices = np.argsort(content, kind="stable")[random.permutation(rows)]
    return order


def _column(table: pa.Table, name: str) -> pa.Array:
    if name not in table.column_names:
        raise SchemaError(f"column {name!r} is not in the rows", remedy=nearest(name, table.column_names))
    column = table.column(name)
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    return column.combine_chunks()


def _numbers(reference: pa.Table, current: pa.Table, name: str) -> Numbers:
    return Numbers(*(_floats(_column(table, name), name) for table in (reference, current)))


def _floats(column: pa.Array, name: str) -> Floats:
    kind = column.type
    if pa.types.is_temporal(kind) and not pa.types.is_interval(kind):
        column = column.cast(pa.int32() if kind.bit_width == 32 else pa.int64())
    elif pa.types.is_boolean(kind):
        column = column.cast(pa.int8())
    elif not (
        pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind) or pa.types.is_null(kind)
    ):
        raise SchemaError(
            f"feature {name!r} is {kind}, not numeric",
            remedy="name a column of numbers, or declare this one categorical",
        )
    # Not safe: a whole number beyond 2**53 may be rounded, which no detector can tell.
    column = column.cast(pa.float64(), safe=False)
    values: Floats = _values(column)
    present = np.isfinite(values) & ~_nulls(column)
    return values if present.all() else np.where(present, values, -np.inf)


def _values(column: pa.Array) -> Array:
    """An array's numbers, whatever stands in the place of a null; ``Array.to_numpy`` would import pandas for it."""
    plain = pa.Array.from_buffers(column.type, len(column), [None, column.buffers()[1]], offset=column.offset)
    values: Array = np.from_dlpack(plain)
    return values


def _nulls(column: pa.Array) -> NDArray[np.bool_]:
    return np.asarray(_values(column.is_null().cast(pa.uint8())), dtype=np.bool_)


def _categories(reference: pa.Table, current: pa.Table, name: str) -> Categories:
    encoded = [_encoded(_column(table, name), name) for table in (reference, current)]
    texts = sorted({text for _, values in encoded for text in values if text is not None})
    codes = {text: code for code, text in enumerate(texts)}
    missing = len(texts)
    sides = []
    for indices, values in encoded:
        # One more at the end, where an index of -1, a null, points to.
        code_of = np.array([missing if text is None else codes[text] for text in values] + [missing], dtype=np.intp)
        sides.append(code_of[indices])
    return Categories(sides[0], sides[1], missing + 1)


def _encoded(column: pa.Array, name: str) -> tuple[Indices, list[str | None]]:
    """The distinct values as text (None for NaN), and for every row the index of its own, -1 for null."""
    try:
        encoded = column.dictionary_encode()
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
        raise SchemaError(
            f"column {name!r} is {column.type}, which has no categories",
            remedy="use a column of text, numbers or bools",
        ) from None
    values = [None if value is None or value != value else str(value) for value in encoded.dictionary.to_pylist()]
    return np.where(_nulls(encoded.indices), -1, _values(encoded.indices)), values
