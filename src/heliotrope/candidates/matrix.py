"""Arrow tables as estimators take them: a matrix of numbers, or a frame with categories."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa

from heliotrope.columns import as_numbers, as_text
from heliotrope.errors import SchemaError, nearest

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Kinds", "frame", "numbers", "seconds"]

Kinds = Mapping[str, Literal["numeric", "categorical"]]


def numbers(table: pa.Table, names: tuple[str, ...]) -> NDArray[np.float64]:
    """The columns as a C-contiguous matrix, (rows, columns); nulls are NaN.

    Raises SchemaError for a column that is missing or that holds no numbers.

    >>> numbers(pa.table({"x": [1, 2], "y": [True, None]}), ("x", "y"))
    array([[ 1.,  1.],
           [ 2., nan]])
    """
    matrix = np.empty((table.num_rows, len(names)))
    for place, name in enumerate(names):
        matrix[:, place] = _floats(_column(table, name), name)
    return matrix


def frame(table: pa.Table, kinds: Kinds) -> Any:
    """The features as a pandas data frame: numbers as float64 (nulls are NaN), categories as text."""
    import pandas as pd

    columns: dict[str, Any] = {}
    for name, kind in kinds.items():
        column = _column(table, name)
        if kind == "numeric":
            columns[name] = _floats(column, name)
        else:
            columns[name] = _named(as_text, column, name).to_pandas()
    return pd.DataFrame(columns)


def seconds(table: pa.Table, name: str) -> NDArray[np.float64]:
    """A column of timestamps as seconds since the Unix epoch, (rows,). Raises SchemaError for anything else."""
    column = _column(table, name)
    if not pa.types.is_timestamp(column.type) or column.null_count:
        held = f"{column.null_count} nulls" if pa.types.is_timestamp(column.type) else str(column.type)
        raise SchemaError(f"the time column {name!r} holds {held}", remedy="give every row a timestamp")
    since_epoch = column.cast(pa.timestamp("us", tz=column.type.tz), safe=False).to_numpy()
    return np.asarray(since_epoch.astype("datetime64[us]").astype(np.int64) / 1e6)


def _column(table: pa.Table, name: str) -> pa.ChunkedArray:
    try:
        return table.column(name)
    except KeyError:
        remedy = nearest(name, set(table.column_names))
        raise SchemaError(f"the rows have no single column {name!r}", remedy=remedy) from None


def _floats(column: pa.ChunkedArray, name: str) -> NDArray[np.float64]:
    if column.type != pa.float64():
        column = _named(as_numbers, column, name, text=True)
    return np.asarray(column.to_numpy(zero_copy_only=False), dtype=np.float64)


def _named(convert: Any, column: pa.ChunkedArray, name: str, **options: bool) -> pa.ChunkedArray:
    """The column converted, or an error that names it."""
    try:
        return convert(column, **options)
    except SchemaError as error:
        raise SchemaError(f"column {name!r} {error.message}", remedy=error.remedy) from None
