"""The mean of every number by interval and class: one query, with every name quoted and every value bound."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from heliotrope.errors import SchemaError

if TYPE_CHECKING:
    from psycopg import sql

    from heliotrope.config import Pipeline
    from heliotrope.database import Database
    from heliotrope.store import Column, Relation

__all__ = ["MeanRow", "Means", "means"]

_ORIGIN = datetime(1970, 1, 5, tzinfo=UTC)  # where the grid of every step begins
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

    A regression's target is one of the numbers. Raises SchemaError for a table or column that is not there.
    """
    from heliotrope.store import Rows

    source = pipeline.source
    relation = Rows(database, source.table, source.time, time_zone=source.time_zone).relation
    by_class = pipeline.task == "classification"
    wanted = [name for name, kind in pipeline.features.items() if kind != "categorical"]
    columns = [relation.column(name) for name in (wanted if by_class else [*wanted, pipeline.target])]
    numbers = [column for column in columns if column.type in _NUMBERS]
    if not numbers:
        raise SchemaError(f"{relation} has no numeric feature", remedy="declare one that is a number")
    label = relation.column(pipeline.target) if by_class else None
    query = _query(relation, relation.column(source.time), numbers, label)
    bound = {"step": pipeline.interval, "origin": _ORIGIN, "zone": source.time_zone, "start": start, "end": end}
    with database.errors(), database.connect() as connection:
        rows = connection.execute(query, bound).fetchall()
    return Means(
        features=tuple(column.name for column in numbers),
        by_class=by_class,
        rows=tuple(MeanRow(row[0].astimezone(UTC), row[1], row[2], tuple(row[3:])) for row in rows),
    )


def _query(relation: Relation, time: Column, numbers: list[Column], label: Column | None) -> sql.Composed:
    from psycopg import sql

    when: sql.Composable = sql.Identifier(time.name)
    if time.type != "timestamptz":
        when = sql.SQL("({}::timestamp AT TIME ZONE %(zone)s)").format(when)
    averages = [
        sql.SQL("avg({}{}::float8)").format(sql.Identifier(one.name), sql.SQL("::int" if one.type == "bool" else ""))
        for one in numbers
    ]
    return sql.SQL(
        "SELECT date_bin(%(step)s, {when}, %(origin)s), {label}, count(*), {averages} FROM {table}"
        " WHERE (%(start)s::timestamptz IS NULL OR {when} >= %(start)s)"
        " AND (%(end)s::timestamptz IS NULL OR {when} < %(end)s) GROUP BY 1, 2 ORDER BY 1, 2"
    ).format(
        when=when,
        label=sql.SQL("NULL") if label is None else sql.SQL("{}::text").format(sql.Identifier(label.name)),
        averages=sql.SQL(", ").join(averages),
        table=sql.Identifier(relation.schema, relation.name),
    )
