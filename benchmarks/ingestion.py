"""How fast are rows written, beside single-row INSERTs (the original's way) and beside a bare ADBC ingest?

Ours replaces an interval's rows in one transaction under an advisory lock: an interval that holds none yet (a first
load), and one that holds the same rows (a second try). The bare ingest appends to a table with the same index and
commits; it has nothing to replace and takes no lock. Single-row INSERTs go into the original's table, which has no
index, as one text; making the text is part of it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import original
import psycopg
import pyarrow as pa
from bench import Board, database, rounds

from heliotrope import streams
from heliotrope.database import Database
from heliotrope.interval import Interval
from heliotrope.store import Rows

START = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
STORED = "(time timestamptz NOT NULL, x double precision, y double precision, class text)"


def hours(rows: int) -> Iterator[tuple[Interval, pa.Table]]:
    """Hours one after the other, each of the same ``rows`` rows but for their time."""
    hour = Interval(START, START + HOUR)
    table = streams.make("rotating_gaussians", rows=rows // 3, seed=0).batch(hour)
    while True:
        times = pa.repeat(pa.scalar(hour.start, pa.timestamp("us", "UTC")), table.num_rows)
        yield hour, table.set_column(0, "time", times)
        hour = Interval(hour.end, hour.end + HOUR)


class Cases:
    """The ways to write ``calls`` hours of ``rows`` rows each, all of them the same hours in a round."""

    def __init__(self, db: Database, rows: int, calls: int) -> None:
        self.source, self.calls = hours(rows), calls
        self.plain = psycopg.connect(db.url, autocommit=True)
        self.arrow = db.connect_arrow()
        for table, columns in (("bare", STORED), ("ours_new", STORED), ("ours_again", STORED)):
            self.plain.execute(f"CREATE TABLE {table} {columns}".encode())
            self.plain.execute(f"CREATE INDEX ON {table} (time)".encode())
        self.plain.execute(f"CREATE TABLE inserted {original.TABLE}".encode())
        self.new, self.again = Rows(db, "ours_new", "time"), Rows(db, "ours_again", "time")
        self.first = [next(self.source) for _ in range(calls)]
        self.batch = self.first

    def prepare(self) -> None:
        """The next hours, and room for them."""
        self.plain.execute("TRUNCATE bare, ours_new, inserted")
        self.batch = [next(self.source) for _ in range(self.calls)]

    def ours_new(self) -> None:
        for hour, table in self.batch:
            self.new.replace(hour, table)

    def ours_again(self) -> None:
        for hour, table in self.first:
            self.again.replace(hour, table)

    def bare(self) -> None:
        for _, table in self.batch:
            with self.arrow.cursor() as cursor:
                cursor.adbc_ingest("bare", table, mode="append")
            self.arrow.commit()

    def inserted(self) -> None:
        for _, table in self.batch:
            rows = list(zip(*(column.to_pylist() for column in table.columns), strict=True))
            self.plain.execute(original.inserts("inserted", rows).encode())

    def close(self) -> None:
        for one in (self.new, self.again, self.plain, self.arrow):
            one.close()


def measure(board: Board, rows: int, *, calls: int, count: int, with_inserts: bool) -> None:
    """All ways at one number of rows."""
    with database() as db:
        cases = Cases(db, rows, calls)
        ways: dict[str, Any] = {"new": cases.ours_new, "again": cases.ours_again, "bare": cases.bare}
        if with_inserts:
            ways["inserted"] = cases.inserted
        spent = {
            name: [one / calls for one in each]
            for name, each in rounds(count, ways, prepare=cases.prepare, warm=2).items()
        }
        cases.close()
    if with_inserts:
        board.beside(f"{rows:,} new rows, beside single-row INSERTs", spent["new"], spent["inserted"], at_least=15)
        board.beside(f"{rows:,} rows again, beside single-row INSERTs", spent["again"], spent["inserted"])
    board.beside(f"{rows:,} new rows, beside a bare ADBC ingest", spent["new"], spent["bare"], at_least=0.8)
    board.beside(f"{rows:,} rows again, beside a bare ADBC ingest", spent["again"], spent["bare"])


def main() -> int:
    """Print the table; the exit code."""
    board = Board("ingestion")
    measure(board, 900, calls=10, count=15, with_inserts=True)
    measure(board, 27_000, calls=1, count=7, with_inserts=True)
    measure(board, 999_999, calls=1, count=5, with_inserts=False)
    return board.end()


if __name__ == "__main__":
    sys.exit(main())
