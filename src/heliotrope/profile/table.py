"""A table or view, looked at by PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Any

from psycopg import sql

from heliotrope.errors import SchemaError, nearest
from heliotrope.profile.column import SAMPLE, ColumnProfile
from heliotrope.profile.suggestion import Counts, Profile, suggest
from heliotrope.sql import statement
from heliotrope.store.relation import Relation, describe

if TYPE_CHECKING:
    import psycopg

__all__ = ["look"]

_MOST_CLASSES = 100
_AT_ONCE = 500  # columns: PostgreSQL takes 1,664 results of a query, and there are two a column


def look(
    connection: psycopg.Connection[Any],
    table: str,
    *,
    time: str | None = None,
    target: str | None = None,
    interval: timedelta | None = None,
) -> Profile:
    """The table's profile; ``time``, ``target`` and ``interval`` are found out where they are not given.

    Raises SchemaError for a table, a column or a time column that is not there, DataError for a table without rows,
    ConfigError where no target can be guessed or no feature is left.
    """
    relation = describe(connection, table)
    if relation is None:
        known = [row[0] for row in connection.execute(statement("list_tables"))]
        remedy = nearest(table, known) if known else "name one that holds rows, or load some with `heliotrope load`"
        raise SchemaError(f"there is no table or view {table!r}", remedy=remedy)
    return suggest(_Table(connection, relation), table, time=time, target=target, interval=interval)


class _Table:
    """The questions of a profile as SQL, every name quoted."""

    def __init__(self, connection: psycopg.Connection[Any], relation: Relation) -> None:
        self.connection = connection
        self.relation = relation
        self.name = str(relation)
        self.quoted = sql.Identifier(relation.schema, relation.name)

    def types(self) -> Mapping[str, str]:
        """PostgreSQL's type of every column."""
        return {one.name: one.type for one in self.relation.columns}

    def columns(self) -> list[ColumnProfile]:
        """What the first rows hold; what is the same in them is looked for in all."""
        texts = [_text(one.name) for one in self.relation.columns]
        rows, pairs = 0, list[tuple[int, int]]()
        for at in range(0, len(texts), _AT_ONCE):
            rows, counted = self._counted(texts[at : at + _AT_ONCE])
            pairs += counted
        constant = self._constant([place for place, (_, distinct) in enumerate(pairs) if distinct <= 1], texts)
        return [
            ColumnProfile(
                name=column.name,
                type=column.type,
                values=values,
                nulls=rows - values,
                distinct=distinct,
                constant=place in constant,
            )
            for place, (column, (values, distinct)) in enumerate(zip(self.relation.columns, pairs, strict=True))
        ]

    def _counted(self, texts: Sequence[sql.Composable]) -> tuple[int, list[tuple[int, int]]]:
        """How many rows were looked at, and how many values and different values each of the columns has in them."""
        names = [sql.Identifier(str(place)) for place in range(len(texts))]
        counts = [sql.SQL("count({0}), count(DISTINCT {0})").format(name) for name in names]
        named = [sql.SQL("{} AS {}").format(text, name) for text, name in zip(texts, names, strict=True)]
        query = sql.SQL("SELECT count(*), {} FROM (SELECT {} FROM {} LIMIT {}) AS sample").format(
            _listed(counts), _listed(named), self.quoted, sql.Literal(SAMPLE)
        )
        found = self.connection.execute(query).fetchone() or (0,)
        return found[0], list(zip(found[1::2], found[2::2], strict=True))

    def _constant(self, alike: Sequence[int], texts: Sequence[sql.Composable]) -> set[int]:
        """Which of the columns that are alike in the first rows are so in all."""
        if not alike:
            return set()
        tests = [sql.SQL("min({0}) IS NOT DISTINCT FROM max({0})").format(texts[place]) for place in alike]
        query = sql.SQL("SELECT {} FROM {}").format(_listed(tests), self.quoted)
        same = self.connection.execute(query).fetchone() or ()
        return {place for place, is_same in zip(alike, same, strict=True) if is_same}

    def classes(self, target: str) -> Mapping[str, int]:
        """How often the first rows have each class, the commonest first."""
        query = sql.SQL(
            "SELECT label, count(*) FROM (SELECT {} AS label FROM {} LIMIT {}) AS sample"
            " WHERE label IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {}"
        ).format(_text(target), self.quoted, sql.Literal(SAMPLE), sql.Literal(_MOST_CLASSES))
        return dict(self.connection.execute(query).fetchall())

    def counts(self, time: str, step: timedelta) -> Counts | None:
        """How many rows fall into each interval, leaving out what is infinite or not of the years 1 to 9999."""
        query = sql.SQL(
            "SELECT floor(extract(epoch FROM {0}::timestamptz - '1970-01-05T00:00Z') / {1})::bigint,"
            " count(*), min({0})::timestamptz, max({0})::timestamptz FROM {2}"
            " WHERE {0} >= '0001-01-02' AND {0} < '9999-12-31' GROUP BY 1"
        ).format(sql.Identifier(time), sql.Literal(step.total_seconds()), self.quoted)
        found = self.connection.execute(query).fetchall()
        if not found:
            return None
        return Counts(
            rows={row[0]: row[1] for row in found},
            first=min(row[2] for row in found).astimezone(UTC),
            last=max(row[3] for row in found).astimezone(UTC),
        )


def _text(column: str) -> sql.Composed:
    return sql.SQL('{}::text COLLATE "C"').format(sql.Identifier(column))


def _listed(parts: Sequence[sql.Composable]) -> sql.Composed:
    return sql.SQL(", ").join(parts)
