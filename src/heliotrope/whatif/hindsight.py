"""What a cycle would have come to on its rows as they are now: run again in memory, with the record as its past."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from heliotrope import cycle
from heliotrope.candidates import artifact
from heliotrope.candidates.model import Model
from heliotrope.context import Context
from heliotrope.interval import Interval
from heliotrope.ledger import Counted, Ledger, Past, Recorded, Reign
from heliotrope.records import Action, Champion, Decision
from heliotrope.whatif.memory import MemoryLedger

if TYPE_CHECKING:
    import psycopg

__all__ = ["Outcome", "rerun"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a cycle decided: the last action, and the candidate that it made champion, if any."""

    action: str
    promoted: str | None = None

    def __str__(self) -> str:
        return f"{self.action.replace('_', ' ')}{f' {self.promoted}' if self.promoted else ''}"


def rerun(context: Context, record: Recorded) -> tuple[Outcome, Outcome]:
    """What the interval's cycle decided, and what it would have decided on the rows as they are now.

    Models before it, and what was gathered, are those on record; windows hold their rows as they are now. Nothing is
    written. Raises what a cycle raises.
    """
    ledger = _Hindsight(context.ledger, record.interval)
    cycle.run(_Now(context, ledger), record.interval)
    return _on_record(context.ledger, record), _tried(ledger)


class _Now(Context):
    """A context over the rows as they are now, that keeps no file."""

    def __init__(self, context: Context, ledger: MemoryLedger) -> None:
        """With the connections of ``context``, which closes them."""
        super().__init__(
            context.pipeline, context.database, folder=context.folder, segment=context.segment, clock=context.clock
        )
        self.rows, self.ledger = context.rows, ledger
        self._kinds, self._first, self._whole = context.kinds, context.first, context.whole

    def span(self, name: str, interval: Interval) -> AbstractContextManager[object]:
        """None: what is only tried is no cycle."""
        return nullcontext()

    def know(self, interval: Interval) -> None:
        """All rows are known."""
        self.known_at = None

    def save(self, model: Model) -> str:
        """No file is kept; but one must be possible, as it had to be then."""
        artifact.dump(model)
        return ""


def _tried(ledger: MemoryLedger) -> Outcome:
    (tried,) = ledger.cycles
    trainings = {name: failure for (role, name), (_, _, failure) in tried.trainings.items() if role == "final"}
    return _outcome(tried.decisions, [name for name, failure in trainings.items() if failure is None])


def _on_record(ledger: Ledger, record: Recorded) -> Outcome:
    finals = [
        name
        for (role, name), (_, _, failure) in ledger.trainings_of(record.cycle_id).items()
        if role == "final" and failure is None
    ]
    return _outcome(ledger.decisions_of(record.cycle_id), finals)


def _outcome(decisions: Mapping[str, Decision], finals: list[str]) -> Outcome:
    last = next((decisions[stage] for stage in ("gate", "trigger", "validate") if stage in decisions), None)
    if last is None:
        return Outcome("not done")
    promoted = finals[-1] if last.action is Action.PROMOTE and finals else None
    return Outcome(last.action.value, promoted)


class _Hindsight(MemoryLedger):
    """The record of before, and in memory what one cycle adds."""

    def __init__(self, record: Ledger, interval: Interval) -> None:
        super().__init__(record.pipeline)
        self.record = record
        self.segment = record.segment
        self.interval = interval

    @property
    def connection(self) -> psycopg.Connection[Any]:
        """That of the record, for what looks back in it."""
        return self.record.connection

    @property
    def ids(self) -> tuple[int, int]:
        """As on record."""
        return self.record.ids

    def champion_at(self, time: datetime) -> Champion | None:
        """As on record."""
        return self.record.champion_at(time)

    def reign_at(self, time: datetime) -> Reign:
        """As on record."""
        return self.record.reign_at(time)

    def contest_at(self, time: datetime) -> tuple[Champion | None, Past]:
        """As on record."""
        return self.record.contest_at(time)

    def held_intervals(self, start: datetime, end: datetime) -> frozenset[datetime]:
        """As on record, but for the interval that is tried."""
        known = self.record.held_intervals(start, end) - {self.interval.start}
        return known | super().held_intervals(start, end)

    def last_trained(self, before: datetime) -> datetime | None:
        """As on record."""
        return self.record.last_trained(before)

    def rows_since(self, since: datetime, before: datetime) -> int:
        """As on record."""
        return self.record.rows_since(since, before)

    def champion_scores(self, metric: str, since: datetime, before: datetime, limit: int) -> tuple[float, ...]:
        """As on record."""
        return self.record.champion_scores(metric, since, before, limit)

    def past_trainings(self, before: datetime) -> tuple[tuple[datetime, float | None, float | None], ...]:
        """As on record."""
        return self.record.past_trainings(before)

    def scale(self, asked: Mapping[str, Any], before: datetime) -> tuple[int, Mapping[str, Any]] | None:
        """As on record."""
        return self.record.scale(asked, before)

    def counted(self, scale_id: int, after: datetime, before: datetime, limit: int) -> tuple[Counted, ...]:
        """As on record."""
        return self.record.counted(scale_id, after, before, limit)

    def changed_before(self, time: datetime) -> datetime | None:
        """As on record, the interval that is tried included."""
        here = super().changed_before(time)
        return here or self.record.changed_before(min(time, self.interval.start))

    def artifact_of(self, fingerprint: str) -> str | None:
        """As on record."""
        return self.record.artifact_of(fingerprint)
