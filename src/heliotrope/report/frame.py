"""One cycle's picture, as PNG.

What a picture shows depends on the problem (:mod:`heliotrope.report.view`); every one says so itself, above the axes,
and below them who serves, whether the rows drifted, what was decided, and how well the rows were predicted before
any training on them.

>>> from datetime import datetime, UTC
>>> import numpy as np, pyarrow as pa
>>> from heliotrope.interval import interval_at, parse_step
>>> rng = np.random.default_rng(0)
>>> hour = interval_at(datetime(2026, 11, 24, 5, tzinfo=UTC), parse_step("1h"))
>>> label = np.repeat(["A", "B"], 50)
>>> x, y = rng.normal(size=(2, 100)) + np.where(label == "A", 2, -2)
>>> table = pa.table({"time": pa.array([hour.start] * 100, pa.timestamp("us", "UTC")), "x": x, "y": y, "class": label})
>>> scene = Scene(
...     interval=hour, table=table, features={"x": "numeric", "y": "numeric"}, target="class",
...     task="classification", classes=("A", "B"), champion="sign", score=0.99, drifted=False, decision="skip",
...     predict=lambda rows: (np.where(rows["x"].to_numpy() > 0, "A", "B"), None),
... )
>>> draw(scene)[:8]
b'\\x89PNG\\r\\n\\x1a\\n'
"""

from __future__ import annotations

import io
import threading
from datetime import timedelta

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from heliotrope.interval import Interval
from heliotrope.report import palette
from heliotrope.report.canvas import Drawing, Layout, Points, canvas
from heliotrope.report.fonts import plain
from heliotrope.report.palette import Look, looks
from heliotrope.report.regions import grid_table, paint, shares
from heliotrope.report.scene import Kind, Limits, Predict, Scene
from heliotrope.report.view import View, choose_limits, codes, numbers, view

__all__ = ["MOST_POINTS", "Kind", "Limits", "Predict", "Scene", "draw"]

MOST_POINTS = 2000
"""A picture shows no more rows than this; of more, so many drawn at random."""

_GRID = 100
_MOST_CLASSES = 28
_MOST_ENTRIES = 14
_MOST_NUMBERED = 12
_OTHER = Look(palette.OTHER, "o")
_WRONG = Look(palette.INK, "x")
_ONE_AT_A_TIME = threading.Lock()


def draw(scene: Scene, *, grid: int = _GRID) -> bytes:
    """``scene`` as a PNG of 600 x 664 pixels; the same scene gives the same bytes.

    ``grid`` is how many points the model is asked at along each axis, where regions are drawn. Whatever ``predict``
    raises is let through.
    """
    with _ONE_AT_A_TIME:  # matplotlib's lettering is shared by all figures
        drawing = _compose(scene, grid)
        places = palette.nearest(canvas(drawing.layout).draw(drawing))
    return _png(places)


def _compose(scene: Scene, grid: int) -> Drawing:
    shown = view(scene)
    rows = _sample(scene.table)
    if shown.kind in ("confusion", "counts"):
        return _matrix(scene, rows, counted=shown.kind == "confusion")
    if scene.task == "regression":
        return _values(scene, shown, rows)
    return _classes(scene, shown, rows, grid)


def _classes(scene: Scene, shown: View, rows: pa.Table, grid: int) -> Drawing:
    """Rows by class on two features, with the predicted regions or with crosses on the wrong ones."""
    named = scene.classes[:_MOST_CLASSES]
    offsets = np.column_stack([numbers(rows, shown.x), numbers(rows, shown.y)])
    actual = codes(rows[scene.target], named)
    limits = scene.limits or (choose_limits(offsets[:, 0]), choose_limits(offsets[:, 1]))
    legend = _legend(scene.classes, looks(len(named)))
    says, pixels, crosses = "Points: the rows by class.", None, None
    if shown.kind == "mistakes" and scene.predict is not None:
        wrong = codes(scene.predict(rows.drop_columns([scene.target]))[0], named) != actual
        crosses = offsets[wrong]
        legend.append(("predicted wrongly", _WRONG))
        says = f"Points: the rows by class, on 2 of {len(scene.features)} features."
    layout = Layout(shown.x, shown.y, limits, tuple(legend))
    if shown.kind == "regions" and scene.predict is not None:
        asked = grid_table(scene, shown.x, shown.y, limits, grid)
        shared, sure = shares(scene.predict, asked, scene.classes)
        shared = np.column_stack([shared[:, : len(named)], shared[:, len(named) :].sum(axis=1)])
        pixels = paint(shared, [hue for hue, _ in looks(len(named))], layout.side, layout.side, shaded=sure)
        says = f"Regions: the predicted class{', paler where less sure' if sure else ''}. {says}"
    return Drawing(
        layout=layout,
        title=_title(scene.interval),
        subtitle=" ".join([says, *_left_out(scene.table, rows, offsets, limits)]),
        caption=_caption(scene),
        pixels=pixels,
        points=_points(offsets, actual, looks(len(named))),
        crosses=crosses,
    )


def _values(scene: Scene, shown: View, rows: pa.Table) -> Drawing:
    """A regression: predicted against actual values, or the target alone."""
    actual = numbers(rows, scene.target)
    if shown.kind == "fit" and scene.predict is not None:
        predicted = np.asarray(scene.predict(rows.drop_columns([scene.target]))[0], dtype=np.float64)
        offsets, names = np.column_stack([actual, predicted]), (f"actual {scene.target}", f"predicted {scene.target}")
        says = "Points: one row each; on the dashed line the prediction is right."
        both = choose_limits(offsets.ravel())
        limits = scene.limits or (both, both)
    elif shown.kind == "target":
        offsets, names = np.column_stack([numbers(rows, shown.x), actual]), (shown.x, scene.target)
        says = "Points: the target against one of the features."
        limits = scene.limits or (choose_limits(offsets[:, 0]), choose_limits(actual))
    else:
        share = (np.arange(len(actual)) + 0.5) / max(len(actual), 1)
        offsets, names = np.column_stack([share, np.sort(actual)]), ("share of the rows", scene.target)
        says = "Points: the target's values in order."
        limits = scene.limits or ((0.0, 1.0), choose_limits(actual))
    layout = Layout(*names, limits, diagonal=shown.kind == "fit")
    return Drawing(
        layout=layout,
        title=_title(scene.interval),
        subtitle=" ".join([says, *_left_out(scene.table, rows, offsets, limits)]),
        caption=_caption(scene),
        points=_points(offsets, np.zeros(len(offsets), dtype=np.int64), looks(1)),
    )


def _matrix(scene: Scene, rows: pa.Table, *, counted: bool) -> Drawing:
    """Rows counted by actual class and, where there is a model, by predicted class."""
    named = scene.classes[:_MOST_CLASSES] or ("",)
    actual = codes(rows[scene.target], named)
    predicted: NDArray[np.int64] = np.zeros(len(actual), dtype=np.int64)
    across: tuple[str, ...] = ("rows",)
    if counted and scene.predict is not None:
        predicted = codes(scene.predict(rows.drop_columns([scene.target]))[0], named)
        across = named
    known = (actual >= 0) & (predicted >= 0)
    count = np.zeros((len(named), len(across)), dtype=np.int64)
    np.add.at(count, (actual[known], predicted[known]), 1)
    limits = ((-0.5, len(across) - 0.5), (len(named) - 0.5, -0.5))
    labels = ("predicted class", "actual class") if counted else ("", "class")
    layout = Layout(*labels, limits, across=across, up=named)
    says = "Rows counted by actual and predicted class; right ones on the diagonal." if counted else "Rows by class."
    return Drawing(
        layout=layout,
        title=_title(scene.interval),
        subtitle=" ".join([says, *_left_out(scene.table, rows)]),
        caption=_caption(scene),
        pixels=_shade(count, layout.side),
        cells=tuple((float(x), float(y), f"{count[y, x]:,}") for y, x in np.ndindex(*count.shape))
        if len(named) <= _MOST_NUMBERED
        else (),
    )


def _legend(classes: tuple[str, ...], styles: list[Look]) -> list[tuple[str, Look]]:
    """An entry a class; the last one stands for those there is no room for."""
    entries = [(f"CLASS {name}", look) for name, look in zip(classes, styles, strict=False)]
    if len(classes) <= _MOST_ENTRIES:
        return entries
    return [*entries[:_MOST_ENTRIES], (f"and {len(classes) - _MOST_ENTRIES} more", Look("#ffffff", ""))]


def _shade(count: NDArray[np.int64], side: int) -> NDArray[np.uint8]:
    """Cells from white to blue by their count, as pixels; the first row is the topmost."""
    blues = np.concatenate([np.full((1, 3), 255, dtype=np.uint8), palette.tints([palette.HUES[0]])[0]])
    level = np.ceil(count / max(int(count.max()), 1) * (len(blues) - 1)).astype(np.intp)
    rows, columns = (np.arange(side) * cells // side for cells in count.shape)
    return np.asarray(blues[level[rows[:, None], columns[None, :]]])


def _points(offsets: NDArray[np.float64], places: NDArray[np.int64], styles: list[Look]) -> tuple[Points, ...]:
    """The points of each class, a quarter of them at a time so that none is hidden by the next; -1 is no class."""
    drawn = np.flatnonzero(np.isfinite(offsets).all(axis=1))
    return tuple(
        Points(look, offsets[chosen])
        for part in np.array_split(drawn, 4)
        for place, look in [(-1, _OTHER), *enumerate(styles)]
        if len(chosen := part[places[part] == place])
    )


def _sample(table: pa.Table) -> pa.Table:
    """The rows shuffled, so that no class covers another, and at most MOST_POINTS of them."""
    order = np.random.default_rng(0).permutation(table.num_rows)[:MOST_POINTS]
    return table.take(pa.array(order))


def _left_out(
    table: pa.Table, rows: pa.Table, offsets: NDArray[np.float64] | None = None, limits: Limits | None = None
) -> list[str]:
    """What the picture does not show."""
    said = []
    if rows.num_rows < table.num_rows:
        said.append(f"{rows.num_rows:,} of {table.num_rows:,} rows.")
    if offsets is not None and limits is not None:
        (left, right), (low, high) = limits
        x, y = offsets.T
        outside = len(x) - int(((x >= left) & (x <= right) & (y >= low) & (y <= high)).sum())
        if outside:
            said.append(f"{outside:,} outside.")
    return said


def _title(interval: Interval) -> str:
    """The interval's start, in UTC.

    >>> from datetime import datetime, UTC
    >>> from heliotrope.interval import interval_at, parse_step
    >>> _title(interval_at(datetime(2026, 11, 24, 5, tzinfo=UTC), parse_step("1h")))
    '2026-11-24 05:00 UTC'
    """
    if interval.step % timedelta(days=1) == timedelta(0):
        return f"{interval.start:%Y-%m-%d}"
    return f"{interval.start:%Y-%m-%d %H:%M}" + (f":{interval.start:%S}" if interval.start.second else "") + " UTC"


def _caption(scene: Scene) -> tuple[str, str]:
    """Who serves and what was decided; how well the rows were met."""
    rows = scene.table.num_rows
    counted = "1 row" if rows == 1 else f"{rows:,} rows"
    if scene.champion is None and not scene.decision:
        return counted, ""
    who = f"champion: {'none yet' if scene.champion is None else plain(scene.champion, 32)}"
    drift = "" if scene.drifted is None else f"drift: {'yes' if scene.drifted else 'no'}"
    decision = f"decision: {scene.decision.replace('_', ' ')}" if scene.decision else ""
    metric = scene.metric.replace("_", " ")
    if scene.champion is None:
        met = counted
    elif scene.score is None:
        met = f"{counted}, {metric} not measured"
    else:
        met = f"{metric} {_number(scene.score)} on {counted} it had not seen"
    return "    ".join(part for part in (who, drift, decision) if part), met


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"


def _png(places: NDArray[np.uint8]) -> bytes:
    from PIL import Image

    image = Image.fromarray(places, mode="P")
    image.putpalette(palette.table().tobytes())
    out = io.BytesIO()
    image.save(out, "PNG", compress_level=3)
    return out.getvalue()
