"""A small world for tests: pipelines, rows in their tables, and the ledger as comparable text."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
import yaml

from heliotrope import config, streams
from heliotrope.config import Pipeline
from heliotrope.context import Context
from heliotrope.database import Database
from heliotrope.interval import Interval, intervals, parse_time
from heliotrope.ledger import migrate
from heliotrope.replay import replay, span_of
from heliotrope.store import Rows

START = parse_time("2026-03-01T00:00")

PIPELINE: dict[str, Any] = {
    "name": "turning",
    "source": {"table": "continuous_training", "time": "time"},
    "interval": "1h",
    "features": ["x", "y"],
    "target": "class",
    "registry": "none",
    "candidates": [
        {
            "name": "extrapolated",
            "estimator": "heliotrope.candidates.ExtrapolatedDiscriminant",
            "window": {"kind": "sliding", "intervals": 3},
        },
        {
            "name": "tree",
            "estimator": "sklearn.tree.DecisionTreeClassifier",
            "window": {"kind": "sliding", "intervals": 3},
        },
    ],
}


def pipeline(**changes: Any) -> Pipeline:
    """The turning stream's pipeline, with changes."""
    return config.parse({**PIPELINE, **changes})


def write(file: Path, declared: Mapping[str, Any]) -> None:
    """A pipeline's YAML."""
    file.write_text(yaml.safe_dump({key: value for key, value in declared.items() if value is not None}), "utf-8")


def hours(count: int, start: datetime = START) -> list[Interval]:
    """The first ``count`` hours."""
    step = pipeline().interval
    return list(intervals(start, start + count * step, step))


def fill(database: Database, count: int, *, rows: int = 100, seed: int = 0, table: str = "continuous_training") -> None:
    """Write the turning stream's first hours."""
    stream = streams.make("rotating_gaussians", rows=rows, seed=seed)
    writer = Rows(database, table, "time")
    for hour in hours(count):
        writer.replace(hour, stream.batch(hour))
    writer.close()


def opened(database: Database, folder: Path, **changes: Any) -> Context:
    """A context on the pipeline, the ledger's tables made."""
    migrate(database)
    return Context(pipeline(**changes), database, folder=folder)


def replayed(database: Database, folder: Path, **changes: Any) -> Context:
    """A context whose whole history has been replayed."""
    context = opened(database, folder, **changes)
    for _ in replay(context, span_of(context)):
        pass
    return context


_DUMPS: Mapping[str, str] = {
    "cycle": "SELECT interval_start, interval_end, segment FROM heliotrope.cycle ORDER BY 1",
    "step": "SELECT interval_start, name FROM heliotrope.step JOIN heliotrope.cycle ON cycle.id = cycle_id"
    " ORDER BY 1, 2",
    "batch": "SELECT interval_start, revision, content_hash, rows_read, rows, first_time, last_time, verdict, problems"
    " FROM heliotrope.batch JOIN heliotrope.cycle ON cycle.id = cycle_id ORDER BY 1, 2",
    "evaluation": "SELECT interval_start, revision, evaluation.role, evaluation.candidate, evaluation.rows, metrics,"
    " gain, evaluation.evidence, kept_out, fingerprint FROM heliotrope.evaluation"
    " JOIN heliotrope.batch ON batch.id = batch_id"
    " JOIN heliotrope.cycle ON cycle.id = cycle_id JOIN heliotrope.training ON training.id = training_id"
    " ORDER BY 1, 2, 3, 4",
    "drift": "SELECT interval_start, revision, detector, feature, reference_rows, current_rows, statistic, p_value,"
    " threshold, drifted FROM heliotrope.drift JOIN heliotrope.batch ON batch.id = batch_id"
    " JOIN heliotrope.cycle ON cycle.id = cycle_id ORDER BY 1, 2, 3, 4",
    "histogram": "SELECT interval_start, revision, bins, counts, era, changed, loss_rise, loss_rise_error"
    " FROM heliotrope.histogram JOIN heliotrope.batch ON batch.id = batch_id"
    " JOIN heliotrope.cycle ON cycle.id = cycle_id JOIN heliotrope.scale ON scale.id = scale_id ORDER BY 1, 2",
    "recall": "SELECT cycle.interval_start, candidate, fingerprint, recall.rows, metrics, gain"
    " FROM heliotrope.recall JOIN heliotrope.batch ON batch.id = batch_id"
    " JOIN heliotrope.cycle ON cycle.id = batch.cycle_id JOIN heliotrope.training ON training.id = training_id"
    " ORDER BY 1, 2, 3",
    "decision": "SELECT interval_start, stage, action, reasons, evidence, standing, actor FROM heliotrope.decision"
    " LEFT JOIN heliotrope.cycle ON cycle.id = cycle_id ORDER BY 1, 2, decision.id",
    "training": "SELECT interval_start, candidate, role, window_start, window_end, rows, seed, fingerprint, versions,"
    " artifact, failure FROM heliotrope.training JOIN heliotrope.cycle ON cycle.id = cycle_id ORDER BY 1, 2, 3",
    "champion": "SELECT champion.valid_from, champion.valid_to, candidate, role, fingerprint, artifact, action"
    " FROM heliotrope.champion_validity AS champion JOIN heliotrope.training ON training.id = training_id"
    " JOIN heliotrope.decision ON decision.id = decision_id ORDER BY champion.valid_from, champion.id",
}


def ledger(database: Database) -> dict[str, list[Any]]:
    """Everything in the ledger but ids and the times at which things were written or how long they took."""
    with psycopg.connect(database.url) as connection:
        return {name: connection.execute(query).fetchall() for name, query in _DUMPS.items()}
