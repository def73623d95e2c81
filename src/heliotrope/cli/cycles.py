"""Cycles: one, many, and those whose rows have changed since."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

import typer

from heliotrope.cli import options
from heliotrope.cli.document import (
    cycle_document,
    decision_text,
    drift_text,
    problem_text,
    promoted,
    score,
    seconds_text,
    total,
)
from heliotrope.cli.failure import interruptible
from heliotrope.cli.output import Output, number
from heliotrope.cli.session import Session
from heliotrope.errors import DataError, IntervalError, LedgerError, RegistryError
from heliotrope.interval import Interval, format_time, intervals

if TYPE_CHECKING:
    from heliotrope.context import Context
    from heliotrope.ledger import CycleSummary, Recorded

__all__ = ["Replayed", "all_cycles", "reconcile", "register", "replay", "replay_all", "run", "table"]

SHOWN = 60
"""How many cycles a table holds before its middle is left out."""

Pictures = Annotated[
    bool | None,
    typer.Option("--pictures/--no-pictures", help="Draw each cycle; else as the pipeline says.", show_default=False),
]


# --- one ---------------------------------------------------------------------------------------------------


def run(
    pipeline: options.File = None,
    interval: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="The start of its interval; else the latest that has ended.", show_default=False
        ),
    ] = None,
    pictures: Pictures = None,
    database: options.Database = None,
    as_json: options.Json = False,
) -> None:
    """Run one cycle: test, measure drift, train, gate.

    One that is done already is only shown.

    \b
    Example:
      heliotrope run rotating_gaussians.yaml --interval 2026-11-22T06:00Z
    """
    from heliotrope import cycle
    from heliotrope.replay import last_complete, patiently

    session = Session(database, as_json)
    asked = options.time("--interval", interval)
    declared = session.declared(pipeline)
    with session.writing(declared) as context:
        if asked is None:
            chosen = last_complete(context.clock(), declared.interval)
        else:
            chosen = next(intervals(asked, asked + declared.interval, declared.interval))
        if chosen.end > context.clock():
            raise IntervalError(f"{chosen} has not ended yet", remedy="wait for its end, or name an earlier one")
        with interruptible(f"stopped; the cycle of {chosen} is as it was before", "run the same command again"):
            ran = patiently(context, lambda: cycle.run(context, chosen))
            picture_seconds = draw(context, chosen, session.output, pictures) if ran else 0.0
            registered = register(context, session.output)
        summary = all_cycles(context, [chosen])[0]
    metric = declared.metric
    session.output.document(
        {
            "pipeline": declared.name,
            "ran": ran,
            "cycle": cycle_document(summary, metric),
            "picture_seconds": picture_seconds,
            "registered": registered,
        }
    )
    _say_cycle(session.output, declared.name, summary, metric, ran=ran)


def _say_cycle(output: Output, name: str, summary: CycleSummary, metric: str, *, ran: bool) -> None:
    output.say(f"{name} {summary.interval}{'' if ran else ' was done before'}", style="bold")
    output.say(f"rows       {summary.rows} of {summary.rows_read} used, {summary.verdict}")
    for problem in summary.problems:
        output.say(f"           {problem_text(problem)}")
    if summary.champion is None:
        output.say("champion   none yet")
    else:
        output.say(f"champion   {summary.champion['candidate']}, {metric} {number(score(summary, metric))}")
    features = ", ".join("all together" if one == "*" else one for one in summary.drifted)
    output.say(f"drift      {drift_text(summary)} detectors{': ' if features else ''}{features}")
    for decision in summary.decisions:
        output.say(f"{decision['stage']:<10} {str(decision['action']).replace('_', ' ')}")
        for reason in decision["reasons"]:
            output.say(f"           {reason}")
    name_now = promoted(summary)
    if name_now is not None:
        output.say(f"promoted   {name_now}, serving from {format_time(summary.interval.end)}")
    parts = seconds_text(summary.seconds)
    output.say(f"seconds    {sum(summary.seconds.values()):.3f}: {parts}")


# --- many --------------------------------------------------------------------------------------------------


@dataclass(kw_only=True)
class Replayed:
    """What a replay has done so far."""

    ran: list[Interval] = field(default_factory=list)
    passed_over: list[Interval] = field(default_factory=list)
    cycle_seconds: float = 0.0
    picture_seconds: float = 0.0
    register_seconds: float = 0.0
    registered: int = 0


def replay(
    pipeline: options.File = None,
    start: options.Start = None,
    end: options.End = None,
    pictures: Pictures = None,
    every: Annotated[bool, typer.Option("--all", help="Show every cycle, however many.")] = False,
    database: options.Database = None,
    as_json: options.Json = False,
) -> None:
    """Run the cycles of stored history as they would have run live.

    Those done before are passed over: after Ctrl-C or a kill, the same command goes on where it stopped.

    \b
    Example:
      heliotrope replay rotating_gaussians.yaml --end 2026-11-22T06:00Z
    """
    from heliotrope.replay import span_of

    session = Session(database, as_json)
    begin, stop = options.time("--start", start), options.time("--end", end)
    declared = session.declared(pipeline)
    with session.writing(declared) as context:
        span = span_of(context, begin, stop)
        done = replay_all(context, span, session.output, pictures)
        late = _changed(context, done.passed_over, session.output)
        summaries = all_cycles(context, span)
    metric = declared.metric
    session.output.document(
        {
            "pipeline": declared.name,
            "start": span[0].start,
            "end": span[-1].end,
            "ran": len(done.ran),
            "passed_over": len(done.passed_over),
            "registered": done.registered,
            "summary": summary_document(summaries, metric, done),
            "changed": [one.interval for one in late],
            "cycles": [cycle_document(one, metric) for one in summaries],
        }
    )
    table(session.output, summaries, metric, declared.report.best_possible, every=every)
    say_summary(session.output, summaries, metric, done)


def replay_all(context: Context, span: Sequence[Interval], output: Output, pictures: bool | None = None) -> Replayed:
    """Run the cycles of the span, drawing each that ran; then register the champions. Raises StoppedError."""
    from heliotrope import replay as history

    done = Replayed()
    try:
        with output.progress(f"replay {context.pipeline.name}", len(span)) as advance:
            for outcome in history.replay(context, span):
                (done.ran if outcome.ran else done.passed_over).append(outcome.interval)
                done.cycle_seconds += outcome.seconds
                if outcome.ran:
                    done.picture_seconds += draw(context, outcome.interval, output, pictures)
                advance(f"{format_time(outcome.interval.start)} {'done' if outcome.ran else 'was done before'}")
        begun = time.perf_counter()
        done.registered = register(context, output)
        done.register_seconds = time.perf_counter() - begun
    except KeyboardInterrupt:
        count = len(done.ran) + len(done.passed_over)
        with interruptible(
            f"stopped; {count} of {len(span)} intervals are done, each of them whole",
            "the same command goes on where this one stopped",
        ):
            raise
    return done


def draw(context: Context, interval: Interval, output: Output, wanted: bool | None) -> float:
    """Draw and keep the cycle's picture, where that is wanted; the seconds it took."""
    if not (context.pipeline.report.pictures if wanted is None else wanted):
        return 0.0
    from heliotrope import publish
    from heliotrope.replay import patiently

    begun = time.perf_counter()
    try:
        patiently(context, lambda: publish.picture(context, interval))
    except OSError as error:
        output.warn(
            f"the picture of {interval} cannot be kept: {error}",
            "free disk space; `heliotrope report` draws what is missing",
        )
    return time.perf_counter() - begun


def register(context: Context, output: Output) -> int:
    """Register the champions that wait for it; how many. What fails is told, and tried again next time."""
    if context.pipeline.registry == "none" or not context.ledger.to_register():
        return 0
    from heliotrope import publish
    from heliotrope.replay import patiently

    try:
        return patiently(context, lambda: publish.register(context))
    except RegistryError as error:
        output.warn(f"champions wait to be registered: {error.message}", error.remedy)
        return 0


def all_cycles(context: Context, span: Sequence[Interval]) -> tuple[CycleSummary, ...]:
    """What the ledger has of the cycles of the span, in order."""
    from heliotrope.ledger import cycles

    ledger = context.ledger
    with context.database.errors():
        return cycles(ledger.connection, ledger.ids[0], context.segment, start=span[0].start, end=span[-1].end)


def table(
    output: Output, summaries: Sequence[CycleSummary], metric: str, best: float | None, *, every: bool = False
) -> None:
    """The cycles as a table; of a long range the first and the last ones."""
    headers = ["interval", "champion", metric, *([] if best is None else ["best"]), "drift", "decision", "seconds"]
    rows = []
    for one in summaries:
        row = [format_time(one.interval.start), (one.champion or {"candidate": "-"})["candidate"]]
        row += [number(score(one, metric))] + ([] if best is None else [number(best)])
        row += [drift_text(one), decision_text(one), f"{sum(one.seconds.values()):.3f}"]
        rows.append(row)
    if len(rows) > SHOWN and not every:
        half = SHOWN // 2
        middle = [f"... {len(rows) - 2 * half} more", *[""] * (len(headers) - 1)]
        rows = [*rows[:half], middle, *rows[-half:]]
    output.table(headers, rows, right=(metric, "best", "seconds"))


def summary_document(summaries: Sequence[CycleSummary], metric: str, done: Replayed) -> dict[str, Any]:
    """The range in a few figures. The mean leaves out the intervals that had no champion yet, or were held."""
    scores = [value for one in summaries if (value := score(one, metric)) is not None]
    actions = [decision["action"] for one in summaries for decision in one.decisions]
    return {
        "cycles": len(summaries),
        "metric": metric,
        "mean": sum(scores) / len(scores) if scores else None,
        "scored": len(scores),
        "trained": actions.count("train"),
        "promoted": actions.count("promote"),
        "held": actions.count("hold"),
        "seconds": total(one.seconds for one in summaries if one.interval in set(done.ran)),
        "cycle_seconds": done.cycle_seconds,
        "picture_seconds": done.picture_seconds,
        "register_seconds": done.register_seconds,
    }


def say_summary(output: Output, summaries: Sequence[CycleSummary], metric: str, done: Replayed) -> None:
    """The same for people."""
    said = summary_document(summaries, metric, done)
    output.say()
    output.say(
        f"mean {metric} {number(said['mean'])} over {said['scored']} intervals; {said['trained']} times trained, "
        f"{said['promoted']} promoted, {said['held']} held"
    )
    passed = f", {len(done.passed_over)} were done before" if done.passed_over else ""
    output.say(f"{len(done.ran)} cycles run{passed}; {done.registered} champions registered")
    if done.ran:
        output.say(
            f"seconds: cycles {done.cycle_seconds:.2f}, pictures {done.picture_seconds:.2f}, "
            f"registering {done.register_seconds:.2f}"
        )
        output.say(f"  of the cycles: {seconds_text(said['seconds'])}")


# --- rows that have changed --------------------------------------------------------------------------------


def _changed(context: Context, passed_over: Sequence[Interval], output: Output) -> tuple[Recorded, ...]:
    """Warn of intervals done before whose rows are others now."""
    from heliotrope.replay import changed

    if not passed_over:
        return ()
    wanted = set(passed_over)
    try:
        found = tuple(one for one in changed(context, passed_over) if one.interval in wanted)
    except DataError as error:
        output.warn(f"rows of intervals done before cannot be used any more: {error.message}", error.remedy)
        return ()
    if found:
        names = ", ".join(format_time(one.interval.start) for one in found[:5])
        more = f" and {len(found) - 5} more" if len(found) > 5 else ""
        output.warn(
            f"the rows of {len(found)} intervals have changed since they were recorded: {names}{more}",
            f"score them again: heliotrope reconcile {context.pipeline.name} --reevaluate",
        )
    return found


def reconcile(
    pipeline: options.Recorded = None,
    start: options.Start = None,
    end: options.End = None,
    again: Annotated[bool, typer.Option("--reevaluate", help="Score the changed ones again.")] = False,
    database: options.Database = None,
    as_json: options.Json = False,
) -> None:
    """List, and score again, intervals whose rows have changed.

    Rows that came late are told by their content hash. Decisions already taken stay as they were.

    \b
    Example:
      heliotrope reconcile rotating_gaussians --reevaluate
    """
    from heliotrope.ledger import span as recorded_span
    from heliotrope.replay import changed, reevaluate

    session = Session(database, as_json)
    begin, stop = options.time("--start", start), options.time("--end", end)
    declared = session.recorded(pipeline)
    session.require(declared)
    rows: list[dict[str, Any]] = []
    with session.writing(declared) as context:
        with context.database.errors():
            known = recorded_span(context.ledger.connection, context.ledger.ids[0], context.segment)
        if known is None:
            raise LedgerError(f"{declared.name} has no cycle yet", remedy="run some with `heliotrope replay`")
        span = list(intervals(begin or known[0], stop or known[1], declared.interval))
        for record in changed(context, span):
            now = context.batches(record.interval)[0].rows_read
            done = again and reevaluate(context, record)
            rows.append({"interval": record.interval, "recorded": record.rows_read, "now": now, "reevaluated": done})
            rows[-1] |= _scores(context, record.cycle_id, declared.metric)
    session.output.document({"pipeline": declared.name, "metric": declared.metric, "changed": rows})
    _say_changed(session.output, rows, declared.metric, again=again)


def _scores(context: Context, cycle_id: int, metric: str) -> dict[str, float | None]:
    """The champion's metric as first recorded, and as of the latest revision."""
    from heliotrope.sql import statement

    with context.database.errors():
        found = context.ledger.connection.execute(statement("batch_revisions"), {"cycle_id": cycle_id}).fetchall()
    scores = [None if row[6] is None else row[6].get(metric) for row in found]
    return {"first_score": scores[0], "latest_score": scores[-1]}


def _say_changed(output: Output, rows: Sequence[dict[str, Any]], metric: str, *, again: bool) -> None:
    if not rows:
        output.say("every interval's rows are those on record")
        return
    headers = ("interval", "rows recorded", "rows now", f"{metric} first", f"{metric} latest")
    cells = [
        (
            format_time(row["interval"].start),
            str(row["recorded"]),
            str(row["now"]),
            number(row["first_score"]),
            number(row["latest_score"]),
        )
        for row in rows
    ]
    output.table(headers, cells, right=headers[1:])
    if not again:
        output.say("score them again with --reevaluate; decisions already taken stay as they were")
