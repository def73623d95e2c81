"""What the page of a whole history is made from: plain records, filled from the ledger by whoever holds it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from heliotrope.interval import Interval
from heliotrope.report.confusion import Confusion
from heliotrope.report.reliability import Bin
from heliotrope.report.residuals import Residuals
from heliotrope.report.slices import Slice

__all__ = ["Asked", "ChampionSpan", "CycleRow", "Fit", "History", "Totals", "totals"]


@dataclass(frozen=True, slots=True)
class Fit:
    """One training: of which candidate, on how many rows, for how long, and whether it failed."""

    candidate: str
    rows: int
    seconds: float
    failed: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What the models that served answered when they were asked again about their own intervals' rows."""

    intervals: int
    of: int
    """In how many somebody served on rows that could be used."""
    rows: int
    reliability: tuple[Bin, ...] = ()
    """Empty for a regression, and for models without probabilities."""
    confusion: Confusion | None = None
    slices: tuple[Slice, ...] = ()
    residuals: Residuals | None = None
    notes: tuple[str, ...] = ()
    """What could not be asked, and why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CycleRow:
    """One cycle as the page shows it."""

    interval: Interval
    champion: str | None = None
    """Who served in the interval."""
    score: float | None = None
    """The champion's metric on the interval's rows, before any training on them."""
    rescored: float | None = None
    """The same on the rows as they were when the interval was scored again; None where it was not."""
    provisional: int = 0
    """Rows without a label yet, as last seen: with them the score may become another."""
    metrics: Mapping[str, float] = field(default_factory=dict)
    challengers: Mapping[str, float] = field(default_factory=dict)
    """The same metric of every model that was scored on these rows without having seen them."""
    frozen: float | None = None
    """What the first champion, never trained again, scored; None where nobody asked."""
    drift: Mapping[str, float] = field(default_factory=dict)
    """Label of a reading (a feature, or a feature with its detector) to its strength: more is stronger."""
    drifted: tuple[str, ...] = ()
    """Those labels of ``drift`` whose reading crossed its threshold."""
    decision: str = ""
    """``hold``, ``skip``, ``keep``, ``promote`` with the candidate's name, ``refresh``, or ``roll back``."""
    reasons: tuple[str, ...] = ()
    rows: int = 0
    seconds: float = 0.0
    """Of the cycle's steps."""
    trained: bool = False
    window_rows: int | None = None
    """What the champion was trained on."""
    fits: tuple[Fit, ...] = ()
    """What was fitted in the cycle, well or not."""

    @property
    def outcome(self) -> str:
        """The first word of the decision."""
        return self.decision.partition(" ")[0]


@dataclass(frozen=True, kw_only=True, slots=True)
class ChampionSpan:
    """Who served from when until when (None: still), in the data's time."""

    champion: str
    start: datetime
    end: datetime | None
    reasons: tuple[str, ...] = ()
    window: Interval | None = None
    """What it was trained on."""


@dataclass(frozen=True, kw_only=True, slots=True)
class History:
    """A pipeline over ``[start, end)``: its cycles in order of time, its champions, and its pictures if there are any.

    ``animation`` is a GIF; ``frames`` are PNGs with the interval each shows, and where they are
    given the page steps through them instead of playing ``animation``.
    """

    pipeline: str
    task: str
    metric: str
    lower_is_better: bool
    best_possible: float | None
    start: datetime
    end: datetime
    rows: tuple[CycleRow, ...]
    champions: tuple[ChampionSpan, ...]
    generated_at: datetime
    animation: bytes | None = None
    by_hand: tuple[str, ...] = ()
    """What people changed, in order of time."""
    frames: tuple[tuple[Interval, bytes], ...] = ()
    cut: str = ""
    """What is on the pictures' axes and why; empty where there is no choice."""
    names: tuple[tuple[str, str], ...] = ()
    """Names of classes that pictures have no room for: as they are there, and in full."""
    target: str = ""
    """In whose unit a regression errs."""
    first_model: str = ""
    """Which model ``CycleRow.frozen`` is of."""
    asked: Asked | None = None
    notes: tuple[str, ...] = ()
    """What is missing, and why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Totals:
    """Sums over a history."""

    cycles: int
    scored: int
    mean: float | None
    """Of the champion's metric over the intervals where it was measured, each counting once."""
    worst: float | None
    trainings: int
    promoted: int
    """How often another candidate came to serve."""
    refreshed: int
    """How often a fresh fit of the champion's own candidate did."""
    held: int
    drifted: int
    rows: int
    seconds: float


def totals(history: History) -> Totals:
    """Count and add up a history's cycles.

    >>> from datetime import UTC, timedelta
    >>> start = datetime(2026, 11, 24, tzinfo=UTC)
    >>> cycles = tuple(
    ...     CycleRow(interval=Interval(start, start + timedelta(hours=1)).shift(i), score=0.9 + i / 100, trained=i == 1)
    ...     for i in range(3)
    ... )
    >>> found = totals(History(
    ...     pipeline="p", task="classification", metric="accuracy", lower_is_better=False, best_possible=None,
    ...     start=start, end=start + timedelta(hours=3), rows=cycles, champions=(), generated_at=start))
    >>> round(found.mean, 6), found.worst, found.trainings
    (0.91, 0.9, 1)
    """
    cycles = history.rows
    scores = [row.score for row in cycles if row.score is not None and math.isfinite(row.score)]
    worst = max if history.lower_is_better else min
    return Totals(
        cycles=len(cycles),
        scored=len(scores),
        mean=math.fsum(scores) / len(scores) if scores else None,
        worst=worst(scores, default=None),
        trainings=sum(row.trained for row in cycles),
        promoted=sum(row.outcome == "promote" for row in cycles),
        refreshed=sum(row.outcome == "refresh" for row in cycles),
        held=sum(row.outcome == "hold" for row in cycles),
        drifted=sum(bool(row.drifted) for row in cycles),
        rows=sum(row.rows for row in cycles),
        seconds=math.fsum(row.seconds for row in cycles),
    )
