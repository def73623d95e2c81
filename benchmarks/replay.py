"""How long does ``heliotrope replay`` of the example's 48 hours take, in a process of its own, everything included?

That is: start of Python, imports, start and stop of the embedded server (none with ``HELIOTROPE_DATABASE_URL``),
48 cycles, their pictures, and the registration of every champion in MLflow. Rows are loaded and tables made before.
The peer is the original's training container, a process an hour: fetch, fit a tree, draw; without the Airflow
around it. A few of its hours are run and multiplied.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import timedelta
from functools import partial
from importlib.resources import files
from pathlib import Path

from bench import Board, database, folder, process, timed
from heliotrope import config, server

EXAMPLE = str(files("heliotrope") / "examples" / "rotating_gaussians.yaml")
PROGRAM = str(Path(sys.executable).with_name("heliotrope"))
HOURS = 48
ROUNDS = 3
SAMPLE = 4


@contextmanager
def loaded() -> Iterator[dict[str, str]]:
    """The settings of a home whose database holds the rows and the ledger's empty tables."""
    with folder() as home:
        settings = {"HELIOTROPE_HOME": str(home)}
        with database() if "HELIOTROPE_DATABASE_URL" in os.environ else nullcontext() as db:
            if db is not None:
                settings["HELIOTROPE_DATABASE_URL"] = db.url
            process(PROGRAM, "migrate", **settings)
            process(PROGRAM, "load", EXAMPLE, **settings)
            yield settings


def replayed(*options: str) -> tuple[float, float]:
    """The seconds of a replay from the first hour on, by the wall and of the processor (PostgreSQL's left out)."""
    with loaded() as settings:
        before = os.times()
        wall = timed(lambda: process(PROGRAM, "replay", EXAMPLE, *options, **settings))
        after = os.times()
    return wall, sum(after[2:4]) - sum(before[2:4])


def original_hours(count: int) -> list[float]:
    """The seconds of the original's process for each of ``count`` hours."""
    script = str(Path(__file__).with_name("original.py"))
    dataset = config.load(EXAMPLE).dataset
    assert isinstance(dataset, config.StreamDataset)
    with loaded() as settings:
        home = Path(settings["HELIOTROPE_HOME"])
        url = settings.get("HELIOTROPE_DATABASE_URL") or server.start(home / "postgres")
        spent = []
        for hour in range(2, 2 + count):
            time = (dataset.start + timedelta(hours=hour)).isoformat()
            command = (sys.executable, script, url, time, str(home / "hour.png"))
            spent.append(timed(partial(process, *command)))
        server.stop(home / "postgres")
    return spent


def main() -> int:
    """Print the table; the exit code."""
    board = Board(f"replay of {HOURS} hours of 900 rows")
    everything: list[tuple[float, float]] = []
    bare: list[tuple[float, float]] = []
    peer: list[float] = []
    for _ in range(ROUNDS):
        everything.append(replayed("--pictures"))
        bare.append(replayed("--no-pictures"))
        hours = original_hours(SAMPLE)
        peer.append(sum(hours) / len(hours) * HOURS)
    for what, spent, limit in (("everything", everything, 20), ("without pictures", bare, 8)):
        board.within(what, [wall for wall, _ in spent], at_most=limit)
        board.within("    of the processor, over all cores", [processor for _, processor in spent])
    board.beside(f"everything, beside the original's container {HOURS} times", [wall for wall, _ in everything], peer)
    return board.end()


if __name__ == "__main__":
    sys.exit(main())
