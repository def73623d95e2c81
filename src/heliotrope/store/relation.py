"""What PostgreSQL's catalogue says of a table or view: its columns, and how each is read and written."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from heliotrope.errors import ConfigError, SchemaError, nearest
from heliotrope.sql import statement

if TYPE_CHECKING:
    import psycopg

__all__ = ["Column", "Relation", "describe", "parse_name"]

_PART = re.compile(r'"((?:[^"]|"")+)"|([^".]+)')

# PostgreSQL's type -> (what it is cast to when read, None: as it is; the Arrow type it is written from)
_TYPES: dict[str, tuple[str | None, pa.DataType]] = {
    "bool": (None, pa.bool_()),
    "int2": (None, pa.int16()),
    "int4": (None, pa.int32()),
    "int8": (None, pa.int64()),
    "float4": (None, pa.float32()),
    "float8": (None, pa.float64()),
    "numeric": ("float8", pa.float64()),
    "text": (None, pa.string()),
    "varchar": ("text", pa.string()),
    "bpchar": ("text", pa.string()),
    "name": ("text", pa.string()),
    "timestamptz": (None, pa.timestamp("us", "UTC")),
    "timestamp": (None, pa.timestamp("us")),
    "date": (None, pa.date32()),
}


@dataclass(frozen=True, slots=True)
class Column:
    """A column's name and PostgreSQL type (``enum`` for every enumeration).

    ``precision`` is that of a time that keeps fewer than microseconds; None for any other column.
    """

    name: str
    type: str
    precision: int | None = None

    @property
    def cast(self) -> str | None:
        """The type it is cast to when read; None: it is read as it is."""
        return "text" if self.type == "enum" else _TYPES[self.type][0] if self.type in _TYPES else "text"

    @property
    def arrow(self) -> pa.DataType | None:
        """The Arrow type that COPY writes into it; None where heliotrope cannot write it."""
        return _TYPES[self.type][1] if self.type in _TYPES and self.type != "numeric" else None


@dataclass(frozen=True, slots=True)
class Relation:
    """A table or view that exists."""

    schema: str
    name: str
    columns: tuple[Column, ...]
    is_plain: bool = True
    """Whether what is written into it is what it holds then: it has no triggers. Rules are passed by by COPY."""

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"

    def column(self, name: str) -> Column:
        """The column of that name. Raises SchemaError with the nearest one."""
        for column in self.columns:
            if column.name == name:
                return column
        known = [column.name for column in self.columns]
        raise SchemaError(f"{self} has no column {name!r}", remedy=nearest(name, known))


def parse_name(text: str) -> tuple[str | None, str]:
    """``name`` or ``schema.name``, each part as it is or in double quotes as SQL has them.

    >>> parse_name('sales.events'), parse_name('"we.ird"')
    (('sales', 'events'), (None, 'we.ird'))
    """
    parts = []
    at = 0
    while True:
        found = _PART.match(text, at)
        if not found:
            break
        parts.append(found[1].replace('""', '"') if found[1] is not None else found[2])
        at = found.end()
        if at == len(text) or text[at] != ".":
            break
        at += 1
    if at != len(text) or not 1 <= len(parts) <= 2 or any("\0" in part or len(part.encode()) > 63 for part in parts):
        raise ConfigError(f"{text!r} is not a table's name", remedy='write name, schema.name or "a.quoted name"')
    return (None, parts[0]) if len(parts) == 1 else (parts[0], parts[1])


def describe(connection: psycopg.Connection[Any], table: str) -> Relation | None:
    """The table or view of that name, found by the connection's search path when it names no schema; or None."""
    schema, name = parse_name(table)
    rows: Sequence[Any] = connection.execute(statement("describe"), {"schema": schema, "name": name}).fetchall()
    if not rows:
        return None
    columns = tuple(Column(row[2], row[3], row[4]) for row in rows)
    return Relation(rows[0][0], rows[0][1], columns, is_plain=not rows[0][5])
