"""Every pipeline in numbers, for Prometheus and what reads its format: read from the ledger when asked, kept nowhere.

Names, units and meanings are in :data:`METRICS`; `docs/reference/metrics.md` is written from it. Text and escaping are
prometheus_client's. A scrape is seven statements, however many pipelines there are. What a pipeline with segments
counts, it counts over all of them; scores, drift and champions are those of the whole table, for a series a segment
would be thousands.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.openmetrics.exposition import generate_latest

import heliotrope
from heliotrope.interval import parse_step
from heliotrope.ledger import reading, table_of
from heliotrope.sql import statement

if TYPE_CHECKING:
    import psycopg
    from prometheus_client.core import Metric as Family

__all__ = ["CONTENT_TYPE", "METRICS", "Metric", "families", "openmetrics"]

CONTENT_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"
"""Of :func:`openmetrics`, for whoever serves it."""


@dataclass(frozen=True, slots=True)
class Metric:
    """What one family of numbers is. A counter's samples end in ``_total``, an info's in ``_info``."""

    name: str
    kind: Literal["gauge", "counter", "info"]
    labels: tuple[str, ...]
    help: str

    @property
    def sample(self) -> str:
        """The name that a query uses."""
        return self.name + {"gauge": "", "counter": "_total", "info": "_info"}[self.kind]


_Kind = Literal["gauge", "counter", "info"]
_DECLARED: tuple[tuple[str, _Kind, tuple[str, ...], str], ...] = (
    ("build", "info", (), "The version that answers."),
    ("pipeline", "info", ("pipeline",), "Task, metric and interval, as declared."),
    ("interval_seconds", "gauge", ("pipeline",), "The length of an interval."),
    ("score", "gauge", ("pipeline", "metric"), "The champion's metric on the last interval it was scored on."),
    ("last_interval_end_timestamp_seconds", "gauge", ("pipeline",), "The end of the last interval that is done."),
    ("last_cycle_timestamp_seconds", "gauge", ("pipeline",), "When the last cycle was done."),
    ("last_cycle_age_seconds", "gauge", ("pipeline",), "How long ago that was."),
    ("last_cycle_rows", "gauge", ("pipeline",), "The usable rows of the last interval."),
    ("last_cycle_held", "gauge", ("pipeline",), "1 where the last interval's batch was held."),
    ("step_seconds", "gauge", ("pipeline", "step"), "The seconds of the last cycle, by part."),
    ("drift_statistic", "gauge", ("pipeline", "feature", "detector"), "The last cycle's reading."),
    ("drifted", "gauge", ("pipeline", "feature", "detector"), "1 where that reading is past its threshold."),
    ("champion_since_timestamp_seconds", "gauge", ("pipeline", "candidate"), "From when the champion serves."),
    (
        "champion_age_seconds",
        "gauge",
        ("pipeline", "candidate"),
        "From the end of the champion's window to that of the last interval: how old what it knows is.",
    ),
    ("champion_window_rows", "gauge", ("pipeline", "candidate"), "The rows the champion was trained on."),
    ("segments", "gauge", ("pipeline",), "The segments that have a cycle."),
    ("cycles", "counter", ("pipeline",), "Cycles that are done."),
    ("rows", "counter", ("pipeline",), "Usable rows of those."),
    ("dropped_rows", "counter", ("pipeline",), "Rows of those that were read and not used."),
    (
        "decisions",
        "counter",
        ("pipeline", "stage", "action"),
        "Decisions: hold, skip, train, keep, promote, roll_back; by stage validate, trigger, gate, manual.",
    ),
    ("trainings", "counter", ("pipeline", "candidate"), "Fits, well or not."),
    ("training_failures", "counter", ("pipeline", "candidate"), "Fits that failed, or whose scoring did."),
    ("training_seconds", "counter", ("pipeline", "candidate"), "The seconds of all fits."),
    ("training_rows", "counter", ("pipeline", "candidate"), "The rows of all fits."),
    ("messages", "counter", ("pipeline", "event"), "Messages that were written, those of failures among them."),
    ("messages_waiting", "gauge", ("pipeline",), "Messages that are still to be sent."),
    ("messages_uncertain", "gauge", ("pipeline",), "Messages of which nobody knows whether they arrived."),
    ("messages_failed", "gauge", ("pipeline",), "Messages that were not sent and will not be."),
)
METRICS = tuple(Metric(f"heliotrope_{name}", kind, labels, text) for name, kind, labels, text in _DECLARED)
"""All of them, in the order in which they are printed."""
_BY_NAME = {one.name.removeprefix("heliotrope_"): one for one in METRICS}
_FAMILIES: Mapping[str, Callable[..., Any]] = {
    "gauge": GaugeMetricFamily,
    "counter": CounterMetricFamily,
    "info": InfoMetricFamily,
}


def openmetrics(
    connection: psycopg.Connection[Any], *, now: datetime, shown: Callable[[str], bool] = lambda _: True
) -> str:
    """The pipelines that are ``shown``, all of them at first, as OpenMetrics text.

    Raises LedgerError for a row that no cycle writes.
    """

    class Once:
        def collect(self) -> Iterable[Family]:
            found = families(connection, now=now)
            for family in found:
                family.samples = [one for one in family.samples if shown(one.labels.get("pipeline", ""))]
            return found

    text: bytes = generate_latest(Once())  # type: ignore[no-untyped-call]  # prometheus_client leaves it untyped
    return text.decode()


def families(connection: psycopg.Connection[Any], *, now: datetime) -> tuple[Family, ...]:
    """The metrics of all pipelines, in the order of :data:`METRICS`; each is there, with samples or without."""
    found = _Found()
    found.family("build").add_metric([], {"version": heliotrope.__version__})
    names: dict[int, str] = {}
    cycles: list[int] = []
    for identity, cycle, name, *rest in connection.execute(statement("metric_states")).fetchall():
        names[identity] = name
        cycles += [] if cycle is None else [cycle]
        with reading("pipeline", identity):
            _state(found, (name, *rest), now)
    for name, done, rows, dropped, segments in _rows(connection, "metric_cycles", names):
        found.add("cycles", done, name)
        found.add("rows", rows, name)
        found.add("dropped_rows", dropped, name)
        found.add("segments", segments, name)
    for name, stage, action, count in _rows(connection, "metric_decisions", names):
        found.add("decisions", count, name, stage, action)
    for name, candidate, fits, failed, seconds, rows in _rows(connection, "metric_trainings", names):
        found.add("trainings", fits, name, candidate)
        found.add("training_failures", failed, name, candidate)
        found.add("training_seconds", seconds, name, candidate)
        found.add("training_rows", rows, name, candidate)
    for name, feature, detector, statistic, drifted in _rows(connection, "metric_drift", names, cycles):
        found.add("drift_statistic", statistic, name, feature, detector)
        found.add("drifted", float(drifted), name, feature, detector)
    for name, part, seconds in _rows(connection, "metric_seconds", names, cycles):
        found.add("step_seconds", seconds, name, part)
    _messages(found, tuple(names.values()), _rows(connection, "metric_messages", names))
    return tuple(found.family(name) for name in _BY_NAME)


def _state(found: _Found, row: Any, now: datetime) -> None:
    """What is known of one pipeline's last cycle and champion."""
    name, task, metric, step, end, ended_at, rows, verdict, scores, candidate, since, trained, window = row
    found.family("pipeline").add_metric([name], {"task": task, "metric": metric, "interval": step})
    found.add("interval_seconds", parse_step(step).total_seconds(), name)
    if scores is not None:
        found.add("score", table_of(scores, "metrics", numbers=True).get(metric), name, metric)
    if end is not None:
        found.add("last_interval_end_timestamp_seconds", end.timestamp(), name)
        found.add("last_cycle_timestamp_seconds", ended_at.timestamp(), name)
        found.add("last_cycle_age_seconds", (now - ended_at).total_seconds(), name)
        found.add("last_cycle_rows", rows, name)
        found.add("last_cycle_held", float(verdict == "held"), name)
    if candidate is not None:
        found.add("champion_since_timestamp_seconds", since.timestamp(), name, candidate)
        found.add("champion_window_rows", window, name, candidate)
        if end is not None:
            found.add("champion_age_seconds", max((end - trained).total_seconds(), 0.0), name, candidate)


def _rows(
    connection: psycopg.Connection[Any], query: str, names: Mapping[int, str], cycles: Sequence[int] = ()
) -> Iterator[tuple[Any, ...]]:
    """A statement's rows, the pipeline's id in front replaced by its name; of one declared since, nothing yet."""
    for pipeline, *rest in connection.execute(statement(query), {"cycles": list(cycles)}).fetchall():
        if pipeline in names:
            yield (names[pipeline], *rest)


def _messages(found: _Found, names: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
    """Written ones by event, and how many of all stand badly: 0 where none do, so that an alert can be of a rise."""
    stand = {(name, state): 0 for name in names for state in ("waiting", "uncertain", "failed")}
    written: Counter[tuple[str, str]] = Counter()
    for name, event, state, count in rows:
        written[name, event] += count
        if (name, state) in stand:
            stand[name, state] += count
    for (name, event), count in written.items():
        found.add("messages", count, name, event)
    for (name, state), count in stand.items():
        found.add(f"messages_{state}", count, name)


class _Found:
    """Families by name, made when first asked for."""

    def __init__(self) -> None:
        self._families: dict[str, Any] = {}

    def family(self, name: str) -> Any:
        """The family; Any, for each kind takes values of its own."""
        if name not in self._families:
            metric = _BY_NAME[name]
            make = _FAMILIES[metric.kind]
            self._families[name] = make(metric.name, metric.help, labels=list(metric.labels))
        return self._families[name]

    def add(self, name: str, value: float | None, *labels: str) -> None:
        """A sample; what is no finite number is left out."""
        if value is not None and math.isfinite(value):
            self.family(name).add_metric(list(labels), float(value))
