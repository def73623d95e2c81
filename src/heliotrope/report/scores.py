"""The chart of the champion's metric in time, as paths and places for SVG; no markup.

A chart is SPAN wide and HEIGHT high, and stretched by the page to the room there is; strokes keep their width, and
what is lettered stands beside the drawing as text. Many cycles are drawn in groups (:mod:`heliotrope.report.timeline`).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from heliotrope.report.history import CycleRow, History
from heliotrope.report.timeline import Group, mean

__all__ = ["HEIGHT", "Closer", "Scale", "Score", "Series", "scale_of", "score"]

HEIGHT = 100

_MOST_CHALLENGERS = 6
_MUCH_CLOSER = 1.6
_REACH = 6
_APART = 0.05


@dataclass(frozen=True, slots=True)
class Scale:
    """Values from ``low`` at the foot to ``high`` at the top; ``ticks`` are (place in percent from the top, label)."""

    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]

    def place(self, value: float) -> float:
        """Where a value lies, 0 at the top and HEIGHT at the foot."""
        return round((self.high - value) / (self.high - self.low) * HEIGHT, 2)


@dataclass(frozen=True, slots=True)
class Series:
    """A line, and for groups of cycles the area between their smallest and largest values."""

    name: str
    path: str
    area: str = ""
    dots: str = ""
    """The values that no line leads to or from."""


@dataclass(frozen=True, slots=True)
class Closer:
    """From which place down, and how much of the chart, a closer look shows; its own ticks."""

    top: float
    height: float
    ticks: tuple[tuple[float, str], ...]


@dataclass(frozen=True, slots=True)
class Score:
    """The champion's metric in time, with what it can be compared to."""

    scale: Scale
    champion: Series
    challengers: tuple[Series, ...]
    frozen: Series | None
    later: str
    """A path from each score to that of the same interval scored again; empty where none was."""
    best: float | None
    """Where the best possible value lies."""
    left_out: int
    """How many challengers are not drawn."""
    closer: Closer | None
    """A part of the scale that holds the champion alone, where others take up much of the whole."""


def score(history: History, groups: Sequence[Group]) -> Score | None:
    """The chart of the champion's metric, or None where it was never measured."""
    of_champion = [mean(one.rows, lambda row: row.score) for one in groups]
    if all(value is None for value in of_champion):
        return None
    first = [mean(one.rows, lambda row: row.frozen) for one in groups]
    values = [value for row in history.rows for value in (row.score, row.rescored)]
    bound = [value for value in values if value is not None and math.isfinite(value)]
    best = history.best_possible if history.best_possible is not None and math.isfinite(history.best_possible) else None
    near = scale_of(bound if best is None else [*bound, best])
    names = _challengers(history.rows)
    of_challengers = {name: [mean(one.rows, _scored(name)) for one in groups] for name in names[:_MOST_CHALLENGERS]}
    beside = [value for values in of_challengers.values() for value in values if value is not None]
    scale = scale_of(
        [near.low, near.high, *_not_far(beside, near), *(one for one in first if one is not None)], room=0.0
    )
    grouped = any(len(one.rows) > 1 for one in groups)
    return Score(
        scale=scale,
        champion=Series("champion", _line(groups, of_champion, scale), _area(groups, scale) if grouped else ""),
        challengers=tuple(
            Series(name, _line(groups, values, scale), dots=_dots(groups, values, scale))
            for name, values in of_challengers.items()
        ),
        frozen=Series("first model, never trained again", _line(groups, first, scale))
        if any(value is not None for value in first)
        else None,
        later=_later(groups, scale),
        best=None if best is None else scale.place(best),
        left_out=max(0, len(names) - _MOST_CHALLENGERS),
        closer=_closer(near, scale),
    )


def _scored(name: str) -> Callable[[CycleRow], float | None]:
    return lambda row: row.challengers.get(name)


def _challengers(rows: Sequence[CycleRow]) -> list[str]:
    """Names of challengers, those that were scored most often first."""
    return [name for name, _ in Counter(name for row in rows for name in row.challengers).most_common()]


def _line(groups: Sequence[Group], values: Sequence[float | None], scale: Scale) -> str:
    """A path through the groups' values, broken where there is none or where time has a gap."""
    parts, before = [], None
    for one, value in zip(groups, values, strict=True):
        if value is None:
            before = None
            continue
        joined = before is not None and abs(one.left - before) < max(_APART, (one.right - one.left) / 100)
        point = f"{one.middle:g} {scale.place(value):g}"
        parts.append(f"L{point}" if joined else f"M{point}h0")
        before = one.right
    return "".join(parts)


def _dots(groups: Sequence[Group], values: Sequence[float | None], scale: Scale) -> str:
    """Points for the values of a line that stand alone."""
    line = _line(groups, values, scale)
    return "".join(f"M{part}" for part in line.split("M") if part and "L" not in part)


def _area(groups: Sequence[Group], scale: Scale) -> str:
    """Blocks from the smallest to the largest score of each group."""
    parts = []
    for one in groups:
        found = [value for row in one.rows if (value := row.score) is not None and math.isfinite(value)]
        if found:
            top, foot, width = scale.place(max(found)), scale.place(min(found)), one.right - one.left
            parts.append(f"M{one.left:g} {top:g}h{width:g}V{foot:g}h{-width:g}z")
    return "".join(parts)


def _later(groups: Sequence[Group], scale: Scale) -> str:
    """From the first to the later score of every interval that has both."""
    pairs = [(one.middle, row.score, row.rescored) for one in groups for row in one.rows]
    return "".join(
        f"M{middle:g} {scale.place(first):g}V{scale.place(later):g}"
        for middle, first, later in pairs
        if first is not None and later is not None and math.isfinite(first) and math.isfinite(later)
    )


def _not_far(values: Sequence[float], near: Scale) -> list[float]:
    """Values, brought to a few times the champion's range where they are farther: one failure must not flatten all."""
    reach = _REACH * (near.high - near.low)
    return [min(max(value, near.low - reach), near.high + reach) for value in values]


def _closer(near: Scale, whole: Scale) -> Closer | None:
    if (near.high - near.low) * _MUCH_CLOSER > whole.high - whole.low:
        return None
    top = whole.place(near.high)
    return Closer(top, round(whole.place(near.low) - top, 2), near.ticks)


def scale_of(values: Sequence[float], room: float = 0.08) -> Scale:
    """A scale that holds all values, with a share of room above and below, and about four round ticks."""
    low, high = min(values), max(values)
    more = (high - low) * room if high > low else abs(high) * 0.05 or 1.0
    low, high = low - more, high + more
    power = 10.0 ** math.floor(math.log10((high - low) / 4))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor * 5 >= high - low)
    count = range(math.ceil(low / step), math.floor(high / step) + 1)
    digits = max(0, -math.floor(math.log10(step)) + (1 if f"{step:e}"[:3] == "2.5" else 0))
    ticks = tuple(((high - at * step) / (high - low) * 100, f"{at * step:,.{digits}f}") for at in count)
    return Scale(low, high, tuple((round(percent, 2), label) for percent, label in ticks))
