"""Parts of the rows, by the value of one feature: where a model does well, and where it does not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from heliotrope.report.canvas import short
from heliotrope.report.view import codes, numbers

if TYPE_CHECKING:
    from heliotrope.report.scene import Kind

__all__ = ["Slice", "most_uneven", "parts"]

_QUARTERS = 4
_MOST_VALUES = 5
_FEWEST_ROWS = 20


@dataclass(frozen=True, slots=True)
class Slice:
    """The rows of which one feature has some values, and what the champions' metric is on them."""

    feature: str
    value: str
    rows: int
    score: float


def parts(table: pa.Table, name: str, kind: Kind) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """The rows by a feature's quarter, or its values: what they are, and which, shape (rows,).

    A number is cut into quarters where it has more than five values, a category into its most frequent ones.

    Parts of fewer than 20 rows are left out, and so is a feature that has one part alone.

    >>> table = pa.table({"x": [float(i) for i in range(80)]})
    >>> [(label, int(mask.sum())) for label, mask in parts(table, "x", "numeric")]
    [('up to 19.75', 20), ('19.75 to 39.5', 20), ('39.5 to 59.25', 20), ('above 59.25', 20)]
    """
    found = list(_of_numbers(numbers(table, name)) if kind == "numeric" else _values(table, name))
    found = [(label, mask) for label, mask in found if np.count_nonzero(mask) >= _FEWEST_ROWS]
    if len(found) > 1:
        yield from found


def _of_numbers(values: NDArray[np.float64]) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    known = np.isfinite(values)
    few = np.unique(values[known])
    if not 0 < len(few) <= _MOST_VALUES:
        yield from _quarters(values)
        return
    for value in few:
        yield short(float(value)), values == value
    yield "none", ~known


def _quarters(values: NDArray[np.float64]) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    known = np.isfinite(values)
    if known.any():
        inner = np.unique(np.quantile(values[known], np.arange(1, _QUARTERS) / _QUARTERS))
        place = np.searchsorted(inner, values, side="left")
        for at in range(len(inner) + 1):
            yield _between(inner, at), known & (place == at)
    yield "none", ~known


def _between(inner: NDArray[np.float64], at: int) -> str:
    if at == 0:
        return f"up to {short(inner[0])}"
    if at == len(inner):
        return f"above {short(inner[-1])}"
    return f"{short(inner[at - 1])} to {short(inner[at])}"


def _values(table: pa.Table, name: str) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    column = table[name].combine_chunks()
    counted = sorted(column.value_counts().to_pylist(), key=lambda one: -one["counts"])
    named = tuple(str(one["values"]) for one in counted if one["values"] is not None)
    places = codes(table[name], named)
    for at, value in enumerate(named[:_MOST_VALUES]):
        yield value, places == at
    if len(named) > _MOST_VALUES:
        more = len(named) - _MOST_VALUES
        yield f"{more} other value{'s' if more > 1 else ''}", places >= _MOST_VALUES
    yield "none", places < 0


def most_uneven(found: Sequence[Slice], first: Sequence[str], most: int) -> tuple[Slice, ...]:
    """The slices of ``most`` features: those named first, then those between whose slices the score varies most.

    >>> found = [Slice("x", "1", 50, 0.9), Slice("x", "2", 50, 0.9), Slice("y", "1", 50, 0.5), Slice("y", "2", 50, 1.0)]
    >>> [one.feature for one in most_uneven(found, [], 1)]
    ['y', 'y']
    """
    by_feature: dict[str, list[Slice]] = {}
    for one in found:
        by_feature.setdefault(one.feature, []).append(one)

    def spread(name: str) -> float:
        scores = np.array([one.score for one in by_feature[name]])
        rows = np.array([one.rows for one in by_feature[name]], dtype=np.float64)
        return float(np.sqrt(np.average((scores - np.average(scores, weights=rows)) ** 2, weights=rows)))

    order = sorted(by_feature, key=lambda name: (name not in first, -spread(name)))
    return tuple(one for name in order[:most] for one in by_feature[name])
