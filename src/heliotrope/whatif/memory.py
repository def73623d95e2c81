"""A ledger in memory: what a cycle writes and reads back, without a database.

It takes the place of :class:`heliotrope.ledger.Ledger` in a context whose cycles are tried and not kept. Every method
that a cycle calls answers as PostgreSQL's would; the type checker holds the signatures together, a test the answers.
"""

from __future__ import annotations

import json
import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from heliotrope.database import Database
from heliotrope.evidence.betting import Evidence
from heliotrope.evidence.standing import Standing
from heliotrope.interval import Interval
from heliotrope.ledger import Counted, Ledger, OpenCycle, Past, Recalled, Reign, Shadow
from heliotrope.ledger.past import gains_from
from heliotrope.records import Batch, Champion, Decision, DriftReport, Evaluation, PairedLoss, Training, Verdict

if TYPE_CHECKING:
    import psycopg

    from heliotrope.config import Pipeline

__all__ = ["MemoryLedger", "Tried"]

NOWHERE = Database("postgresql:///none")
"""A database that is never opened."""
_REMEMBERED = 100  # intervals whose gains a gate knows, as in `past` of ledger.sql
_TRAININGS = 50  # as in `past_trainings` of changes.sql


@dataclass(slots=True)
class Tried:
    """One cycle as it was tried."""

    interval: Interval
    steps: set[str] = field(default_factory=set)
    rows: int = 0
    content_hash: str = ""
    held: bool = False
    evaluations: list[tuple[int, Evaluation]] = field(default_factory=list)
    """With the id of the training whose model was scored."""
    drift: tuple[DriftReport, ...] = ()
    decisions: dict[str, Decision] = field(default_factory=dict)
    trainings: dict[tuple[str, str], tuple[int, Training, str | None]] = field(default_factory=dict)
    standing: Standing | None = None
    """How challengers stood after the gate."""
    recalled: tuple[Recalled, ...] = ()
    counted: tuple[int, Counted] | None = None
    """Its counts, and the id of the scale they are on."""

    def scored(self, role: str, candidate: str | None = None) -> tuple[int, Evaluation] | None:
        """How the model of that role did, with its training's id; None where there was none, or it was not scored."""
        return next(
            (one for one in self.evaluations if one[1].role == role and candidate in (None, one[1].candidate)), None
        )

    @property
    def champion(self) -> Evaluation | None:
        """How the champion did; None where there was none, or it could not be scored."""
        found = self.scored("champion")
        return None if found is None else found[1]


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
        self._served: list[tuple[int, datetime]] = []
        self._scales: list[tuple[str, Mapping[str, Any]]] = []

    @property
    def connection(self) -> psycopg.Connection[Any]:
        """There is none: whatever asks for it is no part of a cycle, or was added to one and is not here yet."""
        raise NotImplementedError("a ledger in memory has no connection")

    @property
    def ids(self) -> tuple[int, int]:
        """Of the pipeline and of its declaration: there is one of each."""
        return (0, 0)

    @contextmanager
    def lock(self, of: Literal["cycle", "publish"] = "cycle") -> Iterator[None]:
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
        return self._champion(bisect_right(self.champions, time, key=lambda one: one.valid_from) - 1)

    def champions_until(self, time: datetime) -> tuple[Champion, ...]:
        """Who began to serve at that time or before, the latest first; not who was replaced in that same instant."""
        count = bisect_right(self.champions, time, key=lambda one: one.valid_from)
        found = (self._champion(place) for place in reversed(range(count)))
        return tuple(one for one in found if one is not None and one.valid_to != one.valid_from)

    def chosen_by_hand(self, time: datetime) -> Champion | None:
        """Nobody: no person takes part in what is tried."""
        return None

    def reign_at(self, time: datetime) -> Reign:
        """Who serves at that time, who did before, and how they compare."""
        place = bisect_right(self.champions, time, key=lambda one: one.valid_from) - 1
        champion, previous = self._champion(place), self._champion(place - 1)
        if champion is None:
            return Reign()
        if previous is not None and previous.training_id == champion.training_id:
            previous = None
        reign = Reign(champion=champion, previous=previous, shadow=self._shadow_at(time))
        latest = self._latest_scored(time)
        if latest is None:
            return reign
        (training_id, scored), before = latest.scored("champion") or (None, None), latest.scored("previous")
        assert scored is not None, "asked for"
        pair = (training_id, None if before is None else before[0])
        same = pair == (champion.training_id, None if previous is None else previous.training_id)
        evidence = before[1].evidence if same and before is not None else None
        gains = gains_from(_beside(self._until(time)[-_REMEMBERED:]))
        return replace(reign, evidence=evidence or Evidence(), loss=scored.metrics["loss"] or 0.0, gains=gains)

    def contest_at(self, time: datetime) -> tuple[Champion | None, Past]:
        """Who serves at that time, and what a gate knows from the intervals before."""
        cycles = self._until(time)
        judged = next((one for one in reversed(cycles) if "gate" in one.decisions), None)
        standing = None if judged is None else judged.standing
        latest = self._latest_scored(time)
        scored = None if latest is None else latest.champion
        past = Past(
            standing=standing or Standing(),
            gains=gains_from(_challenged(cycles[-_REMEMBERED:])),
            loss=None if scored is None else scored.metrics["loss"],
            shadow=self._shadow_at(time),
        )
        return self.champion_at(time), past

    def _champion(self, place: int) -> Champion | None:
        """The champion of that place, with the time up to which it serves; None where there is none."""
        if place < 0:
            return None
        after = self.champions[place + 1].valid_from if place + 1 < len(self.champions) else None
        return replace(self.champions[place], valid_to=after)

    def _latest_scored(self, before: datetime) -> Tried | None:
        """The latest interval before in which a champion was scored."""
        return next((one for one in reversed(self._until(before)) if one.champion is not None), None)

    def _shadow_at(self, time: datetime) -> Shadow | None:
        """The challenger in the shadow, where the gate has one; None where the newest has served."""
        gate = self.pipeline.gate
        if gate.kind != "shadow":
            return None
        cycles = self._within(time - gate.shadow_intervals * self.pipeline.interval, time)
        for place, one in reversed(list(enumerate(cycles))):
            for (role, _), (training_id, training, failure) in one.trainings.items():
                if role == "shadow" and failure is None:
                    if any(served == training_id and since <= time for served, since in self._served):
                        return None
                    evidence = next(_evidence_of(training_id, reversed(cycles[place + 1 :])), None) or Evidence()
                    since = one.interval.end
                    return Shadow(training=training, training_id=training_id, since=since, evidence=evidence)
        return None

    def batch_of(self, cycle_id: int) -> tuple[int, str]:
        """The id and the content hash of the cycle's own batch."""
        return cycle_id, self.cycles[cycle_id].content_hash

    def evaluations_of(self, cycle_id: int) -> tuple[Evaluation, ...]:
        """What was scored on the cycle's batch."""
        scored = [one for _, one in self.cycles[cycle_id].evaluations]
        return tuple(sorted(scored, key=lambda one: (one.role, one.candidate)))

    def recalls_of(self, cycle_id: int) -> tuple[Recalled, ...]:
        """The archived models that were scored on the cycle's batch."""
        return self.cycles[cycle_id].recalled

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

    def past_trainings(self, before: datetime) -> tuple[tuple[datetime, float | None, float | None], ...]:
        """The ends of the latest intervals in whose cycle something was trained, what it gained, and its loss there."""
        found = [_trained(one) for one in self._until(before) if one.trainings]
        return tuple(found[-_TRAININGS:])

    def scale(self, asked: Mapping[str, Any], before: datetime) -> tuple[int, Mapping[str, Any]] | None:
        """The newest bins for what is ``asked``, and their id; all of them were laid before, as cycles go in order."""
        said = json.dumps(dict(asked), sort_keys=True)
        found = [(place, bins) for place, (of, bins) in enumerate(self._scales) if of == said]
        return found[-1] if found else None

    def counted(self, scale_id: int, after: datetime, before: datetime, limit: int) -> tuple[Counted, ...]:
        """The latest intervals counted on a scale that start between the two times, oldest first."""
        found = [
            one.counted[1]
            for one in self._within(after, before)
            if one.counted is not None and one.counted[0] == scale_id and one.interval.start > after
        ]
        return tuple(found[-limit:])

    def changed_before(self, time: datetime) -> datetime | None:
        """The start of the latest interval before ``time`` in which a change was found."""
        found = (one.counted for one in reversed(self._until(time)) if one.counted is not None)
        return next((counted.start for _, counted in found if counted.changed), None)

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

    def _until(self, time: datetime) -> Sequence[Tried]:
        return self.cycles[: bisect_left(self.cycles, time, key=lambda one: one.interval.start)]

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
        gain = None if evaluation.gain is None else PairedLoss(**_finite(asdict(evaluation.gain)))
        kept = replace(evaluation, metrics=_finite(evaluation.metrics), gain=gain)
        self.cycles[batch_id].evaluations.append((training_id, kept))

    def add_drift(self, batch_id: int, reports: Sequence[DriftReport]) -> None:
        """What the detectors read."""
        self.cycles[batch_id].drift = tuple(reports)

    def add_recalls(self, batch_id: int, recalled: Sequence[Recalled]) -> None:
        """How archived models did on the batch."""
        self.cycles[batch_id].recalled = tuple(recalled)

    def add_scale(self, asked: Mapping[str, Any], bins: Mapping[str, Any]) -> int:
        """The bins that intervals are counted over from now on; their id."""
        self._scales.append((json.dumps(dict(asked), sort_keys=True), bins))
        return len(self._scales) - 1

    def add_histogram(self, batch_id: int, scale_id: int, counted: Counted) -> None:
        """The batch as counts over bins, and whether a change was found in it."""
        self.cycles[batch_id].counted = (scale_id, counted)

    def add_decision(
        self,
        cycle_id: int | None,
        stage: str,
        decision: Decision,
        *,
        decided_at: datetime,
        actor: str | None = None,
        standing: Standing | None = None,
    ) -> int:
        """What was chosen, why, on what evidence, by whom, and how challengers stand after it; the decision's id."""
        if cycle_id is not None:
            self.cycles[cycle_id].decisions[stage] = decision
            if stage == "gate":
                self.cycles[cycle_id].standing = standing
        self._decided.append((decision, actor or "heliotrope", decided_at))
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
        before = self.champion_at(valid_from)
        decision, actor, decided_at = self._decided[decision_id]
        identity = len(self.champions)
        self._served.append((training_id, valid_from))
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
                classes=tuple(sorted({*training.classes, *(before.classes if before is not None else ())})),
            )
        )
        return identity


def _finite(values: Mapping[str, Any]) -> dict[str, Any]:
    """Numbers that are not finite as None, as JSON has them."""
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value for name, value in values.items()
    }


def _challenged(cycles: Sequence[Tried]) -> Iterator[tuple[tuple[str, str], float | None, float | None]]:
    """By (champion, challenger): the mean gain and its standard error, oldest first."""
    for tried in cycles:
        champion = tried.champion
        if champion is None:
            continue
        for _, one in tried.evaluations:
            if one.role == "challenger" and one.gain is not None and one.candidate != champion.candidate:
                yield (champion.candidate, one.candidate), one.gain.mean_gain, one.gain.standard_error


def _beside(cycles: Sequence[Tried]) -> Iterator[tuple[str, float | None, float | None]]:
    """By role: what models beside the champion gained, and its standard error, oldest first."""
    for tried in cycles:
        for _, one in tried.evaluations:
            if one.role in ("previous", "shadow") and one.gain is not None:
                yield one.role, one.gain.mean_gain, one.gain.standard_error


def _evidence_of(training_id: int, cycles: Iterator[Tried]) -> Iterator[Evidence | None]:
    """What the training's model in the shadow had gathered, cycle by cycle."""
    for one in cycles:
        found = one.scored("shadow")
        if found is not None and found[0] == training_id:
            yield found[1].evidence


def _trained(tried: Tried) -> tuple[datetime, float | None, float | None]:
    """The end of the interval, what the fit that was let in gained there, and its mean loss; 0 and None of none."""
    end = tried.interval.end
    finals = (name for (role, name), (*_, failure) in tried.trainings.items() if role == "final" and failure is None)
    final = next(finals, None)
    if final is None:
        return end, 0.0, None
    found = tried.scored("challenger", final)
    if found is None:
        return end, None, None
    gain = found[1].gain
    return end, None if gain is None else gain.mean_gain, found[1].metrics["loss"]
