"""What keeping the model true costs: the rows its champions were trained on, and seconds of training, in time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from heliotrope.report.canvas import short
from heliotrope.report.history import CycleRow, History
from heliotrope.report.timeline import Group, mean

__all__ = ["Cost", "Small", "costs", "seconds", "window"]

_HEIGHT = 100


@dataclass(frozen=True, slots=True)
class Small:
    """A small chart from 0 at the foot to ``top`` at its upper edge: a path in SPAN by 100 units."""

    name: str
    top: str
    path: str
    kind: str
    """``steps``, a line, or ``bars``."""
    said: str
    """What it comes to, in words."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one candidate's fits took together."""

    candidate: str
    fits: int
    failed: int
    seconds: float
    rows: int

    @property
    def each(self) -> float:
        """Seconds a fit."""
        return self.seconds / self.fits


def costs(history: History) -> tuple[Cost, ...]:
    """By candidate, the dearest first."""
    names = dict.fromkeys(fit.candidate for row in history.rows for fit in row.fits)
    found = []
    for name in names:
        fits = [fit for row in history.rows for fit in row.fits if fit.candidate == name]
        found.append(
            Cost(
                name,
                len(fits),
                sum(fit.failed for fit in fits),
                math.fsum(fit.seconds for fit in fits),
                sum(fit.rows for fit in fits),
            )
        )
    return tuple(sorted(found, key=lambda one: -one.seconds))


def window(history: History, groups: Sequence[Group]) -> Small | None:
    """The rows that the champion was trained on; None where nobody served."""
    values = [mean(one.rows, lambda row: row.window_rows) for one in groups]
    known = [value for value in values if value is not None]
    if not known:
        return None
    top = max(known) or 1.0
    parts, before = [], None
    for one, value in zip(groups, values, strict=True):
        if value is not None:
            height = round((1 - value / top) * _HEIGHT * 0.94 + 3, 2)
            parts.append(f"{'V' if before == one.left else f'M{one.left:g} '}{height:g}H{one.right:g}")
        before = None if value is None else one.right
    said = f"from {min(known):,.0f} to {max(known):,.0f} rows" if min(known) < max(known) else f"{max(known):,.0f} rows"
    return Small("rows trained on", short(top), "".join(parts), "steps", said)


def seconds(history: History, groups: Sequence[Group]) -> Small | None:
    """Seconds of fitting in each interval, or each interval of a group on average; None where nothing was fitted."""
    values = [mean(one.rows, _fitting) or 0.0 for one in groups]
    top = max(values, default=0.0)
    if not top:
        return None
    parts = []
    for one, value in zip(groups, values, strict=True):
        if value:
            inset, height = (one.right - one.left) * 0.15, round(value / top * _HEIGHT * 0.97, 2)
            wide = one.right - one.left - 2 * inset
            parts.append(f"M{one.left + inset:g} {_HEIGHT}v{-height:g}h{wide:g}v{height:g}z")
    total = math.fsum(_fitting(row) for row in history.rows)
    return Small("seconds of training", f"{top:.2g} s", "".join(parts), "bars", f"{total:,.1f} seconds in all")


def _fitting(row: CycleRow) -> float:
    return math.fsum(fit.seconds for fit in row.fits)
