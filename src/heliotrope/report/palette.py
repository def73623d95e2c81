"""The colours of every picture: seven hues that colour-blind readers can tell apart, their tints, and greys.

The hues are those of Okabe and Ito (2008), as recommended by Wong (Nature Methods 8, 441, 2011). A picture uses no
more than the 256 colours of :func:`table`, which are the same for all pictures: a PNG needs one byte a pixel, and
the frames of an animation share one palette without a search for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["HUES", "INK", "LEVELS", "MARKERS", "OTHER", "Look", "looks", "nearest", "rgb", "table", "tints"]

HUES = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442")
"""Blue, orange, bluish green, reddish purple, sky blue, vermilion, yellow."""
MARKERS = ("o", "s", "^", "D")
"""Circle, square, triangle, diamond: they tell classes apart where the hues repeat."""
OTHER = "#8c8c8c"
"""For what belongs to no class that was named."""
INK = "#1f1f1f"
LEVELS = 8
"""How many tints a hue has, from unsure (pale) to sure."""

_PALEST, _FULLEST = 0.10, 0.52


class Look(NamedTuple):
    """How a class is told from another."""

    hue: str
    marker: str


def rgb(colour: str) -> NDArray[np.float64]:
    """``#rrggbb`` as an array of three numbers, 0 to 255.

    >>> rgb("#0072b2").tolist()
    [0.0, 114.0, 178.0]
    """
    return np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)], dtype=np.float64)


def looks(count: int) -> list[Look]:
    """What each of ``count`` classes looks like: the hues in turn, then the hues again with another marker.

    >>> looks(8)[0], looks(8)[7]
    (Look(hue='#0072b2', marker='o'), Look(hue='#0072b2', marker='s'))
    """
    return [Look(HUES[i % len(HUES)], MARKERS[i // len(HUES) % len(MARKERS)]) for i in range(count)]


def tints(colours: Sequence[str]) -> NDArray[np.uint8]:
    """The tints of each colour from pale to full, as an array (colour, level, 3)."""
    shares = np.linspace(_PALEST, _FULLEST, LEVELS)[None, :, None]
    full = np.array([rgb(colour) for colour in colours])[:, None, :]
    return np.asarray(255 + shares * (full - 255)).round().astype(np.uint8)


@lru_cache(maxsize=1)
def table() -> NDArray[np.uint8]:
    """The 256 colours, as an array (256, 3): for every hue its tints and its way to ink; greys for the rest."""
    ink = rgb(INK)
    parts = []
    for colour in HUES:
        full, fills = rgb(colour), tints([colour])[0].astype(np.float64)
        pale = fills[LEVELS // 2]
        parts.append(fills)
        parts.extend(_mix(full, ink, share) for share in (0.0, 0.15, 0.3, 0.5, 0.7))
        parts.extend(_mix(pale, full, share) for share in (0.5, 0.8))
        parts.extend(_mix(fills[level], ink, share) for level in (1, LEVELS - 1) for share in (0.12, 0.25, 0.45, 0.7))
    colours = np.concatenate([np.atleast_2d(part) for part in parts])
    greys = np.linspace(255, 0, 256 - len(colours))[:, None].repeat(3, axis=1)
    return np.asarray(np.concatenate([colours, greys])).round().astype(np.uint8)


def nearest(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The place in :func:`table` of the colour nearest to each pixel; (rows, columns, 4) gives (rows, columns).

    Colours are told apart to five bits a channel; those of the table itself are found exactly where they differ by
    that much.
    """
    packed = np.ascontiguousarray(pixels).view("<u4")[..., 0]
    cells = _cells()[(packed >> 3 & 0x1F) << 10 | (packed >> 11 & 0x1F) << 5 | packed >> 19 & 0x1F]
    return np.asarray(cells)


@lru_cache(maxsize=1)
def _cells() -> NDArray[np.uint8]:
    """The nearest place in the table for each of the 32 x 32 x 32 cells of the colour cube."""
    steps = np.arange(32, dtype=np.float32)[:, None] * 8 + 3.5
    red, green, blue = ((steps - channel) ** 2 for channel in table().T.astype(np.float32))
    of_green_and_blue = green[:, None] + blue
    found = np.concatenate([(one + of_green_and_blue).argmin(axis=-1).ravel() for one in red]).astype(np.uint8)
    whole = table().astype(np.int64) >> 3
    keys = whole[:, 0] << 10 | whole[:, 1] << 5 | whole[:, 2]
    found[keys[::-1]] = np.arange(len(keys), dtype=np.uint8)[::-1]
    return found


def _mix(first: NDArray[np.float64], second: NDArray[np.float64], share: float) -> NDArray[np.float64]:
    return first + share * (second - first)
