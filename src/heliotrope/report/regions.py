"""The class a model predicts at every point of a plane: asked on a coarse grid, drawn at every pixel.

A model is asked at ``grid`` x ``grid`` points. Between them its probabilities are interpolated linearly and the
largest wins, so that a straight boundary comes out straight; a model without probabilities is taken to be sure of
each label it gives.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from heliotrope.report.palette import LEVELS, OTHER, tints
from heliotrope.report.view import codes, numbers

if TYPE_CHECKING:
    from heliotrope.report.scene import Levels, Limits, Predict, Scene

__all__ = ["grid_table", "paint", "shares"]

_AGREES = 0.99
_SAME = 1e-6


def grid_table(scene: Scene, x: str, y: str, limits: Limits, grid: int, levels: Levels = ((), ())) -> pa.Table:
    """``grid`` x ``grid`` rows in the types of the batch: every pair of values of ``x`` and ``y`` between ``limits``.

    ``x`` runs fastest. The time is the interval's start in every row; other features are at their median, or at their
    most frequent value; the target is left out. On an axis of few ``levels`` a model is asked at these alone: each
    point stands at the nearest.
    """
    along, up = (
        _nearest(np.linspace(low, high, grid), np.array(few)) for (low, high), few in zip(limits, levels, strict=True)
    )
    rows = grid * grid
    points = {x: np.tile(along, grid), y: np.repeat(up, grid)}
    names = [scene.table.schema.names[0], *scene.features]
    columns = [
        _column(scene.table.schema.field(name).type, points[name])
        if name in points
        else pa.repeat(_held(scene, name), rows)
        for name in names
    ]
    return pa.table(columns, names=names)


def _nearest(values: NDArray[np.float64], levels: NDArray[np.float64]) -> NDArray[np.float64]:
    if not len(levels):
        return values
    return np.asarray(levels[np.abs(values[:, None] - levels).argmin(axis=1)])


def _held(scene: Scene, name: str) -> pa.Scalar:
    """The one value of a column that is on no axis."""
    column = scene.table[name].combine_chunks()
    kind = column.type
    if name not in scene.features:
        return pa.scalar(scene.interval.start, type=kind)
    known = column.drop_null()
    if not len(known):
        return pa.scalar(None, type=kind)
    if scene.features[name] == "numeric" and not pa.types.is_boolean(kind):
        middle = float(np.nanmedian(numbers(scene.table, name)))
        return _column(kind, np.array([middle]))[0]
    counted = known.value_counts()
    return counted.field("values")[int(pc.index(counted.field("counts"), pc.max(counted.field("counts"))).as_py())]


def shares(predict: Predict, table: pa.Table, classes: tuple[str, ...]) -> tuple[NDArray[np.float32], bool]:
    """The share of each class at each row, as an array (rows, classes + 1), and whether they are probabilities.

    The last column stands for any class that is not in ``classes``. Probabilities are used only where they belong to
    the labels: one a class, the largest at the label predicted; else a label has the whole share.
    """
    labels, probabilities = predict(table)
    found = codes(labels, classes)
    shared = np.zeros((table.num_rows, len(classes) + 1), dtype=np.float32)
    if probabilities is not None and np.shape(probabilities) == (table.num_rows, len(classes)) and len(classes) > 1:
        given = np.asarray(probabilities, dtype=np.float32)
        likeliest = given[np.arange(len(found)), found] >= given.max(axis=1) - _SAME
        if np.isfinite(given).all() and likeliest.mean() >= _AGREES:
            shared[:, :-1] = given
            return shared, True
    shared[np.arange(len(found)), found] = 1.0
    return shared, False


def paint(
    shared: NDArray[np.float32], colours: list[str], height: int, width: int, *, shaded: bool
) -> NDArray[np.uint8]:
    """The picture of :func:`shares` on a grid as pixels (height, width, 3), the second axis upwards.

    Each class has its colour's tints, one for anything else; with ``shaded`` the tint is paler the less sure the
    model is, from even odds to certainty.
    """
    grid = round(len(shared) ** 0.5)
    best = np.zeros((height, width), dtype=np.float32)
    winner = np.zeros((height, width), dtype=np.uint8)
    for kind in range(shared.shape[1]):
        values = shared[:, kind].reshape(grid, grid)
        part = _reach(values >= 1.0 / shared.shape[1], height, width)
        share = _stretch(values, height, width, part)
        np.copyto(winner[part], np.uint8(kind), where=share > best[part])
        np.maximum(best[part], share, out=best[part])
    level: NDArray[np.uint8] | int = LEVELS - 2
    if shaded:
        even = 1.0 / (shared.shape[1] - 1)
        sure = (best - even) * (LEVELS / (1.0 - even))
        level = np.clip(sure, 0, LEVELS - 1).astype(np.uint8)
    flat = tints([*colours, OTHER]).reshape(-1, 3)
    return np.asarray(flat[winner.astype(np.intp) * LEVELS + level][::-1])


def _reach(near: NDArray[np.bool_], height: int, width: int) -> tuple[slice, slice]:
    """The rows and columns of pixels beside a grid point that is ``near``: no class wins elsewhere."""
    found = []
    for axis, pixels in ((1, height), (0, width)):
        at = np.flatnonzero(near.any(axis=axis))
        before, _ = _places(len(near), pixels)
        ends = np.searchsorted(before, (at[0] - 1, at[-1] + 1)) if len(at) else (0, 0)
        found.append(slice(int(ends[0]), int(ends[1])))
    return found[0], found[1]


def _stretch(values: NDArray[np.float32], height: int, width: int, part: tuple[slice, slice]) -> NDArray[np.float32]:
    """Values on a grid, linearly interpolated to some of the pixels.

    Not as a product of matrices: that would wake BLAS's threads.
    """
    (below, up), (left, right) = _places(len(values), height), _places(len(values), width)
    below, up, left, right = below[part[0]], up[part[0], None], left[part[1]], right[part[1]]
    wide = values[:, left] + right * (values[:, left + 1] - values[:, left])
    return np.asarray(wide[below] + up * (wide[below + 1] - wide[below]))


@lru_cache(maxsize=8)
def _places(grid: int, pixels: int) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """The grid point before each pixel's centre, and how far on the way to the next one it lies."""
    place = (np.arange(pixels) + 0.5) / pixels * (grid - 1)
    before = np.minimum(place.astype(np.intp), grid - 2)
    return before, (place - before).astype(np.float32)


def _column(kind: pa.DataType, values: NDArray[np.float64]) -> pa.Array:
    if pa.types.is_boolean(kind):
        return pa.array(values >= 0.5)
    if pa.types.is_unsigned_integer(kind):
        values = np.maximum(values, 0)
    if pa.types.is_integer(kind):
        values = np.rint(values)
    return pc.cast(pa.array(values), kind, safe=False)
