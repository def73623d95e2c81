"""One pipeline in time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response

from heliotrope.errors import IntervalError
from heliotrope.interval import parse_time
from heliotrope.ledger import cycles, segment_names
from heliotrope.ledger.overview import Place, bands, challengers, drift_readings, places
from heliotrope.web import chart
from heliotrope.web.glance import glances
from heliotrope.web.page import Asked
from heliotrope.web.span import CHOICES, span

__all__ = ["router"]

router = APIRouter(include_in_schema=False)

PER_PAGE = 50
_MOST_SEGMENTS = 500


@router.get("/pipelines/{name}")
def pipeline(page: Asked, name: str, segment: str = "", start: str = "", end: str = "", show: str = "") -> Response:
    """Scores, champions, drift and decisions of a range, and its latest cycles."""
    with page.reading() as connection:
        subject = page.subject(connection, name, segment)
        glance = glances(connection, page.site, [subject.known], segment)[0]
        metric, key = subject.pipeline.metric, subject.key
        names = segment_names(connection, subject.known.id) if subject.pipeline.partition_by else ()
        shown = span(connection, subject, start, end, show)
        values: dict[str, Any] = {
            "subject": subject,
            "glance": glance,
            "segments": names[:_MOST_SEGMENTS],
            "shown": shown,
        }
        if shown is None:
            return page.render("pipeline.html", **values)
        over = shown.over
        found = places(connection, *key, metric, over)
        served = bands(connection, *key, over.start, over.end)
        beside = challengers(connection, *key, metric, over)
        strips, more = chart.readings(drift_readings(connection, *key, over), over)
        rows = cycles(connection, *key, start=over.start, end=over.end, limit=PER_PAGE + 1)
    hues = chart.hues([*(one.candidate for one in served), *beside])
    best = subject.pipeline.report.best_possible
    return page.render(
        "pipeline.html",
        **values,
        lines=chart.lines(found, beside, served, over, best),
        blocks=chart.blocks(served, over, hues),
        hues=hues,
        marks=chart.marks(found, over),
        strips=strips,
        strips_left_out=more,
        ticks=chart.ticks_of(over),
        choices=CHOICES,
        totals=_totals(found, subject.pipeline.lower_is_better),
        rows=rows[-PER_PAGE:][::-1],
        older=rows[1].interval.start if len(rows) > PER_PAGE else None,
    )


@router.get("/pipelines/{name}/cycles")
def table(page: Asked, name: str, segment: str = "", start: str = "", before: str = "") -> Response:
    """A page of the table of cycles: those that start before a time, the latest first."""
    if not before:
        raise IntervalError("before is empty", remedy="say before which time the cycles are to start")
    with page.reading() as connection:
        subject = page.subject(connection, name, segment)
        rows = cycles(
            connection,
            *subject.key,
            start=parse_time(start) if start else None,
            end=parse_time(before),
            limit=PER_PAGE + 1,
        )
    return page.render(
        "cycles.html",
        subject=subject,
        rows=rows[-PER_PAGE:][::-1],
        older=rows[1].interval.start if len(rows) > PER_PAGE else None,
        start=start,
        before=before,
    )


def _totals(found: Sequence[Place], lower_is_better: bool) -> dict[str, float | None]:
    scored = [one for one in found if one.score is not None]
    count = sum(one.cycles for one in scored)
    worst = [one.highest if lower_is_better else one.lowest for one in scored]
    known = [one for one in worst if one is not None]
    return {
        "cycles": sum(one.cycles for one in found),
        "mean": sum((one.score or 0.0) * one.cycles for one in scored) / count if count else None,
        "worst": (max(known) if lower_is_better else min(known)) if known else None,
        **{
            kind: sum(getattr(one, kind) for one in found)
            for kind in ("drifted", "trained", "promoted", "refreshed", "held", "rows")
        },
    }
