"""What several verbs take from the command line, each described once."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from heliotrope.errors import IntervalError
from heliotrope.interval import parse_time

__all__ = ["Backend", "Database", "End", "File", "Force", "Jobs", "Json", "Recorded", "Segment", "Start", "time"]

File = Annotated[
    str | None,
    typer.Argument(
        metavar="PIPELINE",
        help="Its YAML file; absent: the only one in this folder, or the only one on record.",
        show_default=False,
    ),
]
Recorded = Annotated[
    str | None,
    typer.Argument(
        metavar="PIPELINE",
        help="Its name or its YAML file; absent: the only one on record, or in this folder.",
        show_default=False,
    ),
]
Start = Annotated[
    str | None,
    typer.Option(metavar="TIME", help="From this interval on, as 2026-11-01T00:00Z.", show_default=False),
]
End = Annotated[
    str | None,
    typer.Option(metavar="TIME", help="Up to this time, which is left out.", show_default=False),
]
Segment = Annotated[
    str | None,
    typer.Option(
        metavar="VALUE", help="Of that segment alone; null is \\N. Else of the whole table.", show_default=False
    ),
]
Jobs = Annotated[
    int | None,
    typer.Option(
        metavar="N", min=1, help="Processes for segments; else one a processor, if it pays.", show_default=False
    ),
]
Backend = Annotated[
    str, typer.Option(metavar="NAME", help="What starts them: loky, dask, ray, or sequential for none.")
]
Force = Annotated[bool, typer.Option("--force", help="Write over a file that is there.")]
Database = Annotated[
    str | None,
    typer.Option("--database", metavar="URL", help="The PostgreSQL to use.", show_default=False),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]


def time(option: str, text: str | None) -> datetime | None:
    """An option's value as a time. Raises IntervalError that names the option."""
    if text is None:
        return None
    try:
        return parse_time(text)
    except IntervalError as error:
        raise IntervalError(f"{option}: {error.message}", remedy=error.remedy) from None
