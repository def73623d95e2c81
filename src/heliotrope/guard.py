"""Guards: what a challenger may not be worse in, however good it is by the pipeline's own metric. Pure: no I/O.

They compare one interval's numbers as they are, without a test: a margin is how much is borne, chance included.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from heliotrope.config.gate import Guard, Slice

    Floats = NDArray[np.float64]

__all__ = ["of_metrics", "of_slices"]

_LOWER_IS_BETTER = frozenset({"log_loss", "brier", "mae", "rmse"})


def of_metrics(guards: Sequence[Guard], champion: Mapping[str, float], challenger: Mapping[str, float]) -> list[str]:
    """Why the challenger is kept out: the metrics in which it is worse than the champion by more than the margin.

    A metric that the champion has not on these rows guards nothing; one that only the champion has keeps out.

    >>> from heliotrope.config.gate import Guard
    >>> of_metrics([Guard(metric="log_loss", margin=0.02)], {"log_loss": 0.10}, {"log_loss": 0.15})
    ['its log_loss is 0.15, the champion has 0.1, and 0.02 worse is borne']
    """
    said = []
    for guard in guards:
        name, was = guard.metric, champion.get(guard.metric)
        if was is None:
            continue
        now = challenger.get(name)
        if now is None:
            said.append(f"it has no {name}, which is guarded")
        elif (now - was if name in _LOWER_IS_BETTER else was - now) > guard.margin:
            said.append(f"its {name} is {now:.4g}, the champion has {was:.4g}, and {guard.margin:g} worse is borne")
    return said


def of_slices(slices: Sequence[Slice], table: pa.Table, gains: Floats, *, scale: float) -> list[str]:
    """Why the challenger is kept out: the values of a column at whose rows its mean loss is greater by too much.

    ``gains``, shape (rows,), are the champion's losses minus its own; values with few rows are passed over. The worst
    value of a column is named, and how many there are.

    >>> import pyarrow as pa
    >>> from heliotrope.config.gate import Slice
    >>> table = pa.table({"shop": ["a"] * 50 + ["b"] * 50})
    >>> gains = np.repeat([0.1, -0.2], 50)
    >>> of_slices([Slice(column="shop", min_rows=30, margin=0.05)], table, gains, scale=1.0)
    ["where 'shop' is b it loses 0.2 more over 50 rows, and 0.05 is borne"]
    """
    said = []
    for one in slices:
        encoded = table[one.column].combine_chunks().dictionary_encode(null_encoding="encode")
        places = encoded.indices.to_numpy(zero_copy_only=False)
        rows = np.bincount(places, minlength=len(encoded.dictionary))
        worse = -np.bincount(places, weights=gains, minlength=len(rows)) / np.maximum(rows, 1)
        bad = np.flatnonzero((rows >= one.min_rows) & (worse > one.margin * scale))
        if len(bad):
            worst = int(bad[np.argmax(worse[bad])])
            also = f"; {len(bad)} values of it are too bad" if len(bad) > 1 else ""
            said.append(
                f"where {one.column!r} is {encoded.dictionary[worst].as_py()} it loses {worse[worst]:.4g} more over "
                f"{rows[worst]} rows, and {one.margin * scale:.4g} is borne{also}"
            )
    return said
