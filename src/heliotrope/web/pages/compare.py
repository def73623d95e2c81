"""Two candidates on the same intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter
from fastapi.responses import Response

from heliotrope.interval import parse_time
from heliotrope.ledger.overview import Compared, Score, compared, scored_candidates, scores
from heliotrope.web import chart
from heliotrope.web.page import Asked, cycle_at, require_text
from heliotrope.web.span import CHOICES, span

__all__ = ["Summary", "router", "summary"]

router = APIRouter(include_in_schema=False)

_ORDER = ("challenger", "shadow", "champion", "previous", "whole")


@dataclass(frozen=True, kw_only=True, slots=True)
class Summary:
    """The intervals in which both were scored, each counting once."""

    intervals: int
    first: float
    second: float
    difference: float
    standard_error: float | None
    """Of the difference, over intervals; None of fewer than two."""
    better: int
    """Intervals in which the first was better."""
    worse: int


@router.get("/pipelines/{name}/compare")
def compare(
    page: Asked,
    name: str,
    segment: str = "",
    first: str = "",
    second: str = "",
    start: str = "",
    end: str = "",
    show: str = "",
    at: str = "",
) -> Response:
    """Their scores in time, and all metrics of one interval."""
    require_text(first, second)
    with page.reading() as connection:
        subject = page.subject(connection, name, segment)
        shown = span(connection, subject, start, end, show)
        if shown is None:
            return page.render("compare.html", subject=subject, shown=None, names=[])
        names = list(scored_candidates(connection, *subject.key, shown.over))
        first = first or (subject.known.champion if subject.known.champion in names else "") or next(iter(names), "")
        second = second or next((one for one in names if one != first), "")
        found = compared(connection, *subject.key, subject.pipeline.metric, shown.over, first, second)
        moment = parse_time(at) if at else (found[-1].latest if found else None)
        both = None
        if moment is not None:
            both = _both(scores(connection, cycle_at(connection, subject, moment).id), first, second)
    return page.render(
        "compare.html",
        subject=subject,
        shown=shown,
        names=names,
        first=first,
        second=second,
        lines=chart.two_lines(found, shown.over, first, second, subject.pipeline.report.best_possible),
        hues={first: 0, second: 1},
        summary=summary(found, subject.pipeline.lower_is_better),
        at=moment,
        both=both,
        choices=CHOICES,
    )


def summary(found: Sequence[Compared], lower_is_better: bool) -> Summary | None:
    """The places added up; None where there is none."""
    count = sum(one.cycles for one in found)
    if not count:
        return None
    difference = sum(one.difference for one in found) / count
    squares = sum(one.squares for one in found)
    error = None
    if count > 1:
        error = math.sqrt(max(0.0, squares - count * difference**2) / (count - 1) / count)
    higher, lower = sum(one.higher for one in found), sum(one.lower for one in found)
    return Summary(
        intervals=count,
        first=sum(one.first * one.cycles for one in found) / count,
        second=sum(one.second * one.cycles for one in found) / count,
        difference=difference,
        standard_error=error,
        better=lower if lower_is_better else higher,
        worse=higher if lower_is_better else lower,
    )


def _both(found: Sequence[Score], first: str, second: str) -> tuple[Score, Score] | None:
    """How the two did on the interval's rows: as challengers where they were that, else as what served."""

    def one(name: str) -> Score | None:
        fits = [score for score in found if score.candidate == name]
        return min(fits, key=lambda score: _ORDER.index(score.role), default=None)

    left, right = one(first), one(second)
    return None if left is None or right is None else (left, right)
