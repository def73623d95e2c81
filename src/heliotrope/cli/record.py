"""Reading the record: what the cycles came to, and what drifted."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from heliotrope.cli import options, segments
from heliotrope.cli.document import (
    champion_document,
    cycle_document,
    declaration_document,
    declaration_text,
)
from heliotrope.cli.output import number
from heliotrope.cli.session import Session, known_id
from heliotrope.cli.tables import failures, say_failures, say_problems, table
from heliotrope.errors import IntervalError, LedgerError
from heliotrope.interval import format_step, format_time, interval_at

if TYPE_CHECKING:
    from heliotrope.config import Pipeline
    from heliotrope.ledger import CycleSummary

__all__ = ["drift", "history"]

_MOST = 2**31  # more than there can be, and no more than PostgreSQL takes


def history(
    pipeline: options.Recorded = None,
    start: options.Start = None,
    end: options.End = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="The latest so many.")] = 24,
    every: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
    segment: options.Segment = None,
    database: options.Database = None,
    as_json: options.Json = False,
) -> None:
    """List what the latest cycles came to, oldest first.

    Below them: which candidates failed, how the pipeline's declaration changed, and what the segments came to.

    \b
    Example:
      heliotrope history rotating_gaussians --limit 5
    """
    from heliotrope.ledger import by_hand_text, champions, cycles, declarations

    session = Session(database, as_json)
    begin, stop = options.time("--start", start), options.time("--end", end)
    declared = session.recorded(pipeline)
    part = segments.chosen(declared, segment)
    with session.reading() as connection:
        identity = known_id(connection, declared)
        segments.require_recorded(connection, identity, declared, part)
        most = None if every else min(limit, _MOST)
        found = cycles(connection, identity, part, start=begin, end=stop, limit=most)
        known = declarations(connection, identity, part)
        served = champions(connection, identity, part, every=True)
        said = None
        if found and not part:
            said = segments.totals(connection, identity, declared, found[0].interval.start, found[-1].interval.end)
    metric = declared.metric
    oldest = min((one.declaration for one in found), default=0)
    changed = [one for one in known if one.changes and one.id >= oldest]
    since = found[0].interval.start if found else None
    by_hand = [
        one for one in served if one.by_hand and since is not None and since < one.valid_from <= found[-1].interval.end
    ]
    session.output.document(
        {
            "pipeline": declared.name,
            "cycles": [cycle_document(one, metric) for one in found],
            "failed": failures(found),
            "by_hand": [champion_document(one) for one in by_hand],
            "declarations": [declaration_document(one) for one in changed],
            "segment": segment,
            "segments": said,
        }
    )
    if not found:
        session.output.say(f"{declared.name} has no cycle there; run some with `heliotrope replay`")
        return
    table(session.output, found, metric, declared.report.best_possible, every=True)
    say_problems(session.output, found)
    say_failures(session.output, found)
    for change in by_hand:
        session.output.say(by_hand_text(change))
    for one in changed:
        session.output.say(declaration_text(one))
    segments.say(session.output, said)


# --- drift -------------------------------------------------------------------------------------------------


def drift(
    pipeline: options.Recorded = None,
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="TIME", help="Any time in its interval; else the latest.", show_default=False),
    ] = None,
    segment: options.Segment = None,
    database: options.Database = None,
    as_json: options.Json = False,
) -> None:
    """List what the drift detectors read in an interval.

    \b
    Example:
      heliotrope drift rotating_gaussians --at 2026-11-01T05:30Z
    """
    session = Session(database, as_json)
    when = options.time("--at", at)
    declared = session.recorded(pipeline)
    found = _cycle_at(session, declared, when, segments.chosen(declared, segment))
    session.output.document(
        {
            "pipeline": declared.name,
            "segment": segment,
            "interval": found.interval,
            "reference": declared.drift.reference,
            "drifted": found.drifted,
            "readings": found.drift,
        }
    )
    _say_drift(session, declared, found)


def _cycle_at(session: Session, pipeline: Pipeline, at: datetime | None, segment: str) -> CycleSummary:
    from heliotrope.ledger import cycles

    step: timedelta = pipeline.interval
    wanted = None if at is None else interval_at(at, step)
    start, end = (None, None) if wanted is None else (wanted.start, wanted.end)
    with session.reading() as connection:
        identity = known_id(connection, pipeline)
        segments.require_recorded(connection, identity, pipeline, segment)
        found = cycles(connection, identity, segment, start=start, end=end, limit=1)
        if found:
            return found[0]
        latest = cycles(connection, identity, segment, limit=1)
    if not latest or start is None:
        raise LedgerError(f"{pipeline.name} has no cycle yet", remedy="run some with `heliotrope replay`")
    raise IntervalError(
        f"{pipeline.name} has no cycle of the {format_step(step)} from {format_time(start)}",
        remedy=f"its latest is that of {latest[0].interval}",
    )


def _say_drift(session: Session, pipeline: Pipeline, found: CycleSummary) -> None:
    output = session.output
    reference = "the champion's training window" if pipeline.drift.reference == "training" else "the intervals before"
    if not found.drift:
        output.say(f"{found.interval}: nothing was measured: there was no champion, or the batch was held")
        return
    rows = [
        (
            "all together" if reading["feature"] == "*" else reading["feature"],
            reading["detector"],
            number(reading["statistic"]),
            number(reading["p_value"]),
            number(reading["threshold"]),
            "drift" if reading["drifted"] else "",
        )
        for reading in found.drift
    ]
    headers = ("column", "detector", "statistic", "p-value", "threshold", "")
    output.table(
        headers,
        rows,
        right=("statistic", "p-value", "threshold"),
        title=f"{pipeline.name} {found.interval} against {reference}",
    )
    output.say("drift: the p-value is below its threshold, or without one the statistic above it")
