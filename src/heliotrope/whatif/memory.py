"""A ledger in memory: what a cycle writes and reads back, without a database.

It takes the place of :class:`heliotrope.ledger.Ledger` in a context whose cycles are tried and not kept. Every method
that a cycle calls answers as PostgreSQL's would; the type checker holds the signatures together, a test the answers.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from heliotrope.database import Database
from heliotrope.interval import Interval
from heliotrope.ledger import Ledger, OpenCycle
from heliotrope.records import Batch, Champion, Decision, DriftReport, Evaluation, Training, Verdict

if TYPE_CHECKING:
    import psycopg

    from heliotrope.config import Pipeline

__all__ = ["MemoryLedger", "Tried"]

NOWHERE = Database("postgresql:///none")
"""A database that is never opened."""


@dataclass(slots=True)
class Tried:
    """One cycle as it was tried."""

    interval: Interval
    steps: set[str] = field(default_factory=set)
    rows: int = 0
    content_hash: str = ""
    held: bool = False
    evaluations: list[Evaluation] = field(default_factory=list)
    drift: tuple[DriftReport, ...] = ()
    decisions: dict[str, Decision] = field(default_factory=dict)
    trainings: dict[tuple[str, str], tuple[int, Training, str | None]] = field(default_factory=dict)

    @property
    def champion(self) -> Evaluation | None:
        """How the champion did; None where there was none, or it could not be scored."""
        return next((one for one in self.evaluations if one.role == "champion"), None)


class MemoryLedger(Ledger):
    """The record of one pipeline's cycles, gone with the process. Its cycles come in the order of time.

    ``trained`` is told of every training.
    """

    def __init__(self, pipeline: Pipeline, trained: Callable[[Training], object] = lambda _: None) -> None:
        super().__init__(NOWHERE, pipeline)
        self.trained = trained
        self.cycles: list[Tried] = []
        self.champions: list[Champion] = []
        self._by_start: dict[datetime, int] = {}
        self._trainings: list[Training] = []
        self._decided: list[tuple[Decision, str, datetime]] = []

    @property
    def connection(self) -> psycopg.Connection[Any]:
        """There is none: whatever asks for it is no part of a cycle, or was added to one and is not here yet."""
        raise NotImplementedError("a ledger in memory has no connection")

    @property
    def ids(self) -> tuple[int, int]:
        """Of the pipeline and of its declaration: there is one of each."""
        return (0, 0)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Nobody else is there."""
        yield

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """What is written is kept; a cycle that fails here ends the whole trial."""
        yield

    # --- what a cycle reads back -------------------------------------------------------------------------

    def find(self, interval: Interval) -> OpenCycle | None:
        """The cycle of that interval, if it has begun."""
        place = self._by_start.get(interval.start)
        return None if place is None else OpenCycle(place, frozenset(self.cycles[place].steps))

    def champion_at(self, time: datetime) -> Champion | None:
        """Who serves at that time, by the data's clock."""
        place = bisect_right(self.champions, time, key=lambda one: one.valid_from)
        if not place:
            return None
        after = self.champions[place].valid_from if place < len(self.champions) else None
        return replace(self.champions[place - 1], valid_to=after)

    def batch_of(self, cycle_id: int) -> tuple[int, str]:
        """The id and the content hash of the cycle's own batch."""
        return cycle_id, self.cycles[cycle_id].content_hash

    def evaluations_of(self, cycle_id: int) -> tuple[Evaluation, ...]:
        """What was scored on the cycle's batch."""
        return tuple(sorted(self.cycles[cycle_id].evaluations, key=lambda one: (one.role, one.candidate)))

    def trainings_of(self, cycle_id: int) -> dict[tuple[str, str], tuple[int, Training, str | None]]:
        """By (role, candidate): the training's id, the training, and why it failed."""
        return dict(self.cycles[cycle_id].trainings)

    def decisions_of(self, cycle_id: int) -> dict[str, Decision]:
        """By stage: what was decided in the cycle."""
        return dict(self.cycles[cycle_id].decisions)

    def drift_of(self, cycle_id: int) -> tuple[DriftReport, ...]:
        """What the detectors read on the cycle's batch."""
        return self.cycles[cycle_id].drift

    def held_intervals(self, start: datetime, end: datetime) -> frozenset[datetime]:
        """The starts of the intervals whose batch is held."""
        return frozenset(one.interval.start for one in self._within(start, end) if one.held)

    def last_trained(self, before: datetime) -> datetime | None:
        """The end of the latest interval, begun before ``before``, in whose cycle something was trained."""
        return next(
            (one.interval.end for one in reversed(self.cycles) if one.trainings and one.interval.start < before), None
        )

    def rows_since(self, since: datetime, before: datetime) -> int:
        """How many usable rows the batches of ``[since, before)`` held."""
        return sum(one.rows for one in self._within(since, before) if not one.held)

    def champion_scores(self, metric: str, since: datetime, before: datetime, limit: int) -> tuple[float, ...]:
        """The metric of whoever was champion, by interval in ``[since, before)``, the last ``limit``, oldest first."""
        found = [one.champion for one in self._within(since, before)]
        scores = [one.metrics.get(metric) for one in found if one is not None][-limit:]
        return tuple(score for score in scores if score is not None)

    def artifact_of(self, fingerprint: str) -> str | None:
        """No model has a file."""
        return None

    def done_intervals(self, start: datetime, end: datetime) -> frozenset[datetime]:
        """The starts of the intervals in the range whose cycle is done."""
        return frozenset(one.interval.start for one in self._within(start, end) if "done" in one.steps)

    def to_register(self) -> tuple[int, ...]:
        """No champion is registered."""
        return ()

    def _within(self, start: datetime, end: datetime) -> Sequence[Tried]:
        low, high = (bisect_left(self.cycles, time, key=lambda one: one.interval.start) for time in (start, end))
        return self.cycles[low:high]

    # --- what a cycle writes -----------------------------------------------------------------------------

    def add_cycle(self, interval: Interval, *, code_version: str, started_at: datetime) -> int:
        """Begin a cycle; its id."""
        self._by_start[interval.start] = len(self.cycles)
        self.cycles.append(Tried(interval))
        return len(self.cycles) - 1

    def add_step(self, cycle_id: int, name: str, *, seconds: Mapping[str, float], ended_at: datetime) -> None:
        """A step has ended."""
        self.cycles[cycle_id].steps.add(name)

    def add_batch(self, cycle_id: int, batch: Batch, *, revision: int, recorded_at: datetime) -> int:
        """What is known of the interval's rows; the batch's id, which is the cycle's."""
        tried = self.cycles[cycle_id]
        tried.rows, tried.content_hash, tried.held = batch.rows, batch.content_hash, batch.verdict is Verdict.HELD
        return cycle_id

    def add_evaluation(self, batch_id: int, training_id: int, evaluation: Evaluation) -> None:
        """How one model did on the batch. A number that is not finite is none, as in JSON."""
        metrics: dict[str, Any] = {
            name: value if math.isfinite(value) else None for name, value in evaluation.metrics.items()
        }
        self.cycles[batch_id].evaluations.append(replace(evaluation, metrics=metrics))

    def add_drift(self, batch_id: int, reports: Sequence[DriftReport]) -> None:
        """What the detectors read."""
        self.cycles[batch_id].drift = tuple(reports)

    def add_decision(
        self, cycle_id: int | None, stage: str, decision: Decision, *, actor: str, decided_at: datetime
    ) -> int:
        """What was chosen, why, on what evidence, by whom; the decision's id."""
        if cycle_id is not None:
            self.cycles[cycle_id].decisions[stage] = decision
        self._decided.append((decision, actor, decided_at))
        return len(self._decided) - 1

    def add_training(self, cycle_id: int, role: str, training: Training, *, failure: str | None = None) -> int:
        """One fit; its id."""
        self._trainings.append(training)
        self.trained(training)
        identity = len(self._trainings) - 1
        self.cycles[cycle_id].trainings[role, training.candidate] = (identity, training, failure)
        return identity

    def add_champion(self, training_id: int, decision_id: int, *, valid_from: datetime) -> int:
        """Who serves from then on; the champion's id."""
        training = self._trainings[training_id]
        decision, actor, decided_at = self._decided[decision_id]
        identity = len(self.champions)
        self.champions.append(
            Champion(
                id=identity,
                candidate=training.candidate,
                valid_from=valid_from,
                valid_to=None,
                action=decision.action,
                reasons=decision.reasons,
                evidence=decision.evidence,
                actor=actor,
                decided_at=decided_at,
                training=training,
                training_id=training_id,
            )
        )
        return identity
