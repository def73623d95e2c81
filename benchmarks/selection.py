"""What does a training on a window of 10 M rows take: in seconds, and in memory at the most?

Rows are made in the database. Each way of selecting runs in a process of its own, whose peak of resident memory is
read at its end and compared with that of a process that only opens what it needs. The environment's ROWS (10,000,000
when absent) says how many rows there are; with WHOLE they are read whole too.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import psycopg

from bench import Board, database, folder, process
from heliotrope.ledger import migrate

ROWS = int(os.environ.get("ROWS", "10000000"))
INTERVALS = 100
BUDGET = 100_000
_MAKE = """
CREATE TABLE selection AS
SELECT '2026-01-01 00:00Z'::timestamptz + interval '1 hour' * (i %% %(intervals)s)
        + interval '1 microsecond' * (i / %(intervals)s) AS time,
    sin(i) + random() AS x, cos(i * 0.7) + random() AS y, random() AS z,
    CASE WHEN i %% 100 = 0 THEN 'rare' WHEN sin(i) > 0 THEN 'up' ELSE 'down' END AS class
FROM generate_series(1, %(rows)s) AS i
"""
_WORK = """
import json, resource, sys, time
from pathlib import Path
from heliotrope import config, cycle
from heliotrope.context import Context
from heliotrope.database import Database
from heliotrope.interval import parse_time
from heliotrope.stopwatch import Stopwatch

url, folder, candidate, run = sys.argv[1], Path(sys.argv[2]), json.loads(sys.argv[3]), sys.argv[4] == "run"
pipeline = config.parse({
    "name": "selection", "source": {"table": "selection", "time": "time"}, "interval": "1h",
    "features": ["x", "y", "z"], "target": "class", "classes": ["down", "rare", "up"], "registry": "none",
    "candidates": [candidate],
})
with Context(pipeline, Database(url), folder=folder) as context:
    context.ledger.ids
    from sklearn.linear_model import SGDClassifier
    begun = time.perf_counter()
    rows = 0
    if run:
        made = cycle._fit(context, pipeline.candidates[0], parse_time("2026-01-05T04:00Z"), None, Stopwatch())
        assert made.model is not None, made.failure
        rows = made.training.rows
    print(json.dumps([rows, time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))
"""


def main() -> int:
    """Print the table; the exit code."""
    board = Board(f"a window of {ROWS:,} rows")
    with database() as db, folder() as place:
        migrate(db)
        with psycopg.connect(db.url, autocommit=True) as connection:
            connection.execute(_MAKE, {"rows": ROWS, "intervals": INTERVALS})
            connection.execute("CREATE INDEX ON selection (time)")
            connection.execute("VACUUM ANALYZE selection")

        def measured(run: bool, **settings: Any) -> tuple[int, float, float]:
            candidate = {
                "name": "sgd",
                "estimator": "sklearn.linear_model.SGDClassifier",
                "stream": bool(settings.pop("stream", False)),
                "window": {"kind": "sliding", "intervals": INTERVALS, **settings},
            }
            script = Path(place) / "work.py"
            script.write_text(_WORK)
            said = process(sys.executable, str(script), db.url, str(place), json.dumps(candidate), "run" if run else "")
            rows, seconds, peak = json.loads(said.strip().splitlines()[-1])
            return rows, seconds, peak

        _, _, bare = measured(False)
        board.note(f"a process that selects nothing: {bare:,.0f} MB")
        ways: dict[str, dict[str, Any]] = {
            f"uniform, {BUDGET:,} rows": {"max_rows": BUDGET, "sample": "uniform"},
            f"recent, {BUDGET:,} rows": {"max_rows": BUDGET, "sample": "recent"},
            f"stratified, {BUDGET:,} rows": {"max_rows": BUDGET, "sample": "stratified"},
            f"balanced, {BUDGET:,} rows": {"max_rows": BUDGET, "sample": "balanced"},
            "streamed to partial_fit, all rows": {"stream": True},
        }
        if os.environ.get("WHOLE"):
            ways["read whole"] = {}
        worst = 0.0
        for name, settings in ways.items():
            rows, seconds, peak = measured(True, **settings)
            board.note(f"{name}: {rows:,} rows, {seconds:.1f} s, {peak - bare:,.0f} MB above that")
            worst = max(worst, peak - bare if settings else 0.0)
        board.at_most("MB above a process that selects nothing", worst, 400.0, form="{:.0f}")
    return board.end()


if __name__ == "__main__":
    sys.exit(main())
