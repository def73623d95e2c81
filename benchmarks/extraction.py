"""How fast do 1 M rows come out of PostgreSQL as what an estimator takes: a float64 matrix and target codes?

Peers: psycopg's ``fetchall`` into NumPy, and a bare ADBC ``fetch_arrow_table`` of the same range, which stops at the
Arrow table. Ours reads the range by bound parameters and makes the matrix and the codes; shown apart is what a cycle
does besides with a batch: validation and the content hash.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import numpy as np
import psycopg

from bench import Board, database, rounds
from heliotrope import config, streams
from heliotrope.candidates import matrix
from heliotrope.candidates.model import _codes  # what Model.fit makes of the target
from heliotrope.interval import Interval
from heliotrope.store import Rows
from heliotrope.validate import validate

ROWS = 999_999
HOUR = Interval(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=1))
FEATURES = ("x", "y")
RANGE = f"time >= '{HOUR.start.isoformat()}' AND time < '{HOUR.end.isoformat()}'"
PIPELINE = config.parse(
    {
        "name": "extraction",
        "source": {"table": "events", "time": "time"},
        "interval": "1h",
        "features": list(FEATURES),
        "target": "class",
        "candidates": [{"name": "tree", "estimator": "sklearn.tree.DecisionTreeClassifier"}],
    }
)


class Cases:
    """The ways out of one table."""

    def __init__(self, database: Any) -> None:
        self.rows = Rows(database, "events", "time")
        stream = streams.make("rotating_gaussians", rows=ROWS // 3, seed=0)
        self.rows.replace(HOUR, stream.batch(HOUR))
        self.rows.replace(HOUR.shift(1), stream.batch(HOUR.shift(1)))
        self.plain = psycopg.connect(database.url, autocommit=True)
        self.plain.execute("VACUUM ANALYZE events")
        self.arrow = database.connect_arrow()

    def read(self) -> Any:
        return self.rows.read(HOUR.start, HOUR.end, [*FEATURES, "class"])

    def ours(self) -> Any:
        table = self.read()
        return matrix.numbers(table, FEATURES), _codes(table["class"], PIPELINE.candidates[0])[0]

    def with_times(self) -> Any:
        table = self.read()
        target = _codes(table["class"], PIPELINE.candidates[0])[0]
        return matrix.numbers(table, FEATURES), target, matrix.seconds(table, "time")

    def validated(self) -> Any:
        kinds: Any = dict.fromkeys(FEATURES, "numeric")
        batch = validate(self.read(), pipeline=PIPELINE, kinds=kinds, interval=HOUR, known_classes=None)
        return matrix.numbers(batch.table, FEATURES), _codes(batch.table["class"], PIPELINE.candidates[0])[0]

    def bare(self) -> Any:
        with self.arrow.cursor() as cursor:
            cursor.execute(f"SELECT time, x, y, class FROM events WHERE {RANGE}")
            return cursor.fetch_arrow_table()

    def fetchall(self, columns: str = "time, x, y, class") -> Any:
        found = self.plain.execute(f"SELECT {columns} FROM events WHERE {RANGE}".encode()).fetchall()
        *_, x, y, label = zip(*found, strict=True)
        return np.column_stack([np.array(x), np.array(y)]), np.unique(np.array(label), return_inverse=True)[1]

    def close(self) -> None:
        for one in (self.rows, self.plain, self.arrow):
            one.close()


def agreed(cases: Cases) -> bool:
    """Whether ours and fetchall come to the same rows."""
    one, other = (np.column_stack(found[:2]) for found in (cases.ours(), cases.fetchall()))
    return np.array_equal(one[np.lexsort(one.T)], other[np.lexsort(other.T)])


def main() -> int:
    """Print the table; the exit code."""
    board = Board("extraction")
    with database() as db:
        cases = Cases(db)
        board.plain(f"{ROWS:,} rows, the same as by fetchall (1: yes)", float(agreed(cases)), form="{:.0f}", at_least=1)
        ways: dict[str, Callable[[], Any]] = {
            "ours": cases.ours,
            "times": cases.with_times,
            "validated": cases.validated,
            "read": cases.read,
            "bare": cases.bare,
            "fetchall": cases.fetchall,
            "no_times": partial(cases.fetchall, "x, y, class"),
        }
        spent = rounds(9, ways)
        cases.close()
    board.beside("matrix and codes, beside fetchall into NumPy", spent["ours"], spent["fetchall"], at_least=5)
    board.beside("the same, where fetchall leaves the times out", spent["ours"], spent["no_times"])
    board.beside("matrix and codes, beside a bare ADBC fetch", spent["ours"], spent["bare"], at_least=0.85)
    board.beside("the Arrow table alone, beside a bare ADBC fetch", spent["read"], spent["bare"])
    board.beside("and times, beside a bare ADBC fetch", spent["times"], spent["bare"])
    board.beside("matrix and codes of a validated, hashed batch, the same", spent["validated"], spent["bare"])
    return board.end()


if __name__ == "__main__":
    sys.exit(main())
