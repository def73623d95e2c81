"""Writing one pipeline's record, and what a cycle reads back of it: one connection, one (pipeline, segment)."""

from __future__ import annotations

import hashlib
import json
import logging
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from psycopg.types.json import Json, Jsonb

from heliotrope.config import Pipeline
from heliotrope.database import Database, lock_key
from heliotrope.declaration import changes
from heliotrope.errors import ConfigError, ConnectionLostError, HeliotropeError, LedgerError
from heliotrope.evidence.betting import Evidence
from heliotrope.evidence.standing import Standing
from heliotrope.interval import Interval, format_time
from heliotrope.ledger.decode import reading, table_of
from heliotrope.ledger.history import champions, pipeline_id, training_from
from heliotrope.ledger.migrate import check
from heliotrope.ledger.news import failure_news
from heliotrope.ledger.outbox import Outbox
from heliotrope.ledger.past import Past, past_from
from heliotrope.ledger.reign import Reign, Shadow
from heliotrope.locks import milliseconds, waited_for
from heliotrope.records import (
    Action,
    Batch,
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

__all__ = ["Counted", "Ledger", "Notice", "OpenCycle", "Recalled"]

_log = logging.getLogger(__name__)

Notice = Callable[[str, str], None]
"""Is told a thing to know, and what to do about it."""


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


class _Line:
    """The one connection of a pipeline's ledgers: of the whole, and of the segments."""

    def __init__(self) -> None:
        self.connection: psycopg.Connection[Any] | None = None
        self.checked = False


class Ledger:
    """The record of one pipeline and segment. Use it as a context manager, or close it.

    ``notice`` is told, with what to do about it, when a declaration is recorded that reads other data than the one
    before. Raises LedgerError when the tables are absent or of another version.
    """

    def __init__(
        self, database: Database, pipeline: Pipeline, *, segment: str = "", notice: Notice | None = None
    ) -> None:
        self.database = database
        self.pipeline = pipeline
        self.segment = segment
        self.notice = notice
        self.tells = False
        """Whether decisions are told to the pipeline's targets: what tells of them is then written with them."""
        self.patience: float | None = None
        """Seconds that a lock is waited for; None: as long as locks are."""
        self._untold: list[int] = []
        self.actor = "heliotrope"
        """Who decides, where nobody else is named."""
        self._line = _Line()
        self._pipeline_id: int | None = None
        self._ids: tuple[int, int] | None = None

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the connection back, and with it the lock. The next call opens another."""
        connection, self._line.connection = self._line.connection, None
        if connection is not None:
            connection.close()

    def beside(self, segment: str) -> Ledger:
        """The record of another segment, over the same connection."""
        _ = self.ids
        other = copy(self)
        other.segment = segment
        other._untold = []
        return other

    # --- connection, lock, transaction -------------------------------------------------------------------

    @property
    def connection(self) -> psycopg.Connection[Any]:
        """The connection, opened when first used, in autocommit: transactions are begun where they are meant."""
        line = self._line
        if line.connection is None or line.connection.closed:
            if not line.checked:
                check(self.database)
                line.checked = True
            line.connection = self.database.connect(autocommit=True)
        return line.connection

    @contextmanager
    def lock(self, of: Literal["cycle", "publish"] = "cycle") -> Iterator[None]:
        """Hold the pipeline and segment: one cycle at a time, whichever process runs it. A killed holder lets go.

        What is published has a lock of its own, as no cycle waits for it.

        Who holds it is said when that takes more than some seconds. Raises LockedError when it is not free in ten
        minutes (or ``patience``), ConfigError when the pipeline on record under this name is of another interval,
        target or task.
        """
        key = lock_key(of, self.pipeline.name, self.segment)

        def take(seconds: float) -> None:
            with self.database.errors():
                wait = {"key": key, "milliseconds": milliseconds(seconds)}
                self.connection.execute(statement("take_lock_within"), wait)

        whose = f"{self.pipeline.name}, {self.segment}" if self.segment else self.pipeline.name
        what = f"the lock of {whose}" + ("" if of == "cycle" else "'s publishing")
        waited_for(self.database, what, take, key=key, limit=self.patience)
        try:
            _ = self.ids  # refuses another problem under this name before anything is read for it
            yield
        finally:
            connection = self._line.connection
            if connection is not None and not connection.closed:
                try:
                    with self.database.errors():
                        connection.execute(statement("release_lock"), {"key": key})
                except ConnectionLostError:
                    self.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything written inside is kept together, or not at all; messages that tell of it too."""
        self._untold.clear()
        with self.database.errors(), self.connection.transaction():
            yield
            if self._untold:
                self._tell()

    def _tell(self) -> None:
        """Write the messages of what was decided; what goes wrong with them is said, and fails no decision."""
        try:
            with self.connection.transaction():
                self.outbox.tell(self.pipeline, self._untold)
        except Exception as error:
            if self.connection.closed:
                raise  # it is the connection that was lost, and the decision with it
            text = f"nobody is told of what was decided: {' '.join(str(error).split())}"
            _log.warning("%s", text) if self.notice is None else self.notice(text, "see `heliotrope doctor`")

    @property
    def outbox(self) -> Outbox:
        """The pipeline's messages."""
        return Outbox(self.connection, self.ids[0], self.segment)

    def add_failure(self, error: HeliotropeError, interval: Interval | None, *, at: datetime) -> None:
        """Write that a run ended with an error, for the targets that want to know."""
        found = failure_news(
            self.pipeline.name, error.message, error.remedy, at=at, interval=interval, segment=self.segment
        )
        with self.transaction():
            # Two runs that fail at once would each miss the message that the other writes.
            key = lock_key("failure", self.pipeline.name, self.segment)
            self.connection.execute("SELECT pg_advisory_xact_lock(%s)", [key])
            self.outbox.add(self.pipeline.notify, [found])

    def _rows(self, query: str, **parameters: object) -> list[Any]:
        with self.database.errors():
            scope = {"pipeline_id": self.pipeline_id, "segment": self.segment}
            return self.connection.execute(statement(query), scope | parameters).fetchall()

    def _add(self, query: str, **parameters: object) -> int:
        found = self.connection.execute(statement(query), parameters).fetchone()
        assert found is not None
        return int(found[0])

    def _scope(self) -> dict[str, object]:
        pipeline_id, version_id = self.ids
        return {"pipeline_id": pipeline_id, "version_id": version_id, "segment": self.segment}

    @property
    def pipeline_id(self) -> int:
        """The pipeline's id. It is only read where there is one, so that a role that may not write can ask."""
        if self._ids is not None:
            return self._ids[0]
        if self._pipeline_id is None:
            with self.database.errors():
                self._pipeline_id = pipeline_id(self.connection, self.pipeline.name)
        return self.ids[0] if self._pipeline_id is None else self._pipeline_id

    @property
    def ids(self) -> tuple[int, int]:
        """The pipeline's id and its declaration's; a declaration that is not the one in force is recorded."""
        if self._ids is None:
            declared = self.pipeline.model_dump(mode="json")
            whole = hashlib.sha256(json.dumps(declared).encode()).hexdigest()
            with self.transaction():
                # Two sessions at once would each miss the row that the other makes, and get no id.
                key = lock_key("pipeline", self.pipeline.name)
                self.connection.execute("SELECT pg_advisory_xact_lock(%s)", [key])
                name = self.pipeline.name
                found = self.connection.execute(statement("newest_declaration"), {"name": name}).fetchone()
                before = declared if found is None else found[0]
                self._refuse_another_problem(before, declared)
                ours = self._add("ensure_pipeline", name=name)
                version_id = self._add(
                    "ensure_pipeline_version", pipeline_id=ours, fingerprint=whole, config=Json(declared)
                )
            self._ids = (ours, version_id)
            self._say_changes(before, declared)
        return self._ids

    def _refuse_another_problem(self, before: Mapping[str, Any], declared: Mapping[str, Any]) -> None:
        """Cycles of another interval, target or task cannot be compared with those on record under the name."""
        with reading("pipeline_version", f"of {self.pipeline.name}"):
            known = table_of(before, "declaration")
        for key in ("interval", "target", "task"):
            if known.get(key) != declared[key]:
                raise ConfigError(
                    f"{self.pipeline.name} is on record with {key} {known.get(key)!r}, not {declared[key]!r}",
                    remedy="give the pipeline another name, so that it has a history of its own",
                )
        parted, by = known.get("partition_by"), declared["partition_by"]
        if parted is not None and by is not None and parted != by:
            raise ConfigError(
                f"{self.pipeline.name} is on record with segments by {parted!r}, not {by!r}",
                remedy="give the pipeline another name, so that its segments have a history of their own",
            )

    def _say_changes(self, before: Mapping[str, Any], declared: Mapping[str, Any]) -> None:
        other = [change.text for change in changes(before, declared) if change.of_data]
        if other and self.notice is not None:
            self.notice(
                f"{self.pipeline.name} reads other data than before, from now on: {'; '.join(other)}",
                "nothing, if it is still the same problem; else give the pipeline another name",
            )

    # --- what a cycle reads back -------------------------------------------------------------------------

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

    def champion_at(self, time: datetime) -> Champion | None:
        """Who serves at that time, by the data's clock."""
        with self.database.errors():
            found = champions(self.connection, self.pipeline_id, self.segment, at=time)
        return found[0] if found else None

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
            return replace(reign, evidence=evidence, loss=float(row[4] or 0.0))

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
        if row is None or row[15] or row[14] != self.ids[1]:
            return None
        evidence = Evidence() if row[12] is None else Evidence.parse(table_of(row[12], "evidence"))
        return Shadow(training=training_from(row), training_id=row[0], since=row[13], evidence=evidence)

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

    def to_register(self) -> tuple[int, ...]:
        """The ids of champions that the model registry does not know yet, oldest first."""
        return tuple(row[0] for row in self._rows("to_register"))

    # --- what a cycle writes, inside `transaction` -------------------------------------------------------

    def add_cycle(self, interval: Interval, *, code_version: str, started_at: datetime) -> int:
        """Begin a cycle; its id."""
        return self._add(
            "add_cycle",
            **self._scope(),
            start=interval.start,
            end=interval.end,
            code_version=code_version,
            started_at=started_at,
        )

    def add_step(self, cycle_id: int, name: str, *, seconds: Mapping[str, float], ended_at: datetime) -> None:
        """A step has ended, and what took how long in it."""
        self.connection.execute(
            statement("add_step"),
            {"cycle_id": cycle_id, "name": name, "seconds": Jsonb(dict(seconds)), "ended_at": ended_at},
        )

    def add_batch(self, cycle_id: int, batch: Batch, *, revision: int, recorded_at: datetime) -> int:
        """The interval's rows as they were read, under the declaration in force; the batch's id."""
        problems = [
            {"rule": p.rule, "column": p.column, "rows": p.rows, "done": p.done, "detail": p.detail}
            for p in batch.problems
        ]
        return self._add(
            "add_batch",
            cycle_id=cycle_id,
            version_id=self.ids[1],
            revision=revision,
            content_hash=batch.content_hash,
            rows_read=batch.rows_read,
            rows=batch.rows,
            first_time=batch.first_time,
            last_time=batch.last_time,
            verdict=batch.verdict.value,
            problems=Jsonb(problems),
            recorded_at=recorded_at,
        )

    def add_evaluation(self, batch_id: int, training_id: int, evaluation: Evaluation) -> None:
        """How one model did on the batch."""
        gain = evaluation.gain
        fields = None if gain is None else {name: getattr(gain, name) for name in gain.__dataclass_fields__}
        self.connection.execute(
            statement("add_evaluation"),
            {
                "batch_id": batch_id,
                "role": evaluation.role,
                "candidate": evaluation.candidate,
                "training_id": training_id,
                "rows": evaluation.rows,
                "metrics": _json(evaluation.metrics),
                "gain": None if fields is None else _json(fields),
                "evidence": None if evaluation.evidence is None else Jsonb(evaluation.evidence.plain()),
                "kept_out": list(evaluation.kept_out) or None,
            },
        )

    def add_drift(self, batch_id: int, reports: Sequence[DriftReport]) -> None:
        """What the detectors read."""
        rows = [
            {
                "batch_id": batch_id,
                "detector": report.detector,
                "feature": feature.feature,
                "reference_rows": report.reference_rows,
                "current_rows": report.current_rows,
                "statistic": feature.statistic,
                "p_value": feature.p_value,
                "threshold": feature.threshold,
                "drifted": feature.drifted,
            }
            for report in reports
            for feature in report.features
        ]
        if rows:
            with self.connection.cursor() as cursor:
                cursor.executemany(statement("add_drift"), rows)

    def add_recalls(self, batch_id: int, recalled: Sequence[Recalled]) -> None:
        """How archived models did on the batch."""
        for one in recalled:
            gain = one.evaluation.gain
            fields = None if gain is None else {name: getattr(gain, name) for name in gain.__dataclass_fields__}
            self.connection.execute(
                statement("add_recall"),
                {
                    "batch_id": batch_id,
                    "training_id": one.training_id,
                    "rows": one.evaluation.rows,
                    "metrics": _json(one.evaluation.metrics),
                    "gain": None if fields is None else _json(fields),
                },
            )

    def add_scale(self, asked: Mapping[str, Any], bins: Mapping[str, Any]) -> int:
        """The bins that intervals are counted over from now on; their id."""
        scope = {"pipeline_id": self.ids[0], "segment": self.segment}
        return self._add("add_scale", **scope, asked=Jsonb(dict(asked)), bins=Jsonb(dict(bins)))

    def add_histogram(self, batch_id: int, scale_id: int, counted: Counted) -> None:
        """The batch as counts over bins, and whether a change was found in it."""
        self.connection.execute(
            statement("add_histogram"),
            {
                "batch_id": batch_id,
                "scale_id": scale_id,
                "counts": counted.counts,
                "era": counted.era,
                "changed": list(counted.changed),
                "loss_rise": counted.loss_rise,
                "loss_rise_error": counted.loss_rise_error,
            },
        )

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
        decision_id = self._add(
            "add_decision",
            **self._scope(),
            cycle_id=cycle_id,
            stage=stage,
            action=decision.action.value,
            reasons=list(decision.reasons),
            evidence=_json(decision.evidence),
            standing=None if standing is None else Jsonb(standing.plain()),
            actor=actor or self.actor,
            decided_at=decided_at,
        )
        if self.tells and self.pipeline.notify:
            self._untold.append(decision_id)
        return decision_id

    def add_training(self, cycle_id: int, role: str, training: Training, *, failure: str | None = None) -> int:
        """One fit; its id."""
        return self._add(
            "add_training",
            cycle_id=cycle_id,
            candidate=training.candidate,
            role=role,
            window_start=training.window.start,
            window_end=training.window.end,
            rows=training.rows,
            seconds=training.seconds,
            seed=training.seed,
            fingerprint=training.fingerprint,
            versions=Jsonb(dict(training.versions)),
            code_version=training.code_version,
            artifact=training.artifact,
            failure=failure,
        )

    def add_champion(self, training_id: int, decision_id: int, *, valid_from: datetime) -> int:
        """Who serves from then on; the champion's id."""
        return self._add(
            "add_champion",
            **self._scope(),
            training_id=training_id,
            decision_id=decision_id,
            valid_from=valid_from,
        )

    def add_registration(self, champion_id: int, version: str, *, registered_at: datetime) -> None:
        """The model registry knows the champion under that version."""
        self.connection.execute(
            statement("add_registration"),
            {"champion_id": champion_id, "version": version, "registered_at": registered_at},
        )


def _json(values: Mapping[str, Any]) -> Jsonb:
    """JSON has no NaN and no infinity: they become null."""
    plain = {
        key: None if isinstance(value, float) and not math.isfinite(value) else value for key, value in values.items()
    }
    return Jsonb(plain, dumps=json.dumps)
