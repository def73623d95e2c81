"""What do 40 policies cost over 48 intervals of 900 rows, beside 40 replays of the same intervals?

A replay is a policy run by itself on a ledger in PostgreSQL, without pictures and registrations; one is run in each
round and its time multiplied. Ours is the same policies side by side in one process, then in two.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from importlib.resources import files
from itertools import cycle
from pathlib import Path

from bench import Board, database, folder, rounds
from heliotrope import config, streams
from heliotrope.config import Pipeline
from heliotrope.context import Context
from heliotrope.interval import Interval, intervals
from heliotrope.ledger import migrate
from heliotrope.replay import replay
from heliotrope.whatif import fanout, grid, past

EXAMPLE = str(files("heliotrope") / "examples" / "rotating_gaussians.yaml")
HOURS = 48
POLICIES = 40
ROUNDS = 3
SAMPLE = 1
"""Policies that are replayed in a round, each time another."""


@contextmanager
def loaded(pipeline: Pipeline) -> Iterator[tuple[Context, list[Interval]]]:
    """A database that holds the rows and the ledger's empty tables."""
    dataset = pipeline.dataset
    assert isinstance(dataset, config.StreamDataset)
    stream = streams.make(dataset.stream, **dataset.params)
    span = list(intervals(dataset.start, dataset.start + HOURS * pipeline.interval, pipeline.interval))
    with folder() as home, database() as db, Context(pipeline, db, folder=home) as context:
        migrate(db)
        for interval in span:
            context.rows.replace(interval, stream.batch(interval))
        yield context, span


def replayed(context: Context, span: Sequence[Interval], pipelines: Iterator[Pipeline]) -> None:
    """Some policies, each under a name of its own and a folder of its own."""
    for number in range(SAMPLE):
        chosen = next(pipelines)
        name = f"p{number}-{id(chosen)}"
        with tempfile.TemporaryDirectory() as place:
            other = config.parse(chosen.model_dump(mode="json") | {"name": name}, where="benchmark")
            with Context(other, context.database, folder=Path(place)) as own:
                for _ in replay(own, span):
                    pass


def cases(context: Context, span: Sequence[Interval], pipelines: Sequence[Pipeline]) -> dict[str, Callable[[], object]]:
    """What is timed."""
    history = past.read(context, span, pipelines, lambda _: None)
    # 7 has no divisor in common with the 40: in turn all of them are drawn.
    drawn = cycle(pipelines[place * 7 % len(pipelines)] for place in range(len(pipelines)))

    def spread() -> None:
        with tempfile.TemporaryDirectory() as place:
            fanout.spread(pipelines, history, span, backend="loky", jobs=2, folder=Path(place), advance=lambda _: None)

    here = partial(fanout.here, history=history, span=span, advance=lambda _: None)
    return {
        "replays": partial(replayed, context, span, drawn),
        "one": partial(here, pipelines[:1]),
        "all": partial(here, pipelines),
        "two processes": spread,
    }


def main() -> int:
    """Print the table; the exit code."""
    pipeline = config.load(EXAMPLE)
    policies = grid.policies(pipeline, grid.default(pipeline))[:POLICIES]
    pipelines = [policy.pipeline for policy in policies]
    board = Board(f"{POLICIES} policies over {HOURS} intervals of 900 rows, hindsight included")
    with loaded(pipeline) as (context, span):
        spent = rounds(ROUNDS, cases(context, span, pipelines), warm=0)
    replays = [one / SAMPLE * POLICIES for one in spent["replays"]]
    board.beside(f"side by side, beside {POLICIES} replays", spent["all"], replays, at_least=4)
    board.beside("in two processes, beside as many", spent["two processes"], replays)
    board.beside("one policy, beside one replay", spent["one"], [one / POLICIES for one in replays])
    return board.end()


if __name__ == "__main__":
    sys.exit(main())
