"""The report: one page and two animations."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from heliotrope.cli import options, segments
from heliotrope.cli.output import Output
from heliotrope.cli.replaying import all_cycles
from heliotrope.cli.session import Session
from heliotrope.errors import LedgerError
from heliotrope.interval import Interval, intervals

if TYPE_CHECKING:
    from datetime import datetime

    from heliotrope.context import Context

__all__ = ["report", "write"]


def report(
    pipeline: options.Recorded = None,
    start: options.Start = None,
    end: options.End = None,
    out: Annotated[str, typer.Option("--out", metavar="FOLDER", help="Where to write; made when absent.")] = ".",
    segment: options.Segment = None,
    database: options.Database = None,
    as_json: options.Json = False,
) -> None:
    """Write the report: a page and two animations.

    They are report.html, continuous-training.gif (the models) and data.gif (the rows); where ffmpeg
    is installed, continuous-training.mp4 too. Models are asked again for it about the rows as they
    are now; nothing is recorded.

    \b
    Example:
      heliotrope report rotating_gaussians --out report
    """
    session = Session(database, as_json)
    begin, stop = options.time("--start", start), options.time("--end", end)
    declared = session.recorded(pipeline)
    part = segments.required(session, declared, segment)
    with session.writing(declared, part) as context:
        span = done_span(context, begin, stop)
        files = write(context, span, Path(out), session.output)
        said = None
        if not part:
            with context.database.errors():
                ledger = context.ledger
                said = segments.totals(ledger.connection, ledger.pipeline_id, declared, span[0].start, span[-1].end)
    session.output.document(
        {
            "pipeline": declared.name,
            "start": span[0].start,
            "end": span[-1].end,
            "files": [one.resolve() for one in files],
            "segment": segment,
            "segments": said,
        }
    )
    for file in files:
        session.output.say(f"wrote {file}")
    segments.say(session.output, said)


def write(context: Context, span: list[Interval], folder: Path, output: Output) -> tuple[Path, ...]:
    """Write the report's files into the folder. Raises ConfigError where that cannot be written."""
    from heliotrope import publish
    from heliotrope.errors import ConfigError

    try:
        folder.mkdir(parents=True, exist_ok=True)
        with output.progress("report", None) as advance:
            return publish.report(context, span, folder, advance=advance)
    except OSError as error:
        raise ConfigError(
            f"the report cannot be written into {folder}: {error.strerror or error}", remedy="name another with --out"
        ) from error


def done_span(context: Context, start: datetime | None, end: datetime | None) -> list[Interval]:
    """The intervals in the range whose cycle is done. Raises LedgerError where there is none."""
    from heliotrope.ledger import span

    pipeline, ledger = context.pipeline, context.ledger
    with context.database.errors():
        known = span(ledger.connection, ledger.pipeline_id, context.segment)
    if known is None:
        raise LedgerError(f"{pipeline.name} has no cycle yet", remedy="run some with `heliotrope replay`")
    span_of = list(intervals(start or known[0], end or known[1], pipeline.interval))
    found = [one.interval for one in all_cycles(context, span_of) if one.done]
    if not found:
        raise LedgerError(
            f"{pipeline.name} has no cycle from {span_of[0].start} to {span_of[-1].end}",
            remedy=f"its cycles are in {Interval(known[0], known[1])}",
        )
    return found
