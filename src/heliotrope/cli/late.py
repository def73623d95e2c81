"""Rows that came late, or were changed, in intervals whose cycle is done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from heliotrope.cli import options, segments
from heliotrope.cli.output import Output, number
from heliotrope.cli.session import Session
from heliotrope.cli.tables import SHOWN
from heliotrope.errors import DatabaseError, DataError, HeliotropeError, LedgerError, counted
from heliotrope.interval import Interval, format_time, intervals

if TYPE_CHECKING:
    from heliotrope.context import Context
    from heliotrope.ledger import Recorded
    from heliotrope.records import Batch

__all__ = ["changed_since", "incomparable_text", "reconcile"]


def changed_since(context: Context, passed_over: Sequence[Interval], output: Output) -> tuple[Recorded, ...]:
    """Warn of intervals done before whose rows are others now."""
    from heliotrope.replay import changed, incomparable

    if not passed_over:
        return ()
    wanted = set(passed_over)
    try:
        untold, gone = incomparable(context, passed_over)
        if untold:
            output.warn(incomparable_text(untold, gone))
        found = tuple(one for one in changed(context, passed_over) if one.interval in wanted)
    except DataError as error:
        output.warn(f"rows of intervals done before cannot be used any more: {error.message}", error.remedy)
        return ()
    if found:
        names = ", ".join(format_time(one.interval.start) for one in found[:5])
        more = f" and {len(found) - 5} more" if len(found) > 5 else ""
        output.warn(
            f"the rows of {counted(len(found), 'interval')} have changed since they were recorded: {names}{more}",
            f"score them again: heliotrope reconcile {context.pipeline.name} --reevaluate",
        )
    return found


def incomparable_text(untold: Sequence[Recorded], gone: Sequence[str]) -> str:
    """That intervals cannot be compared with what was recorded, for columns are gone."""
    names = ", ".join(repr(name) for name in gone)
    return (
        f"whether the rows of {counted(len(untold), 'recorded interval')} have changed cannot be told: "
        f"the table no longer has {names}"
    )


def reconcile(
    pipeline: options.Recorded = None,
    start: options.Start = None,
    end: options.End = None,
    again: Annotated[bool, typer.Option("--reevaluate", help="Score the changed ones again.")] = False,
    segment: options.Segment = None,
    database: options.Database = None,
    as_json: options.Json = False,
) -> None:
    """List, and score again, intervals whose rows have changed.

    Rows that came late are told by their content hash. Decisions already taken stay as they were; with --reevaluate it
    is said which of them the rows as they are now would have changed.

    \b
    Example:
      heliotrope reconcile rotating_gaussians --reevaluate
    """
    from heliotrope.ledger import span as recorded_span
    from heliotrope.replay import changed, incomparable
    from heliotrope.segments import changed as of_segments

    session = Session(database, as_json)
    begin, stop = options.time("--start", start), options.time("--end", end)
    declared = session.recorded(pipeline)
    part = segments.required(session, declared, segment)
    rows: list[dict[str, Any]] = []
    with session.writing(declared, part) as context:
        with context.database.errors():
            known = recorded_span(context.ledger.connection, context.ledger.pipeline_id, context.segment)
        if known is None:
            raise LedgerError(f"{declared.name} has no cycle yet", remedy="run some with `heliotrope replay`")
        span = list(intervals(begin or known[0], stop or known[1], declared.interval))
        untold, gone = incomparable(context, span)
        if untold:
            session.output.warn(incomparable_text(untold, gone))
        rows += [_row(context, record, session.output, again=again) for record in changed(context, span)]
        if declared.partition_by is not None and not part:
            with session.output.progress(f"reconcile {declared.name}, segments", len(span)) as advance:
                for other, record in of_segments(context, span, advance=lambda one: advance(format_time(one.start))):
                    rows.append(_row(other, record, session.output, again=again))
    session.output.document(
        {"pipeline": declared.name, "metric": declared.metric, "changed": rows}
        | {"incomparable": len(untold), "columns_gone": gone}
    )
    _say_changed(session.output, rows, declared.metric, again=again, all_told=not untold)


def _row(context: Context, record: Recorded, output: Output, *, again: bool) -> dict[str, Any]:
    """What became of an interval whose rows have changed."""
    from heliotrope.replay import reevaluate

    context.known_at = None
    batch = context.batches(record.interval)[0]
    done = again and reevaluate(context, record)
    row: dict[str, Any] = {
        "segment": context.segment or None,
        "interval": record.interval,
        "recorded": record.rows_read,
    }
    row |= {"now": batch.rows_read, "reevaluated": done, "unlabelled": _unlabelled(batch)}
    row |= _scores(context, record.cycle_id, context.pipeline.metric)
    return row | (_decisions(context, record, output) if again else {})


def _scores(context: Context, cycle_id: int, metric: str) -> dict[str, float | None]:
    """The champion's metric as first recorded, and as of the latest revision."""
    from heliotrope.ledger import reading, table_of
    from heliotrope.sql import statement

    with context.database.errors():
        found = context.ledger.connection.execute(statement("batch_revisions"), {"cycle_id": cycle_id}).fetchall()
    with reading("cycle", cycle_id):
        scores = [None if row[6] is None else table_of(row[6], "metrics", numbers=True).get(metric) for row in found]
    return {"first_score": scores[0], "latest_score": scores[-1]}


def _unlabelled(batch: Batch) -> int:
    """How many of its rows have no label yet."""
    return sum(one.rows for one in batch.problems if one.rule == "unlabelled")


def _decisions(context: Context, record: Recorded, output: Output) -> dict[str, str | None]:
    """What the cycle decided, and what it would have on the rows as they are now; None where that cannot be told."""
    from heliotrope.whatif import hindsight

    try:
        decided, would = hindsight.rerun(context, record)
    except DatabaseError:
        raise
    except HeliotropeError as error:
        output.warn(
            f"what the cycle of {record.interval} would have decided cannot be told: {error.message}", error.remedy
        )
        return {"decided": None, "would_decide": None}
    return {"decided": str(decided), "would_decide": str(would)}


def _say_changed(output: Output, rows: Sequence[dict[str, Any]], metric: str, *, again: bool, all_told: bool) -> None:
    if not rows:
        output.say(f"every {'' if all_told else 'other '}interval's rows are those on record")
        return
    parted = any(row["segment"] for row in rows)
    figures = ("rows recorded", "rows now", f"{metric} first", f"{metric} latest")
    headers = (*(["segment"] if parted else []), "interval", *figures)
    cells = [
        (
            *([row["segment"] or ""] if parted else []),
            format_time(row["interval"].start),
            str(row["recorded"]),
            str(row["now"]),
            number(row["first_score"]),
            number(row["latest_score"]),
        )
        for row in rows[:SHOWN]
    ]
    output.table(headers, cells, right=figures)
    if len(rows) > SHOWN:
        output.say(f"... {len(rows) - SHOWN} more; --json has them")
    waiting = [row for row in rows if row["unlabelled"]]
    if waiting:
        count = counted(sum(row["unlabelled"] for row in waiting), "row")
        output.say(f"{count} in {counted(len(waiting), 'interval')} without a label yet: those scores are provisional")
    if again:
        told = [row for row in rows if row["decided"] is not None]
        others = [row for row in told if row["decided"] != row["would_decide"]]
        output.say(f"{len(others)} of {counted(len(told), 'decision')} would have been another")
        for row in others[:SHOWN]:
            where = f"{row['segment']} " if row["segment"] else ""
            output.say(f"  {where}{format_time(row['interval'].start)} {row['decided']}, now {row['would_decide']}")
        if len(others) > SHOWN:
            output.say(f"  ... {len(others) - SHOWN} more; --json has them")
    else:
        output.say("score them again with --reevaluate; decisions already taken stay as they were")
