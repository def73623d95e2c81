"""How fast are rows written, beside single-row INSERTs (the original's way) and beside a bare ADBC ingest?

Ours replaces an interval's rows in one transaction under an advisory lock: an interval that holds none yet (a first
load), and one that holds the same rows (a second try). The bare ingest appends to a table with the same index and
commits; it has nothing to replace and takes no lock. The original writes the SQL text of single-row INSERTs, a class at
a time, carries it from task to task by XCom, joins it, carries it again and runs it in one go, into a table without an
index. Ours begins with an Arrow table, the original with rows of Python's own numbers.

A call costs what it costs (a lock, a DELETE, the catalogue, a flush to disk), whatever it writes: beside the
original's way the limit is asked of 90,000 rows; what 900 and 27,000 come to is shown.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pyarrow as pa

import original
from bench import Board, database, rounds
from heliotrope import streams
from heliotrope.database import Database
from heliotrope.interval import Interval
from heliotrope.store import Rows

START = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
COLUMNS = "(time timestamptz NOT NULL, x double precision, y double precision, class text)"


def hours(rows: int) -> Iterator[tuple[Interval, pa.Table]]:
    """Hours one after the other, each of the same ``rows`` rows but for their time."""
    hour = Interval(START, START + HOUR)
    table = streams.make("rotating_gaussians", rows=rows // 3, seed=0).batch(hour)
    while True:
        times = pa.repeat(pa.scalar(hour.start, pa.timestamp("us", "UTC")), table.num_rows)
        yield hour, table.set_column(0, "time", times)
        hour = Interval(hour.end, hour.end + HOUR)


class Cases:
    """The ways to write ``calls`` hours of ``rows`` rows each; in a round all of them write the same hours."""

    def __init__(self, db: Database, rows: int, calls: int) -> None:
        self.source, self.calls = hours(rows), calls
        self.plain = psycopg.connect(db.url, autocommit=True)
        self.arrow = db.connect_arrow()
        for table in ("bare", "ours_new", "ours_again"):
            self.plain.execute(f"CREATE TABLE {table} {COLUMNS}".encode())
            self.plain.execute(f"CREATE INDEX ON {table} (time)".encode())
        self.plain.execute(f"CREATE TABLE inserted {original.COLUMNS}".encode())
        self.plain.execute(original.XCOM)
        self.new, self.again = Rows(db, "ours_new", "time"), Rows(db, "ours_again", "time")
        self.first = self.batch = [next(self.source) for _ in range(calls)]
        self.by_class: list[list[list[original.Row]]] = []

    def prepare(self) -> None:
        """The next hours; the largest go into empty tables, so that the disk holds them."""
        if self.first[0][1].num_rows > 100_000:
            self.plain.execute("TRUNCATE bare, ours_new, inserted")
        self.batch = [next(self.source) for _ in range(self.calls)]
        self.by_class = []
        for _, table in self.batch:
            rows = list(zip(*(column.to_pylist() for column in table.columns), strict=True))
            third = len(rows) // 3
            self.by_class.append([rows[:third], rows[third : 2 * third], rows[2 * third :]])

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
        for classes in self.by_class:
            texts = [original.inserts("inserted", rows) for rows in classes]
            self.plain.execute("\n".join(texts).encode())

    def carried_and_inserted(self) -> None:
        for classes in self.by_class:
            texts = [
                original.carried(self.plain, str(place), original.inserts("inserted", rows))
                for place, rows in enumerate(classes)
            ]
            self.plain.execute(original.carried(self.plain, "merged", "\n".join(texts)).encode())

    def close(self) -> None:
        for one in (self.new, self.again, self.plain, self.arrow):
            one.close()


def measure(rows: int, *, calls: int, count: int, with_inserts: bool = True) -> dict[str, list[float]]:
    """The seconds of writing ``rows`` rows, by way and round."""
    with database() as db:
        cases = Cases(db, rows, calls)
        ways: dict[str, Callable[[], None]] = {"new": cases.ours_new, "again": cases.ours_again, "bare": cases.bare}
        if with_inserts:
            ways |= {"inserted": cases.inserted, "original": cases.carried_and_inserted}
        spent = rounds(count, ways, prepare=cases.prepare, warm=2)
        cases.close()
    return {name: [one / calls for one in each] for name, each in spent.items()}


def show(board: Board, rows: int, spent: dict[str, list[float]], *, at_least: float | None = None) -> None:
    """The rows of the table for one number of rows; ``at_least`` is the limit beside the original."""
    new, bare = spent["new"], spent["bare"]
    if "original" in spent:
        board.beside(f"{rows:,} new rows, beside the original's way", new, spent["original"], at_least=at_least)
        board.beside(f"{rows:,} new rows, beside its INSERTs alone", new, spent["inserted"])
        board.beside("    (a bare ADBC ingest beside its INSERTs alone)", bare, spent["inserted"])
    board.beside(f"{rows:,} new rows, beside a bare ADBC ingest", new, bare, at_least=0.8)
    board.beside(f"{rows:,} rows again, beside a bare ADBC ingest", spent["again"], bare)


def main() -> int:
    """Print the table; the exit code."""
    board = Board("ingestion")
    show(board, 900, measure(900, calls=4, count=40))
    show(board, 27_000, measure(27_000, calls=1, count=9))
    show(board, 90_000, measure(90_000, calls=1, count=7), at_least=15)
    show(board, 999_999, measure(999_999, calls=1, count=5, with_inserts=False))
    return board.end()


if __name__ == "__main__":
    sys.exit(main())
