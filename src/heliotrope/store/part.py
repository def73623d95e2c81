r"""Segments: the parts of a table that the values of one column make, and how each is named.

A segment is named by its value as text. The whole table's name is the empty text, so that the empty value is ``\E``;
null, a segment of its own, is ``\N``, and a value that begins with a backslash has another before it. No two values
have one name.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from psycopg import sql

from heliotrope.errors import SchemaError

if TYPE_CHECKING:
    from heliotrope.store.relation import Relation

__all__ = ["LONGEST", "Part", "Reach", "name_of", "text_of", "too_long", "value_of"]

LONGEST = 1000
"""Bytes that a segment's name has at most: the ledger looks it up in an index, which takes no longer ones."""
_NULL, _EMPTY = "\\N", "\\E"
_PLAIN = frozenset({"text", "varchar"})
_TIMES = frozenset({"timestamptz", "timestamp", "date"})


@dataclass(frozen=True, slots=True)
class Reach:
    """From which time to which a segment has rows, and how many."""

    segment: str
    first: datetime
    last: datetime
    rows: int


def name_of(value: str | None) -> str:
    r"""The name of the segment that a value makes.

    >>> [name_of(value) for value in ("Berlin", "", None, r"\N")]
    ['Berlin', '\\E', '\\N', '\\\\N']
    """
    if value is None:
        return _NULL
    return f"\\{value}" if value.startswith("\\") else value or _EMPTY


def value_of(segment: str) -> str | None:
    r"""The value that makes a segment of that name.

    >>> [value_of(name_of(value)) for value in ("Berlin", "", None, r"\N")]
    ['Berlin', '', None, '\\N']
    """
    if segment == _NULL:
        return None
    return "" if segment == _EMPTY else segment.removeprefix("\\")


@dataclass(frozen=True, slots=True)
class Part:
    """The rows of one segment: those whose ``column`` has its value."""

    column: str
    segment: str

    def condition(self, relation: Relation) -> sql.Composed:
        """That a row is one of them. Raises SchemaError for a column that is not there or is a time."""
        column, value = sql.Identifier(self.column), value_of(self.segment)
        text = text_of(relation, self.column)
        if value is None:
            return sql.SQL("{} IS NULL").format(column)
        exact = sql.SQL('({})::text COLLATE "C" = {}').format(text, sql.Literal(value))
        if relation.column(self.column).type in _PLAIN:
            # The bare column too, whose index serves; a collation of its own may take more values for equal.
            return sql.SQL("{} = {} AND {}").format(column, sql.Literal(value), exact)
        return exact


def text_of(relation: Relation, column: str) -> sql.Composed:
    """The column as text. Raises SchemaError for a column that is not there or is a time."""
    kind = relation.column(column).type
    if kind in _TIMES:
        raise SchemaError(
            f"{relation}.{column} is of type {kind}, whose text depends on the server's settings",
            remedy="partition by another column, or make a view that has the time as text",
        )
    return sql.SQL("{}::text").format(sql.Identifier(column))


def too_long(segments: Collection[str]) -> list[str]:
    """Those names that the ledger cannot take."""
    return [segment for segment in segments if len(segment.encode()) > LONGEST]
