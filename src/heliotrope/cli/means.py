"""The mean of every number by interval and class: one query, with every name and every value quoted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from heliotrope.errors import SchemaError
from heliotrope.interval import ORIGIN

if TYPE_CHECKING:
    from psycopg import sql

    from heliotrope.config import Pipeline
    from heliotrope.database import Database
    from heliotrope.store import Column, Relation

__all__ = ["MeanRow", "Means", "means"]

_NUMBERS = ("int2", "int4", "int8", "float4", "float8", "numeric", "bool")


@dataclass(frozen=True, slots=True)
class MeanRow:
    """One interval and class: how many rows, and the mean of each feature; None where all are null."""

    start: datetime
    label: str | None
    rows: int
    means: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Means:
    """The means by interval, and by class where the target is one."""

    features: tuple[str, ...]
    by_class: bool
    rows: tuple[MeanRow, ...]

    def documents(self) -> list[dict[str, Any]]:
        """Each row as ``--json`` has it."""
        return [
            {
                "start": row.start,
                "class": row.label,
                "rows": row.rows,
                "means": dict(zip(self.features, row.means, strict=True)),
            }
            for row in self.rows
        ]


def means(
    database: Database, pipeline: Pipeline, *, start: datetime | None = None, end: datetime | None = None
) -> Means:
    """The means of the rows of ``[start, end)``, by interval, in order of time and class.

    Rows without a time, or with one that is infinite or not of the years 1 to 9999, are in no interval. A regression's
    target is one of the numbers. Raises SchemaError for a table or column that is not there.
    """
    from heliotrope.store import EARLIEST, LATEST, Rows

    source = pipeline.source
    relation = Rows(database, source.table, source.time, time_zone=source.time_zone).relation
    by_class = pipeline.task == "classification"
    wanted = [name for name, kind in pipeline.features.items() if kind != "categorical"]
    columns = [relation.column(name) for name in (wanted if by_class else [*wanted, pipeline.target])]
    numbers = [column for column in columns if column.type in _NUMBERS]
    if not numbers:
        raise SchemaError(f"{relation} has no numeric feature", remedy="declare one that is a number")
    label = relation.column(pipeline.target) if by_class else None
    query = _query(pipeline, relation, numbers, label, start or EARLIEST, end or LATEST)
    with database.errors(), database.connect() as connection:
        rows = connection.execute(query).fetchall()
    return Means(
        features=tuple(column.name for column in numbers),
        by_class=by_class,
        rows=tuple(MeanRow(row[0].astimezone(UTC), row[1], row[2], tuple(row[3:])) for row in rows),
    )


def _query(
    pipeline: Pipeline, relation: Relation, numbers: list[Column], label: Column | None, start: datetime, end: datetime
) -> sql.Composed:
    """With literals in place of parameters: psycopg would take a ``%`` in a column's name for one of those."""
    from psycopg import sql

    source = pipeline.source
    when: sql.Composable = sql.Identifier(source.time)
    if relation.column(source.time).type != "timestamptz":
        when = sql.SQL("({}::timestamp AT TIME ZONE {})").format(when, sql.Literal(source.time_zone))
    averages = [
        sql.SQL("avg({}{}::float8)").format(sql.Identifier(one.name), sql.SQL("::int" if one.type == "bool" else ""))
        for one in numbers
    ]
    return sql.SQL(
        "SELECT date_bin({step}, {when}, {origin}), {label}, count(*), {averages} FROM {table}"
        " WHERE {when} >= {start} AND {when} < {end} GROUP BY 1, 2 ORDER BY 1, 2"
    ).format(
        step=sql.Literal(pipeline.interval),
        origin=sql.Literal(ORIGIN),
        start=sql.Literal(start),
        end=sql.Literal(end),
        when=when,
        label=sql.SQL("NULL") if label is None else sql.SQL("{}::text").format(sql.Identifier(label.name)),
        averages=sql.SQL(", ").join(averages),
        table=sql.Identifier(relation.schema, relation.name),
    )
