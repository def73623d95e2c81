"""The whole story on the original's stream, in one command."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from heliotrope.cli import options
from heliotrope.cli.document import cycle_document, score
from heliotrope.cli.output import number
from heliotrope.cli.pages import write
from heliotrope.cli.replaying import Replayed, all_cycles, replay_all
from heliotrope.cli.rows import load_all
from heliotrope.cli.session import Session
from heliotrope.cli.tables import say_summary, summary_document, table
from heliotrope.errors import ConfigError, counted
from heliotrope.interval import format_time

if TYPE_CHECKING:
    from collections.abc import Sequence

    from heliotrope.config import Pipeline
    from heliotrope.interval import Interval
    from heliotrope.ledger import CycleSummary

__all__ = ["EXAMPLE", "demo"]

EXAMPLE = "rotating_gaussians.yaml"
_DAY = 24


def demo(
    hours: Annotated[int, typer.Option("--hours", min=2, max=8760, help="How many hours of the stream.")] = 48,
    folder: Annotated[str, typer.Option("--folder", metavar="FOLDER", help="Where the files go.")] = ".",
    database: options.Database = None,
    as_json: options.Json = False,
) -> None:
    """Show it all on a stream that turns once a day.

    Loads the stream into the database, replays its hours and draws what came of it. Run it again: what is done is
    passed over, and the result is the same.

    \b
    Example:
      heliotrope demo --hours 12 --folder demo
    """
    from heliotrope.database import without_password
    from heliotrope.replay import span_of

    session = Session(database, as_json)
    output, place = session.output, Path(folder)
    example = _keep_example(place, hours)
    pipeline = _pipeline(hours)
    output.say(f"PostgreSQL at {without_password(session.database.url)}")
    with session.writing(pipeline) as context:
        loaded = load_all(context, output)
        output.say(
            f"loaded {counted(loaded['rows'], 'row')} of {counted(loaded['intervals'], 'hour')} into {loaded['table']}"
        )
        span = span_of(context, *_range(pipeline))
        done = replay_all(context, span, output)
        summaries = all_cycles(context, span)
        table(output, summaries, pipeline.metric, pipeline.report.best_possible)
        say_summary(output, summaries, pipeline.metric, done)
        made = write(context, span, place, output)
    output.document(_document(pipeline, span, done, summaries, [example, *made]))
    _say_second_day(session, pipeline, summaries)
    _say_how(session, place, example, made, span[-1])


def _keep_example(folder: Path, hours: int) -> Path:
    """The pipeline's YAML in the folder, for going on by hand; one that somebody has edited is left alone."""
    file = folder / EXAMPLE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not file.exists() or _with_hours(file.read_text(encoding="utf-8"), hours) == _text(hours):
            file.write_text(_text(hours), encoding="utf-8")
    except UnicodeDecodeError:  # it is another's
        return file
    except OSError as error:
        raise ConfigError(
            f"{file} cannot be written: {error.strerror or error}", remedy="name another folder with --folder"
        ) from None
    return file


def _text(hours: int) -> str:
    """The example with so many hours of data."""
    return _with_hours((files("heliotrope") / "examples" / EXAMPLE).read_text(encoding="utf-8"), hours)


def _with_hours(text: str, hours: int) -> str:
    text = re.sub(r"(?m)^  intervals: \d+$", f"  intervals: {hours}", text)
    return re.sub(r"(?m)^(# What `load` writes:) \d+ hours", rf"\1 {hours} hours", text)


def _pipeline(hours: int) -> Pipeline:
    from heliotrope.config import parse
    from heliotrope.config.document import read_text

    return parse(read_text(_text(hours), EXAMPLE).data, where=EXAMPLE)


def _range(pipeline: Pipeline) -> tuple[Any, Any]:
    """From when to when the data set reaches."""
    from heliotrope.config import StreamDataset

    dataset = pipeline.dataset
    assert isinstance(dataset, StreamDataset), "so the example declares it"
    return dataset.start, dataset.start + dataset.intervals * pipeline.interval


def _later(summaries: Sequence[CycleSummary], metric: str) -> float | None:
    """The mean from the second day on."""
    scores = [value for one in summaries[_DAY:] if (value := score(one, metric)) is not None]
    return sum(scores) / len(scores) if scores else None


def _document(
    pipeline: Pipeline,
    span: Sequence[Interval],
    done: Replayed,
    summaries: Sequence[CycleSummary],
    made: Sequence[Path],
) -> dict[str, Any]:
    metric = pipeline.metric
    return {
        "pipeline": pipeline.name,
        "start": span[0].start,
        "end": span[-1].end,
        "ran": len(done.ran),
        "passed_over": len(done.passed_over),
        "unregistered": done.unregistered,
        "summary": summary_document(summaries, metric, done),
        "mean_from_second_day": _later(summaries, metric),
        "best_possible": pipeline.report.best_possible,
        "cycles": [cycle_document(one, metric) for one in summaries],
        "files": [one.resolve() for one in made],
    }


def _say_second_day(session: Session, pipeline: Pipeline, summaries: Sequence[CycleSummary]) -> None:
    later = _later(summaries, pipeline.metric)
    if later is not None:
        best = number(pipeline.report.best_possible)
        session.output.say(f"mean {pipeline.metric} from the second day on {number(later)}, of a possible {best}")


def _say_how(session: Session, folder: Path, example: Path, made: Sequence[Path], last: Interval) -> None:
    output = session.output
    output.say()
    for file in made:
        output.say(f"{file.resolve()}")
    output.say()
    output.say("The same by hand:")
    for step in (
        f"load {example}",
        f"replay {example}",
        f"report {example} --out {folder}",
        f"champion {example} --at {format_time(last.start)}",
        "status",
    ):
        output.say(f"  heliotrope {step}")
