"""What a cycle reads back of its pipeline's record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from psycopg.types.json import Jsonb

from heliotrope.errors import LedgerError
from heliotrope.evidence.betting import Evidence
from heliotrope.interval import Interval, format_time
from heliotrope.ledger.decode import reading, table_of
from heliotrope.ledger.history import champions, training_from
from heliotrope.ledger.hold import Hold
from heliotrope.ledger.past import Past, gains_from, past_from
from heliotrope.ledger.reign import Reign, Shadow
from heliotrope.records import (
    Action,
    Champion,
    Decision,
    DriftReport,
    Evaluation,
    FeatureDrift,
    PairedLoss,
    Training,
)
from heliotrope.sql import statement

if TYPE_CHECKING:
    import psycopg

__all__ = ["Counted", "OpenCycle", "Readings", "Recalled"]


@dataclass(frozen=True, slots=True)
class OpenCycle:
    """A cycle's identity and the names of the steps that have ended."""

    id: int
    steps: frozenset[str]

    @property
    def done(self) -> bool:
        """Whether nothing is left to do."""
        return "done" in self.steps


@dataclass(frozen=True, slots=True)
class Recalled:
    """How an archived model did on the newest rows."""

    training_id: int
    window: str
    """What it was trained on, in words."""
    evaluation: Evaluation


@dataclass(frozen=True, slots=True)
class Counted:
    """An interval as counts over bins, the number of changes found up to it, and what changed in it."""

    start: datetime
    counts: list[list[int]]
    era: int
    changed: tuple[str, ...] = ()
    loss_rise: float | None = None
    loss_rise_error: float | None = None


class Readings(Hold):
    """What a cycle reads back: champions, evidence, what was decided and trained, what was counted."""

    def find(self, interval: Interval) -> OpenCycle | None:
        """The cycle of that interval, if it has begun."""
        rows = self._rows("find_cycle", start=interval.start)
        return OpenCycle(rows[0][0], frozenset(rows[0][1])) if rows else None

    def cycle_of(self, cycle_id: int) -> tuple[Interval, OpenCycle]:
        """The cycle of that id, and its interval. Raises LedgerError where the pipeline has none."""
        rows = self._rows("cycle_of_id", cycle_id=cycle_id)
        if not rows:
            raise LedgerError(
                f"{self.pipeline.name} has no cycle {cycle_id}", remedy="see `heliotrope history`, or assess one first"
            )
        start, end, steps = rows[0]
        return Interval(start, end), OpenCycle(cycle_id, frozenset(steps))

    def open_intervals(self, before: datetime) -> tuple[Interval, ...]:
        """The intervals that start before that time and whose cycle has begun and is not done, in order."""
        return tuple(Interval(start, end) for start, end in self._rows("open_intervals", before=before))

    def last_done(self, before: datetime) -> datetime | None:
        """The end of the latest interval, begun before that time, whose cycle is done."""
        found: datetime | None = self._rows("last_done", before=before)[0][0]
        return found

    def last_begun(self) -> datetime | None:
        """The end of the latest interval whose cycle has begun, done or not."""
        found: datetime | None = self._rows("last_begun")[0][0]
        return found

    def last_usable(self) -> Interval | None:
        """The latest interval whose rows, as they were last read, could be used."""
        rows = self._rows("last_usable")
        return Interval(*rows[0]) if rows else None

    def champion_at(self, time: datetime) -> Champion | None:
        """Who serves at that time, by the data's clock."""
        with self.database.errors():
            found = champions(self.connection, self.pipeline_id, self.segment, at=time)
        return found[0] if found else None

    def champions_until(self, time: datetime) -> tuple[Champion, ...]:
        """Who began to serve at that time or before, the latest first."""
        with self.database.errors():
            found = champions(self.connection, self.pipeline_id, self.segment)
        return tuple(one for one in reversed(found) if one.valid_from <= time)

    def chosen_by_hand(self, time: datetime) -> Champion | None:
        """Who serves from exactly that time on because a person said so; None where nobody did."""
        found = self.champion_at(time)
        return found if found is not None and found.by_hand and found.valid_from == time else None

    def reign_at(self, time: datetime) -> Reign:
        """Who serves at that time, who did before, and how they compare, in one round trip."""
        (ours, version), connection = self.ids, self.connection
        with self.database.errors(), connection.pipeline():
            shadowed = self._shadowed(time)
            asked = connection.execute(statement("monitored"), self._before(time))
            found = champions(connection, ours, self.segment, at=time, previous=True)
            row, shadow = asked.fetchone(), shadowed and shadowed.fetchone()
        if not found or found[-1].valid_from > time:
            return Reign()
        champion, previous = found[-1], found[0] if found[0].training_id != found[-1].training_id else None
        with reading("evaluation", f"of {self.pipeline.name} before {format_time(time)}"):
            reign = Reign(champion=champion, previous=previous, shadow=self._shadow(shadow))
            if row is None:
                return reign
            pair = (champion.training_id, None if previous is None else previous.training_id)
            known = row[2] is not None and pair == (row[0], row[1]) and row[3] == version
            evidence = Evidence.parse(table_of(row[2], "evidence")) if known else Evidence()
            return replace(reign, evidence=evidence, loss=float(row[4] or 0.0), gains=gains_from(row[5]))

    def contest_at(self, time: datetime) -> tuple[Champion | None, Past]:
        """Who serves at that time, and what a gate knows from the intervals before, in one round trip."""
        ours, connection = self.ids[0], self.connection
        with self.database.errors(), connection.pipeline():
            shadowed = self._shadowed(time)
            asked = connection.execute(statement("past"), self._before(time))
            found = champions(connection, ours, self.segment, at=time)
            row, shadow = asked.fetchone(), shadowed and shadowed.fetchone()
        assert row is not None, "a row of scalars"
        with reading("decision", f"of {self.pipeline.name} before {format_time(time)}"):
            return (found[0] if found else None), replace(past_from(*row), shadow=self._shadow(shadow))

    def _before(self, time: datetime) -> dict[str, object]:
        return {"pipeline_id": self.ids[0], "segment": self.segment, "before": time}

    def _shadowed(self, time: datetime) -> psycopg.Cursor[Any] | None:
        """Ask for the challenger in the shadow, where the gate has one."""
        gate = self.pipeline.gate
        if gate.kind != "shadow":
            return None
        since = time - gate.shadow_intervals * self.pipeline.interval
        return self.connection.execute(statement("shadowed"), self._before(time) | {"since": since})

    def _shadow(self, row: Any) -> Shadow | None:
        """None where there is none, where it has served, and where the pipeline is declared otherwise since."""
        if row is None or row[17] or row[16] != self.ids[1]:
            return None
        evidence = Evidence() if row[14] is None else Evidence.parse(table_of(row[14], "evidence"))
        return Shadow(training=training_from(row), training_id=row[0], since=row[15], evidence=evidence)

    def batch_of(self, cycle_id: int) -> tuple[int, str]:
        """The id and the content hash of the cycle's own batch."""
        rows = self._rows("cycle_batch", cycle_id=cycle_id)
        return rows[0][0], rows[0][1]

    def evaluations_of(self, cycle_id: int) -> tuple[Evaluation, ...]:
        """What was scored on the cycle's batch."""
        scored = self._rows("cycle_evaluations", cycle_id=cycle_id)
        with reading("cycle", cycle_id):
            return tuple(
                Evaluation(
                    role=role,
                    candidate=candidate,
                    rows=rows,
                    metrics=table_of(metrics, "metrics", numbers=True),
                    gain=PairedLoss(**table_of(gain, "gain", numbers=True)) if gain else None,
                    evidence=Evidence.parse(table_of(evidence, "evidence")) if evidence else None,
                    kept_out=tuple(kept_out or ()),
                )
                for role, candidate, rows, metrics, gain, evidence, kept_out in scored
            )

    def recalls_of(self, cycle_id: int) -> tuple[Recalled, ...]:
        """The archived models that were scored on the cycle's batch."""
        found = []
        for training_id, candidate, start, end, rows, metrics, gain in self._rows("cycle_recalls", cycle_id=cycle_id):
            with reading("recall", training_id):
                evaluation = Evaluation(
                    role="recalled",
                    candidate=candidate,
                    rows=rows,
                    metrics=table_of(metrics, "metrics", numbers=True),
                    gain=PairedLoss(**table_of(gain, "gain", numbers=True)) if gain else None,
                )
                found.append(Recalled(training_id, f"[{format_time(start)}, {format_time(end)})", evaluation))
        return tuple(found)

    def trainings_of(self, cycle_id: int) -> dict[tuple[str, str], tuple[int, Training, str | None]]:
        """By (role, candidate): the training's id, the training, and why it failed."""
        found = {}
        for row in self._rows("cycle_trainings", cycle_id=cycle_id):
            with reading("training", row[0]):
                found[row[2], row[1]] = (row[0], training_from(row), row[12])
        return found

    def decisions_of(self, cycle_id: int) -> dict[str, Decision]:
        """By stage: what was decided in the cycle."""
        with reading("cycle", cycle_id):
            return {
                stage: Decision(
                    action=Action(action), reasons=tuple(reasons), evidence=table_of(evidence, "evidence", numbers=True)
                )
                for stage, action, reasons, evidence in self._rows("cycle_decisions", cycle_id=cycle_id)
            }

    def drift_of(self, cycle_id: int) -> tuple[DriftReport, ...]:
        """What the detectors read on the cycle's batch."""
        reports: dict[str, list[Any]] = {}
        for row in self._rows("cycle_drift", cycle_id=cycle_id):
            reports.setdefault(row[0], []).append(row)
        return tuple(
            DriftReport(
                detector=detector,
                reference_rows=rows[0][2],
                current_rows=rows[0][3],
                features=tuple(
                    FeatureDrift(feature=row[1], statistic=row[4], p_value=row[5], threshold=row[6], drifted=row[7])
                    for row in rows
                ),
            )
            for detector, rows in reports.items()
        )

    def held_intervals(self, start: datetime, end: datetime) -> frozenset[datetime]:
        """The starts of the intervals whose batch is held, as last seen: no window takes them."""
        return frozenset(row[0] for row in self._rows("held_intervals", start=start, end=end))

    def last_trained(self, before: datetime) -> datetime | None:
        """The end of the latest interval, begun before ``before``, in whose cycle something was trained."""
        found: datetime | None = self._rows("last_trained", before=before)[0][0]
        return found

    def rows_since(self, since: datetime, before: datetime) -> int:
        """How many usable rows the batches of ``[since, before)`` held."""
        return int(self._rows("rows_since", since=since, before=before)[0][0])

    def champion_scores(self, metric: str, since: datetime, before: datetime, limit: int) -> tuple[float, ...]:
        """The metric of whoever was champion, by interval in ``[since, before)``, the last ``limit``, oldest first."""
        rows = self._rows("champion_scores", since=since, before=before, limit=limit)
        with reading("evaluation", f"of {metric}"):
            scores = [table_of(row[0], "metrics", numbers=True).get(metric) for row in reversed(rows)]
        return tuple(score for score in scores if score is not None)

    def past_trainings(self, before: datetime) -> tuple[tuple[datetime, float | None, float | None], ...]:
        """The ends of the latest intervals in whose cycle something was trained, what it gained, and its loss there."""
        return tuple((row[0], row[1], row[2]) for row in reversed(self._rows("past_trainings", before=before)))

    def scale(self, asked: Mapping[str, Any], before: datetime) -> tuple[int, Mapping[str, Any]] | None:
        """The newest bins for what is ``asked`` that an interval before was counted on, and their id."""
        rows = self._rows("newest_scale", asked=Jsonb(dict(asked)), before=before)
        return (rows[0][0], rows[0][1]) if rows else None

    def counted(self, scale_id: int, after: datetime, before: datetime, limit: int) -> tuple[Counted, ...]:
        """The latest intervals counted on a scale that start between the two times, oldest first."""
        rows = self._rows("counted", scale_id=scale_id, after=after, before=before, limit=limit)
        return tuple(Counted(row[0], row[1], row[2], tuple(row[3]), row[4], row[5]) for row in reversed(rows))

    def changed_before(self, time: datetime) -> datetime | None:
        """The start of the latest interval before ``time`` in which a change was found."""
        rows = self._rows("changed_before", before=time)
        return rows[0][0] if rows else None

    def artifact_of(self, fingerprint: str) -> str | None:
        """The model file of an equal fit, made before."""
        rows = self._rows("find_artifact", fingerprint=fingerprint)
        return rows[0][0] if rows else None

    def done_intervals(self, start: datetime, end: datetime) -> frozenset[datetime]:
        """The starts of the intervals in the range whose cycle is done."""
        return frozenset(row[0] for row in self._rows("done_intervals", start=start, end=end))

    def done_segments(self, start: datetime) -> frozenset[str]:
        """The segments whose cycle of the interval that begins then is done."""
        return frozenset(row[0] for row in self._rows("done_segments", start=start))

    def last_done_segments(self, before: datetime) -> dict[str, datetime]:
        """By segment: the start of the latest interval before that time whose cycle is done."""
        return {row[0]: row[1] for row in self._rows("last_done_segments", before=before)}

    def to_register(self) -> tuple[int, ...]:
        """The ids of champions that the model registry does not know yet, oldest first."""
        return tuple(row[0] for row in self._rows("to_register"))
