"""Writing one pipeline's record: rows are added, inside `transaction`, and never changed."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from psycopg.types.json import Jsonb

from heliotrope.database import lock_key
from heliotrope.errors import HeliotropeError
from heliotrope.evidence.standing import Standing
from heliotrope.interval import Interval
from heliotrope.ledger.news import failure_news
from heliotrope.ledger.readings import Counted, Readings, Recalled
from heliotrope.records import (
    Batch,
    Decision,
    DriftReport,
    Evaluation,
    Training,
)
from heliotrope.sql import statement

if TYPE_CHECKING:
    pass

__all__ = ["Ledger"]


class Ledger(Readings):
    """The record of one pipeline and segment. Use it as a context manager, or close it.

    What is written, is written inside `transaction`.
    """

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
            classes=list(training.classes) or None,
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


def _json(values: Mapping[str, Any]) -> Jsonb:
    """JSON has no NaN and no infinity: they become null."""
    plain = {
        key: None if isinstance(value, float) and not math.isfinite(value) else value for key, value in values.items()
    }
    return Jsonb(plain, dumps=json.dumps)
