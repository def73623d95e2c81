"""Where every pipeline is, and what waits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from heliotrope.cli import options, segments
from heliotrope.cli.document import declaration_document, declaration_text, drift_text, score
from heliotrope.cli.late import incomparable_text
from heliotrope.cli.messages import RECENT, left_document, left_text
from heliotrope.cli.output import number
from heliotrope.cli.replaying import outside_text
from heliotrope.cli.session import BEGIN, Session, known_id, parsed
from heliotrope.errors import ConfigError, HeliotropeError, counted
from heliotrope.interval import Interval, floor, format_time, interval_at, intervals

if TYPE_CHECKING:
    from heliotrope.config import Pipeline
    from heliotrope.ledger import CycleSummary, Declared, Left, Recorded
    from heliotrope.records import Champion

__all__ = ["status"]

_SECONDS = 3.0
"""How long one pipeline's table is waited for."""
_AT_ONCE = 8
"""Pipelines that are asked about at the same time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Record:
    """What the ledger has of one pipeline."""

    pipeline: Pipeline
    last: CycleSummary | None
    champion: Champion | None
    unregistered: int
    messages: tuple[Left, ...]
    """What is not through; of what has failed, what did so in the last days."""
    done: tuple[datetime, datetime, int] | None
    declared: Declared | None
    """The declaration in force."""
    segments: Mapping[str, Any] | None
    """What the segments came to in the last interval; None where there are none, or one was asked for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Data:
    """What its table has."""

    last_row: datetime | None
    outside: int
    waiting: int
    """Complete intervals up to the last row's that have no cycle yet."""
    changed: tuple[Interval, ...] | None
    incomparable: tuple[tuple[Recorded, ...], tuple[str, ...]]
    """Recorded intervals that cannot be checked, and the columns that are gone."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Status:
    """Where one pipeline is; what of it could not be asked is None, and the error says why."""

    name: str
    now: datetime
    record: _Record | None
    data: _Data | None
    error: HeliotropeError | None

    def document(self) -> dict[str, Any]:
        last = None if self.record is None else self.record.last
        champion = None if self.record is None else self.record.champion
        metric = None if self.record is None else self.record.pipeline.metric
        data, error = self.data, self.error
        return {
            "pipeline": self.name,
            "last_interval": None if last is None else last.interval,
            "champion": None if champion is None else champion.candidate,
            "champion_since": None if champion is None else champion.valid_from,
            "champion_pinned": None if champion is None else champion.pinned,
            "metric": metric,
            "score": None if last is None or metric is None else score(last, metric),
            "drifted": [] if last is None else last.drifted,
            "outcome": None if last is None else last.outcome,
            "did": None if last is None else last.did,
            "decision": None if last is None or last.decision is None else last.decision["action"],
            "intervals_behind_data": None if data is None else data.waiting,
            "intervals_behind_clock": self._behind_clock(),
            "stale_since": self.stale_since,
            "last_row": None if data is None else data.last_row,
            "last_row_age_seconds": None if self.age is None else self.age.total_seconds(),
            "rows_outside": None if data is None else data.outside,
            "unregistered": None if self.record is None else self.record.unregistered,
            "messages": [] if self.record is None else left_document(self.record.messages),
            "failed": {} if last is None else last.failed,
            "all_failed": False if last is None else last.all_failed,
            "segments": None if self.record is None else self.record.segments,
            "declaration": None
            if self.record is None or self.record.declared is None
            else declaration_document(self.record.declared),
            "changed": None if data is None else data.changed,
            "incomparable": 0 if data is None else len(data.incomparable[0]),
            "columns_gone": () if data is None else data.incomparable[1],
            "error": None
            if error is None
            else {"error": error.message, "remedy": error.remedy, "exit_code": error.exit_code},
        }

    @property
    def age(self) -> timedelta | None:
        """How old the last row is."""
        return None if self.data is None or self.data.last_row is None else self.now - self.data.last_row

    @property
    def stale_since(self) -> datetime | None:
        """Since when too many complete intervals have no cycle."""
        from heliotrope.replay import stale_since

        if self.record is None or self.record.done is None:
            return None
        return stale_since(self.record.done[1], self.record.pipeline, self.now)

    def _behind_clock(self) -> int | None:
        if self.record is None or self.record.done is None:
            return None
        step = self.record.pipeline.interval
        complete = self.now - self.record.pipeline.source.wait
        return max(0, (floor(complete, step) - self.record.done[1]) // step)

    def cells(self) -> tuple[str, ...]:
        if self.record is None:
            return (self.name, "?", "", "", "error")
        last, champion, metric = self.record.last, self.record.champion, self.record.pipeline.metric
        return (
            f"{self.name}\n{'no cycle yet' if last is None else format_time(last.interval.start)}",
            "none yet" if champion is None else f"{champion.candidate}\n{format_time(champion.valid_from)}",
            "-" if last is None else f"{'held' if last.verdict == 'held' else number(score(last, metric))}\n{metric}",
            "-" if last is None else drift_text(last),
            self._data_cell(),
        )

    def _data_cell(self) -> str:
        if self.data is None:
            return "error"
        if self.data.last_row is None:
            return "no rows"
        waits = f"{self.data.waiting} to go" if self.data.waiting else "all done"
        return f"{waits}\nlast row {_age_text(self.age)}"


def status(
    pipeline: options.Recorded = None,
    check: Annotated[
        bool, typer.Option("--check", help="Also look for rows that changed since; reads them all.")
    ] = False,
    segment: options.Segment = None,
    database: options.Database = None,
    as_json: options.Json = False,
) -> None:
    """Say where every pipeline is, and what waits.

    A pipeline whose table cannot be read within a few seconds is shown with the error; the exit
    code is then the error's (3 or 4).

    \b
    Example:
      heliotrope status
    """
    from heliotrope.ledger import version

    session = Session(database, as_json)
    if pipeline is None and (session.is_fresh() or version(session.database) is None):
        chosen: Mapping[str, Any] = {}
    elif pipeline is None:
        chosen = session.on_record()
    else:
        one = session.recorded(pipeline)
        chosen = {one.name: one}
    part = ""
    if segment is not None:
        if len(chosen) != 1:
            raise ConfigError("--segment is of one pipeline", remedy="name the pipeline too")
        name, only = next(iter(chosen.items()))
        part = segments.chosen(only if pipeline is not None else parsed(name, only), segment)
    with ThreadPoolExecutor(1 if check else _AT_ONCE) as pool:
        found = list(pool.map(partial(_status, session, part, check=check), chosen, chosen.values()))
    session.output.document({"pipelines": [one.document() for one in found]})
    if not found:
        session.output.say(f"Nothing is on record yet; {BEGIN}.")
        return
    headers = ("pipeline, last interval", "champion, since", "metric", "drift", "data")
    session.output.table(headers, [one.cells() for one in found], whole=headers[1:2])
    for state in found:
        for text in _remarks(state):
            session.output.say(f"{state.name}: {text}")
        if state.record is not None:
            segments.say(session.output, state.record.segments)
    failed = [state.error.exit_code for state in found if state.error is not None]
    if failed:
        raise typer.Exit(max(failed))


def _status(
    session: Session, segment: str, name: str, declared: Pipeline | Mapping[str, Any], *, check: bool
) -> _Status:
    from heliotrope.config import Pipeline

    record, data, error = None, None, None
    now = datetime.now(UTC)
    try:
        pipeline = declared if isinstance(declared, Pipeline) else parsed(name, declared)
        record = _record(session, pipeline, segment)
        data = _data(session, record, now, segment, check=check)
    except HeliotropeError as failed:
        error = failed
    return _Status(name=name, now=now, record=record, data=data, error=error)


def _record(session: Session, pipeline: Pipeline, segment: str) -> _Record:
    from heliotrope.ledger import Outbox, champions, cycles, declarations, span
    from heliotrope.sql import statement

    with session.reading() as connection:
        identity = known_id(connection, pipeline)
        segments.require_recorded(connection, identity, pipeline, segment)
        latest = cycles(connection, identity, segment, limit=2)
        known = champions(connection, identity, segment)
        serving = next((one for one in reversed(known) if one.valid_to is None), None)
        scope = {"pipeline_id": identity, "segment": segment}
        waiting = len(connection.execute(statement("to_register"), scope).fetchall())
        done = span(connection, identity, segment)
        declared = declarations(connection, identity, segment)
        last = next((one for one in reversed(latest) if one.done), None)
        said = None
        if last is not None and not segment:
            said = segments.totals(connection, identity, pipeline, last.interval.start, last.interval.end)
        left = Outbox(connection, identity, segment).left(since=RECENT) if pipeline.notify else ()
    return _Record(
        pipeline=pipeline,
        last=last,
        champion=serving,
        messages=left,
        unregistered=waiting if pipeline.registry != "none" and not segment else 0,
        done=done,
        declared=declared[-1] if declared else None,
        segments=said,
    )


def _data(session: Session, record: _Record, now: datetime, segment: str, *, check: bool) -> _Data:
    from heliotrope.store import Part, Rows

    source, step = record.pipeline.source, record.pipeline.interval
    column = record.pipeline.partition_by
    part = Part(column, segment) if column is not None and segment else None
    rows = Rows(session.database, source.table, source.time, time_zone=source.time_zone, part=part)
    found, outside = rows.span(seconds=_SECONDS), rows.outside(seconds=_SECONDS)
    waiting = 0
    if found is not None:
        ended = floor(now - source.wait, step)
        complete = found if found[1] < ended else rows.span(end=ended, seconds=_SECONDS)
        if complete is not None:
            begin = floor(complete[0], step) if record.done is None else record.done[1]
            waiting = max(0, (interval_at(complete[1], step).end - begin) // step)
    changed, incomparable = _changed(session, record.pipeline, segment, record.done) if check else (None, ((), ()))
    return _Data(
        last_row=None if found is None else found[1],
        outside=outside,
        waiting=waiting,
        changed=changed,
        incomparable=incomparable,
    )


def _changed(
    session: Session, pipeline: Pipeline, segment: str, done: tuple[datetime, datetime, int] | None
) -> tuple[tuple[Interval, ...], tuple[tuple[Recorded, ...], tuple[str, ...]]]:
    """The intervals whose rows have changed, and what cannot be told of."""
    from heliotrope.context import Context
    from heliotrope.replay import changed, incomparable

    if done is None:
        return (), ((), ())
    with Context(pipeline, session.database, segment=segment) as context:
        span = list(intervals(done[0], done[1], pipeline.interval))
        return tuple(one.interval for one in changed(context, span)), incomparable(context, span)


def _remarks(state: _Status) -> Iterator[str]:
    """What waits, and what is wrong."""
    if state.error is not None:
        yield f"error: {state.error.message}"
        if state.error.remedy:
            yield f"remedy: {state.error.remedy}"
    champion = None if state.record is None else state.record.champion
    if champion is not None and champion.pinned:
        yield f"{champion.candidate} is pinned by {champion.actor}: {'; '.join(champion.reasons)}"
    if state.record is not None and state.record.unregistered:
        yield f"{counted(state.record.unregistered, 'champion')} to be registered, which the next cycle does"
    if state.record is not None and state.record.messages:
        yield f"{left_text(state.record.messages)}; see `heliotrope notify {state.name} --pending`"
    if state.record is not None and state.record.last is not None:
        for candidate, failure in state.record.last.failed.items():
            yield f"{candidate} failed in {state.record.last.interval}: {failure}"
    if state.record is not None and state.record.declared is not None and state.record.declared.changes:
        yield declaration_text(state.record.declared)
    if state.data is None:
        return
    since = "" if state.stale_since is None else f"stale since {format_time(state.stale_since)}: "
    if state.data.waiting:
        yield f"{since}{counted(state.data.waiting, 'interval')} to go with `heliotrope replay {state.name}.yaml`"
    elif since and state.data.last_row is not None:
        yield f"{since}its rows end at {format_time(state.data.last_row.replace(microsecond=0))}"
        yield f"fill its table, then `heliotrope run {state.name}.yaml --catch-up`"
    if state.data.outside and state.record is not None:
        yield outside_text(state.record.pipeline.source.table, state.data.outside)
    if state.data.incomparable[0]:
        yield incomparable_text(*state.data.incomparable)
    if state.data.changed:
        yield f"{counted(len(state.data.changed), 'interval')} changed since; see `heliotrope reconcile {state.name}`"
    elif state.data.changed is not None:
        which = "every other" if state.data.incomparable[0] else "every"
        yield f"{which} interval's rows are those on record"


def _age_text(age: timedelta | None) -> str:
    """How long ago, roughly.

    >>> _age_text(timedelta(minutes=61)), _age_text(timedelta(days=3)), _age_text(timedelta(hours=-2))
    ('1 h ago', '3 d ago', 'in 2 h')
    """
    assert age is not None, "asked only where there is a row"
    seconds = abs(age.total_seconds())
    length, unit = next((one for one in ((86400, "d"), (3600, "h"), (60, "min")) if seconds >= one[0]), (1, "s"))
    text = f"{int(seconds // length)} {unit}"
    return f"in {text}" if age < timedelta() else f"{text} ago"
