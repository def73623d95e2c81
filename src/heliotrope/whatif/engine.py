"""Many policies over one history, side by side: every policy runs an interval before any runs the next."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from heliotrope import cycle
from heliotrope.interval import Interval
from heliotrope.records import Action
from heliotrope.whatif.past import History, PastContext, Shared

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from heliotrope.config import Pipeline
    from heliotrope.whatif.memory import MemoryLedger

__all__ = ["Done", "Engine", "Run"]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Run:
    """What one policy came to: its scores by interval, NaN where nothing was scored, and what they cost."""

    scores: NDArray[np.float64]
    trainings: int
    """In how many intervals the trigger asked for a training."""
    fits: int
    """How many different fits that took: an equal one is made once, as in a replay."""
    fit_seconds: float
    promotions: int
    refreshes: int
    """Promotions of the champion's own candidate, fitted anew; counted among the promotions too."""
    held: int

    @property
    def promoted(self) -> int:
        """How often another candidate took over, or the first; as `replay` counts it."""
        return self.promotions - self.refreshes


@dataclass(kw_only=True, slots=True)
class Done:
    """What all of them took together."""

    fits: int = 0
    fit_seconds: float = 0.0
    scores: int = 0
    """Models asked about a batch."""
    measurements: int = 0
    """Drift measured between a reference and a batch."""

    def add(self, other: Done) -> None:
        """Count what was done elsewhere too."""
        self.fits += other.fits
        self.fit_seconds += other.fit_seconds
        self.scores += other.scores
        self.measurements += other.measurements


@dataclass(eq=False)
class Engine:
    """Policies on one history. Run its intervals in order; stop after any of them."""

    pipelines: Sequence[Pipeline]
    history: History
    shared: Shared = field(default_factory=Shared)
    contexts: list[PastContext] = field(init=False)
    ran: list[Interval] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.contexts = [PastContext(pipeline, self.history, self.shared) for pipeline in self.pipelines]

    def run(self, interval: Interval, beside: Callable[[Interval], object] = lambda _: None) -> None:
        """Let every policy run the interval's cycle; then ``beside``, while the interval's fits are still kept."""
        for context in self.contexts:
            cycle.run(context, interval)
        beside(interval)
        self.shared.end_interval({one for context in self.contexts for one in context.asked_next(interval)})
        self.ran.append(interval)

    def runs(self) -> list[Run]:
        """What every policy came to over the intervals that all have run, in their order."""
        return [_run(context.memory, len(self.ran), context.pipeline.metric, self.shared) for context in self.contexts]

    def done(self) -> Done:
        """What all of them took."""
        shared = self.shared
        return Done(
            fits=shared.fits,
            fit_seconds=sum(shared.seconds.values()),
            scores=shared.scores,
            measurements=shared.measurements,
        )


def _run(ledger: MemoryLedger, count: int, metric: str, shared: Shared) -> Run:
    cycles = ledger.cycles[:count]
    scores = np.full(count, np.nan)
    fingerprints: set[str] = set()
    trainings = promotions = refreshes = 0
    for place, tried in enumerate(cycles):
        champion = tried.champion
        value = None if champion is None else champion.metrics.get(metric)
        scores[place] = np.nan if value is None else value
        first = tried.decisions.get("trigger")
        trainings += first is not None and first.action is Action.TRAIN
        fingerprints.update(training.fingerprint for _, training, _ in tried.trainings.values())
        promotions += first is not None and first.action is Action.PROMOTE  # out of the shadow
        gate = tried.decisions.get("gate")
        if gate is not None and gate.action is Action.PROMOTE:
            promotions += 1
            names = {name for role, name in tried.trainings if role == "final"}
            refreshes += champion is not None and champion.candidate in names
    return Run(
        scores=scores,
        trainings=trainings,
        fits=len(fingerprints),
        fit_seconds=sum(shared.seconds.get(one, 0.0) for one in sorted(fingerprints)),
        promotions=promotions,
        refreshes=refreshes,
        held=sum(tried.held for tried in cycles),
    )
