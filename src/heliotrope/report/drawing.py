"""What a picture consists of, before it has pixels: what stays from picture to picture, and what changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from heliotrope.report.palette import Look

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from heliotrope.report.scene import Limits

__all__ = ["Drawing", "Layout", "Points"]

_SIDE, _NARROW_SIDE = 536, 460


@dataclass(frozen=True, slots=True)
class Layout:
    """What stays the same from picture to picture."""

    x: str
    y: str
    limits: Limits
    legend: tuple[tuple[str, Look], ...] = ()
    across: tuple[str, ...] = ()
    """Names in place of numbers on the first axis, at 0, 1, ..."""
    up: tuple[str, ...] = ()
    """The same on the second axis."""
    diagonal: bool = False

    @property
    def side(self) -> int:
        """Of the axes, which are square, in pixels."""
        return _NARROW_SIDE if self.up else _SIDE


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
