"""What one column holds, and whether it can be a feature."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["NUMBERS", "SAMPLE", "TEXTS", "TIMES", "WHOLE", "ColumnProfile", "as_feature", "why_not"]

SAMPLE = 100_000
"""Rows whose values are looked at."""
TIMES = ("timestamptz", "timestamp", "date")
WHOLE = ("int2", "int4", "int8")
NUMBERS = (*WHOLE, "float4", "float8", "numeric", "bool")
TEXTS = ("text", "varchar", "bpchar", "name", "enum")

_ID_NAME = re.compile(r"((.*_)?(id|key|uuid|guid|pk)|.*[a-z](Id|ID|Key)|nr|no|number|index|unnamed: 0|)", re.IGNORECASE)
_FEW = 20  # values that still look like classes
_UNIQUE_FROM = 20  # rows: in fewer, that each has its own value says little
_MOST_CODES = 100  # values of an id that still say something: shops, not customers
_MOST_CATEGORIES = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class ColumnProfile:
    """What the rows looked at hold in one column: how many values, how many nulls, how many different values.

    ``type`` is PostgreSQL's name of it, for the columns of a file too.
    """

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
        return 2 <= self.distinct <= _FEW and self.type in (*WHOLE, *TEXTS, "bool")

    @property
    def is_code(self) -> bool:
        """Whether it is a whole number that is named like an id and stands for one of a few things."""
        return self.type in WHOLE and self.distinct <= _MOST_CODES and _ID_NAME.fullmatch(self.name) is not None


def as_feature(column: ColumnProfile) -> str:
    """The kind of feature it would be: numeric or categorical."""
    return "categorical" if column.type in TEXTS or column.is_code else "numeric"


def why_not(column: ColumnProfile) -> str:
    """Why the column is no feature; empty when it may be one."""
    if column.type in TIMES:
        return "another time"
    if column.type == "uuid":
        return "an id"
    if column.type not in (*NUMBERS, *TEXTS):
        return f"of type {column.type}, neither a number nor a text"
    if column.constant:
        return "the same in every row" if column.values else "null in every row"
    text, whole = column.type in TEXTS, column.type in WHOLE
    named = _ID_NAME.fullmatch(column.name) is not None
    if column.unique and (text or (whole and named)):
        return "an id: every row has its own"
    if text and column.values >= _UNIQUE_FROM and column.distinct > column.values / 2:
        return f"{column.distinct} values in {column.values} rows: most rows have their own"
    if named and (text or whole) and column.distinct > _MOST_CODES:
        return f"named like an id, with {column.distinct} values"
    if text and column.distinct > _MOST_CATEGORIES:
        return f"{column.distinct} values, which are many for categories"
    return ""
