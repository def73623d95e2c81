"""What would have been: stored history under many policies at once."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from heliotrope.cli import options
from heliotrope.cli.failure import StoppedError, interruptible
from heliotrope.cli.output import Output, number
from heliotrope.cli.session import Session
from heliotrope.errors import ConfigError, counted
from heliotrope.interval import format_time

if TYPE_CHECKING:
    from heliotrope.config import Pipeline
    from heliotrope.whatif.trial import Trial
    from heliotrope.whatif.verdict import Difference, Judged

__all__ = ["whatif"]

SHOWN = 15
"""Policies that a table holds beside those of the frontier, unless all are asked for."""


def whatif(
    pipeline: options.File = None,
    start: options.Start = None,
    end: options.End = None,
    grid: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="A YAML file of what to try; else a default grid.", show_default=False),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=1, help="Processes at most; else one, on a cluster one a processor.", show_default=False
        ),
    ] = None,
    backend: Annotated[
        str, typer.Option(metavar="NAME", help="What starts them: loky, dask, ray, or sequential for none.")
    ] = "loky",
    write: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Write the recommended pipeline.", show_default=False),
    ] = None,
    picture: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="Draw the frontier as a PNG, and beside it as -dark.png.", show_default=False
        ),
    ] = None,
    force: options.Force = False,
    every: Annotated[bool, typer.Option("--all", help="Show every policy, however many.")] = False,
    database: options.Database = None,
    as_json: options.Json = False,
) -> None:
    """Replay stored history under many policies at once, and say which would have been best.

    A policy is a trigger, windows, candidates and a gate. Each decides exactly as `replay` would; what they have in
    common is done once. Only reads the table: nothing is put on record.

    \b
    Example:
      heliotrope whatif rotating_gaussians.yaml --write best.yaml
    """
    from heliotrope.context import Context
    from heliotrope.replay import span_of
    from heliotrope.whatif import fanout, trial
    from heliotrope.whatif import grid as grids
    from heliotrope.workers import backend_named

    session = Session(database, as_json)
    output = session.output
    begin, stop = options.time("--start", start), options.time("--end", end)
    chosen = backend_named(backend)
    files = _files(write, picture, force)
    declared = session.declared(pipeline)
    default = grids.default(declared)
    policies = grids.policies(declared, default) if grid is None else grids.load(Path(grid), declared)
    with Context(declared, session.database) as context:
        span = span_of(context, begin, stop, remark=output.say)
        fits = fanout.most_fits([one.pipeline for one in policies], len(span))
        output.note(
            f"{_policies(len(policies))} over {counted(len(span), 'interval')}: {counted(fits, 'fit')} at most; "
            "how long that takes is told as it goes on"
        )
        with interruptible("stopped; nothing was written", "run the same command again"):
            tried = trial.run(
                context,
                policies,
                span,
                backend=chosen,
                jobs=jobs or fanout.processes(chosen),
                progress=output.progress,
            )
    stopped = len(tried.span) < len(span)
    if not stopped:
        _write(files, declared, tried)
    document = _document(declared, tried, files if not stopped else {})
    if not stopped:
        _keep(output, document)
    output.document(document)
    _say(output, declared, tried, every=every)
    for file in () if stopped else files.values():
        output.say(f"wrote {file}")
    if stopped:
        raise StoppedError(
            f"stopped; the figures are of the first {len(tried.span)} of {counted(len(span), 'interval')}, "
            "no file was written",
            remedy="run the same command again, or name a shorter range with --end",
        )


# --- files -------------------------------------------------------------------------------------------------


def _files(write: str | None, picture: str | None, force: bool) -> dict[str, Path]:
    """The files to write, by what they hold. Raises ConfigError for one that is there, before anything is run."""
    files = {} if write is None else {"pipeline": Path(write)}
    if picture is not None:
        path = Path(picture)
        if path.suffix.lower() != ".png":
            raise ConfigError(
                f"--picture {picture}: only PNG is drawn", remedy=f"name it {path.stem or 'frontier'}.png"
            )
        files |= {"picture": path, "dark picture": path.with_name(f"{path.stem}-dark{path.suffix}")}
    for path in files.values():
        if path.exists() and not force:
            raise ConfigError(f"{path} is there already", remedy="write over it with --force, or name another")
        if not path.parent.is_dir():
            raise ConfigError(f"{path} cannot be written: there is no folder {path.parent}", remedy="make it first")
    return files


def _write(files: dict[str, Path], declared: Pipeline, tried: Trial) -> None:
    from heliotrope.whatif import picture, suggestion

    for holds, path in files.items():
        if holds == "pipeline":
            content = suggestion.text(declared, tried).encode()
        else:
            content = picture.draw(
                tried,
                title=f"{declared.name}: {_policies(len(tried.verdict.policies))} over "
                f"{counted(len(tried.span), 'interval')}",
                metric=declared.metric,
                lower_is_better=declared.lower_is_better,
                dark=holds == "dark picture",
            )
        try:
            path.write_bytes(content)
        except OSError as error:
            raise ConfigError(f"{path} cannot be written: {error.strerror or error}", remedy="name another") from None


def _keep(output: Output, document: dict[str, Any]) -> None:
    """Keep what it came to, for `heliotrope ui`."""
    from heliotrope.database import home
    from heliotrope.whatif.kept import keep

    try:
        keep(home(), document, at=datetime.now(UTC))
    except OSError as error:
        output.warn(f"the pages will not show this: {error}", "free disk space, or let HELIOTROPE_HOME be writable")


# --- what is said ------------------------------------------------------------------------------------------


def _say(output: Output, declared: Pipeline, tried: Trial, *, every: bool) -> None:
    verdict, metric = tried.verdict, declared.metric
    ordered = sorted(verdict.policies, key=lambda one: one.mean, reverse=not declared.lower_is_better)
    named = {id(one) for one in (*verdict.frontier, verdict.running, verdict.recommended)}
    shown = [one for place, one in enumerate(ordered) if every or place < SHOWN or id(one) in named]
    headers = [metric, "+-", "trained", "fit s", "promoted", "refreshed", "policy"]
    output.table(headers, [_row(one, tried) for one in shown], right=headers[:-1])
    if len(shown) < len(ordered):
        output.say(f"... {len(ordered) - len(shown)} more; --all shows them")
    output.say("* on the frontier: no policy is as good with fewer trainings")
    output.say()
    for line in _lines(declared, tried):
        output.say(line)


def _row(one: Judged, tried: Trial) -> list[str]:
    run, verdict = one.run, tried.verdict
    marks = ["running"] if one is verdict.running else []
    marks += ["recommended"] if one is verdict.recommended else []
    name = one.policy.name + (f" ({', '.join(marks)})" if marks else "")
    row = [number(one.mean), number(one.standard_error), str(run.trainings), f"{run.fit_seconds:.2f}"]
    return [*row, str(run.promoted), str(run.refreshes), f"{'*' if one.on_frontier else ' '} {name}"]


def _lines(declared: Pipeline, tried: Trial) -> list[str]:
    verdict, done = tried.verdict, tried.done
    scored, count = int(verdict.kept.sum()), len(verdict.policies)
    running, best, chosen = verdict.running, verdict.best, verdict.recommended
    lines = [f"running      {_said(running)}", f"best         {_said(best)}"]
    lines.append(f"regret       {_behind(running.behind)} for running what is declared and not the best")
    lines.append(f"recommended  {_said(chosen)}; the cheapest within one standard error of the best")
    oracle = tried.oracle[min(chosen.run.trainings, len(tried.oracle)) - 1]
    lines.append(
        f"hindsight    {number(float(oracle))} at most with {counted(chosen.run.trainings, 'training')} of one "
        "candidate and window, at the best times"
    )
    if verdict.later is not None:
        lines.append(
            f"check        chosen so on the first half of the intervals, it is {_behind(verdict.later)} worse on the "
            "second than what was best there"
        )
    span = f"{format_time(tried.span[0].start)} to {format_time(tried.span[-1].end)}"
    of = f"the {scored} of {counted(len(tried.span), 'interval')} that {_all(count)} scored"
    lines.append(f"compared on {of}, {span}")
    lines.append(
        f"{counted(done.fits, 'fit')} ({done.fit_seconds:.2f} s), {counted(done.scores, 'scoring')}, "
        f"{counted(done.measurements, 'measurement')} of drift in {tried.seconds:.1f} s"
    )
    return lines


def _policies(count: int) -> str:
    return counted(count, "policy", "policies")


def _all(count: int) -> str:
    return "the policy" if count == 1 else f"all {_policies(count)}"


def _said(one: Judged) -> str:
    return f"{one.policy.name}: {number(one.mean)}, {counted(one.run.trainings, 'training')}"


def _behind(one: Difference) -> str:
    return f"{number(one.mean)} +- {number(one.standard_error)}"


def _document(declared: Pipeline, tried: Trial, files: dict[str, Path]) -> dict[str, Any]:
    from heliotrope.whatif.suggestion import changes

    verdict = tried.verdict
    places = {id(one): place for place, one in enumerate(verdict.policies)}
    return {
        "pipeline": declared.name,
        "metric": declared.metric,
        "start": tried.span[0].start,
        "end": tried.span[-1].end,
        "intervals": len(tried.span),
        "compared": int(verdict.kept.sum()),
        "policies": [_policy_document(declared, one) for one in verdict.policies],
        "running": places[id(verdict.running)],
        "best": places[id(verdict.best)],
        "recommended": places[id(verdict.recommended)],
        "regret": _difference(verdict.running.behind),
        "check": None if verdict.later is None else _difference(verdict.later),
        "hindsight": [float(one) for one in tried.oracle],
        "changes": changes(declared, verdict.recommended.policy.pipeline),
        "fits": tried.done.fits,
        "fit_seconds": tried.done.fit_seconds,
        "scorings": tried.done.scores,
        "drift_measurements": tried.done.measurements,
        "seconds": tried.seconds,
        "files": [path.resolve() for path in files.values()],
    }


def _policy_document(declared: Pipeline, one: Judged) -> dict[str, Any]:
    policy, run = one.policy, one.run
    return {
        "candidates": [candidate.name for candidate in policy.pipeline.candidates],
        "window": policy.window,
        "trigger": policy.trigger,
        "gate": policy.gate,
        "mean": one.mean,
        "standard_error": one.standard_error,
        "behind": _difference(one.behind),
        "on_frontier": one.on_frontier,
        "trainings": run.trainings,
        "fits": run.fits,
        "fit_seconds": run.fit_seconds,
        "promotions": run.promotions,
        "promoted": run.promoted,
        "refreshes": run.refreshes,
        "held": run.held,
        "scores": [float(score) for score in run.scores],
    }


def _difference(one: Difference) -> dict[str, float]:
    return {"mean": one.mean, "standard_error": one.standard_error}
