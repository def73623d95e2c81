"""A pipeline's file: written from a table, and checked against it."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from heliotrope.cli import options
from heliotrope.cli.output import Output
from heliotrope.cli.replaying import outside_text
from heliotrope.cli.session import Session
from heliotrope.errors import ConfigError, counted
from heliotrope.interval import format_step, parse_step
from heliotrope.records import Verdict

if TYPE_CHECKING:
    from heliotrope.config import Pipeline
    from heliotrope.context import Context
    from heliotrope.profile import Profile
    from heliotrope.records import Batch

__all__ = ["init", "validate"]

_FILES = (".csv", ".parquet", ".pq")


def init(
    table: Annotated[
        str,
        typer.Argument(
            metavar="TABLE", help='A table or view, as name, schema.name or "a name"; or a CSV or Parquet file.'
        ),
    ],
    name: Annotated[str | None, typer.Option(help="The pipeline's name; else the table's.", show_default=False)] = None,
    target: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="What is to be predicted; else a guess.", show_default=False)
    ] = None,
    time: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="When a row happened; else a guess.", show_default=False)
    ] = None,
    interval: Annotated[
        str | None, typer.Option(metavar="LENGTH", help="As 1h, 1d or 1w; else by the rows.", show_default=False)
    ] = None,
    out: Annotated[
        str | None, typer.Option(metavar="FILE", help="Where to write; else NAME.yaml.", show_default=False)
    ] = None,
    force: options.Force = False,
    database: options.Database = None,
    as_json: options.Json = False,
) -> None:
    """Write a pipeline's YAML by looking at a table or a file.

    Finds the time column, features and their kinds, the target and a sensible interval; comments in the YAML say why.
    Only reads; of a file, `load` then writes the rows into a table.

    \b
    Example:
      heliotrope init continuous_training --target class --name turning
    """
    from heliotrope import profile
    from heliotrope.cli.draft import draft, name_from, table_from
    from heliotrope.config import parse
    from heliotrope.config.document import read_text

    session = Session(database, as_json)
    rows = _file(table)
    name = name or name_from(table if rows is None else table_from(rows))
    file = Path(out or f"{name}.yaml")
    step = None if interval is None else parse_step(interval)
    _refuse_to_overwrite(file, force)
    if rows is not None:
        session.output.say(f"reading {rows}")
        found = profile.look_into(rows, table_from(rows), time=time, target=target, interval=step)
    else:
        with session.database.errors(), session.database.connect() as connection:
            found = profile.look(connection, table, time=time, target=target, interval=step)
    text = draft(found, name, str(file))
    pipeline = parse(read_text(text, str(file)).data, where=str(file))
    try:
        with file.open("w" if force else "x", encoding="utf-8") as stream:
            stream.write(text)
    except OSError as error:
        raise ConfigError(
            f"{file} cannot be written: {error.strerror or error}", remedy="name another with --out"
        ) from None
    _say_written(session, file, found, pipeline)


def _refuse_to_overwrite(file: Path, force: bool) -> None:
    if file.exists() and not force:
        raise ConfigError(f"{file} is there already", remedy="write over it with --force, or name another with --out")


def _file(argument: str) -> Path | None:
    """The file that is meant; None for a table. Raises ConfigError for a file that is not there."""
    path = Path(argument)
    if path.suffix.lower() not in _FILES and not path.is_file():
        return None
    if not path.exists():
        raise ConfigError(f"there is no file {argument!r}", remedy="name a CSV or Parquet file, or a table")
    return path


def _say_written(session: Session, file: Path, found: Profile, pipeline: Pipeline) -> None:
    output = session.output
    output.document(
        {
            "file": file,
            "pipeline": pipeline.model_dump(mode="json"),
            "rows": found.rows,
            "first": found.first,
            "last": found.last,
            "rows_an_interval": found.step.rows,
            "target_guessed": found.target_guessed,
            "left_out": dict(found.left_out),
        }
    )
    output.say(f"wrote {file}: {found.task} of {found.target.name!r} every {format_step(found.step.length)}")
    output.say(f"features   {', '.join(pipeline.features)}")
    if found.left_out:
        output.say(f"left out   {', '.join(f'{column} ({why})' for column, why in found.left_out.items())}")
    if found.target_guessed:
        again = f"heliotrope init {shlex.quote(str(found.path or found.table))} --target COLUMN --force"
        output.say(f"The target is a guess; if it is another: {again}")
    output.say(f"Read it, then: heliotrope {'validate' if found.path is None else 'load'} {shlex.quote(str(file))}")


def validate(
    pipeline: options.File = None,
    offline: Annotated[bool, typer.Option("--offline", help="Ask no database: check the file alone.")] = False,
    database: options.Database = None,
    as_json: options.Json = False,
) -> None:
    """Check a pipeline's file, its table, columns and estimators.

    Also whether the addresses under notify: are such as a message can go to; none is sent (`notify --test` sends one).

    \b
    Example:
      heliotrope validate rotating_gaussians.yaml
    """
    session = Session(database, as_json)
    declared = session.declared(pipeline)
    checks = [("pipeline", f"{declared.name}, {declared.task} judged by {declared.metric}"), *_estimators(declared)]
    checks += _targets(declared, session.output)
    if not offline:
        checks += _table(session, declared)
    session.output.document(
        {
            "pipeline": declared.name,
            "fingerprint": declared.fingerprint(),
            "offline": offline,
            "checks": [{"checked": name, "found": found} for name, found in checks],
        }
    )
    session.output.table(("checked", "found"), [(name.replace("\n", "\\n"), found) for name, found in checks])


def _estimators(pipeline: Pipeline) -> list[tuple[str, str]]:
    from heliotrope.candidates import estimator

    found = []
    for candidate in pipeline.candidates:
        estimator.make(candidate, seed=0, task=pipeline.task)
        found.append((f"candidate {candidate.name}", candidate.estimator))
    return found


def _targets(pipeline: Pipeline, output: Output) -> list[tuple[str, str]]:
    """Who is told, and whether their addresses can be had here. Raises ConfigError for one that nothing can go to."""
    from heliotrope.errors import MessageError
    from heliotrope.notify import Sender, address

    found = []
    with Sender(output.warn) as sender:
        for target in pipeline.notify:
            said = ", ".join(event.value for event in target.events)
            try:
                url = address(target)
            except MessageError as error:
                said = f"{said}; {error.message}"
            else:
                wrong, remedy = sender.check(url)
                if wrong:
                    raise ConfigError(f"notify: the address of {target.name}: {wrong}", remedy=remedy)
            found.append((f"tells {target.name}", said))
    return found


def _table(session: Session, pipeline: Pipeline) -> list[tuple[str, str]]:
    """Columns and kinds, and the rows of the last interval that has any, validated as a cycle would."""
    from heliotrope.context import Context
    from heliotrope.interval import interval_at

    with Context(pipeline, session.database) as context:
        relation = context.rows.relation
        kinds = context.kinds
        relation.column(pipeline.target)
        found = [("table", str(relation)), ("time", f"{pipeline.source.time}, {_type(relation, pipeline.source.time)}")]
        found += [(f"feature {name}", f"{kind}, {_type(relation, name)}") for name, kind in kinds.items()]
        found.append((f"target {pipeline.target}", _type(relation, pipeline.target)))
        found += _parted(context)
        outside = context.rows.outside()
        if outside:
            found.append(("left out", outside_text(context.pipeline.source.table, outside)))
        span = context.rows.span()
        if span is None:
            return [*found, ("rows", "none yet")]
        last = interval_at(span[1], pipeline.interval)
        return [*found, ("last rows", f"{last}: {_said(context.batches(last)[0])}")]


def _parted(context: Context) -> list[tuple[str, str]]:
    """What says when a row became known, and the segments."""
    pipeline, found = context.pipeline, []
    recorded = pipeline.source.recorded_at
    if recorded is not None:
        found.append(("recorded at", f"{recorded}, {_type(context.rows.relation, recorded)}"))
    if pipeline.partition_by is not None:
        rows = [one.rows for one in context.rows.reaches(pipeline.partition_by)]
        few, many = min(rows, default=0), max(rows, default=0)
        of = f" of {few} to {counted(many, 'row')}" if few < many else f" of {counted(many, 'row')}" if rows else ""
        found.append((f"segments by {pipeline.partition_by}", f"{len(rows)}{of}"))
    return found


def _type(relation: Any, column: str) -> str:
    return str(relation.column(column).type)


def _said(batch: Batch) -> str:
    from heliotrope.cli.document import problem_text

    problems = "".join(f"; {problem_text(problem)}" for problem in batch.problems)
    use = "none to use" if batch.verdict is Verdict.HELD else f"{batch.rows} to use"
    return f"{batch.verdict.value}, {batch.rows_read} read, {use}{problems}"
