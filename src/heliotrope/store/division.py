"""Rows of all segments, an interval in one query, split in memory.

Reading a thousand segments by themselves takes a thousand queries of the same interval; here it is one, and every
segment gets a slice. The newest intervals are held while they fit into :data:`LIMIT` bytes; rows of older ones are
asked for by segment.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from psycopg import sql

from heliotrope.interval import floor, intervals
from heliotrope.store.part import Part, name_of, text_of
from heliotrope.store.rows import Rows

if TYPE_CHECKING:
    from heliotrope.store.relation import Relation

__all__ = ["LIMIT", "Division", "SegmentRows"]

LIMIT = 512 * 2**20
"""Bytes of rows that are held at most."""
_SEGMENT = "heliotrope segment"


@dataclass(frozen=True, slots=True, eq=False)
class _Divided:
    """An interval's rows in the order of their segments, and where each segment's lie."""

    table: pa.Table
    places: dict[str, tuple[int, int]]
    """By segment: its first row, and how many there are."""

    def part(self, segment: str) -> pa.Table:
        first, rows = self.places.get(segment, (0, 0))
        return self.table.slice(first, rows)


class Division:
    """The rows of ``segments`` (None: of all), by interval of length ``step``, with ``columns`` beside the time."""

    def __init__(
        self,
        rows: Rows,
        column: str,
        step: timedelta,
        columns: Sequence[str],
        segments: Collection[str] | None = None,
        *,
        limit: int = LIMIT,
    ) -> None:
        self.rows = rows
        self.column = column
        self.step = step
        self.columns = tuple(columns)
        self.segments = None if segments is None else frozenset(segments)
        self.limit = limit
        self.queries = 0
        """How often rows of an interval were asked for."""
        self._held: dict[datetime, _Divided] = {}
        self._bytes = 0
        self._dropped: datetime | None = None

    def rows_of(self, segment: str) -> SegmentRows:
        """The rows of one segment."""
        return SegmentRows(self, segment)

    def hold(self, start: datetime) -> bool:
        """Read the rows of the interval that begins then, unless they are held; False where there is no room."""
        if start in self._held:
            return True
        if self._dropped is not None and start <= self._dropped:
            return False
        divided = self._read(start)
        self._held[start] = divided
        self._bytes += divided.table.nbytes
        while self._bytes > self.limit and len(self._held) > 1:
            self._dropped = min(self._held)
            self.forget(self._dropped)
        return start in self._held

    def forget(self, start: datetime) -> None:
        """Read the interval's rows again when they are asked for next."""
        if start in self._held:
            self._bytes -= self._held.pop(start).table.nbytes

    def part(self, start: datetime, segment: str) -> pa.Table:
        """One segment's rows of an interval that is held."""
        return self._held[start].part(segment)

    def _read(self, start: datetime) -> _Divided:
        rows, self.queries = self.rows, self.queries + 1
        text = sql.SQL("{} AS {}").format(text_of(rows.relation, self.column), sql.Identifier(_SEGMENT))
        chosen = [rows.time_output(), *(rows.output(name) for name in self.columns), text]
        query = sql.SQL("SELECT {} FROM {} WHERE {}").format(sql.SQL(", ").join(chosen), rows.name, rows.within())
        return self._divided(rows.fetch(query, start, start + self.step))

    def _divided(self, table: pa.Table) -> _Divided:
        values: Any = pc.dictionary_encode(table[_SEGMENT].combine_chunks(), null_encoding="encode")
        names = [name_of(value) for value in values.dictionary.to_pylist()]
        codes = values.indices.to_numpy(zero_copy_only=False).astype(np.int64)
        order = np.argsort(codes, kind="stable")
        ends = np.cumsum(np.bincount(codes, minlength=len(names)))
        table = table.drop_columns([_SEGMENT])
        if self.segments is not None:
            wanted = np.array([name in self.segments for name in names], dtype=bool)
            order = order[wanted[codes[order]]]
            ends = np.cumsum(np.where(wanted, np.bincount(codes, minlength=len(names)), 0)) if names else ends
        table = table.take(order).combine_chunks()
        starts = np.concatenate([[0], ends[:-1]]) if len(ends) else ends
        places = {
            name: (int(low), int(high - low)) for name, low, high in zip(names, starts, ends, strict=True) if high > low
        }
        return _Divided(table, places)


class SegmentRows(Rows):
    """The rows of one segment: of intervals that a division holds from there, all others by a query of its own."""

    def __init__(self, division: Division, segment: str) -> None:
        rows = division.rows
        part = Part(division.column, segment)
        super().__init__(rows.database, rows.table, rows.time, time_zone=rows.time_zone, part=part)
        self.division = division
        self.segment = segment

    @property
    def relation(self) -> Relation:
        return self.division.rows.relation

    def close(self) -> None:
        """Give the connection back that all segments share. The next call opens another."""
        self.division.rows.close()

    def read(self, start: datetime, end: datetime, columns: Sequence[str]) -> pa.Table:
        """The rows of ``[start, end)`` as :meth:`Rows.read` gives them."""
        division, step = self.division, self.division.step
        on_grid = start < end and floor(start, step) == start and floor(end, step) == end
        if not on_grid or not set(columns) <= set(division.columns):
            return super().read(start, end, columns)
        # The newest first: where there is no room for the oldest, all are asked for.
        wanted = list(intervals(start, end, step))
        if not all(division.hold(one.start) for one in reversed(wanted)):
            return super().read(start, end, columns)
        parts = [division.part(one.start, self.segment) for one in wanted]
        return pa.concat_tables(parts).select([self.time, *columns])

    def fetch(self, query: sql.Composed, start: datetime, end: datetime, *, quota: str = "[]") -> pa.Table:
        """As :meth:`Rows.fetch`, over the connection that all segments share."""
        return self.division.rows.fetch(query, start, end, quota=quota)
