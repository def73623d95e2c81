"""A first pipeline for a table: what its columns hold, as far as their types, names and values tell.

Every choice is a guess that the written file gives the reason of. The distinct values are counted in the first
100,000 rows that the server gives; the number of rows, the time's range and what is constant in all of them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from psycopg import sql

from heliotrope.errors import ConfigError, DataError, SchemaError, nearest
from heliotrope.sql import statement
from heliotrope.store.relation import Column, Relation, describe

if TYPE_CHECKING:
    import psycopg

__all__ = ["ColumnProfile", "Profile", "look"]

SAMPLE = 100_000
ENOUGH = 200
"""Rows that an interval should hold on average."""
STEPS = (timedelta(hours=1), timedelta(days=1), timedelta(weeks=1))

_TIMES = ("timestamptz", "timestamp", "date")
_WHOLE = ("int2", "int4", "int8")
_NUMBERS = (*_WHOLE, "float4", "float8", "numeric", "bool")
_TEXTS = ("text", "varchar", "bpchar", "name", "enum")
_TIME_NAMES = ("time", "timestamp", "ts", "at", "datetime", "date", "event_time", "occurred_at", "created_at")
_TARGET_NAME = re.compile(r"(class|label|target|outcome|y|is_.*|.*_(class|label|target|outcome))", re.IGNORECASE)
_ID_NAME = re.compile(r"((.*_)?(id|key|uuid|guid|pk)|.*[a-z](Id|ID|Key)|nr|no|number|index)", re.IGNORECASE)
_FEW = 20  # values that still look like classes
_UNIQUE_FROM = 20  # rows: in fewer, that each has its own value says little


@dataclass(frozen=True, kw_only=True, slots=True)
class ColumnProfile:
    """What the rows looked at hold in one column: how many values, how many nulls, how many different values."""

    name: str
    type: str
    values: int
    nulls: int
    distinct: int
    constant: bool

    @property
    def unique(self) -> bool:
        """Whether every row has its own value."""
        return self.values >= _UNIQUE_FROM and self.distinct == self.values

    @property
    def few(self) -> bool:
        """Whether the values could be classes."""
        return 2 <= self.distinct <= _FEW and self.type in (*_WHOLE, *_TEXTS, "bool")


@dataclass(frozen=True, kw_only=True, slots=True)
class Profile:
    """A table, and the pipeline that its columns suggest."""

    table: str
    rows: int
    first: datetime
    last: datetime
    time: ColumnProfile
    features: tuple[ColumnProfile, ...]
    left_out: Mapping[str, str]
    """By column: why it is no feature."""
    target: ColumnProfile
    target_guessed: bool
    task: str
    interval: timedelta

    @property
    def rows_an_interval(self) -> float:
        """How many rows an interval holds on average."""
        return self.rows / max(1.0, (self.last - self.first) / self.interval)


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
    clock = _time(relation, time)
    rows, first, last = _span(connection, relation, clock)
    columns = [one for one in _columns(connection, relation) if one.name != clock]
    answer = _target(relation, columns, target)
    left_out = {one.name: why for one in columns if (why := _why_not(one)) and one.name != answer.name}
    features = tuple(one for one in columns if one.name not in left_out and one.name != answer.name)
    if not features:
        raise ConfigError(f"{relation} has no column that could be a feature", remedy="make a view that has one")
    return Profile(
        table=table,
        rows=rows,
        first=first,
        last=last,
        time=ColumnProfile(
            name=clock, type=relation.column(clock).type, values=rows, nulls=0, distinct=rows, constant=False
        ),
        features=features,
        left_out=left_out,
        target=answer,
        target_guessed=target is None,
        task="classification" if _are_classes(answer) else "regression",
        interval=interval or _interval(rows, last - first),
    )


# --- what the database says --------------------------------------------------------------------------------


def _span(connection: psycopg.Connection[Any], relation: Relation, time: str) -> tuple[int, datetime, datetime]:
    """Of the rows that lie in an interval: neither infinite nor of other years than 1 to 9999."""
    query = sql.SQL(
        "SELECT count({0}), min({0})::timestamptz, max({0})::timestamptz FROM {1}"
        " WHERE {0} >= '0001-01-02' AND {0} < '9999-12-31'"
    ).format(sql.Identifier(time), _name(relation))
    found = connection.execute(query).fetchone()
    if found is None or not found[0]:
        raise DataError(f"{relation} holds no rows with a {time!r}", remedy="load some first")
    return found[0], found[1], found[2]


def _columns(connection: psycopg.Connection[Any], relation: Relation) -> list[ColumnProfile]:
    texts = [sql.SQL('{}::text COLLATE "C"').format(sql.Identifier(one.name)) for one in relation.columns]
    counts = [
        sql.SQL("count({0}), count(DISTINCT {0})").format(sql.Identifier(str(place))) for place in range(len(texts))
    ]
    named = [sql.SQL("{} AS {}").format(text, sql.Identifier(str(place))) for place, text in enumerate(texts)]
    query = sql.SQL("SELECT count(*), {} FROM (SELECT {} FROM {} LIMIT {}) AS sample").format(
        _listed(counts), _listed(named), _name(relation), sql.Literal(SAMPLE)
    )
    found = connection.execute(query).fetchone() or (0,)
    rows, pairs = found[0], list(zip(found[1::2], found[2::2], strict=True))
    alike = [place for place, (_, distinct) in enumerate(pairs) if distinct <= 1]
    constant = set()
    if alike:
        tests = [sql.SQL("min({0}) IS NOT DISTINCT FROM max({0})").format(texts[place]) for place in alike]
        query = sql.SQL("SELECT {} FROM {}").format(_listed(tests), _name(relation))
        same = connection.execute(query).fetchone() or ()
        constant = {place for place, is_same in zip(alike, same, strict=True) if is_same}
    return [
        ColumnProfile(
            name=column.name,
            type=column.type,
            values=values,
            nulls=rows - values,
            distinct=distinct,
            constant=place in constant,
        )
        for place, (column, (values, distinct)) in enumerate(zip(relation.columns, pairs, strict=True))
    ]


def _name(relation: Relation) -> sql.Identifier:
    return sql.Identifier(relation.schema, relation.name)


def _listed(parts: Sequence[sql.Composable]) -> sql.Composed:
    return sql.SQL(", ").join(parts)


# --- what is made of it ------------------------------------------------------------------------------------


def _time(relation: Relation, asked: str | None) -> str:
    if asked is not None:
        found = relation.column(asked)
        if found.type not in _TIMES:
            raise SchemaError(
                f"{relation}.{asked} is of type {found.type}, not a time",
                remedy="name a timestamptz, timestamp or date column",
            )
        return asked
    times = [one for one in relation.columns if one.type in _TIMES]
    if not times:
        raise SchemaError(f"{relation} has no timestamptz, timestamp or date column", remedy="make a view that has one")
    return min(times, key=lambda one: (_TIMES.index(one.type), _likeness(one))).name


def _likeness(column: Column) -> int:
    """How little the name looks like that of the time."""
    name = column.name.lower()
    return _TIME_NAMES.index(name) if name in _TIME_NAMES else len(_TIME_NAMES)


def _target(relation: Relation, columns: Sequence[ColumnProfile], asked: str | None) -> ColumnProfile:
    if asked is not None:
        relation.column(asked)
        found = next((one for one in columns if one.name == asked), None)
        if found is None or found.type not in (*_NUMBERS, *_TEXTS):
            kind = relation.column(asked).type
            raise ConfigError(
                f"{relation}.{asked} is the time, or of type {kind}, and cannot be the target",
                remedy="name a number, a text or a bool",
            )
        return found
    usable = [one for one in columns if not one.constant and one.type in (*_NUMBERS, *_TEXTS)]
    named = [one for one in usable if _TARGET_NAME.fullmatch(one.name) and not _why_not(one)]
    named = [one for one in named if one.few] or named or [one for one in usable if one.few]
    if not named:
        known = ", ".join(repr(one.name) for one in usable) or "none"
        raise ConfigError(f"no column of {relation} looks like a target", remedy=f"name one with --target: {known}")
    return named[-1]


def _are_classes(target: ColumnProfile) -> bool:
    return target.few or target.type in (*_TEXTS, "bool") or target.distinct <= 2


def _why_not(column: ColumnProfile) -> str:
    """Why the column is no feature; empty when it may be one."""
    if column.type in _TIMES:
        return "another time"
    if column.type == "uuid":
        return "an id"
    if column.type not in (*_NUMBERS, *_TEXTS):
        return f"of type {column.type}, neither a number nor a text"
    if column.constant:
        return "the same in every row" if column.values else "null in every row"
    if column.type in _TEXTS and column.unique:
        return "an id: every row has its own"
    if column.type in _TEXTS and column.values >= _UNIQUE_FROM and column.distinct > column.values / 2:
        return f"{column.distinct} values in {column.values} rows: most rows have their own"
    if column.type in _WHOLE and column.unique and _ID_NAME.fullmatch(column.name):
        return "an id: every row has its own"
    return ""


def _interval(rows: int, span: timedelta) -> timedelta:
    """The shortest step whose intervals hold enough rows."""
    for step in STEPS:
        if rows / max(1.0, span / step) >= ENOUGH:
            return step
    return STEPS[-1]
