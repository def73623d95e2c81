"""How far the cycles of a pipeline are, asked of the record again and again: whichever process runs them, it shows."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from heliotrope.errors import HeliotropeError
from heliotrope.interval import floor, interval_at
from heliotrope.ledger import CycleSummary, cycles
from heliotrope.ledger.overview import Progress, at_work, progress
from heliotrope.store import Part, Rows
from heliotrope.web.health import work_of
from heliotrope.web.page import Subject
from heliotrope.web.site import Site

__all__ = ["Moment", "Watch"]

_SECONDS = 3.0
"""How long the pipeline's table is waited for."""
_ROWS_EVERY = timedelta(seconds=60)
_REMEMBERED = 60
_LATEST = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Moment:
    """How far they are at one moment."""

    progress: Progress | None
    work: tuple[str, datetime] | None
    waiting: int | None
    """Complete intervals with rows that have no cycle; None where the table does not say."""
    per_minute: float | None
    """Cycles done, lately; None where none was in the time that was looked at."""
    left: timedelta | None
    """What the rest takes at that pace."""
    latest: tuple[CycleSummary, ...]
    """The latest, newest first."""

    @property
    def share(self) -> float | None:
        """Of all intervals that have rows, those that are done; None where that is not known."""
        if self.progress is None or self.waiting is None:
            return None
        total = self.progress.done + self.waiting
        return self.progress.done / total if total else None

    @property
    def under_way(self) -> bool:
        """Whether a cycle has begun and is not done."""
        return self.progress is not None and "done" not in self.progress.steps and self.progress.interval is not None


@dataclass
class Watch:
    """Looks at one pipeline, and remembers how many cycles were done when."""

    site: Site
    subject: Subject
    _seen: deque[tuple[datetime, int]] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    _rows: tuple[datetime, datetime | None] | None = None
    """When the table was last asked, and its last row's time."""

    def look(self) -> Moment:
        """How far they are now. Raises DatabaseError."""
        with self.site.connections.reading() as connection:
            found = progress(connection, *self.subject.key)
            sessions = at_work(connection)
            latest = cycles(connection, *self.subject.key, limit=_LATEST)
        work = work_of(self.subject.known.name, sessions)
        pace, left = None, None
        waiting = self._waiting(latest)
        if found is not None:
            self._seen.append((found.now, found.done))
            pace = self._pace()
            if pace and waiting and work:
                left = timedelta(minutes=waiting / pace)
        return Moment(
            progress=found, work=work, waiting=waiting, per_minute=pace, left=left, latest=tuple(reversed(latest))
        )

    def _pace(self) -> float | None:
        (before, was), (now, done) = self._seen[0], self._seen[-1]
        minutes = (now - before).total_seconds() / 60
        return (done - was) / minutes if minutes > 0 and done > was else None

    def _waiting(self, latest: tuple[CycleSummary, ...]) -> int | None:
        step, last = self.subject.pipeline.interval, self._last_row()
        if last is None:
            return None
        ended = floor(self.site.clock() - self.subject.pipeline.source.wait, step)
        until = min(ended, interval_at(last, step).end)
        done = [one.interval.end for one in latest if one.done]
        return max(0, (until - max(done)) // step) if done else None

    def _last_row(self) -> datetime | None:
        now = self.site.clock()
        if self._rows is not None and now - self._rows[0] < _ROWS_EVERY:
            return self._rows[1]
        source, column = self.subject.pipeline.source, self.subject.pipeline.partition_by
        segment = self.subject.segment
        part = Part(column, segment) if column is not None and segment else None
        rows = Rows(self.site.connections.database, source.table, source.time, time_zone=source.time_zone, part=part)
        try:
            span = rows.span(seconds=_SECONDS)
            rows.close()
        except HeliotropeError:
            span = None  # the record can be shown without it
        self._rows = now, None if span is None else span[1]
        return self._rows[1]
