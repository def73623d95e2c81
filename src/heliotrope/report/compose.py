"""From a scene to a drawing: each kind of picture (:mod:`heliotrope.report.view`) says what it shows and leaves out."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from heliotrope.report import palette
from heliotrope.report.caption import caption, title
from heliotrope.report.drawing import Drawing, Layout, Points
from heliotrope.report.fonts import legible
from heliotrope.report.names import MOST_CLASSES, shortened
from heliotrope.report.palette import Look, looks
from heliotrope.report.regions import grid_table, paint, shares
from heliotrope.report.scene import Levels, Limits, Scene
from heliotrope.report.view import View, choose_limits, codes, numbers, view

__all__ = ["MOST_POINTS", "ROOM", "compose"]

MOST_POINTS = 2000
"""A picture shows no more rows than this; of more, so many drawn at random."""

ROOM = 0.1
"""Beside the values of a regression, in shares of their range: there are no regions to be seen."""
_MOST_ASKED = 60
"""Points along an axis where a model has more features than two, and takes longer to answer."""
_MOST_COUNTED = 20_000
_SPREAD = 0.28
"""How far points are spread about the values of a feature that has few, in shares of the least step."""
_MOST_NUMBERED = 12
_OTHER = Look(palette.OTHER, "o")
_WRONG = Look(palette.INK, "x")


def compose(scene: Scene, grid: int) -> Drawing:
    """The drawing that fits ``scene``; a model is asked at ``grid`` points along each axis where regions are drawn."""
    shown = view(scene)
    if shown.kind in ("confusion", "counts"):
        return _matrix(scene, _sample(scene.table, _MOST_COUNTED), counted=shown.kind == "confusion")
    rows = _sample(scene.table, MOST_POINTS)
    if scene.task == "regression":
        return _values(scene, shown, rows)
    return _classes(scene, shown, rows, grid)


def _classes(scene: Scene, shown: View, rows: pa.Table, grid: int) -> Drawing:
    """Rows by class on two features, with the predicted regions or with crosses on the wrong ones."""
    named = scene.classes[:MOST_CLASSES]
    offsets = np.column_stack([numbers(rows, shown.x), numbers(rows, shown.y)])
    actual = codes(rows[scene.target], named)
    limits = scene.limits or _limits(offsets, shown.levels)
    offsets = _spread(offsets, shown.levels)
    inside = _inside(offsets, limits)
    legend = _legend(scene, actual, rows[scene.target].null_count)
    says, pixels, crosses = "Points: the rows by class.", None, None
    others = len(scene.features) - 2
    if shown.kind == "regions" and scene.predict is not None and others:
        crosses = offsets[_wrong(scene, rows) & inside]
        legend.append(("predicted wrongly", _WRONG))
    heading = f"{legible(scene.target, 14)}:"
    layout = Layout(*_named(shown), limits, heading, tuple(legend), levels=shown.levels)
    if shown.kind == "regions" and scene.predict is not None:
        asked = grid_table(scene, shown.x, shown.y, limits, min(grid, _MOST_ASKED) if others else grid, shown.levels)
        shared, sure = shares(scene.predict, asked, scene.classes)
        shared = np.column_stack([shared[:, : len(named)], shared[:, len(named) :].sum(axis=1)])
        pixels = paint(shared, [hue for hue, _ in looks(len(named))], layout.side, layout.side, shaded=sure)
        paler = ", paler where less sure" if sure else ""
        says = f"Regions: the predicted class{paler}. {says}"
        if others:
            which = "the 2 features that drift most" if scene.drifting else f"2 of {len(scene.features)} features"
            says = f"Regions: the predicted class over {which}{paler}. {_cut(scene, others)}"
    return Drawing(
        layout=layout,
        title=title(scene.interval),
        subtitle=" ".join([says, *_left_out(scene.table, rows, inside)]),
        caption=caption(scene),
        pixels=pixels,
        points=_points(offsets[inside], actual[inside], looks(len(named))),
        crosses=crosses,
    )


def _values(scene: Scene, shown: View, rows: pa.Table) -> Drawing:
    """A regression: predicted against actual values, or the target alone."""
    actual = numbers(rows, scene.target)
    if shown.kind == "fit" and scene.predict is not None:
        predicted = np.asarray(scene.predict(rows.drop_columns([scene.target]))[0], dtype=np.float64)
        offsets, names = np.column_stack([actual, predicted]), (f"actual {scene.target}", f"predicted {scene.target}")
        says = "Points: one row each; on the dashed line the prediction is right."
        both = choose_limits(offsets.ravel(), room=ROOM)
        limits = scene.limits or (both, both)
    elif shown.kind == "target":
        offsets, names = np.column_stack([numbers(rows, shown.x), actual]), _named(shown)
        says = f"Points: one row each, the target against {_one_of(scene)}."
        limits = scene.limits or _limits(offsets, shown.levels, ROOM)
        offsets = _spread(offsets, shown.levels)
    else:
        share = (np.arange(len(actual)) + 0.5) / max(len(actual), 1)
        offsets, names = np.column_stack([share, np.sort(actual)]), ("share of the rows", scene.target)
        says = "Points: the target's values in order."
        limits = scene.limits or ((0.0, 1.0), choose_limits(actual, room=ROOM))
    layout = Layout(*names, limits, diagonal=shown.kind == "fit", levels=shown.levels)
    inside = _inside(offsets, limits)
    return Drawing(
        layout=layout,
        title=title(scene.interval),
        subtitle=" ".join([says, *_left_out(scene.table, rows, inside)]),
        caption=caption(scene),
        points=_points(offsets[inside], np.zeros(np.count_nonzero(inside), dtype=np.int64), looks(1)),
    )


def _matrix(scene: Scene, rows: pa.Table, *, counted: bool) -> Drawing:
    """Rows counted by actual class and, where there is a model, by predicted class."""
    named = scene.classes[:MOST_CLASSES] or ("",)
    actual = codes(rows[scene.target], named)
    predicted: NDArray[np.int64] = np.zeros(len(actual), dtype=np.int64)
    across: tuple[str, ...] = ("rows",)
    if counted and scene.predict is not None:
        predicted = codes(scene.predict(rows.drop_columns([scene.target]))[0], named)
        across = named
    known = (actual >= 0) & (predicted >= 0)
    others = [] if known.all() else [f"{np.count_nonzero(~known):,} rows of other classes."]
    count = np.zeros((len(named), len(across)), dtype=np.int64)
    np.add.at(count, (actual[known], predicted[known]), 1)
    limits = ((-0.5, len(across) - 0.5), (len(named) - 0.5, -0.5))
    labels = (f"predicted {scene.target}", f"actual {scene.target}") if counted else ("", scene.target)
    up = shortened(named)
    layout = Layout(*labels, limits, across=up if counted and scene.predict is not None else across, up=up)
    says = "Rows counted by actual and predicted class; right ones on the diagonal." if counted else "Rows by class."
    says += " Darker: more rows."
    return Drawing(
        layout=layout,
        title=title(scene.interval),
        subtitle=" ".join([says, *_left_out(scene.table, rows), *others]),
        caption=caption(scene),
        pixels=_shade(count, layout.side),
        cells=tuple((float(x), float(y), f"{count[y, x]:,}") for y, x in np.ndindex(*count.shape))
        if len(named) <= _MOST_NUMBERED
        else (),
    )


def _legend(scene: Scene, actual: NDArray[np.int64], unlabelled: int) -> list[tuple[str, Look]]:
    """An entry a class, and one for the rows that are of none that is named, or have no label."""
    names = shortened(scene.classes)
    entries = list(zip(names, looks(len(names)), strict=True))
    left_out, grey = len(scene.classes) - len(names), np.count_nonzero(actual < 0)
    if left_out:
        entries.append((f"{left_out} more classes", _OTHER))
    elif grey:
        entries.append(("no label" if grey == unlabelled else "other, or no label" if unlabelled else "others", _OTHER))
    return entries


def _cut(scene: Scene, others: int) -> str:
    """That the axes stay, and what becomes of the features that are on none."""
    fixed = "The same axes in every picture; " if scene.axes is not None else ""
    held = "median" if set(scene.features.values()) == {"numeric"} else "usual value"
    said = f"{fixed}{others} other{'s' if others > 1 else ''} at {'their' if others > 1 else 'its'} {held}."
    return said[0].upper() + said[1:]


def _one_of(scene: Scene) -> str:
    if len(scene.features) == 1:
        return "the feature"
    fixed = ", the same in every picture" if scene.axes is not None else ""
    return f"the one of {len(scene.features)} features that tells most about it{fixed}"


def _limits(offsets: NDArray[np.float64], levels: Levels, room: float = 0.25) -> Limits:
    first, second = (choose_limits(offsets[:, at], room=room, levels=levels[at]) for at in (0, 1))
    return first, second


def _spread(offsets: NDArray[np.float64], levels: Levels) -> NDArray[np.float64]:
    """Points moved a little, at random, along an axis of few values, on which many would hide each other."""
    rng = np.random.default_rng(0)
    moved = offsets.copy()
    for at, few in enumerate(levels):
        if few:
            step = float(np.diff(few).min()) if len(few) > 1 else 1.0
            moved[:, at] += rng.uniform(-_SPREAD * step, _SPREAD * step, len(moved))
    return moved


def _named(shown: View) -> tuple[str, str]:
    """The names of the axes."""
    first, second = (
        f"{name} (points spread about its values)" if levels else name
        for name, levels in zip((shown.x, shown.y), shown.levels, strict=True)
    )
    return first, second


def _shade(count: NDArray[np.int64], side: int) -> NDArray[np.uint8]:
    """Cells from white to blue by their count, as pixels; the first row is the topmost."""
    blues = np.concatenate([np.full((1, 3), 255, dtype=np.uint8), palette.tints([palette.HUES[0]])[0]])
    level = np.ceil(count / max(int(count.max()), 1) * (len(blues) - 1)).astype(np.intp)
    rows, columns = (np.arange(side) * cells // side for cells in count.shape)
    return np.asarray(blues[level[rows[:, None], columns[None, :]]])


def _wrong(scene: Scene, rows: pa.Table) -> NDArray[np.bool_]:
    """Which rows have a label, and another than the model's."""
    assert scene.predict is not None
    actual = codes(rows[scene.target], scene.classes)
    predicted = codes(scene.predict(rows.drop_columns([scene.target]))[0], scene.classes)
    return np.asarray(rows[scene.target].is_valid().to_numpy() & ((predicted != actual) | (actual < 0)))


def _points(offsets: NDArray[np.float64], places: NDArray[np.int64], styles: list[Look]) -> tuple[Points, ...]:
    """The points of each class, a quarter of them at a time so that none is hidden by the next; -1 is no class."""
    return tuple(
        Points(look, offsets[chosen])
        for part in np.array_split(np.arange(len(offsets)), 4)
        for place, look in [(-1, _OTHER), *enumerate(styles)]
        if len(chosen := part[places[part] == place])
    )


def _sample(table: pa.Table, most: int) -> pa.Table:
    """The rows shuffled, so that no class covers another, and at most ``most`` of them."""
    order = np.random.default_rng(0).permutation(table.num_rows)[:most]
    return table.take(pa.array(order))


def _inside(offsets: NDArray[np.float64], limits: Limits) -> NDArray[np.bool_]:
    """Which points lie between the limits; one without a value does not."""
    x, y = offsets.T
    return np.asarray((x >= limits[0][0]) & (x <= limits[0][1]) & (y >= limits[1][0]) & (y <= limits[1][1]))


def _left_out(table: pa.Table, rows: pa.Table, inside: NDArray[np.bool_] | None = None) -> list[str]:
    """What the picture does not show."""
    said = []
    if rows.num_rows < table.num_rows:
        said.append(f"{rows.num_rows:,} of {table.num_rows:,} rows.")
    if inside is not None and not inside.all():
        outside = np.count_nonzero(~inside)
        said.append(f"{outside:,} {'row' if outside == 1 else 'rows'} outside.")
    return said
