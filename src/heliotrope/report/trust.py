"""What models answered when asked again, as places for the page: dots for slices, bars and spans for residuals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from heliotrope.report.canvas import short
from heliotrope.report.residuals import Residuals
from heliotrope.report.slices import Slice

__all__ = ["Dot", "Row", "bars", "dots", "reach", "spans", "zero"]

_ROOM = 8.0
"""Percent of the width that is kept free on either side."""
_FAR = 2


@dataclass(frozen=True, slots=True)
class Dot:
    """One slice, and where its score lies between the worst and the best of all, in percent."""

    value: str
    rows: int
    score: float
    percent: float
    worst: bool


@dataclass(frozen=True, slots=True)
class Row:
    """Predictions from and to, and where their residuals lie in percent: zero, the mean, and 8 in 10 of them."""

    label: str
    rows: int
    mean: float
    tenth: float
    ninetieth: float
    zero_percent: float
    mean_percent: float
    left: float
    width: float


def dots(slices: Sequence[Slice], lower_is_better: bool) -> list[tuple[str, list[Dot]]]:
    """The slices by feature, in order; the worst of all is marked where they differ."""
    if not slices:
        return []
    low, high = min(one.score for one in slices), max(one.score for one in slices)
    worst = None if low == high else (max if lower_is_better else min)(one.score for one in slices)
    found: dict[str, list[Dot]] = {}
    for one in slices:
        dot = Dot(one.value, one.rows, one.score, _percent(one.score, low, high), one.score == worst)
        found.setdefault(one.feature, []).append(dot)
    return list(found.items())


def spans(found: Residuals) -> list[Row]:
    """A row for each level of the predictions, and one for all of them."""
    low, high = reach(found)

    def row(label: str, rows: int, mean: float, tenth: float, ninetieth: float) -> Row:
        left, right = (_kept(_percent(end, low, high)) for end in (tenth, ninetieth))
        width = round(right - left, 2)
        places = _percent(0.0, low, high), _kept(_percent(mean, low, high))
        return Row(label, rows, mean, tenth, ninetieth, *places, left, width)

    levels = [
        row(f"{short(one.low)} to {short(one.high)}", one.rows, one.mean, one.tenth, one.ninetieth)
        for one in found.levels
    ]
    return [*levels, row("all", found.rows, found.mean, found.tenth, found.ninetieth)]


def reach(found: Residuals) -> tuple[float, float]:
    """The residuals that the rows of :func:`spans` begin and end at.

    It is what 8 in 10 of each level lie between, but no farther than a few times that of all: one level must not
    flatten the others.
    """
    far = _FAR * (found.ninetieth - found.tenth)
    low = min(0.0, found.tenth, *(one.tenth for one in found.levels))
    high = max(0.0, found.ninetieth, *(one.ninetieth for one in found.levels))
    return (max(low, min(0.0, found.tenth) - far), min(high, max(0.0, found.ninetieth) + far)) if far else (low, high)


def zero(found: Residuals) -> float | None:
    """Where in percent of the bars' width an error of zero lies; None where it is beyond them."""
    low, high = found.edges[0], found.edges[-1]
    return round(-low / (high - low) * 100, 2) if low < 0 < high else None


def bars(found: Residuals) -> str:
    """The residuals' counts as bars, a path 1000 wide and 100 high."""
    wide, top = 1000 / len(found.counts), max(found.counts)
    return "".join(
        f"M{at * wide + 2:g} 100v{-round(count / top * 96, 2):g}h{wide - 4:g}V100z"
        for at, count in enumerate(found.counts)
        if count
    )


def _kept(percent: float) -> float:
    return min(max(percent, 0.0), 100.0)


def _percent(value: float, low: float, high: float) -> float:
    share = 0.5 if high <= low else (value - low) / (high - low)
    return round(_ROOM + share * (100 - 2 * _ROOM), 2)
