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

A feature of few values (:func:`levels_of`: yes and no, a grade, an hour of the day) makes stripes of a picture: it is
on an axis only where too few others are. Its points are then spread about its values, and a model is asked at these
alone.
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
    from heliotrope.report.scene import Kind, Levels, Scene

__all__ = ["View", "choose_axes", "choose_limits", "codes", "levels_of", "most_drifting", "numbers", "view"]

_CELLS = 20
_HUGE = 1e290
_SAME = 1e-9
_FEW = 24
_EACH = 4
"""Rows that each of few values has on average, or the column has as many values as it has rows."""
_BESIDE = 0.6
"""Room beside the outermost of few values, in shares of the least step between them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """A kind of picture (see the table above) and the columns on its axes; empty where an axis is no column."""

    kind: str
    x: str = ""
    y: str = ""
    levels: Levels = ((), ())


def view(scene: Scene) -> View:
    """The picture that fits ``scene``, on its own axes if it names any."""
    axes = scene.axes or choose_axes(scene.table, scene.features, scene.target, scene.task)
    levels = scene.levels
    if scene.axes is None:
        first, second = (*(levels_of(numbers(scene.table, name)) for name in axes[:2]), (), ())[:2]
        levels = (first, second)
    if scene.task == "regression":
        if scene.predict is not None:
            return View(kind="fit")
        return (
            View(kind="target", x=axes[0], y=scene.target, levels=(levels[0], ()))
            if axes
            else View(kind="quantiles", y=scene.target)
        )
    if len(axes) < 2:
        return View(kind="counts" if scene.predict is None else "confusion")
    return View(kind="classes" if scene.predict is None else "regions", x=axes[0], y=axes[1], levels=levels)


def choose_axes(table: pa.Table, features: Mapping[str, Kind], target: str, task: str) -> tuple[str, ...]:
    """The numeric features to show: at most two, those that tell most about the target.

    A feature tells as much as the share of its variance that lies between the classes (the correlation ratio), or
    the square of its correlation with a numeric target; of the second, only what it does not share with the first
    counts. Features of few values come after all others. With two features or fewer it is those, in their own order.
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
    few = {name for name in names if levels_of(values[name])}
    first = max(names, key=lambda name: (name not in few, told[name]))
    others = {
        name: told[name] * (1 - _correlation(values[first], values[name]) ** 2) for name in names if name != first
    }
    return (first, max(others, key=lambda name: (name not in few, others[name])))


def most_drifting(
    table: pa.Table, features: Mapping[str, Kind], parts: NDArray[np.int64], count: int = 2
) -> tuple[str, ...]:
    """The numeric features that drift most from part to part of the table; ``parts``, shape (rows,), counts them up.

    A feature drifts as much as the share of its variance that lies between two parts that follow each other (the
    correlation ratio), on average over all such pairs: one that jumps once drifts less than one that never rests.
    Features of few values come after all others.
    """
    names = [name for name, kind in features.items() if kind == "numeric"]
    bounds = np.searchsorted(parts, np.arange(int(parts[-1]) + 2))
    pairs = [slice(bounds[at], bounds[at + 2]) for at in range(len(bounds) - 2)]
    order = {}
    for name in names:
        values = numbers(table, name)
        order[name] = (bool(levels_of(values)), -sum(_correlation_ratio(values[pair], parts[pair]) for pair in pairs))
    chosen = sorted(names, key=lambda name: order[name])[:count]
    return tuple(name for name in names if name in chosen)


def levels_of(values: NDArray[np.float64]) -> tuple[float, ...]:
    """The values of a feature that has few: at most 24, each in four rows on average; empty where it has more.

    >>> levels_of(np.array([1.0, 0.0, np.nan, 1.0, 1.0, 0.0, 0.0, 1.0, 0.0]))
    (0.0, 1.0)
    >>> levels_of(np.linspace(0, 1, 100))
    ()
    """
    finite = values[np.isfinite(values)]
    found = np.unique(finite)
    few = 0 < len(found) <= _FEW and len(found) * _EACH <= len(finite)
    return tuple(float(value) for value in found) if few else ()


def choose_limits(
    values: NDArray[np.float64], *, room: float = 0.25, levels: tuple[float, ...] = ()
) -> tuple[float, float]:
    """Round limits that hold nearly all of ``values``: the middle 98 in 100 and a share of their range either side.

    Where there are ``levels`` it is all of them, and a little more than half a step either side.

    >>> choose_limits(np.linspace(-4.2, 4.3, 300))
    (-7.0, 7.0)
    >>> choose_limits(np.array([]))
    (0.0, 1.0)
    """
    finite = np.clip(values[np.isfinite(values)], -_HUGE, _HUGE)
    if levels and max(map(abs, levels)) < _HUGE:
        beside = _BESIDE * (float(np.diff(levels).min()) if len(levels) > 1 else 1.0)
        if levels[0] - beside < levels[0] and levels[-1] < levels[-1] + beside:  # else they are one, as far as is drawn
            return (levels[0] - beside, levels[-1] + beside)
    if not len(finite):
        return (0.0, 1.0)
    low, high = (float(end) for end in np.quantile(finite, (0.01, 0.99)))
    size = max(abs(low), abs(high))
    margin = (high - low) * room
    if margin <= max(size * _SAME, 1 / _HUGE):  # all the same, as far as can be drawn
        margin = size / 2 if size > 1 / _HUGE else 1.0
    step = _round_step((high - low + 2 * margin) / _CELLS)
    below, above = math.floor((low - margin) / step) * step, math.ceil((high + margin) / step) * step
    if finite.min() >= 0 > below:  # what is never negative needs no room below zero but for the points at zero
        below = -step
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
