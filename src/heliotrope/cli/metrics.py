"""Every pipeline in numbers, for Prometheus."""

from __future__ import annotations

from datetime import UTC, datetime

import typer

from heliotrope.cli import options
from heliotrope.cli.session import Session

__all__ = ["metrics"]


def metrics(database: options.Database = None, as_json: options.Json = False) -> None:
    """Print every pipeline's metrics, as Prometheus reads them.

    In the OpenMetrics format: scores, drift, ages and counts, read from the ledger. The names are in
    docs/reference/metrics.md.

    \b
    Example:
      heliotrope metrics
    """
    from heliotrope.metrics import families, openmetrics

    session = Session(database, as_json)
    now = datetime.now(UTC)
    with session.reading() as connection:
        if not as_json:
            typer.echo(openmetrics(connection, now=now), nl=False)
            return
        found = families(connection, now=now)
    session.output.document(
        {
            "metrics": [
                {"name": sample.name, "labels": sample.labels, "value": sample.value}
                for family in found
                for sample in family.samples
            ]
        }
    )
