"""What does an interval of 1,000 segments of 900 rows take, beside a plain loop; how does it grow with their number?

The rows are the rotating Gaussians', from a seed of its own for every segment. Every segment has a champion from the
hour before; in the hour that is timed it is scored, drift is measured, a challenger is trained, gated and, where it
wins, trained again. The peers are loops over a few of the segments: one ``heliotrope run`` each on a view of its rows,
and one context each in a single process that asks for its rows alone. ``--largest`` adds 10,000 segments (9 M rows an
hour, a quarter of an hour or more).
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import yaml
from psycopg import sql

from bench import Board, database, folder, process, timed
from heliotrope import config, cycle, segments, streams
from heliotrope.context import Context
from heliotrope.database import Database
from heliotrope.interval import Interval, interval_at, parse_step, parse_time
from heliotrope.ledger import migrate
from heliotrope.replay import replay

FIRST = interval_at(parse_time("2026-03-01T00:00Z"), parse_step("1h"))
SECOND = FIRST.shift(1)
JOBS = 2
SAMPLE = 6
PART = 100  # segments whose rows are made at once


def declared(name: str, table: str, partition_by: str | None) -> dict[str, Any]:
    """A pipeline on the table."""
    return {
        "name": name,
        "source": {"table": table, "time": "time"},
        "interval": "1h",
        "features": ["x", "y"],
        "target": "class",
        "partition_by": partition_by,
        "registry": "none",
        "report": {"pictures": False},
        "candidates": [
            {
                "name": "extrapolated",
                "estimator": "heliotrope.candidates.ExtrapolatedDiscriminant",
                "window": {"kind": "sliding", "intervals": 3},
            }
        ],
    }


def fill(db: Database, table: str, count: int) -> None:
    """Two hours of 900 rows for each of so many segments."""
    with db.connect_arrow() as connection, connection.cursor() as cursor:
        for low in range(0, count, PART):
            parts = []
            for number in range(low, min(low + PART, count)):
                stream = streams.make("rotating_gaussians", rows=300, seed=number)
                for hour in (FIRST, SECOND):
                    rows = stream.batch(hour)
                    parts.append(rows.append_column("store", pa.array([f"store {number}"] * rows.num_rows)))
            cursor.adbc_ingest(table, pa.concat_tables(parts), mode="create" if low == 0 else "append")
        connection.commit()
    with psycopg.connect(db.url, autocommit=True) as plain:
        plain.execute(sql.SQL("CREATE INDEX ON {} (time)").format(sql.Identifier(table)))
        plain.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(table)))


@contextmanager
def opened(db: Database, place: Path, table: str) -> Iterator[tuple[Context, list[segments.Segment]]]:
    """A pipeline with segments, the whole's two cycles run, and the segments."""
    with Context(config.parse(declared(table, table, "store")), db, folder=place) as context:
        for _ in replay(context, [FIRST, SECOND]):
            pass
        yield context, segments.segments_of(context)[0]


def spread(context: Context, found: list[segments.Segment], hour: Interval, jobs: int = JOBS) -> segments.Done:
    """The hour's cycles of all segments."""
    return segments.spread(
        context,
        found,
        [hour],
        trailing=False,
        backend="loky",
        jobs=jobs,
        progress=lambda *_: nullcontext(lambda _: None),
    )


def runs(db: Database, place: Path, table: str) -> list[float]:
    """The seconds of one ``heliotrope run`` of the second hour, for some segments on views of their rows."""
    spent = []
    for number in range(SAMPLE):
        name = f"view{number}"
        with psycopg.connect(db.url, autocommit=True) as plain:
            plain.execute(
                sql.SQL("CREATE VIEW {} AS SELECT * FROM {} WHERE store = {}").format(
                    sql.Identifier(name), sql.Identifier(table), sql.Literal(f"store {number}")
                )
            )
        file = place / f"{name}.yaml"
        file.write_text(yaml.safe_dump(declared(name, name, None)), encoding="utf-8")
        command = (str(Path(sys.executable).with_name("heliotrope")), "run", str(file), "--interval")
        environment = {"HELIOTROPE_DATABASE_URL": db.url, "HELIOTROPE_HOME": str(place)}
        process(*command, FIRST.start.isoformat(), **environment)
        spent.append(timed(partial(process, *command, SECOND.start.isoformat(), **environment)))
    return spent


def contexts(db: Database, place: Path, table: str) -> list[float]:
    """The seconds of a context of its own and the second hour's cycle, for some segments in this process."""
    pipeline = config.parse(declared(f"{table}.alone", table, "store"))
    spent = []
    for number in range(SAMPLE * 3):

        def once(hour: Interval, segment: str = f"store {number}") -> None:
            with Context(pipeline, db, folder=place, segment=segment) as context:
                cycle.run(context, hour)

        once(FIRST)
        spent.append(timed(partial(once, SECOND)))
    return spent


def main() -> int:
    """Print the table; the exit code."""
    board = Board("an interval of many segments of 900 rows")
    sizes = [10, 100, 1000, *([10_000] if "--largest" in sys.argv else [])]
    each: dict[int, float] = {}
    with database() as db, folder() as place:
        migrate(db)
        for count in sizes:
            table = f"stores{count}"
            fill(db, table, count)
            with opened(db, place, table) as (context, found):
                spread(context, found, FIRST)
                done: list[segments.Done] = []
                seconds = timed(lambda: done.append(spread(context, found, SECOND)))  # noqa: B023 - called at once
            if done[0].ran != count:
                sys.exit(f"{done[0].ran} of {count} cycles were run: {list(done[0].failures.values())[:1]}")
            each[count] = seconds / count
            board.within(f"{count:,} segments, {JOBS} processes, {done[0].queries} queries for rows", [seconds])
            board.within(f"  of it a segment ({count / seconds:.1f} a second)", [each[count]])
            if count == 1000:
                loop, alone = runs(db, place, table), contexts(db, place, table)
                board.beside(
                    "  beside one `heliotrope run` a segment", [each[count]], [statistics.median(loop)], at_least=10
                )
                board.beside("  beside a context a segment in one process", [each[count]], [statistics.median(alone)])
        board.at_most("a segment of 1,000, as a share of one of 100", each[1000] / each[100], 1.5, form="{:.2f}")
    return board.end()


if __name__ == "__main__":
    sys.exit(main())
