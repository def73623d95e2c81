"""Cycles: one, and those of a whole history."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from heliotrope.cli import options, segments
from heliotrope.cli.document import (
    cycle_document,
    drift_text,
    is_refresh,
    problem_text,
    promoted,
    score,
    seconds_text,
    unscored_reason,
)
from heliotrope.cli.failure import interruptible
from heliotrope.cli.late import changed_since
from heliotrope.cli.output import Output, number
from heliotrope.cli.replaying import all_cycles, draw, register, replay_all, tell_outside
from heliotrope.cli.session import Session
from heliotrope.cli.tables import say_summary, summary_document, table
from heliotrope.cli.telling import Messages, Telling, delivered_text, telling
from heliotrope.errors import ConfigError, EstimatorError, IntervalError
from heliotrope.interval import Interval, format_step, format_time, interval_at, refuse_off_grid

if TYPE_CHECKING:
    from heliotrope.config import Pipeline
    from heliotrope.context import Context
    from heliotrope.ledger import CycleSummary
    from heliotrope.segments import Done
    from heliotrope.workers import Backend

__all__ = ["replay", "run"]

Pictures = Annotated[
    bool | None,
    typer.Option("--pictures/--no-pictures", help="Draw what ran; else as the pipeline says.", show_default=False),
]

OneSegment = Annotated[
    str | None,
    typer.Option("--segment", metavar="VALUE", help="Run that segment alone; null is \\N.", show_default=False),
]


def run(
    pipeline: options.File = None,
    interval: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="The start of its interval; else the latest that has ended.", show_default=False
        ),
    ] = None,
    catch_up: Annotated[
        bool, typer.Option("--catch-up", help="Every interval from the last done one to the latest.")
    ] = False,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="TIME", help="Catch up from this interval on instead.", show_default=False),
    ] = None,
    pictures: Pictures = None,
    messages: Messages = None,
    segment: OneSegment = None,
    jobs: options.Jobs = None,
    backend: options.Backend = "loky",
    database: options.Database = None,
    as_json: options.Json = False,
) -> None:
    """Run one cycle: test, measure drift, train, gate.

    One that is done already is only shown. Where every candidate failed, it ends with exit code 5.
    With --catch-up those that were missed are run in order, as `replay` would, up to the latest
    interval that has ended. Of a pipeline with segments the whole table's cycle is run first, then
    every segment's. Those named under notify: are told of it; a message that cannot be sent changes
    nothing else, and stays on record.

    \b
    Example:
      heliotrope run rotating_gaussians.yaml --interval 2026-11-01T06:00Z
    """
    from heliotrope import cycle
    from heliotrope.replay import last_complete, missed, patiently
    from heliotrope.workers import backend_named

    session = Session(database, as_json)
    asked, begin = options.time("--interval", interval), options.time("--since", since)
    if asked is not None and (catch_up or begin is not None):
        raise ConfigError("--interval and --catch-up exclude each other", remedy="leave one out")
    declared = session.declared(pipeline)
    part, starter = segments.chosen(declared, segment), backend_named(backend)
    if catch_up or begin is not None:
        crowd = _Crowd(segment=part, trailing=True, jobs=jobs, backend=starter)
        missing = partial(missed, since=begin)
        _replay(session, declared, missing, pictures, crowd, every=False, messages=messages is not False)
        return
    with session.writing(declared, part) as context:
        segments.require_rows(context)
        if asked is None:
            chosen = last_complete(context.complete(), declared.interval)
        else:
            refuse_off_grid(asked, declared.interval)
            chosen = interval_at(asked, declared.interval)
        if chosen.end > context.complete():
            raise _too_early(chosen, declared)
        with (
            interruptible(
                f"stopped; of the cycle of {chosen} nothing half-done was kept", "run the same command again"
            ),
            telling(context, session.output, wanted=messages is not False, pictures=pictures) as told,
        ):
            told.interval = chosen
            ran = patiently(context, lambda: cycle.run(context, chosen))
            if asked is None:
                _tell_of_quiet(context, chosen, session.output)
            picture_seconds = draw(context, chosen, session.output, pictures) if ran else 0.0
            unregistered = register(context, session.output)
        summary = all_cycles(context, [chosen])[0]
        done = segments.run_all(context, [chosen], session.output, trailing=True, backend=starter, jobs=jobs)
        said = _totals(context, [chosen])
    metric = declared.metric
    session.output.document(
        {
            "pipeline": declared.name,
            "ran": ran,
            "cycle": cycle_document(summary, metric),
            "picture_seconds": picture_seconds,
            "unregistered": unregistered,
            "messages": told.document(),
            "segment": segment,
            "segments": _segments_document(said, done),
        }
    )
    _say_cycle(session.output, declared.name, summary, metric, ran=ran)
    _say_messages(session.output, told)
    segments.say(session.output, said)
    segments.say_failures(session.output, done)
    _end_if_hopeless(session.output, [summary])
    _end_if_failed(done, said)


def _tell_of_quiet(context: Context, latest: Interval, output: Output) -> None:
    """Warn where the latest interval is empty because the rows ended before it."""
    span = context.rows.span(end=latest.end)
    if span is None or span[1] >= latest.start:
        return
    name = context.pipeline.name
    output.warn(
        f"the latest interval has no row: the last one of {context.pipeline.source.table} is of {format_time(span[1])}",
        f"see what fills the table; for what is stored: heliotrope replay {name}.yaml",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Crowd:
    """Which segment is run, or how all are."""

    segment: str
    trailing: bool
    jobs: int | None
    backend: Backend


def _totals(context: Context, span: Sequence[Interval]) -> dict[str, Any] | None:
    """What the segments came to in the span; None where one of them, or none, was run."""
    if context.segment:
        return None
    ledger = context.ledger
    with context.database.errors():
        return segments.totals(ledger.connection, ledger.pipeline_id, context.pipeline, span[0].start, span[-1].end)


def _segments_document(said: Mapping[str, Any] | None, done: Done | None) -> dict[str, Any] | None:
    if said is None or done is None:
        return None
    errors = {name: one.message for name, one in done.failures.items()}
    return {**said, "ran": done.ran, "passed_over": done.passed_over, "errors": errors}


def _end_if_failed(done: Done | None, said: Mapping[str, Any] | None) -> None:
    code = segments.exit_code(done, said)
    if code:
        raise typer.Exit(code)


def _too_early(chosen: Interval, declared: Pipeline) -> IntervalError:
    delay = declared.source.delay
    if delay is None:
        return IntervalError(f"{chosen} has not ended yet", remedy="wait for its end, or name an earlier one")
    return IntervalError(
        f"the cycle of {chosen} runs at {format_time(chosen.end + delay)}, {format_step(delay)} after its end",
        remedy="wait until then, name an earlier one, or shorten source.delay",
    )


def _say_messages(output: Output, told: Telling) -> None:
    if told.delivered is not None:
        output.say(f"messages   {delivered_text(told.delivered)}")


def _end_if_hopeless(output: Output, summaries: Sequence[CycleSummary]) -> None:
    """End with the exit code of a model that cannot be made where in a cycle every candidate failed.

    One that failed beside others that did not is told and no more: the cycle did its work.
    """
    hopeless = [one for one in summaries if one.all_failed]
    if not hopeless:
        return
    name, failure = next(iter(hopeless[-1].failed.items()))
    count = "" if len(hopeless) == 1 else f", the last of {len(hopeless)} such cycles"
    output.warn(
        f"every candidate failed in the cycle of {hopeless[-1].interval}{count}: {name}: {failure}",
        "mend the candidates; what serves goes on serving, and the next cycle tries again",
    )
    raise typer.Exit(EstimatorError.exit_code)


def _say_cycle(output: Output, name: str, summary: CycleSummary, metric: str, *, ran: bool) -> None:
    output.say(f"{name} {summary.interval}{'' if ran else ' was done before'}", style="bold")
    held = summary.verdict == "held"
    used = "none used: held" if held else f"{summary.rows} used, ok"
    output.say(f"rows       {summary.rows_read} read, {used}")
    for problem in summary.problems:
        output.say(f"           {problem_text(problem)}")
    if summary.served is None:
        absent = unscored_reason(summary) or "none yet"
        output.say(f"champion   {'not scored: the batch is held' if held else absent}")
    else:
        whose = "" if summary.champion is not None else " of the whole"
        output.say(f"champion   {summary.served['candidate']}{whose}, {metric} {number(score(summary, metric))}")
    features = ", ".join("all together" if one == "*" else one for one in summary.drifted)
    measured = f"{drift_text(summary)} detectors" if summary.drift else "not measured"
    output.say(f"drift      {measured}{': ' if features else ''}{features}")
    for decision in summary.decisions:
        fresh = decision["stage"] == "gate" and decision["action"] == "promote" and is_refresh(summary)
        output.say(f"{decision['stage']:<10} {'refresh' if fresh else str(decision['action']).replace('_', ' ')}")
        for reason in decision["reasons"]:
            output.say(f"           {reason}")
    for name_failed, failure in summary.failed.items():
        output.say(f"failed     {name_failed}: {failure}")
    name_now = promoted(summary)
    if name_now is not None:
        how = "refreshed " if is_refresh(summary) else "promoted  "
        first = ", the first champion" if summary.champion is None and unscored_reason(summary) is None else ""
        output.say(f"{how} {name_now}{first}, serving from {format_time(summary.interval.end)}")
    parts = seconds_text(summary.seconds)
    output.say(f"seconds    {sum(summary.seconds.values()):.3f}: {parts}")


def replay(
    pipeline: options.File = None,
    start: options.Start = None,
    end: options.End = None,
    pictures: Pictures = None,
    messages: Messages = None,
    every: Annotated[bool, typer.Option("--all", help="Show every cycle, however many.")] = False,
    segment: OneSegment = None,
    jobs: options.Jobs = None,
    backend: options.Backend = "loky",
    database: options.Database = None,
    as_json: options.Json = False,
) -> None:
    """Run the cycles of stored history as they would have run live.

    Those done before are passed over: after Ctrl-C or a kill, the same command goes on where it stopped. Where in a
    cycle that it ran every candidate failed, it ends with exit code 5. Of a pipeline with segments the whole table's
    cycles are run first, then every segment's. Nobody is told of history, unless --notify asks for it.

    \b
    Example:
      heliotrope replay rotating_gaussians.yaml --end 2026-11-01T06:00Z
    """
    from heliotrope.replay import span_of
    from heliotrope.workers import backend_named

    session = Session(database, as_json)
    begin, stop = options.time("--start", start), options.time("--end", end)
    declared = session.declared(pipeline)
    crowd = _Crowd(
        segment=segments.chosen(declared, segment), trailing=False, jobs=jobs, backend=backend_named(backend)
    )
    choose = partial(span_of, start=begin, end=stop)
    _replay(session, declared, choose, pictures, crowd, every=every, messages=messages is True)


def _replay(
    session: Session,
    declared: Pipeline,
    choose: Callable[..., list[Interval]],
    pictures: bool | None,
    crowd: _Crowd,
    *,
    every: bool,
    messages: bool,
) -> None:
    """Run the cycles of the intervals that ``choose(context, remark=...)`` names, and show them."""
    with session.writing(declared, crowd.segment) as context:
        segments.require_rows(context)
        with telling(context, session.output, wanted=messages, pictures=pictures) as told:
            span = choose(context, remark=session.output.say)
            tell_outside(session.output, declared.source.table, context.rows.outside())
            done = replay_all(context, span, session.output, pictures)
        late = changed_since(context, done.passed_over, session.output)
        summaries = all_cycles(context, span)
        others = segments.run_all(
            context, span, session.output, trailing=crowd.trailing, backend=crowd.backend, jobs=crowd.jobs
        )
        said = _totals(context, span)
    metric = declared.metric
    session.output.document(
        {
            "pipeline": declared.name,
            "start": span[0].start,
            "end": span[-1].end,
            "ran": len(done.ran),
            "passed_over": len(done.passed_over),
            "unregistered": done.unregistered,
            "messages": told.document(),
            "summary": summary_document(summaries, metric, done),
            "changed": [one.interval for one in late],
            "cycles": [cycle_document(one, metric) for one in summaries],
            "segment": crowd.segment or None,
            "segments": _segments_document(said, others),
        }
    )
    table(session.output, summaries, metric, declared.report.best_possible, every=every)
    say_summary(session.output, summaries, metric, done)
    _say_messages(session.output, told)
    segments.say(session.output, said)
    segments.say_failures(session.output, others)
    ran = set(done.ran)
    _end_if_hopeless(session.output, [one for one in summaries if one.interval in ran])
    _end_if_failed(others, said)
