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


@dataclass(frozen=True, slots=True)
class Point:
    """A policy at its place, in percent of the width and of the height from the top."""

    x: float
    y: float
    kind: str
    """``frontier`` or ``other``."""
    label: str


@dataclass(frozen=True, slots=True)
class Frontier:
    """Policies by how often they trained (across) and how well they did (up)."""

    points: tuple[Point, ...]
    lines: tuple[tuple[float, float, float, float], ...]
    """Pieces from one point of the frontier to the next."""
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
        drawn = frontier(policies)
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
    promotions: int
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
            promotions=int(one["promotions"]),
            on_frontier=bool(one["on_frontier"]),
            running=place == found["running"],
            recommended=place == found["recommended"],
        )


def frontier(policies: Sequence[Policy]) -> Frontier:
    """The policies as a picture. Raises StopIteration where none is running, ValueError where there is none."""
    most = max(one.trainings for one in policies) or 1
    scale = scale_of([one.mean for one in policies])

    def point(one: Policy) -> Point:
        x = one.trainings / most * 96 + 2
        return Point(round(x, 2), scale.place(one.mean), "frontier" if one.on_frontier else "other", one.name)

    front = [point(one) for one in sorted(policies, key=lambda one: one.trainings) if one.on_frontier]
    points = sorted((point(one) for one in policies[:_MOST_POINTS]), key=lambda one: one.kind == "frontier")
    return Frontier(
        points=tuple(points),
        lines=tuple((a.x, a.y, b.x, b.y) for a, b in pairwise(front)),
        running=point(next(one for one in policies if one.running)),
        recommended=point(next(one for one in policies if one.recommended)),
        across=tuple((round(share * 96 + 2, 2), f"{round(most * share):,}") for share in (0.0, 0.25, 0.5, 0.75, 1.0)),
        up=scale.ticks,
    )
