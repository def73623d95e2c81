"""What a picture consists of, before it has pixels: what stays from picture to picture, and what changes."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from heliotrope.report.palette import Look

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from heliotrope.report.scene import Levels, Limits

__all__ = ["COLUMN", "HEIGHT", "MARGIN", "ROW", "WIDTH", "Drawing", "Layout", "Points", "arranged", "length"]

WIDTH, HEIGHT = 600, 664
"""Of a picture, in pixels."""
MARGIN = 14
"""To the left and right of what is lettered."""
ROW = 17
"""The height of a row of the legend."""

_SIDE, _NARROW_SIDE = 504, 460
_ABOVE, _BELOW = 62, 76
_LEFT, _WIDE_LEFT, _RIGHT = 78, 126, 18
_COLUMNS = 12
COLUMN = (WIDTH - 2 * MARGIN) / _COLUMNS
"""The legend's entries begin at multiples of this, so that they stand under each other."""
_SIGN, _LARGE_SIGN, _WIDE_SIGN, _BESIDE = 7.0, 9.0, 12.0, 30.0


def arranged(heading: str, names: Sequence[str]) -> list[tuple[int, int]]:
    """Row and column of a legend's heading and of every entry after it, one beside the other as far as there is room.

    >>> arranged("class", ["A", "B", "predicted wrongly"])
    [(0, 0), (0, 2), (0, 3), (0, 4)]
    """
    row, column, found = 0, 0, []
    for text in (heading, *names):
        takes = min(math.ceil((length(text) + _BESIDE) / COLUMN), _COLUMNS)
        if column + takes > _COLUMNS:
            row, column = row + 1, 0
        found.append((row, column))
        column += takes
    return found


def length(text: str) -> float:
    """Of a text in the legend, in pixels; rather too much than too little."""
    return sum(map(_width, text))


def _width(sign: str) -> float:
    if unicodedata.east_asian_width(sign) in "WF" or sign in "MW@%mw…":
        return _WIDE_SIGN
    return _LARGE_SIGN if sign.isupper() else _SIGN


@dataclass(frozen=True, slots=True)
class Layout:
    """What stays the same from picture to picture."""

    x: str
    y: str
    limits: Limits
    heading: str = ""
    """Of the legend: what its entries are."""
    legend: tuple[tuple[str, Look], ...] = ()
    """Between the text above and the axes, for on them it would hide points."""
    across: tuple[str, ...] = ()
    """Names in place of numbers on the first axis, at 0, 1, ..."""
    up: tuple[str, ...] = ()
    """The same on the second axis."""
    diagonal: bool = False
    levels: Levels = ((), ())
    """The values that ticks stand at, on an axis of few."""

    @property
    def top(self) -> int:
        """Where the axes begin, in pixels from above."""
        if not self.legend:
            return _ABOVE
        return _ABOVE + 4 + ROW * (1 + arranged(self.heading, [name for name, _ in self.legend])[-1][0])

    @property
    def side(self) -> int:
        """Of the axes, which are square, in pixels."""
        return _NARROW_SIDE if self.up else min(_SIDE, HEIGHT - _BELOW - self.top)

    @property
    def left(self) -> int:
        """Where the axes begin, in pixels from the left: in the middle of the room there is."""
        return _WIDE_LEFT if self.up else _LEFT + (WIDTH - _LEFT - _RIGHT - self.side) // 2


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """Points that look the same, and where they are: an array (points, 2)."""

    look: Look
    offsets: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Drawing:
    """One picture: what changes, over the layout it fits."""

    layout: Layout
    title: str
    subtitle: str
    caption: tuple[str, str]
    pixels: NDArray[np.uint8] | None = None
    """For the inside of the axes: (side, side, 3)."""
    points: tuple[Points, ...] = ()
    crosses: NDArray[np.float64] | None = None
    cells: tuple[tuple[float, float, str], ...] = ()
    """Numbers to be written at (x, y)."""
