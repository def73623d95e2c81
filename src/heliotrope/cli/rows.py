"""Rows: loaded into a pipeline's table, and asked about."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from heliotrope.cli import options
from heliotrope.cli.failure import StoppedError
from heliotrope.cli.output import Output, counted, number
from heliotrope.cli.session import Session
from heliotrope.errors import ConfigError
from heliotrope.interval import format_time

if TYPE_CHECKING:
    from heliotrope.context import Context

__all__ = ["load", "load_all", "means"]

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

    The rows of an interval take the place of those there: run it twice and the table holds each row once.

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
    session.output.say(
        f"loaded {counted(said['rows'], 'row')} of {counted(said['intervals'], 'interval')} into {said['table']} "
        f"in {said['seconds']:.2f} s, {rate:,.0f} rows/s"
    )


def load_all(context: Context, output: Output, file: Path | None = None) -> dict[str, Any]:
    """Write the data set's rows, interval by interval; what that came to. Raises ConfigError where there is none."""
    from heliotrope import datasets
    from heliotrope.config import StreamDataset

    pipeline, dataset = context.pipeline, context.pipeline.dataset
    if dataset is None:
        raise ConfigError(
            f"{pipeline.name} declares no dataset to load",
            remedy="add `dataset: {kind: file}` to it, or fill its table yourself",
        )
    rows = count = 0
    begun = time.perf_counter()
    known = dataset.intervals if isinstance(dataset, StreamDataset) else None
    try:
        with output.progress(f"load {pipeline.source.table}", known) as advance:
            for interval, table in datasets.read(dataset, pipeline=pipeline, path=file):
                rows += context.rows.replace(interval, table)
                count += 1
                context.forget(interval)
                advance(f"{format_time(interval.start)} {rows / (time.perf_counter() - begun):,.0f} rows/s")
    except KeyboardInterrupt:
        raise StoppedError(
            f"stopped; {counted(count, 'interval')} loaded, each of them whole", remedy="run the same command again"
        ) from None
    return {
        "table": str(context.rows.relation) if count else pipeline.source.table,
        "intervals": count,
        "rows": rows,
        "seconds": time.perf_counter() - begun,
    }


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
