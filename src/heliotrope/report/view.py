"""What of a batch is shown: which kind of picture fits the problem, on which two axes, between which limits.

========== ================================================ =========================================
kind       when                                             what it shows
========== ================================================ =========================================
regions    two or more numeric features, and a model        the class predicted at every point, and the rows
classes    as that, no model                                the rows by class
confusion  fewer than two numeric features, and a model     rows counted by actual and predicted class
counts     as that, no model                                rows counted by class
fit        regression and a model                           predicted against actual values
target     regression, a numeric feature, no model          the target against the feature nearest to it
quantiles  regression, no numeric feature, no model         the target's values in order
========== ================================================ =========================================

With more than two features a picture is a cut through the regions: two numeric features are on its axes, the others are
held at their median, or their most frequent value, in the interval; the picture says so, and the rows that the model,
asked with all of their features, predicts wrongly are crossed. On the axes are the two features that drift most from
interval to interval or, where intervals are not told apart, the two that tell most about the target.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

if TYPE_CHECKING:
    from heliotrope.report.scene import Kind, Scene

__all__ = ["View", "choose_axes", "choose_limits", "codes", "most_drifting", "numbers", "view"]

_CELLS = 20
_HUGE = 1e290
_SAME = 1e-9


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """A kind of picture (see the table above) and the columns on its axes; empty where an axis is no column."""

    kind: str
    x: str = ""
    y: str = ""


def view(scene: Scene) -> View:
    """The picture that fits ``scene``, on its own axes if it names any."""
    axes = scene.axes or choose_axes(scene.table, scene.features, scene.target, scene.task)
    if scene.task == "regression":
        if scene.predict is not None:
            return View(kind="fit")
        return View(kind="target", x=axes[0], y=scene.target) if axes else View(kind="quantiles", y=scene.target)
    if len(axes) < 2:
        return View(kind="counts" if scene.predict is None else "confusion")
    return View(kind="classes" if scene.predict is None else "regions", x=axes[0], y=axes[1])


def choose_axes(table: pa.Table, features: Mapping[str, Kind], target: str, task: str) -> tuple[str, ...]:
    """The numeric features to show: at most two, those that tell most about the target.

    A feature tells as much as the share of its variance that lies between the classes (the correlation ratio), or
    the square of its correlation with a numeric target; of the second, only what it does not share with the first
    counts. With two features or fewer it is those, in their own order.
    """
    names = [name for name, kind in features.items() if kind == "numeric"]
    if len(names) <= (1 if task == "regression" else 2):
        return tuple(names)
    values = {name: numbers(table, name) for name in names}
    if task == "regression":
        actual = numbers(table, target)
        told = {name: _correlation(values[name], actual) ** 2 for name in names}
    else:
        labels = _own_codes(table, target)
        told = {name: _correlation_ratio(values[name], labels) for name in names}
    first = max(names, key=lambda name: told[name])
    others = {
        name: told[name] * (1 - _correlation(values[first], values[name]) ** 2) for name in names if name != first
    }
    return (first, max(others, key=lambda name: others[name]))


def most_drifting(
    table: pa.Table, features: Mapping[str, Kind], parts: NDArray[np.int64], count: int = 2
) -> tuple[str, ...]:
    """The numeric features that drift most from part to part of the table; ``parts``, shape (rows,), counts them up.

    A feature drifts as much as the share of its variance that lies between two parts that follow each other (the
    correlation ratio), on average over all such pairs: one that jumps once drifts less than one that never rests.
    """
    names = [name for name, kind in features.items() if kind == "numeric"]
    bounds = np.searchsorted(parts, np.arange(int(parts[-1]) + 2))
    pairs = [slice(bounds[at], bounds[at + 2]) for at in range(len(bounds) - 2)]
    moved = {}
    for name in names:
        values = numbers(table, name)
        moved[name] = sum(_correlation_ratio(values[pair], parts[pair]) for pair in pairs)
    chosen = sorted(names, key=lambda name: -moved[name])[:count]
    return tuple(name for name in names if name in chosen)


def choose_limits(values: NDArray[np.float64]) -> tuple[float, float]:
    """Round limits that hold nearly all of ``values``: the middle 98 in 100 and a quarter of their range either side.

    >>> choose_limits(np.linspace(-4.2, 4.3, 300))
    (-7.0, 7.0)
    >>> choose_limits(np.array([]))
    (0.0, 1.0)
    """
    finite = np.clip(values[np.isfinite(values)], -_HUGE, _HUGE)
    if not len(finite):
        return (0.0, 1.0)
    low, high = (float(end) for end in np.quantile(finite, (0.01, 0.99)))
    size = max(abs(low), abs(high))
    margin = (high - low) / 4
    if margin <= max(size * _SAME, 1 / _HUGE):  # all the same, as far as can be drawn
        margin = size / 2 if size > 1 / _HUGE else 1.0
    step = _round_step((high - low + 2 * margin) / _CELLS)
    below, above = math.floor((low - margin) / step) * step, math.ceil((high + margin) / step) * step
    return (float(f"{below:.12g}"), float(f"{above:.12g}"))


def numbers(table: pa.Table, name: str) -> NDArray[np.float64]:
    """A numeric column as floats, NaN where it is null."""
    column = table[name].combine_chunks()
    if pa.types.is_null(column.type):
        return np.full(len(column), np.nan)
    return np.asarray(pc.cast(column, pa.float64(), safe=False).to_numpy(zero_copy_only=False))


def codes(labels: Any, classes: tuple[str, ...]) -> NDArray[np.int64]:
    """The place of each label's text in ``classes``; -1 for null and for what is not among them.

    ``labels`` is an Arrow column or a sequence of any kind of label.

    >>> codes(np.array([2, 3, 2]), ("2",)).tolist()
    [0, -1, 0]
    """
    if isinstance(labels, pa.ChunkedArray):
        labels = labels.combine_chunks()
    if not isinstance(labels, pa.Array):
        try:
            labels = pa.array(labels)
        except (pa.ArrowInvalid, pa.ArrowTypeError):  # of several types
            labels = pa.array([None if label is None else str(label) for label in labels], pa.string())
    encoded = labels if pa.types.is_dictionary(labels.type) else pc.dictionary_encode(labels)
    place = {name: i for i, name in enumerate(classes)}
    known = np.array([place.get(str(value), -1) for value in encoded.dictionary.to_pylist()] + [-1], dtype=np.int64)
    return np.asarray(known[np.asarray(encoded.indices.fill_null(len(known) - 1))])


def _own_codes(table: pa.Table, target: str) -> NDArray[np.int64]:
    names = tuple(str(value) for value in pc.unique(table[target]).to_pylist() if value is not None)
    return codes(table[target], names)


def _correlation_ratio(values: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    used = np.isfinite(values) & (labels >= 0)
    values, labels = values[used], labels[used]
    if not len(values):
        return 0.0
    rows = np.bincount(labels)
    sums = np.bincount(labels, weights=values - values.mean())
    between, total = float((sums[rows > 0] ** 2 / rows[rows > 0]).sum()), float(((values - values.mean()) ** 2).sum())
    return between / total if total > 0 else 0.0


def _correlation(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    used = np.isfinite(first) & np.isfinite(second)
    first, second = first[used] - first[used].mean() if used.any() else first[used], second[used]
    if not len(first):
        return 0.0
    second = second - second.mean()
    scale = math.sqrt(float(first @ first) * float(second @ second))
    return float(first @ second) / scale if scale > 0 else 0.0


def _round_step(size: float) -> float:
    """The smallest of 1, 2, 5 times a power of ten that is not below ``size``."""
    power = 10.0 ** math.floor(math.log10(size))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= size * 0.999999)
