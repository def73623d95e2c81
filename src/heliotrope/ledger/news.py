"""What there is to tell of a decision: which events it comes to, for whom each is news, and its facts."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from heliotrope.interval import Interval, format_time
from heliotrope.records import Action, Event

__all__ = ["Decided", "News", "decided_from", "failure_news", "news"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Decided:
    """A decision as the ledger has it, with what stands beside it."""

    id: int
    stage: str
    action: Action
    reasons: tuple[str, ...]
    actor: str
    decided_at: datetime
    interval: Interval | None
    """None for a decision by hand."""
    rows: int | None
    candidate: str | None
    """Who serves by this decision; None where it changes nobody."""
    valid_from: datetime | None
    previous: str | None
    """Who served until then."""
    metrics: Mapping[str, Any] | None
    """The champion's on the interval's rows."""
    drifted: tuple[str, ...]
    failures: Mapping[str, str | None]
    """By candidate: why its last fit failed; None where it did not."""

    @property
    def all_failed(self) -> bool:
        """Whether candidates were tried and every one of them failed."""
        return bool(self.failures) and all(self.failures.values())


@dataclass(frozen=True, kw_only=True, slots=True)
class News:
    """One thing to tell. Equal subjects say the same; ``decision`` is the id of what it tells of."""

    event: Event
    subject: str
    facts: Mapping[str, Any]
    decision: int | None = None


def news(decided: Decided, pipeline: str, metric: str, segment: str = "") -> Iterator[News]:
    """What a decision comes to, in the order in which it is told; a recovery is news only after a failure."""
    facts = _facts(decided, pipeline, metric, segment)
    mine = f"decision {decided.id}"
    ends = decided.stage != "manual" and decided.action is not Action.TRAIN
    if decided.stage == "gate" and decided.all_failed:
        why = "; ".join(f"{name}: {failure}" for name, failure in sorted(decided.failures.items()))
        said = f"every candidate failed: {why}"
        remedy = "mend the candidates; what serves goes on serving"
        yield News(
            event=Event.FAILURE,
            subject=_alike(said),
            facts=facts | {"event": "failure", "error": said, "remedy": remedy},
            decision=decided.id,
        )
        return
    if ends:
        yield News(event=Event.RECOVERY, subject=mine, facts=facts | {"event": "recovery"}, decision=decided.id)
    event = _event(decided)
    if event is not None:
        subject = _subject(*(reason.partition(",")[0] for reason in decided.reasons))
        yield News(
            event=event,
            subject=subject if event is Event.HELD else mine,
            facts=facts | {"event": event.value},
            decision=decided.id,
        )
    if decided.drifted and decided.stage == "trigger":
        subject = _subject(*decided.drifted)
        yield News(event=Event.DRIFT, subject=subject, facts=facts | {"event": "drift"}, decision=decided.id)


def failure_news(
    pipeline: str,
    error: str,
    remedy: str,
    *,
    at: datetime,
    interval: Interval | None = None,
    segment: str = "",
) -> News:
    """A run that ended with an error."""
    facts = {
        "event": "failure",
        "pipeline": pipeline,
        "segment": segment,
        "interval": None if interval is None else [format_time(interval.start), format_time(interval.end)],
        "time": format_time(at if interval is None else interval.start),
        "error": error,
        "remedy": remedy,
    }
    return News(event=Event.FAILURE, subject=_alike(error), facts=facts)


def _event(decided: Decided) -> Event | None:
    match decided.action:
        case Action.HOLD:
            return Event.HELD
        case Action.TRAIN:
            return Event.TRAINING
        case Action.KEEP:
            return Event.KEPT
        case Action.ROLL_BACK:
            return Event.ROLLED_BACK
        case Action.PROMOTE:
            fresh = decided.stage == "gate" and decided.candidate == decided.previous
            return Event.REFRESHED if fresh else Event.PROMOTED
    return None


def _facts(decided: Decided, pipeline: str, metric: str, segment: str) -> dict[str, Any]:
    interval = decided.interval
    at = decided.decided_at.replace(microsecond=0) if interval is None else interval.start
    serving = decided.previous if decided.candidate is None else decided.candidate
    return {
        "pipeline": pipeline,
        "segment": segment,
        "interval": None if interval is None else [format_time(interval.start), format_time(interval.end)],
        "time": format_time(at),
        "action": decided.action.value.replace("_", " "),
        "reasons": list(decided.reasons),
        "candidate": decided.candidate,
        "previous": decided.previous,
        "champion": serving,
        "since": None if decided.valid_from is None else format_time(decided.valid_from),
        "metric": metric,
        "score": (decided.metrics or {}).get(metric),
        "rows": decided.rows,
        "drifted": list(decided.drifted),
        "actor": decided.actor,
    }


def _alike(error: str) -> str:
    """The subject of an error: numbers and times in it, which differ from run to run, make it no other."""
    return _subject(re.sub(r"\d+", "0", error))


def _subject(*said: str) -> str:
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:32]


def decided_from(row: Sequence[Any]) -> Decided:
    """A decision from the columns of the statement ``decided``."""
    return Decided(
        id=row[0],
        stage=row[1],
        action=Action(row[2]),
        reasons=tuple(row[3]),
        actor=row[4],
        decided_at=row[5],
        interval=None if row[6] is None else Interval(row[6], row[7]),
        rows=row[8],
        candidate=row[9],
        valid_from=row[10],
        previous=row[11],
        metrics=row[12],
        drifted=tuple(row[13] or ()),
        failures=row[14] or {},
    )
