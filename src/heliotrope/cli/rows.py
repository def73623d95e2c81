"""Rows: loaded into a pipeline's table, and asked about."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from heliotrope.cli import options
from heliotrope.cli.failure import StoppedError
from heliotrope.cli.output import Output, number
from heliotrope.cli.session import Session
from heliotrope.errors import ConfigError, counted
from heliotrope.interval import format_time

if TYPE_CHECKING:
    from heliotrope.context import Context

__all__ = ["load", "load_all", "means"]

_LARGE = 100 * 2**20
"""Bytes of a file that takes more than a few seconds to check."""

_WIDE = 5
"""Features that have a column of their own; more of them are listed one below the other."""


def load(
    pipeline: options.File = None,
    file: Annotated[
        str | None,
        typer.Argument(
            metavar="FILE", help="The data set's CSV or Parquet; else the one it names.", show_default=False
        ),
    ] = None,
    database: options.Database = None,
    as_json: options.Json = False,
) -> None:
    """Write a pipeline's data set into its table.

    The rows of an interval take the place of those there: run it twice and the table holds each row once. Load whole
    intervals: a part of one deletes its other rows, which is then said.

    \b
    Example:
      heliotrope load rotating_gaussians.yaml
    """
    session = Session(database, as_json)
    declared = session.declared(pipeline)
    with session.writing(declared) as context:
        said = load_all(context, session.output, None if file is None else Path(file))
    session.output.document({"pipeline": declared.name, **said})
    rate = said["rows"] / said["seconds"] if said["seconds"] else 0.0
    replaced = f", in place of {counted(said['replaced'], 'row')}" if said["replaced"] else ""
    session.output.say(
        f"loaded {counted(said['rows'], 'row')} of {counted(said['intervals'], 'interval')} into {said['table']}"
        f"{replaced} in {said['seconds']:.2f} s, {rate:,.0f} rows/s"
    )


def load_all(context: Context, output: Output, file: Path | None = None) -> dict[str, Any]:
    """Write the data set's rows, interval by interval; what that came to. Raises ConfigError where there is none."""
    from heliotrope import datasets
    from heliotrope.config import FileDataset, StreamDataset

    pipeline, dataset = context.pipeline, context.pipeline.dataset
    if dataset is None:
        raise ConfigError(
            f"{pipeline.name} declares no dataset to load",
            remedy="add `dataset: {kind: file}` to it, or fill its table yourself",
        )
    rows = count = replaced = 0
    shrunk: list[int] = []
    begun = time.perf_counter()
    known = dataset.intervals if isinstance(dataset, StreamDataset) else None
    if file is None and isinstance(dataset, FileDataset) and dataset.path is not None:
        file = Path(dataset.path)
    _say_large(output, file)
    try:
        with output.progress(f"load {pipeline.source.table}", known) as advance:
            for interval, table in datasets.read(dataset, pipeline=pipeline, path=file, stored=_stored(context)):
                done = context.rows.replace(interval, table)
                rows, replaced, count = rows + done.written, replaced + done.deleted, count + 1
                if done.written < done.deleted:
                    shrunk.append(done.deleted - done.written)
                context.forget(interval)
                advance(f"{format_time(interval.start)} {rows / (time.perf_counter() - begun):,.0f} rows/s")
    except KeyboardInterrupt:
        raise StoppedError(
            f"stopped; {counted(count, 'interval')} loaded, each of them whole", remedy="run the same command again"
        ) from None
    finally:
        if shrunk:
            output.warn(
                f"{counted(len(shrunk), 'interval')} of {pipeline.source.table} "
                f"{'holds' if len(shrunk) == 1 else 'hold'} {counted(sum(shrunk), 'row')} fewer than before",
                "where the file had only a part of them, load it again with all the rows of each interval",
            )
    return {
        "table": str(context.rows.relation) if count else pipeline.source.table,
        "intervals": count,
        "rows": rows,
        "replaced": replaced,
        "fewer": {"intervals": len(shrunk), "rows": sum(shrunk)},
        "seconds": time.perf_counter() - begun,
    }


def _stored(context: Context) -> dict[str, Any]:
    """The Arrow types of the table's columns; none where there is no table yet."""
    from heliotrope.store import describe

    with context.database.errors(), context.database.connect() as connection:
        relation = describe(connection, context.pipeline.source.table)
    found = () if relation is None else relation.columns
    return {column.name: column.arrow for column in found if column.arrow is not None}


def _say_large(output: Output, file: Path | None) -> None:
    """That nothing is written yet for a while, where a file is so large that one would wonder."""
    size = file.stat().st_size if file is not None and file.is_file() else 0
    if size > _LARGE:
        output.say(f"checking {file}, {size / 2**20:,.0f} MiB, before its rows are written")


def means(
    pipeline: options.Recorded = None,
    start: options.Start = None,
    end: options.End = None,
    database: options.Database = None,
    as_json: options.Json = False,
) -> None:
    """List the mean of every number by interval and class.

    \b
    Example:
      heliotrope sql means rotating_gaussians.yaml --end 2026-11-01T05:00Z
    """
    from heliotrope.cli.means import means as ask

    session = Session(database, as_json)
    begin, stop = options.time("--start", start), options.time("--end", end)
    declared = session.recorded(pipeline)
    found = ask(session.database, declared, start=begin, end=stop)
    session.output.document(
        {"pipeline": declared.name, "target": declared.target, "features": found.features, "means": found.documents()}
    )
    _say_means(session.output, found, declared.target)


def _say_means(output: Output, found: Any, target: str) -> None:
    by_class = found.by_class
    first = ("interval", *((target,) if by_class else ()), "rows")
    if len(found.features) <= _WIDE:
        headers: Sequence[str] = (*first, *(f"mean {name}" for name in found.features))
        rows = [(*_first(row, by_class), *(number(value, 3) for value in row.means)) for row in found.rows]
    else:
        headers = (*first, "column", "mean")
        rows = [
            (*_first(row, by_class), name, number(value, 3))
            for row in found.rows
            for name, value in zip(found.features, row.means, strict=True)
        ]
    output.table(
        headers,
        rows,
        right=("rows", "mean", *headers[len(first) :]) if len(found.features) <= _WIDE else ("rows", "mean"),
    )


def _first(row: Any, by_class: bool) -> tuple[str, ...]:
    return (format_time(row.start), *((str(row.label),) if by_class else ()), str(row.rows))
