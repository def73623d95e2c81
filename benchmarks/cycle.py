"""How long does a warm cycle of 900 rows take, and each part of it; and, apart from it, picture and registration?

The pipeline and the rows are those of the rotating Gaussians: every hour the champion is scored, drift measured, three
candidates are trained and the gate's choice is trained again. The first hours, in which libraries are imported and
windows fill, are left out. Beside it stands the original's training step in a warm process (fetch three hours, fit
one tree: nothing is scored, measured, gated or kept), and beside the picture the original's picture.
"""

from __future__ import annotations

import statistics
import sys
from importlib.resources import files
from pathlib import Path

import psycopg

import original
from bench import Board, database, folder, rounds, timed
from heliotrope import config, cycle, datasets, publish
from heliotrope.context import Context
from heliotrope.database import Database
from heliotrope.interval import Interval
from heliotrope.ledger import cycles, migrate
from heliotrope.replay import span_of

WARM = 8
EXAMPLE = str(files("heliotrope") / "examples" / "rotating_gaussians.yaml")


def prepared(db: Database, place: Path) -> tuple[Context, list[Interval]]:
    """The example's context and hours, its rows loaded and the ledger's tables made."""
    pipeline = config.load(EXAMPLE)
    migrate(db)
    context = Context(pipeline, db, folder=place)
    assert pipeline.dataset is not None
    for interval, table in datasets.read(pipeline.dataset, pipeline=pipeline):
        context.rows.replace(interval, table)
    return context, span_of(context)


def parts(context: Context, span: list[Interval]) -> dict[str, float]:
    """The median seconds of each part over the span, as the ledger has them."""
    ledger = context.ledger
    found = cycles(ledger.connection, ledger.ids[0], start=span[0].start, end=span[-1].end)
    names = list(dict.fromkeys(name for one in found for name in one.seconds))
    return {name: statistics.median(one.seconds.get(name, 0.0) for one in found) for name in names}


def main() -> int:
    """Print the table; the exit code."""
    board = Board("cycle of 900 rows")
    with database() as db, folder() as place:
        context, span = prepared(db, place)
        table = str(context.pipeline.source.table)
        plain = psycopg.connect(db.url, autocommit=True)
        hours = iter(span)
        hour = span[0]

        def next_hour() -> None:
            nonlocal hour
            hour = next(hours)

        rows = original.window(plain, table, span[5].start)
        tree = original.fit(rows)
        spent = rounds(
            len(span) - WARM,
            {
                "cycle": lambda: cycle.run(context, hour),
                "original": lambda: original.fit(original.window(plain, table, hour.start)),
            },
            prepare=next_hour,
            warm=WARM,
        )
        warm = span[WARM:]
        board.within("a cycle, by the wall", spent["cycle"], at_most=0.060)
        board.beside("the same, beside the original's training step", spent["cycle"], spent["original"])
        found = parts(context, warm)
        for name, value in found.items():
            board.within(f"  of it {name}", [value])
        rest = statistics.median(spent["cycle"]) - sum(found.values())
        board.within("  of it the rest: lock, writing the ledger", [rest])

        hours = iter(span[:24])
        drawn = rounds(
            20,
            {
                "ours": lambda: publish.picture(context, hour),
                "original": lambda: original.picture(tree, rows, hour.start.isoformat()),
            },
            prepare=next_hour,
            warm=3,
        )
        board.within("a picture", drawn["ours"], at_most=0.120)
        board.beside("the same, beside the original's picture", drawn["ours"], drawn["original"])

        registered = timed(lambda: publish.register(context))
        board.within(f"registration of {len(span)} champions, import of MLflow and its tables too", [registered])
        plain.close()
        context.close()
    return board.end()


if __name__ == "__main__":
    sys.exit(main())
