"""The table of cycles, as text cell by cell: what the page shows at once, and what it holds to page through."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from heliotrope.interval import Interval
from heliotrope.report.fonts import plain
from heliotrope.report.history import CycleRow, History

__all__ = ["KINDS", "Line", "columns", "line", "number", "reading", "span", "when"]

Line = tuple[str, ...]
"""One text for every column, and last the cycle's kinds, as letters."""

KINDS = {
    "t": "trained",
    "p": "promoted",
    "f": "refreshed",
    "d": "drifted",
    "h": "held",
    "r": "rolled back",
    "l": "scored again",
    "u": "provisional",
}

_DONE = {"promote": "p", "refresh": "f", "hold": "h", "roll": "r"}
_MOST_LABELS = 4


def columns(history: History) -> tuple[str, ...]:
    """The table's columns: those of what was never measured are left out."""
    beside = ["First model"] if any(row.frozen is not None for row in history.rows) else []
    beside += ["Challengers"] if any(row.challengers for row in history.rows) else []
    return ("Interval (UTC)", "Champion", "Score", *beside, "Drift", "Decision", "Reasons", "Rows", "Seconds of steps")


def line(row: CycleRow, shown: tuple[str, ...], most: int = 1000) -> Line:
    """One cycle's cells in the columns ``shown``, with no more than ``most`` signs of drift and of reasons."""
    kinds = ("t" if row.trained else "") + ("d" if row.drifted else "") + _DONE.get(row.outcome, "")
    kinds += ("" if row.rescored is None else "l") + ("u" if row.provisional else "")
    beside: tuple[str, ...] = (number(row.frozen),) if "First model" in shown else ()
    if "Challengers" in shown:
        beside += (plain(_some(tuple(f"{name} {number(one)}" for name, one in row.challengers.items())), most),)
    return (
        when(row.interval),
        row.champion or "none",
        (number(row.score) if row.rescored is None else f"{number(row.score)}, then {number(row.rescored)}")
        + ("?" if row.provisional else ""),
        *beside,
        plain(_some(row.drifted), most),
        plain(row.decision, most),
        plain("; ".join(row.reasons), most),
        f"{row.rows:,}",
        f"{row.seconds:.2f}",
        kinds,
    )


def reading(rows: tuple[CycleRow, ...], history: History, score: float | None) -> str:
    """A group of cycles in one line: when, who served, the score, the drift, the decision."""
    first, last = rows[0], rows[-1]
    metric = history.metric.replace("_", " ")
    if len(rows) == 1:
        drift = f"drift: {_some(first.drifted)}" if first.drifted else "no drift"
        decision = first.decision or "no decision"
        waiting = f" (provisional, {_rows(first.provisional)} without a label)" if first.provisional else ""
        parts = [when(first.interval), first.champion or "no champion", f"{metric} {number(score)}{waiting}"]
        if first.rescored is not None:
            parts.append(f"scored again {number(first.rescored)}")
        if first.frozen is not None:
            parts.append(f"first model {number(first.frozen)}")
        parts += [drift, decision]
        if first.challengers:
            parts.append(
                "challengers: " + _some(tuple(f"{name} {number(one)}" for name, one in first.challengers.items()))
            )
    else:
        drifted = sum(bool(row.drifted) for row in rows)
        trained = sum(row.trained for row in rows)
        served = _some(tuple(dict.fromkeys(row.champion or "none" for row in rows)))
        between = Interval(first.interval.start, last.interval.end)
        parts = [span(between), f"{len(rows)} intervals", served, f"mean {metric} {number(score)}"]
        again = sum(row.rescored is not None for row in rows)
        parts += [f"drift in {drifted}", f"{trained} trained", *([f"{again} scored again"] if again else [])]
        waiting_in = sum(bool(row.provisional) for row in rows)
        parts += [f"{waiting_in} provisional"] if waiting_in else []
    return " · ".join(parts)


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"


def number(value: float | None) -> str:
    """A score: four digits after the point, fewer where it is large.

    >>> number(0.96), number(1234.5678), number(12_345_678.9), number(None)
    ('0.9600', '1,234.57', '12,345,679', '–')
    """
    if value is None or not math.isfinite(value):
        return "–"
    size = abs(value)
    if size and size < 1e-3:
        return f"{value:.3g}"
    return f"{value:,.{4 if size < 100 else 2 if size < 10_000 else 0}f}"


def when(interval: Interval) -> str:
    """An interval by its start; days without the hour.

    >>> from heliotrope.interval import interval_at, parse_step, parse_time
    >>> when(interval_at(parse_time("2026-11-24T05:00Z"), parse_step("1h")))
    '2026-11-24 05:00'
    """
    return _moment(interval.start, interval.step % timedelta(days=1) == timedelta(0))


def span(interval: Interval) -> str:
    """A range of time, from and to."""
    days = interval.step % timedelta(days=1) == timedelta(0) and interval.start.hour == interval.start.minute == 0
    return f"{_moment(interval.start, days)} to {_moment(interval.end, days)}"


def _moment(moment: datetime, day: bool) -> str:
    return f"{moment:%Y-%m-%d}" if day else f"{moment:%Y-%m-%d %H:%M}" + (f":{moment:%S}" if moment.second else "")


def _some(labels: tuple[str, ...]) -> str:
    """The first few labels, and how many more."""
    more = len(labels) - _MOST_LABELS
    return "; ".join(labels[:_MOST_LABELS]) + (f" and {more} more" if more > 0 else "")
