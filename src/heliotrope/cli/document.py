"""What the ledger and the steps say, as documents for ``--json`` and as short texts for tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from heliotrope.errors import counted
from heliotrope.interval import format_time

if TYPE_CHECKING:
    from datetime import datetime

    from heliotrope.ledger import CycleSummary, Declared
    from heliotrope.records import Champion, Problem

__all__ = [
    "champion_document",
    "cycle_document",
    "declaration_document",
    "declaration_text",
    "drift_text",
    "is_refresh",
    "problem_text",
    "promoted",
    "rescored",
    "score",
    "seconds_text",
    "total",
    "unscored_reason",
]


def cycle_document(summary: CycleSummary, metric: str) -> dict[str, Any]:
    """One cycle with all that the ledger has of it."""
    return {
        "interval": summary.interval,
        "done": summary.done,
        "outcome": summary.outcome,
        "did": summary.did,
        "code_version": summary.code_version,
        "started_at": summary.started_at,
        "ended_at": summary.ended_at,
        "content_hash": summary.content_hash,
        "rows_read": summary.rows_read,
        "rows": summary.rows,
        "verdict": summary.verdict,
        "problems": summary.problems,
        "champion": None if summary.champion is None else summary.champion["candidate"],
        "metric": metric,
        "score": score(summary, metric),
        "rescored": rescored(summary, metric),
        "provisional": summary.provisional,
        "evaluations": summary.evaluations,
        "drifted": summary.drifted,
        "drift": summary.drift,
        "decisions": summary.decisions,
        "trainings": summary.trainings,
        "failed": summary.failed,
        "all_failed": summary.all_failed,
        "declaration": summary.declaration,
        "promoted": promoted(summary),
        "revision": summary.revision,
        "seconds": summary.seconds,
    }


def champion_document(champion: Champion) -> dict[str, Any]:
    """Who served from when to when, and why."""
    training = champion.training
    return {
        "id": champion.id,
        "candidate": champion.candidate,
        "valid_from": champion.valid_from,
        "valid_to": champion.valid_to,
        "action": champion.action.value,
        "reasons": champion.reasons,
        "evidence": champion.evidence,
        "actor": champion.actor,
        "pinned": champion.pinned,
        "decided_at": champion.decided_at,
        "registered_version": champion.registered_version,
        "training": {
            "id": champion.training_id,
            "window": training.window,
            "rows": training.rows,
            "seconds": training.seconds,
            "seed": training.seed,
            "fingerprint": training.fingerprint,
            "artifact": training.artifact,
            "code_version": training.code_version,
            "versions": training.versions,
        },
    }


def score(summary: CycleSummary, metric: str) -> float | None:
    """The metric of the model that served on the interval's rows; None where there was none."""
    found = summary.served
    return None if found is None else found["metrics"].get(metric)


def promoted(summary: CycleSummary) -> str | None:
    """The candidate that the cycle made champion; None where it made none."""
    return summary.promoted


def is_refresh(summary: CycleSummary) -> bool:
    """Whether the new champion is a fresh fit of the candidate that served already."""
    return summary.is_refresh


def rescored(summary: CycleSummary, metric: str) -> float | None:
    """The champion's metric on the rows as they were scored again; None where they were not."""
    return None if summary.rescored is None else summary.rescored.get(metric)


def declaration_document(declared: Declared) -> dict[str, Any]:
    """What changed with a declaration, and when."""
    return {
        "id": declared.id,
        "recorded_at": declared.recorded_at,
        "first_interval": declared.first,
        "changes": [{"key": one.key, "before": one.before, "after": one.after} for one in declared.changes],
    }


def declaration_text(declared: Declared) -> str:
    """The same in a line."""
    first = "no cycle has run with it yet" if declared.first is None else f"from the cycle of {_at(declared.first)} on"
    return f"declared otherwise {_at(declared.recorded_at)}, {first}: {'; '.join(one.text for one in declared.changes)}"


def _at(time: datetime) -> str:
    return format_time(time.replace(microsecond=0))


def unscored_reason(summary: CycleSummary) -> str | None:
    """Why the champion could not be scored in a cycle that went on without it; None where it was, or there was none."""
    for decision in summary.decisions:
        if decision["stage"] == "trigger" and decision["evidence"].get("champion.scored") == 0:
            return str(decision["reasons"][0])
    return None


def drift_text(summary: CycleSummary) -> str:
    """How many of the detectors that measured saw drift; a dash where none measured."""
    detectors: dict[str, bool] = {}
    for reading in summary.drift:
        detectors[reading["detector"]] = detectors.get(reading["detector"], False) or reading["drifted"]
    return f"{sum(detectors.values())} of {len(detectors)}" if detectors else "-"


def problem_text(problem: Problem | Mapping[str, Any]) -> str:
    """One thing that validation found."""
    said = problem if isinstance(problem, Mapping) else {name: getattr(problem, name) for name in _PROBLEM}
    where = f" in {said['column']}" if said["column"] else ""
    detail = f" ({said['detail']})" if said["detail"] else ""
    return f"{said['rule']}{where}: {counted(int(said['rows']), 'row')}, {said['done']}{detail}"


_PROBLEM = ("rule", "column", "rows", "done", "detail")


def total(parts: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """Seconds by part, added up, the longest first."""
    seconds: dict[str, float] = {}
    for one in parts:
        for name, value in one.items():
            seconds[name] = seconds.get(name, 0.0) + value
    return dict(sorted(seconds.items(), key=lambda part: -part[1]))


def seconds_text(seconds: Mapping[str, float]) -> str:
    """Seconds by part as one line, the longest first."""
    return ", ".join(f"{name} {value:.3f}" for name, value in total([seconds]).items())
