"""Where every pipeline is, and what waits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from heliotrope.cli import options
from heliotrope.cli.document import declaration_document, declaration_text, drift_text, score
from heliotrope.cli.late import incomparable_text
from heliotrope.cli.output import counted, number
from heliotrope.cli.session import BEGIN, Session, known_id
from heliotrope.errors import DataError
from heliotrope.interval import Interval, floor, format_time, intervals

if TYPE_CHECKING:
    from heliotrope.config import Pipeline
    from heliotrope.ledger import CycleSummary, Declared, Recorded
    from heliotrope.records import Champion

__all__ = ["status"]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Status:
    """Where one pipeline is."""

    pipeline: Pipeline
    last: CycleSummary | None
    champion: Champion | None
    behind_data: int | None
    """Complete intervals that hold rows and have no cycle yet; None where the rows cannot be asked."""
    behind_clock: int | None
    unregistered: int
    changed: tuple[Interval, ...] | None
    incomparable: tuple[tuple[Recorded, ...], tuple[str, ...]]
    """Recorded intervals that cannot be checked, and the columns that are gone."""
    declared: Declared | None
    """The declaration in force."""

    def document(self) -> dict[str, Any]:
        metric, last, champion = self.pipeline.metric, self.last, self.champion
        return {
            "pipeline": self.pipeline.name,
            "last_interval": None if last is None else last.interval,
            "champion": None if champion is None else champion.candidate,
            "champion_since": None if champion is None else champion.valid_from,
            "metric": metric,
            "score": None if last is None else score(last, metric),
            "drifted": [] if last is None else last.drifted,
            "decision": None if last is None or last.decision is None else last.decision["action"],
            "intervals_behind_data": self.behind_data,
            "intervals_behind_clock": self.behind_clock,
            "unregistered": self.unregistered,
            "failed": {} if last is None else last.failed,
            "all_failed": False if last is None else last.all_failed,
            "declaration": None if self.declared is None else declaration_document(self.declared),
            "changed": self.changed,
            "incomparable": len(self.incomparable[0]),
            "columns_gone": self.incomparable[1],
        }

    def cells(self) -> tuple[str, ...]:
        last, champion = self.last, self.champion
        behind = ["?" if one is None else str(one) for one in (self.behind_data, self.behind_clock)]
        return (
            f"{self.pipeline.name}\n{'none yet' if last is None else format_time(last.interval.start)}",
            "none yet" if champion is None else f"{champion.candidate}\n{format_time(champion.valid_from)}",
            "-" if last is None else f"{number(score(last, self.pipeline.metric))}\n{self.pipeline.metric}",
            "-" if last is None else drift_text(last),
            f"{behind[0]} data\n{behind[1]} clock",
        )


def status(
    pipeline: options.Recorded = None,
    check: Annotated[
        bool, typer.Option("--check", help="Also look for rows that changed since; reads them all.")
    ] = False,
    database: options.Database = None,
    as_json: options.Json = False,
) -> None:
    """Say where every pipeline is, and what waits.

    \b
    Example:
      heliotrope status
    """
    from heliotrope.ledger import version

    session = Session(database, as_json)
    if pipeline is None and (session.is_fresh() or version(session.database) is None):
        chosen: list[Pipeline] = []
    else:
        chosen = list(session.all_recorded().values()) if pipeline is None else [session.recorded(pipeline)]
    found = [_status(session, one, check=check) for one in chosen]
    session.output.document({"pipelines": [one.document() for one in found]})
    if not found:
        session.output.say(f"Nothing is on record yet; {BEGIN}.")
        return
    headers = ("pipeline, last interval", "champion, since", "metric", "drift", "behind")
    session.output.table(headers, [one.cells() for one in found])
    for one in found:
        _say_waiting(session, one)


def _status(session: Session, pipeline: Pipeline, *, check: bool) -> _Status:
    from heliotrope.ledger import champions, cycles, declarations, span
    from heliotrope.sql import statement

    with session.reading() as connection:
        identity = known_id(connection, pipeline)
        latest = cycles(connection, identity, limit=2)
        last = next((one for one in reversed(latest) if one.done), None)
        serving = next((one for one in reversed(champions(connection, identity)) if one.valid_to is None), None)
        scope = {"pipeline_id": identity, "segment": ""}
        waiting = len(connection.execute(statement("to_register"), scope).fetchall())
        done = span(connection, identity)
        declared = declarations(connection, identity)
    behind_data, behind_clock = _behind(session, pipeline, None if done is None else done[1])
    changed, incomparable = _changed(session, pipeline, done) if check else (None, ((), ()))
    return _Status(
        pipeline=pipeline,
        last=last,
        champion=serving,
        behind_data=behind_data,
        behind_clock=behind_clock,
        unregistered=waiting if pipeline.registry != "none" else 0,
        changed=changed,
        incomparable=incomparable,
        declared=declared[-1] if declared else None,
    )


def _behind(session: Session, pipeline: Pipeline, done: datetime | None) -> tuple[int | None, int | None]:
    """How many complete intervals wait: of those that the data reaches to, and of those that the clock does."""
    from heliotrope.store import Rows

    step = pipeline.interval
    now = floor(datetime.now(UTC), step)
    clock = None if done is None else max(0, (now - done) // step)
    try:
        rows = Rows(session.database, pipeline.source.table, pipeline.source.time, time_zone=pipeline.source.time_zone)
        found = rows.span()
    except DataError:
        return None, clock
    if found is None:
        return 0, clock
    last = min(now, floor(found[1], step) + step)
    return max(0, (last - (done or floor(found[0], step))) // step), clock


def _changed(
    session: Session, pipeline: Pipeline, done: tuple[datetime, datetime, int] | None
) -> tuple[tuple[Interval, ...], tuple[tuple[Recorded, ...], tuple[str, ...]]]:
    """The intervals whose rows have changed, and what cannot be told of."""
    from heliotrope.context import Context
    from heliotrope.replay import changed, incomparable

    if done is None:
        return (), ((), ())
    with Context(pipeline, session.database) as context:
        span = list(intervals(done[0], done[1], pipeline.interval))
        return tuple(one.interval for one in changed(context, span)), incomparable(context, span)


def _say_waiting(session: Session, one: _Status) -> None:
    name = one.pipeline.name
    if one.behind_data:
        session.output.say(f"{name}: {counted(one.behind_data, 'interval')} to go with `heliotrope replay {name}.yaml`")
    if one.unregistered:
        session.output.say(
            f"{name}: {counted(one.unregistered, 'champion')} to be registered, which the next cycle does"
        )
    if one.last is not None:
        for candidate, failure in one.last.failed.items():
            session.output.say(f"{name}: {candidate} failed in {one.last.interval}: {failure}")
    if one.declared is not None and one.declared.changes:
        session.output.say(f"{name}: {declaration_text(one.declared)}")
    if one.incomparable[0]:
        session.output.say(f"{name}: {incomparable_text(*one.incomparable)}")
    if one.changed:
        session.output.say(
            f"{name}: {counted(len(one.changed), 'interval')} changed since; see `heliotrope reconcile {name}`"
        )
    elif one.changed is not None:
        which = "every other" if one.incomparable[0] else "every"
        session.output.say(f"{name}: {which} interval's rows are those on record")
