"""How a pipeline is, and why, from its latest cycles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from heliotrope.config import Pipeline
from heliotrope.interval import floor
from heliotrope.ledger.overview import Known, Latest
from heliotrope.replay import stale_since

__all__ = ["Health", "Reason", "State", "judge", "unreadable", "work_of"]

_UNFINISHED = timedelta(minutes=10)
"""How long a cycle may be under way with nobody at work on it."""

Reason = tuple[str, Mapping[str, object]]
"""The key of a text, and the values in it."""


class State(StrEnum):
    """How a pipeline is, the worst first."""

    FAILING = "failing"
    STALE = "stale"
    DRIFTING = "drifting"
    HEALTHY = "healthy"
    NEW = "new"
    """Nothing has run yet."""


@dataclass(frozen=True, slots=True)
class Health:
    """A state, the reasons for it, and what else is to be known."""

    state: State
    reasons: tuple[Reason, ...]
    notes: tuple[Reason, ...] = ()


def judge(
    pipeline: Pipeline,
    known: Known,
    cycles: Sequence[Latest],
    now: datetime,
    *,
    failure: tuple[Mapping[str, Any], datetime] | None = None,
    at_work: bool = False,
) -> Health:
    """How the pipeline is. ``cycles`` are the latest, oldest first; ``failure`` one that no recovery followed."""
    notes = [] if not known.pinned else [_pinned(known)]
    done = [one for one in cycles if one.ended_at is not None]
    found: list[tuple[State, Reason]] = []
    if failure is not None:
        found.append((State.FAILING, ("failure", {"time": failure[1], "error": str(failure[0].get("error", ""))})))
    found += [(State.FAILING, reason) for reason in _unfinished(cycles, now, at_work)]
    if not done:
        reasons = tuple(reason for _, reason in found) or (("new", {}),)
        return Health(State.FAILING if found else State.NEW, reasons, tuple(notes))
    last = done[-1]
    failed = [name for name, why in last.failures.items() if why]
    if failed and len(failed) == len(last.failures):
        why = str(last.failures[failed[0]])
        found.append((State.FAILING, ("all_failed", {"time": last.interval.start, "error": why})))
    elif failed:
        notes.append(("candidate_failed", {"candidates": ", ".join(failed), "time": last.interval.start}))
    if last.verdict == "held":
        said = "; ".join(last.reasons)
        found.append((State.FAILING, ("held", {"time": last.interval.start, "reason": said})))
    since = stale_since(last.interval.end, pipeline, now)
    if since is not None:
        behind = (floor(now - pipeline.source.wait, pipeline.interval) - last.interval.end) // pipeline.interval
        values = {"since": since, "end": last.interval.end, "length": now - last.interval.end, "n": behind}
        values |= {"name": known.name}
        found.append((State.STALE, ("behind", values)))
    if last.drifted:
        count = sum(bool(one.drifted) for one in done)
        found.append((State.DRIFTING, ("drift", {"features": last.drifted, "count": count, "n": len(done)})))
    if known.champion is None:
        notes.append(("no_champion", {}))
    if not found:
        return Health(State.HEALTHY, (("healthy", {"time": last.interval.start}),), tuple(notes))
    worst = min((state for state, _ in found), key=list(State).index)
    return Health(worst, tuple(reason for _, reason in found), tuple(notes))


def unreadable(message: str) -> Health:
    """Of a pipeline whose declaration on record cannot be read."""
    return Health(State.FAILING, (("unreadable", {"error": message}),))


def work_of(name: str, sessions: Mapping[str, datetime]) -> tuple[str, datetime] | None:
    """The verb that is at work on a pipeline, and since when; from what the database calls its sessions.

    >>> from datetime import UTC
    >>> work_of("clicks", {"heliotrope replay clicks": datetime(2026, 11, 24, tzinfo=UTC)})[0]
    'replay'
    """
    for verb in ("replay", "run", "run-step", "reconcile", "demo"):
        called = f"heliotrope {verb} {name}"[:63]  # PostgreSQL keeps no more of it
        if called in sessions:
            return verb, sessions[called]
    return None


def _unfinished(cycles: Sequence[Latest], now: datetime, at_work: bool) -> list[Reason]:
    open_ = [one for one in cycles if one.ended_at is None and now - one.started_at > _UNFINISHED]
    if not open_ or at_work:
        return []
    return [("unfinished", {"time": open_[0].interval.start, "length": now - open_[0].started_at})]


def _pinned(known: Known) -> Reason:
    return (
        "pinned",
        {"candidate": known.champion or "", "who": known.pinned_by or "", "reason": "; ".join(known.pinned_because)},
    )
