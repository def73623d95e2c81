"""What the charts of a pipeline show, from cycles added up by place in time: lines for the browser, strips for SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from heliotrope.ledger.overview import Band, Compared, Place, Readings, Stretch
from heliotrope.report.palette import HUES
from heliotrope.report.timeline import Tick, place, ticks

__all__ = ["Block", "Strip", "blocks", "hues", "lines", "marks", "readings", "spark", "ticks_of", "two_lines"]

P = TypeVar("P", Place, Compared)

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MOST_LINES = 6
_MOST_STRIPS = 24
_SHADES = 5
_SCALE = 10  # places of report.timeline to one in a hundred


@dataclass(frozen=True, slots=True)
class Block:
    """A champion from ``left``, ``width`` wide, in percent."""

    name: str
    hue: int
    left: float
    width: float
    start: datetime
    end: datetime | None
    fits: int


@dataclass(frozen=True, slots=True)
class Strip:
    """Where something happened, and in how many cycles of how many."""

    kind: str
    name: str
    paths: tuple[str, ...]
    """For SVG, in a box of SPAN x 10: one path a shade, from the places where it happened in few cycles to all."""
    count: int
    of: int


def hues(names: Sequence[str]) -> dict[str, int]:
    """By candidate: the place of its hue in the palette; the last one is for all there is no other for.

    >>> hues(["tree", "logistic", "tree"])
    {'tree': 0, 'logistic': 1}
    """
    return {name: min(at, len(HUES) - 1) for at, name in enumerate(dict.fromkeys(names))}


def lines(
    places: Sequence[Place],
    challengers: Mapping[str, Mapping[int, tuple[float, int]]],
    bands: Sequence[Band],
    over: Stretch,
    best: float | None,
) -> dict[str, Any]:
    """The chart of scores as its script takes it: seconds since 1970, and a list a line; null where there is none."""
    most = sorted(challengers, key=lambda name: -sum(count for _, count in challengers[name].values()))[:_MOST_LINES]
    hue = hues([*(band.candidate for band in bands), *most])
    filled = _with_gaps(places)
    return {
        "times": [_seconds(over.start + over.width * (at + 0.5)) for at in filled],
        "width": over.width.total_seconds(),
        "champion": [None if one is None else _short(one.score) for one in filled.values()],
        "low": [None if one is None else _short(one.lowest) for one in filled.values()],
        "high": [None if one is None else _short(one.highest) for one in filled.values()],
        "challengers": [
            {
                "name": name,
                "hue": hue[name],
                "scores": [_short(challengers[name].get(at, (None, 0))[0]) for at in filled],
            }
            for name in most
        ],
        "best": best,
        "from": _seconds(over.start),
        "to": _seconds(over.end),
        "served": [_served(bands, one) for one in filled.values()],
        "cycles": [0 if one is None else one.cycles for one in filled.values()],
        "drifted": [0 if one is None else one.drifted for one in filled.values()],
    }


def two_lines(found: Sequence[Compared], over: Stretch, first: str, second: str, best: float | None) -> dict[str, Any]:
    """The chart of two candidates, in the form of :func:`lines`."""
    filled = _with_gaps(found)
    nothing = [None] * len(filled)
    return {
        "times": [_seconds(over.start + over.width * (at + 0.5)) for at in filled],
        "width": over.width.total_seconds(),
        "champion": [None if one is None else _short(one.first) for one in filled.values()],
        "low": nothing,
        "high": nothing,
        "challengers": [
            {
                "name": second,
                "hue": 1,
                "scores": [None if one is None else _short(one.second) for one in filled.values()],
            }
        ],
        "best": best,
        "from": _seconds(over.start),
        "to": _seconds(over.end),
        "served": [first] * len(filled),
        "cycles": [0 if one is None else one.cycles for one in filled.values()],
        "drifted": [0] * len(filled),
    }


def blocks(bands: Sequence[Band], over: Stretch, names: Mapping[str, int]) -> tuple[Block, ...]:
    """Who served, as blocks."""
    found = []
    for band in bands:
        left, right = (_percent(moment, over) for moment in (band.start, band.end or over.end))
        found.append(
            Block(band.candidate, names[band.candidate], left, round(right - left, 3), band.start, band.end, band.fits)
        )
    return tuple(found)


def marks(places: Sequence[Place], over: Stretch) -> tuple[Strip, ...]:
    """What happened in the cycles, kind by kind; a kind that never did is left out."""
    kinds = ("trained", "promoted", "refreshed", "rolled_back", "held", "drifted")
    of = sum(one.cycles for one in places)
    strips = []
    for kind in kinds:
        shares = {one.place: getattr(one, kind) / one.cycles for one in places if getattr(one, kind)}
        if shares:
            count = sum(getattr(one, kind) for one in places)
            strips.append(Strip(kind, "", _paths(shares, over), count, of))
    return tuple(strips)


def readings(found: Sequence[Readings], over: Stretch) -> tuple[tuple[Strip, ...], int]:
    """A strip for each feature and detector, the most often drifted first, and how many are not shown."""
    by_name: dict[tuple[str, str], list[Readings]] = {}
    for one in found:
        by_name.setdefault((one.feature, one.detector), []).append(one)
    strips = [
        Strip(
            detector,
            feature,
            _paths({one.place: one.drifted / one.count for one in parts if one.drifted}, over),
            sum(one.drifted for one in parts),
            sum(one.count for one in parts),
        )
        for (feature, detector), parts in by_name.items()
    ]
    strips.sort(key=lambda strip: -strip.count)
    return tuple(strips[:_MOST_STRIPS]), max(0, len(strips) - _MOST_STRIPS)


def ticks_of(over: Stretch) -> list[Tick]:
    """Named moments, their dates in figures, which every language reads."""
    return [Tick(one.percent, _in_figures(one.label)) for one in ticks(over.start, over.end)]


def _in_figures(label: str) -> str:
    """A tick's label without the name of a month.

    >>> _in_figures("24 Nov"), _in_figures("Nov 2026"), _in_figures("05:00")
    ('11-24', '2026-11', '05:00')
    """
    day, _, rest = label.partition(" ")
    if not rest:
        return label
    if day in _MONTHS:
        return f"{rest}-{_MONTHS.index(day) + 1:02}"
    return f"{_MONTHS.index(rest) + 1:02}-{int(day):02}"


def spark(scores: Sequence[float | None]) -> str:
    """The latest scores as a line in 100 x 24, for SVG; empty for fewer than two.

    >>> spark([0.9, None, 1.0])
    'M0 22L100 2'
    """
    known = [(at, one) for at, one in enumerate(scores) if one is not None]
    if len(known) < 2:
        return ""
    low, high = min(one for _, one in known), max(one for _, one in known)
    points = [
        f"{at * 100 / (len(scores) - 1):.4g} {12 if high == low else 22 - (one - low) / (high - low) * 20:.4g}"
        for at, one in known
    ]
    return "M" + "L".join(points)


def _with_gaps(places: Sequence[P]) -> dict[int, P | None]:
    """The places in order, and an empty one where time has a gap: a line ends there."""
    found: dict[int, P | None] = {}
    before: int | None = None
    for one in places:
        if before is not None and one.place > before + 1:
            found[before + 1] = None
        found[one.place] = one
        before = one.place
    return found


def _served(bands: Sequence[Band], one: Place | None) -> str | None:
    if one is None:
        return None
    for band in reversed(bands):
        if band.start <= one.start and (band.end is None or one.start < band.end):
            return band.candidate
    return None


def _paths(shares: Mapping[int, float], over: Stretch) -> tuple[str, ...]:
    """Blocks from the share of the cycles in each place; those that follow each other in one shade are one block."""
    found: list[list[str]] = [[] for _ in range(_SHADES)]
    first = None
    for at in sorted(shares):
        shade = _shade(shares[at])
        first = at if first is None else first
        if at + 1 in shares and _shade(shares[at + 1]) == shade:
            continue
        left, right = (place(over.start + over.width * one, over.start, over.end) for one in (first, at + 1))
        found[shade].append(f"M{left:g} 0h{max(right - left, 1.0):g}v10H{left:g}z")
        first = None
    return tuple("".join(parts) for parts in found)


def _shade(share: float) -> int:
    return min(int(share * _SHADES), _SHADES - 1)


def _percent(moment: datetime, over: Stretch) -> float:
    return round(place(moment, over.start, over.end) / _SCALE, 3)


def _seconds(moment: datetime) -> float:
    return round(moment.timestamp(), 3)


def _short(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.6g}")
