"""What runs along under the chart of scores: who served, what happened, how strongly each feature drifted.

All as paths and places in SPAN units or percent of the width, like :mod:`heliotrope.report.scores`.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from heliotrope.report.history import CycleRow, History
from heliotrope.report.palette import HUES, rgb
from heliotrope.report.timeline import SPAN, Group

__all__ = ["Band", "Heat", "Marks", "bands", "heat", "hues", "marks"]

_MOST_STRIPS = 40
_SHADES = 5
_APART = 0.05


@dataclass(frozen=True, slots=True)
class Band:
    """A champion from ``left`` to ``right``, in percent of the width."""

    name: str
    hue: str
    ink: str
    """Black or white, whichever stands out against the hue."""
    left: float
    width: float


@dataclass(frozen=True, slots=True)
class Marks:
    """Where something happened, as a path for every shade (the share of a group's cycles), and how often."""

    name: str
    paths: tuple[str, ...]
    count: int


@dataclass(frozen=True, slots=True)
class Heat:
    """One reading in time: a path for every shade, below the threshold and past it."""

    name: str
    below: tuple[str, ...]
    past: tuple[str, ...]
    count: int
    cycles: int


def hues(history: History) -> dict[str, str]:
    """A hue for each candidate, champions in order of first appearance and then challengers.

    The last hue is for all there is no other for.
    """
    names = dict.fromkeys(span.champion for span in sorted(history.champions, key=lambda span: span.start))
    names |= dict.fromkeys(name for row in history.rows for name in row.challengers)
    return {name: HUES[min(at, len(HUES) - 1)] for at, name in enumerate(names)}


def bands(history: History, groups: Sequence[Group]) -> list[Band]:
    """Who served when, as one band for every stretch of groups with the same champion at their start."""
    spans = sorted(history.champions, key=lambda span: span.start)
    starts = [span.start for span in spans]
    hue = hues(history)
    found: list[Band] = []
    for one in groups:
        moment = one.rows[0].interval.start
        at = bisect_right(starts, moment) - 1
        end = spans[at].end if at >= 0 else moment
        if at < 0 or (end is not None and end <= moment):
            continue
        name, left, width = spans[at].champion, one.left * 100 / SPAN, (one.right - one.left) * 100 / SPAN
        if found and found[-1].name == name and abs(found[-1].left + found[-1].width - left) < _APART:
            last = found.pop()
            left, width = last.left, left + width - last.left
        found.append(Band(name, hue[name], _ink(hue[name]), round(left, 3), round(width, 3)))
    return found


def marks(history: History, groups: Sequence[Group]) -> list[Marks]:
    """What happened in the cycles, kind by kind; a kind that never did is left out."""
    kinds: dict[str, Callable[[CycleRow], bool]] = {
        "trained": lambda row: row.trained,
        "promoted": lambda row: row.outcome == "promote",
        "refreshed": lambda row: row.outcome == "refresh",
        "rolled back": lambda row: row.outcome == "roll",
        "held": lambda row: row.outcome == "hold",
        "scored again": lambda row: row.rescored is not None,
        "provisional": lambda row: row.provisional > 0,
    }
    found = []
    for name, happened in kinds.items():
        cells: dict[int, list[str]] = {}
        for one in groups:
            share = sum(happened(row) for row in one.rows) / len(one.rows)
            if share:
                inset = (one.right - one.left) * (0.3 if len(one.rows) == 1 else 0.0)
                cells.setdefault(_shade(share), []).append(_cell(one.left + inset, one.right - inset))
        if cells:
            count = sum(happened(row) for row in history.rows)
            found.append(Marks(name, tuple("".join(cells.get(shade, [])) for shade in range(_SHADES)), count))
    return found


def heat(history: History, groups: Sequence[Group]) -> tuple[list[Heat], int]:
    """A strip for every label of a drift reading, the most often drifted first, and how many are not shown."""
    flagged = Counter(label for row in history.rows for label in row.drifted)
    labels = list(dict.fromkeys(label for row in history.rows for label in (*row.drift, *row.drifted)))
    labels.sort(key=lambda label: -flagged[label])
    shown = [_strip(label, flagged[label], history.rows, groups) for label in labels[:_MOST_STRIPS]]
    return shown, max(0, len(labels) - _MOST_STRIPS)


def _ink(hue: str) -> str:
    return "#ffffff" if rgb(hue) @ (0.2126, 0.7152, 0.0722) < 110 else "#111111"


def _strip(label: str, count: int, rows: Sequence[CycleRow], groups: Sequence[Group]) -> Heat:
    strengths = [
        max((row.drift[label] for row in one.rows if math.isfinite(row.drift.get(label, math.nan))), default=None)
        for one in groups
    ]
    strongest = max((value for value in strengths if value is not None), default=0.0)
    cells: dict[tuple[bool, int], list[str]] = {}
    for one, strength in zip(groups, strengths, strict=True):
        past = any(label in row.drifted for row in one.rows)
        if strength is None and not past:
            continue
        share = max(strength or 0.0, 0.0) / strongest if strongest > 0 else 0.0
        cells.setdefault((past, _shade(share)), []).append(_cell(one.left, one.right))
    below, over = (tuple("".join(cells.get((past, shade), [])) for shade in range(_SHADES)) for past in (False, True))
    return Heat(label, below, over, count, len(rows))


def _shade(share: float) -> int:
    return min(int(share * _SHADES), _SHADES - 1)


def _cell(left: float, right: float) -> str:
    width = max(right - left, 1.0)
    return f"M{left:g} 0h{width:g}v10h{-width:g}z"
