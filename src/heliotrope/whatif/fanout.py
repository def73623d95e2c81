"""Policies spread over processes: those that train a candidate on the same windows stay together.

Then no fit is made twice, whatever the number of processes, which share no connection and map the same file of rows.
joblib starts them: its own processes (loky) on this machine, or the workers of a Dask or Ray cluster by the name of the
backend. On a cluster of several machines the folder must be one that all of them see.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from heliotrope.config import Candidate, Pipeline
from heliotrope.database import Database
from heliotrope.interval import Interval, format_time
from heliotrope.store import Relation, Rows
from heliotrope.whatif.engine import Done, Engine, Run
from heliotrope.whatif.memory import NOWHERE
from heliotrope.whatif.oracle import POINTS, Oracle, Scores
from heliotrope.whatif.past import History
from heliotrope.workers import CLUSTERS, Backend, cluster, end_with, watched

__all__ = ["Outcome", "groups", "here", "most_fits", "processes", "spread"]


@dataclass(kw_only=True, eq=False)
class Outcome:
    """What policies came to, in the order they were given, and the scores of each of their candidates."""

    runs: list[Run]
    scores: list[Scores]
    done: Done = field(default_factory=Done)
    intervals: int = 0
    """How many all of them have run."""


def processes(backend: Backend) -> int:
    """How many are taken where nobody says: one, since policies of one process share more; on a cluster all there are.

    >>> processes("loky")
    1
    """
    return (os.cpu_count() or 1) if backend in CLUSTERS else 1


def groups(pipelines: Sequence[Pipeline]) -> list[list[int]]:
    """The places of the pipelines that have a candidate in common, directly or through others; the largest first."""
    found: list[tuple[set[str], list[int]]] = []
    for place, pipeline in enumerate(pipelines):
        keys = {_key(candidate) for candidate in pipeline.candidates}
        places = [place]
        apart = []
        for others, members in found:
            if keys & others:
                keys, places = keys | others, members + places
            else:
                apart.append((others, members))
        found = [*apart, (keys, places)]
    return sorted((sorted(places) for _, places in found), key=len, reverse=True)


def most_fits(pipelines: Sequence[Pipeline], intervals: int) -> int:
    """How many fits the policies can come to at most, with those of the hindsight: equal ones are made once."""
    different = {_key(candidate) for pipeline in pipelines for candidate in pipeline.candidates}
    return len(different) * (2 * intervals + min(intervals, POINTS))  # without the newest interval, and with it


def here(
    pipelines: Sequence[Pipeline], history: History, span: Sequence[Interval], advance: Callable[[Interval], object]
) -> Outcome:
    """Run the policies in this process, side by side. Ctrl-C ends it after what was run: that is what is returned."""
    engine = Engine(pipelines, history)
    contenders: dict[str, Oracle] = {}
    for context in engine.contexts:
        for candidate in context.pipeline.candidates:
            contenders.setdefault(_key(candidate), Oracle(context, candidate, span))

    def beside(interval: Interval) -> None:
        for oracle in contenders.values():
            oracle.train(interval)

    try:
        for interval in span:
            engine.run(interval, beside)
            advance(interval)
    except KeyboardInterrupt:
        if not engine.ran:
            raise
    return Outcome(
        runs=engine.runs(),
        scores=[oracle.scores for oracle in contenders.values()],
        done=engine.done(),
        intervals=len(engine.ran),
    )


def spread(
    pipelines: Sequence[Pipeline],
    history: History,
    span: Sequence[Interval],
    *,
    backend: Backend,
    jobs: int,
    folder: Path,
    advance: Callable[[str], object],
) -> Outcome:
    """Run the policies in other processes; ``advance`` is called once for each interval of each group."""
    from joblib import Parallel, delayed

    parts = groups(pipelines)
    history.write(folder / "rows.arrow")
    with cluster(backend, jobs, folder), watched(folder, advance):
        jobs = min(jobs, len(parts))
        parent = None if backend in CLUSTERS else os.getpid()
        found: list[Outcome] = Parallel(n_jobs=jobs, backend=None if backend in CLUSTERS else "loky")(
            delayed(_part)(
                [pipelines[place] for place in part],
                folder,
                number,
                history.relation,
                history.reach,
                # Its address, with the password, leaves this process only where rows are drawn in it.
                history.source.database if any(_draws(pipelines[place]) for place in part) else NOWHERE,
                span,
                parent,
            )
            for number, part in enumerate(parts)
        )
    runs: list[Any] = [None] * len(pipelines)
    together = Outcome(runs=runs, scores=[], intervals=len(span))
    for part, tried in zip(parts, found, strict=True):
        for place, run in zip(part, tried.runs, strict=True):
            runs[place] = run
        together.scores += tried.scores
        together.done.add(tried.done)
    return together


def _draws(pipeline: Pipeline) -> bool:
    return any(candidate.window.max_rows is not None for candidate in pipeline.candidates)


def _key(candidate: Candidate) -> str:
    return candidate.model_dump_json()


def _part(
    pipelines: Sequence[Pipeline],
    folder: Path,
    number: int,
    relation: Relation,
    reach: tuple[datetime, datetime],
    database: Database,
    span: Sequence[Interval],
    parent: int | None,
) -> Outcome:
    """One group of policies, in a process of its own; a line in a file for each interval says how far it is.

    It ends with the process that started it, ``parent``, however that one ends.
    """
    if parent is not None and os.getpid() != parent:
        end_with(parent, folder)
    source = pipelines[0].source
    rows = Rows(database, source.table, source.time, time_zone=source.time_zone)
    history = History.mapped(folder / "rows.arrow", relation, reach, rows)
    with closing(rows), (folder / f"{number}.progress").open("w", buffering=1) as file:
        return here(pipelines, history, span, lambda interval: file.write(f"{format_time(interval.start)}\n"))
