"""What is lettered round a picture: the time above it, and below who served, what was decided, and how well it went."""

from __future__ import annotations

from datetime import timedelta

from heliotrope.interval import Interval
from heliotrope.report.fonts import plain
from heliotrope.report.scene import Scene

__all__ = ["caption", "title"]


def title(interval: Interval) -> str:
    """The interval's start, in UTC.

    >>> from datetime import datetime, UTC
    >>> from heliotrope.interval import interval_at, parse_step
    >>> title(interval_at(datetime(2026, 11, 24, 5, tzinfo=UTC), parse_step("1h")))
    '2026-11-24 05:00 UTC'
    """
    if interval.step % timedelta(days=1) == timedelta(0):
        return f"{interval.start:%Y-%m-%d}"
    return f"{interval.start:%Y-%m-%d %H:%M}" + (f":{interval.start:%S}" if interval.start.second else "") + " UTC"


def caption(scene: Scene) -> tuple[str, str]:
    """Who serves and what was decided; how well the rows were met."""
    rows = scene.table.num_rows
    counted = "1 row" if rows == 1 else f"{rows:,} rows"
    if scene.champion is None and not scene.decision:
        return counted, ""
    who = f"champion: {'none yet' if scene.champion is None else plain(scene.champion, 40)}"
    drift = "" if scene.drifted is None else f"drift: {'yes' if scene.drifted else 'no'}"
    decision = f"decision: {plain(scene.decision, 28)}" if scene.decision else ""
    metric = scene.metric.replace("_", " ")
    if scene.champion is None:
        met = counted
    elif scene.score is None:
        met = f"{counted}, {metric} not measured"
    else:
        met = f"{metric} {_number(scene.score)} on {counted} it had not seen"
    return "    ".join(part for part in (who, drift, decision) if part), met


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"
