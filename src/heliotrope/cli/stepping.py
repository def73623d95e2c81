"""One step of a cycle, for what runs them one by one: pods, and other schedulers."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Annotated, Any

import typer

from heliotrope.cli import options
from heliotrope.cli.failure import interruptible
from heliotrope.cli.output import Output
from heliotrope.cli.session import Session
from heliotrope.errors import ConfigError, EstimatorError, counted
from heliotrope.interval import format_time, interval_at, refuse_off_grid
from heliotrope.order import PART_SIZE, Order, Part, Step

__all__ = ["NOTHING_PROPOSED", "run_step"]

NOTHING_PROPOSED = 10
"""The exit code of ``propose`` where there is nothing to approve."""


_BY_START = ("create", "assess")
_SHOWN = 5  # segments that are named


def run_step(
    step: Annotated[Step, typer.Argument(metavar="STEP", help="Which one.", show_default=False)],
    pipeline: options.File = None,
    start: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="The start of the interval.", show_default=False),
    ] = None,
    cycle: Annotated[
        int | None,
        typer.Option(metavar="ID", help="In its place the cycle, as assess prints it.", show_default=False),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="assess: first run the cycles that are missing from then on.", show_default=False
        ),
    ] = None,
    missed: Annotated[bool, typer.Option("--missed", help="assess: the same, from the last done one on.")] = False,
    until: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="assess: then run and publish later cycles up to then, if quick.", show_default=False
        ),
    ] = None,
    collapse: Annotated[
        bool, typer.Option("--collapse", help="assess: train once for a gap, and score all of it.")
    ] = False,
    approve: Annotated[
        str | None, typer.Option(metavar="NAME", help="gate: who approves the promotion.", show_default=False)
    ] = None,
    refuse: Annotated[
        str | None, typer.Option(metavar="NAME", help="gate: who refuses it.", show_default=False)
    ] = None,
    size: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="divide: segments of a part; 200 when absent.", show_default=False),
    ] = None,
    part: Annotated[
        str | None,
        typer.Option(metavar="K/N", help="segments: the K-th of N parts; all when absent.", show_default=False),
    ] = None,
    database: options.Database = None,
    as_json: options.Json = False,
) -> None:
    """Run one step of a cycle, as `run` would.

    One that is done already is not done again: after a kill, run the same one again. `run` takes all of them but
    create and divide.

    \b
    create    write the interval's rows of the pipeline's stream
    assess    test, measure drift, decide; prints the cycle's id
    announce  say that a training begins
    train     fit and score what competes
    propose   say whether a promotion waits for approval; exit code 10: none does
    gate      decide who serves
    publish   draw the picture, register the champion
    divide    say in how many parts the segments are run
    segments  run the segments' cycles, or a part of them, after gate

    Exit codes are those of `heliotrope --help`. gate ends with 5 where every
    candidate failed, and with 2 where approval is asked for and not given;
    segments with the greatest code of those that failed.

    \b
    Example:
      heliotrope run-step assess rotating_gaussians.yaml --start 2026-11-01T06:00Z
    """
    session = Session(database, as_json)
    begin, earliest = options.time("--start", start), options.time("--since", since)
    given = {
        "since": since,
        "missed": missed,
        "until": until,
        "collapse": collapse,
        "approve": approve,
        "refuse": refuse,
        "size": size,
        "part": part,
    }
    _refuse_misplaced(step, start=start, cycle=cycle, **given)
    declared = session.declared(pipeline)
    interval = None
    if begin is not None:
        refuse_off_grid(begin, declared.interval)
        interval = interval_at(begin, declared.interval)
    order = Order(
        step=step,
        interval=interval,
        cycle=cycle,
        since=earliest,
        missed=missed,
        until=options.time("--until", until),
        collapse=collapse,
        approve=approve,
        refuse=refuse,
        size=size or PART_SIZE,
        part=None if part is None else Part.parse(part),
    )
    with session.writing(declared) as context, _untouched(step):
        from heliotrope import steps
        from heliotrope.replay import patiently

        done = patiently(context, lambda: steps.perform(context, order))
    session.output.document({"pipeline": declared.name, "step": step, **done})
    _say(session.output, step, done)
    _end(session.output, step, done)


def _untouched(step: str) -> AbstractContextManager[None]:
    return interruptible(f"stopped; of {step} nothing half-done was kept", "run the same command again")


def _refuse_misplaced(step: Step, *, start: str | None, cycle: int | None, **given: object) -> None:
    """Options that belong to other steps, and one that is lacking."""
    allowed = {
        "assess": {"since", "missed", "until", "collapse"},
        "gate": {"approve", "refuse"},
        "divide": {"size"},
        "segments": {"part"},
    }.get(step, set())
    for name, value in given.items():
        if value not in (None, False) and name not in allowed:
            raise ConfigError(f"{step} takes no --{name}", remedy="leave it out")
    if step in _BY_START and cycle is not None:
        raise ConfigError(f"{step} takes no --cycle", remedy="name the interval with --start TIME")
    if start is None and cycle is None:
        by_id = "" if step in _BY_START else ", or the cycle with --cycle ID"
        raise ConfigError(f"{step} needs an interval", remedy=f"name its start with --start TIME{by_id}")
    if start is not None and cycle is not None:
        raise ConfigError("--start and --cycle exclude each other", remedy="leave one out")
    if given["approve"] is not None and given["refuse"] is not None:
        raise ConfigError("--approve and --refuse exclude each other", remedy="leave one out")


def _say(output: Output, step: Step, done: Mapping[str, Any]) -> None:
    cycle = done.get("cycle")
    match step:
        case "create":
            output.say(f"wrote {counted(done['rows'], 'row')} of {done['interval']}")
        case "assess":
            output.say(f"cycle {cycle} of {done['interval']}: {'done' if done['done'] else 'assessed'}")
        case "announce":
            output.say(done["message"] or f"cycle {cycle} asks for no training")
        case "train":
            output.say(f"cycle {cycle}: {'trained' if done['trained'] else 'nothing was to be trained'}")
        case "propose":
            name = done["proposed"]
            output.say(f"cycle {cycle}: {'nothing' if name is None else name} waits for approval")
        case "gate":
            action = (done["action"] or "nothing was to be decided").replace("_", " ")
            for line in (f"cycle {cycle}: {action}", *(f"  {reason}" for reason in done["reasons"])):
                output.say(line)
        case "publish":
            if done["picture"] is not None:
                output.say(f"drew {done['picture']}")
            output.say(f"registered {counted(done['registered'], 'champion')}")
        case "divide":
            output.say(f"{counted(done['segments'], 'segment')} in {counted(len(done['parts']), 'part')}")
        case "segments":
            failed = f", {len(done['failures'])} failed" if done["failures"] else ""
            output.say(f"ran {counted(done['ran'], 'cycle')} of segments{failed}")
            for name, one in list(done["failures"].items())[:_SHOWN]:
                output.warn(f"{name}, {format_time(one['interval'].start)}: {one['error']}", one["remedy"])


def _end(output: Output, step: Step, done: Mapping[str, Any]) -> None:
    """End with the exit code of what was done and does not suffice."""
    if step == "propose" and done["proposed"] is None:
        raise typer.Exit(NOTHING_PROPOSED)
    if step == "segments" and done["failures"]:
        raise typer.Exit(max(one["exit_code"] for one in done["failures"].values()))
    if step == "gate" and done["failure"] is not None:
        output.warn(
            f"every candidate failed in cycle {done['cycle']}: {done['failure']}",
            "mend the candidates; what serves goes on serving, and the next cycle tries again",
        )
        raise typer.Exit(EstimatorError.exit_code)
