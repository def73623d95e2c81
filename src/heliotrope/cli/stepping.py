"""One step of a cycle, for what runs them one by one: pods, and other schedulers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from heliotrope.cli import options
from heliotrope.cli.failure import interruptible
from heliotrope.cli.output import Output, counted
from heliotrope.cli.session import Session
from heliotrope.errors import ConfigError, EstimatorError
from heliotrope.interval import Interval, interval_at, refuse_off_grid

if TYPE_CHECKING:
    from heliotrope.context import Context

__all__ = ["NOTHING_PROPOSED", "run_step"]

NOTHING_PROPOSED = 10
"""The exit code of ``propose`` where there is nothing to approve."""


class Step(StrEnum):
    """The steps by name, in their order."""

    CREATE = "create"
    ASSESS = "assess"
    ANNOUNCE = "announce"
    TRAIN = "train"
    PROPOSE = "propose"
    GATE = "gate"
    PUBLISH = "publish"


_BY_START = (Step.CREATE, Step.ASSESS)


def run_step(
    step: Annotated[Step, typer.Argument(metavar="STEP", help="Which one.", show_default=False)],
    pipeline: options.File = None,
    start: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="create, assess: the start of the interval.", show_default=False),
    ] = None,
    cycle: Annotated[
        int | None,
        typer.Option(metavar="ID", help="The other steps: the cycle, as assess prints it.", show_default=False),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="assess: first run the cycles that are missing from then on.", show_default=False
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
    database: options.Database = None,
    as_json: options.Json = False,
) -> None:
    """Run one step of a cycle, as `run` would.

    One that is done already is not done again: after a kill, run the same one again. `run` takes all of them but
    create.

    \b
    create    write the interval's rows of the pipeline's stream
    assess    test, measure drift, decide; prints the cycle's id
    announce  say that a training begins
    train     fit and score what competes
    propose   say whether a promotion waits for approval; exit code 10: none does
    gate      decide who serves
    publish   draw the picture, register the champion

    Exit codes are those of `heliotrope --help`. gate ends with 5 where every
    candidate failed, and with 2 where approval is asked for and not given.

    \b
    Example:
      heliotrope run-step assess rotating_gaussians.yaml --start 2026-11-01T06:00Z
    """
    session = Session(database, as_json)
    begin, earliest = options.time("--start", start), options.time("--since", since)
    _refuse_misplaced(step, start=start, cycle=cycle, since=since, collapse=collapse, approve=approve, refuse=refuse)
    declared = session.declared(pipeline)
    with session.writing(declared) as context:
        works: dict[Step, Callable[[], dict[str, Any]]] = {
            Step.CREATE: lambda: _create(context, _interval(context, begin), session.output),
            Step.ASSESS: lambda: _assess(context, _interval(context, begin), earliest, collapse, session.output),
            Step.ANNOUNCE: lambda: _announce(context, _id(cycle), session.output),
            Step.TRAIN: lambda: _train(context, _id(cycle), session.output),
            Step.PROPOSE: lambda: _propose(context, _id(cycle), session.output),
            Step.GATE: lambda: _gate(context, _id(cycle), approve, refuse, session.output),
            Step.PUBLISH: lambda: _publish(context, _id(cycle), session.output),
        }
        with interruptible(f"stopped; of {step.value} nothing half-done was kept", "run the same command again"):
            said = works[step]()
        session.output.document({"pipeline": declared.name, "step": step.value, **said})
        _end(context, step, said, session.output)


def _refuse_misplaced(step: Step, **given: object) -> None:
    """Options that belong to other steps, and one that is lacking."""
    needed = "start" if step in _BY_START else "cycle"
    allowed = {needed} | ({"since", "collapse"} if step is Step.ASSESS else set())
    allowed |= {"approve", "refuse"} if step is Step.GATE else set()
    for name, value in given.items():
        if value not in (None, False) and name not in allowed:
            raise ConfigError(f"{step.value} takes no --{name}", remedy="leave it out")
    if given[needed] is None:
        what = "TIME, the start of the interval" if needed == "start" else "ID, as `run-step assess` prints it"
        raise ConfigError(f"{step.value} needs --{needed}", remedy=f"add --{needed} {what}")
    if given["approve"] is not None and given["refuse"] is not None:
        raise ConfigError("--approve and --refuse exclude each other", remedy="leave one out")


def _interval(context: Context, start: datetime | None) -> Interval:
    assert start is not None, "looked at before"
    refuse_off_grid(start, context.pipeline.interval)
    return interval_at(start, context.pipeline.interval)


def _id(cycle: int | None) -> int:
    assert cycle is not None, "looked at before"
    return cycle


def _create(context: Context, interval: Interval, output: Output) -> dict[str, Any]:
    from heliotrope import steps

    rows = steps.create(context, interval)
    output.say(f"wrote {counted(rows, 'row')} of {interval} into {context.rows.relation}")
    return {"interval": interval, "rows": rows}


def _assess(
    context: Context, interval: Interval, since: datetime | None, collapse: bool, output: Output
) -> dict[str, Any]:
    from heliotrope import steps
    from heliotrope.replay import patiently

    cycle = patiently(context, lambda: steps.assess(context, interval, since=since, collapse=collapse))
    output.say(f"cycle {cycle.id} of {interval}: {'done' if cycle.done else 'assessed'}")
    return {"interval": interval, "cycle": cycle.id, "done": cycle.done}


def _announce(context: Context, cycle: int, output: Output) -> dict[str, Any]:
    from heliotrope import steps

    message = steps.announce(context, cycle)
    output.say(message or f"cycle {cycle} asks for no training")
    return {"cycle": cycle, "message": message}


def _train(context: Context, cycle: int, output: Output) -> dict[str, Any]:
    from heliotrope import steps
    from heliotrope.replay import patiently

    found = patiently(context, lambda: steps.train(context, cycle))
    output.say(f"cycle {cycle}: {'trained' if 'train' in found.steps else 'nothing was to be trained'}")
    return {"cycle": cycle, "trained": "train" in found.steps}


def _propose(context: Context, cycle: int, output: Output) -> dict[str, Any]:
    from heliotrope import steps

    name = steps.proposed(context, cycle)
    output.say(f"cycle {cycle}: {'nothing is' if name is None else f'{name} is'} proposed for promotion")
    return {"cycle": cycle, "proposed": name}


def _gate(context: Context, cycle: int, approve: str | None, refuse: str | None, output: Output) -> dict[str, Any]:
    from heliotrope import steps
    from heliotrope.replay import patiently

    patiently(context, lambda: steps.gate(context, cycle, approved_by=approve, refused_by=refuse))
    decision = context.ledger.decisions_of(cycle).get("gate")
    action = None if decision is None else decision.action.value
    output.say(f"cycle {cycle}: {'nothing was to be decided' if action is None else action.replace('_', ' ')}")
    for reason in () if decision is None else decision.reasons:
        output.say(f"  {reason}")
    return {"cycle": cycle, "action": action, "reasons": [] if decision is None else decision.reasons}


def _publish(context: Context, cycle: int, output: Output) -> dict[str, Any]:
    from heliotrope import steps
    from heliotrope.replay import patiently

    done = patiently(context, lambda: steps.publish(context, cycle))
    if done.picture is not None:
        output.say(f"drew {done.picture}")
    output.say(f"registered {counted(done.registered, 'champion')}")
    return {"cycle": cycle, "picture": done.picture, "registered": done.registered}


def _end(context: Context, step: Step, said: dict[str, Any], output: Output) -> None:
    """End with the exit code of what was done and does not suffice."""
    from heliotrope import steps

    if step is Step.PROPOSE and said["proposed"] is None:
        raise typer.Exit(NOTHING_PROPOSED)
    failure = steps.why_hopeless(context, said["cycle"]) if step is Step.GATE else None
    if failure is not None:
        output.warn(
            f"every candidate failed in cycle {said['cycle']}: {failure}",
            "mend the candidates; what serves goes on serving, and the next cycle tries again",
        )
        raise typer.Exit(EstimatorError.exit_code)
