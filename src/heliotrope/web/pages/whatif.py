"""What would have been best: the policies that ``heliotrope whatif`` tried."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response

from heliotrope.errors import ConfigError
from heliotrope.report.scores import scale_of
from heliotrope.web.page import Asked
from heliotrope.whatif.kept import kept

__all__ = ["Frontier", "Point", "Policy", "frontier", "router"]

router = APIRouter(include_in_schema=False)

_MOST_ROWS = 200
_MOST_POINTS = 2000
_MOST_PIECES = 200


@dataclass(frozen=True, slots=True)
class Point:
    """A policy at its place, in percent of the width and of the height from the top."""

    x: float
    y: float
    kind: str
    """``frontier`` or ``other``."""
    label: str


Piece = tuple[float, float, float, float]
"""A line from one place to another: across, down, across, down."""


@dataclass(frozen=True, slots=True)
class Frontier:
    """Policies by how often they trained (across) and how well they did (up)."""

    points: tuple[Point, ...]
    lines: tuple[Piece, ...]
    """The frontier as steps: with more trainings than a policy has, its mean is had until the next one's is."""
    hindsight: tuple[Piece, ...]
    """What the best times for so many trainings would have given."""
    running: Point
    recommended: Point
    across: tuple[tuple[float, str], ...]
    up: tuple[tuple[float, str], ...]


@router.get("/pipelines/{name}/whatif")
def whatif(page: Asked, name: str, segment: str = "") -> Response:
    """The frontier, and the policies as a table."""
    with page.reading() as connection:
        subject = page.subject(connection, name, segment)
    found = kept(page.site.folder, subject.known.name)
    if found is None:
        return page.render("whatif.html", subject=subject, found=None)
    try:
        policies = [Policy.of(place, one, found) for place, one in enumerate(found["policies"])]
        hindsight = [None if one is None else float(one) for one in found["hindsight"]]
        drawn = frontier(policies, hindsight)
    except (KeyError, TypeError, ValueError, IndexError, StopIteration):
        raise ConfigError(
            f"what was kept of whatif for {name} is of another version", remedy="run `heliotrope whatif` again"
        ) from None
    lower = subject.pipeline.lower_is_better
    ordered = sorted(policies, key=lambda one: (not one.is_named, -one.mean if not lower else one.mean))
    return page.render(
        "whatif.html",
        subject=subject,
        found=found,
        drawn=drawn,
        rows=ordered[:_MOST_ROWS],
        left_out=len(policies) - _MOST_ROWS,
        running=policies[found["running"]],
        best=policies[found["best"]],
        recommended=policies[found["recommended"]],
        hindsight=hindsight,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """What was tried, and what came of it."""

    place: int
    name: str
    mean: float
    standard_error: float | None
    trainings: int
    fit_seconds: float
    promoted: int
    refreshed: int
    on_frontier: bool
    running: bool
    recommended: bool

    @property
    def is_named(self) -> bool:
        """Whether it is one that the page tells of."""
        return self.on_frontier or self.running or self.recommended

    @classmethod
    def of(cls, place: int, one: Mapping[str, Any], found: Mapping[str, Any]) -> Policy:
        """From its document. Raises KeyError, TypeError or ValueError for one that is none."""
        parts = (", ".join(one["candidates"]), one["window"], one["trigger"], one["gate"])
        return cls(
            place=place,
            name=" · ".join(str(part) for part in parts if part),
            mean=float(one["mean"]),
            standard_error=one["standard_error"],
            trainings=int(one["trainings"]),
            fit_seconds=float(one["fit_seconds"]),
            promoted=int(one["promotions"]) - int(one["refreshes"]),
            refreshed=int(one["refreshes"]),
            on_frontier=bool(one["on_frontier"]),
            running=place == found["running"],
            recommended=place == found["recommended"],
        )


def frontier(policies: Sequence[Policy], hindsight: Sequence[float | None] = ()) -> Frontier:
    """The policies as a picture, and the best mean that so many trainings (1, 2, ...) could have given.

    Raises StopIteration where none is running, ValueError where there is none.
    """
    most = max(one.trainings for one in policies) or 1
    least = min(one.trainings for one in policies)
    known = [(count, one) for count, one in enumerate(hindsight, start=1) if one is not None and least <= count <= most]
    known = known[:: -(-len(known) // _MOST_PIECES) or 1]
    scale = scale_of([one.mean for one in policies] + [one for _, one in known])

    def across(trainings: float) -> float:
        return round(trainings / most * 96 + 2, 2)

    def point(one: Policy) -> Point:
        return Point(across(one.trainings), scale.place(one.mean), "frontier" if one.on_frontier else "other", one.name)

    front = [point(one) for one in sorted(policies, key=lambda one: one.trainings) if one.on_frontier]
    points = sorted((point(one) for one in policies[:_MOST_POINTS]), key=lambda one: one.kind == "frontier")
    return Frontier(
        points=tuple(points),
        lines=tuple(one for a, b in pairwise(front) for one in ((a.x, a.y, b.x, a.y), (b.x, a.y, b.x, b.y))),
        hindsight=tuple(
            (across(before), scale.place(was), across(after), scale.place(now))
            for (before, was), (after, now) in pairwise(known)
        ),
        running=point(next(one for one in policies if one.running)),
        recommended=point(next(one for one in policies if one.recommended)),
        across=tuple((round(share * 96 + 2, 2), f"{round(most * share):,}") for share in (0.0, 0.25, 0.5, 0.75, 1.0)),
        up=scale.ticks,
    )
