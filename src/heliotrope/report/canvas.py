"""A matplotlib figure that is laid out once and then used for every picture of the same kind.

What does not change (axes, ticks, labels, legend) is drawn once and copied back; a picture writes its pixels straight
into the buffer, then draws points and lettering over them. That takes half the time of a whole new drawing.
"""

from __future__ import annotations

import math
import textwrap
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from heliotrope.report.drawing import COLUMN, HEIGHT, MARGIN, ROW, WIDTH, Drawing, Layout, arranged
from heliotrope.report.fonts import families, legible
from heliotrope.report.palette import INK

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.text import Text

__all__ = ["HEIGHT", "WIDTH", "Canvas", "canvas", "short"]

_DPI = 100
_QUIET = "#5a5a5a"
_MOST_SIGNS = 105
_LINE_SIGNS = 98
_NAME_SIGNS = 14
_MOST_TICKS = 12
_LABEL = 54
"""From the second axis to the foot of its name: numbers of seven signs have room between."""


@lru_cache(maxsize=16)
def canvas(layout: Layout) -> Canvas:
    """The canvas for a layout, kept for the next picture."""
    return Canvas(layout)


class Canvas:
    """One figure. Not for use by several threads at once."""

    def __init__(self, layout: Layout) -> None:
        import matplotlib

        with matplotlib.rc_context():
            matplotlib.rcdefaults()  # not what a user's own matplotlibrc says
            self._lay_out(layout)

    def draw(self, drawing: Drawing) -> NDArray[np.uint8]:
        """The picture, as pixels (height, width, 4). The array is the canvas's own: the next picture overwrites it."""
        self._agg.restore_region(self._still)
        buffer = np.asarray(self._agg.buffer_rgba())
        if drawing.pixels is not None:
            self._fill(buffer, drawing.pixels)
        draw = self._axes.draw_artist
        for artist in self._over:
            draw(artist)
        size = _size(sum(len(points.offsets) for points in drawing.points))
        for points in drawing.points:
            look = points.look
            self._points.set(data=points.offsets.T, marker=look.marker, markersize=size, markerfacecolor=look.hue)
            draw(self._points)
        if drawing.crosses is not None and len(drawing.crosses):
            self._crosses.set_data(drawing.crosses[:, 0], drawing.crosses[:, 1])
            draw(self._crosses)
        for x, y, text in drawing.cells:
            self._cell.set_position((x, y))
            self._cell.set_text(text)
            draw(self._cell)
        said = drawing.subtitle if drawing.subtitle.isprintable() else repr(drawing.subtitle)[1:-1]
        above, below = (*textwrap.wrap(said, _LINE_SIGNS, max_lines=2, placeholder=" …"), "", "")[:2]
        for line, text in zip(self._lines, (drawing.title, above, below, *drawing.caption), strict=True):
            self._write(line, legible(text, _MOST_SIGNS))
        return buffer

    def _write(self, line: Text, text: str) -> None:
        """Letter a line, or copy it back where it says what it said before: lettering is slow."""
        if line.get_text() != text or line not in self._written:
            line.set_text(text)
            self._axes.draw_artist(line)
            self._written[line] = self._agg.copy_from_bbox(line.get_window_extent().padded(1)) if text else None
        elif text:
            self._agg.restore_region(self._written[line])

    def _fill(self, buffer: NDArray[np.uint8], pixels: NDArray[np.uint8]) -> None:
        top, bottom, left, right = self._box
        inside = buffer[top:bottom, left:right, :3]
        inside[:] = pixels
        for row in self._grid_rows:
            inside[row] = inside[row] // 8 * 7
        for column in self._grid_columns:
            inside[:, column] = inside[:, column] // 8 * 7

    def _lay_out(self, layout: Layout) -> None:
        from matplotlib.figure import Figure

        figure = Figure(figsize=(WIDTH / _DPI, HEIGHT / _DPI), dpi=_DPI, facecolor="white")
        self._agg = _agg(figure)
        left, side = layout.left, layout.side
        base = HEIGHT - layout.top - side
        self._axes = axes = figure.add_axes((left / WIDTH, base / HEIGHT, side / WIDTH, side / HEIGHT))
        self._box = (HEIGHT - base - side, HEIGHT - base, left, left + side)
        _dress(axes, layout)
        (self._points,) = axes.plot([], [], linestyle="", color=INK, markeredgewidth=0.7)
        (self._crosses,) = axes.plot([], [], "x", color=INK, markersize=4.2, markeredgewidth=1.0)
        self._cell = axes.text(0, 0, "", ha="center", va="center", size=9, color=INK, family=families())
        self._lines = [_line(figure, *line) for line in _LINES]
        self._legend = _legend(figure, layout) if layout.legend else []
        self._over: list[Any] = list(axes.spines.values())
        if layout.diagonal:
            self._over += axes.plot(layout.limits[0], layout.limits[0], color=INK, linewidth=1, linestyle=(0, (4, 3)))
        for artist in (self._points, self._crosses, self._cell, *self._lines):
            artist.set_animated(True)
        self._agg.draw()
        self._written: dict[Text, Any] = {}
        self._still: Any = self._agg.copy_from_bbox(figure.bbox)
        self._grid_rows = [] if layout.up else _places(axes.get_yticks(), layout.limits[1], side, upwards=True)
        self._grid_columns = [] if layout.across else _places(axes.get_xticks(), layout.limits[0], side)


_LINES = (
    (HEIGHT - 22, 14, INK, True),
    (HEIGHT - 39, 8.5, _QUIET, False),
    (HEIGHT - 53, 8.5, _QUIET, False),
    (26, 10, INK, False),
    (8, 10, INK, False),
)
"""Height in pixels, size in points, colour and weight of title, subtitle (two lines) and the caption's two lines."""


def _agg(figure: Any) -> Any:
    """The surface a figure is drawn on; Any, for its methods carry no types."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    return FigureCanvasAgg(figure)


def _line(figure: Any, height: float, size: float, colour: str, bold: bool) -> Text:
    artist: Text = figure.text(MARGIN / WIDTH, height / HEIGHT, "", size=size, color=colour, family=families())
    if bold:  # and not in the wider fonts, of which few have a bold weight; the title is a time
        artist.set(weight="bold", family=families()[0])
    artist.set_parse_math(False)
    return artist


def _dress(axes: Axes, layout: Layout) -> None:
    axes.set_xlim(*layout.limits[0])
    axes.set_ylim(*layout.limits[1])
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=8.5, length=3, colors=_QUIET, labelcolor=INK, pad=2)
    for spine in axes.spines.values():
        spine.set(color=_QUIET, linewidth=0.8)
    if not layout.up:
        axes.grid(True, color="#dddddd", linewidth=0.8)
    for set_label, text in ((axes.set_xlabel, layout.x), (axes.set_ylabel, layout.y)):
        set_label(legible(text, 50), size=9.5, labelpad=1, color=INK, family=families(), parse_math=False)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(lambda value, _: short(value))
    for levels, set_ticks in zip(layout.levels, (axes.set_xticks, axes.set_yticks), strict=True):
        if 0 < len(levels) <= _MOST_TICKS:
            set_ticks(levels)
    if not layout.up:
        axes.yaxis.set_label_coords(-_LABEL / layout.side, 0.5)
    if layout.across:
        _name(axes.set_xticks, layout.across, 45 if len(layout.across) > 4 else 0)
    if layout.up:
        _name(axes.set_yticks, layout.up, 0)


def _name(set_ticks: Any, names: tuple[str, ...], turn: float) -> None:
    """Name every tick, or every so many that they stay apart."""
    every = range(0, len(names), math.ceil(len(names) / 24))
    look: dict[str, Any] = {"rotation": turn, "ha": "right", "rotation_mode": "anchor"} if turn else {}
    shown = [legible(names[i], _NAME_SIGNS) for i in every]
    set_ticks(list(every), shown, family=families(), parse_math=False, **look)


def short(value: float) -> str:
    """A number in few signs.

    >>> [short(value) for value in (0.25, -4, 600_000, 1.25e9)]
    ['0.25', '−4', '600k', '1.25G']
    """
    unit = next((unit for unit in (1e12, 1e9, 1e6, 1e3) if abs(value) >= max(unit, 1e4)), 1.0)
    return f"{value / unit:.4g}{_UNITS[unit]}".replace("-", "−")


_UNITS = {1e12: "T", 1e9: "G", 1e6: "M", 1e3: "k", 1.0: ""}


def _size(points: int) -> float:
    """The width of a point: the more of them, the smaller."""
    return float(np.clip(140 / max(points, 1) ** 0.5, 3.0, 6.0))


def _legend(figure: Any, layout: Layout) -> list[Text]:
    """The heading and the entries above the axes, and a mark before each entry."""
    from matplotlib.lines import Line2D

    texts = []
    names = [name for name, _ in layout.legend]
    looks = [None, *(look for _, look in layout.legend)]
    for look, name, (row, column) in zip(looks, (layout.heading, *names), arranged(layout.heading, names), strict=True):
        left, height = MARGIN + column * COLUMN, HEIGHT - layout.top + 8 + ROW * (_rows(layout) - 1 - row)
        text: Text = figure.text(
            (left + (14 if look else 0)) / WIDTH,
            height / HEIGHT,
            "",
            size=8.5,
            color=INK if look else _QUIET,
            family=families(),
        )
        text.set_parse_math(False)
        text.set_text(name)
        texts.append(text)
        if look is not None:
            mark = Line2D(
                [(left + 5) / WIDTH], [(height + 4) / HEIGHT], linestyle="", marker=look.marker, markersize=6.5
            )
            mark.set(markerfacecolor=look.hue, markeredgecolor=INK, transform=figure.transFigure)
            figure.add_artist(mark)
    return texts


def _rows(layout: Layout) -> int:
    return 1 + arranged(layout.heading, [name for name, _ in layout.legend])[-1][0]


def _places(ticks: Any, limits: tuple[float, float], side: int, upwards: bool = False) -> list[int]:
    """The rows or columns of pixels where grid lines run."""
    share = (np.asarray(ticks) - limits[0]) / (limits[1] - limits[0])
    share = share[(share > 0) & (share < 1)]
    return [int((1 - place if upwards else place) * side) for place in share]
