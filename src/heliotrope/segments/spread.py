"""Segments spread over processes, one batch each, so that every process opens its connections and models once."""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from heliotrope import spans
from heliotrope.config import Pipeline
from heliotrope.context import Context
from heliotrope.database import Database
from heliotrope.errors import counted
from heliotrope.interval import Interval, format_time
from heliotrope.segments.crowd import STRIDE, Done, Segment, run
from heliotrope.workers import CLUSTERS, Backend, cluster, end_with, watched

__all__ = ["batches", "jobs_for", "spread"]

Progress = Callable[[str, int | None], AbstractContextManager[Callable[[str], None]]]
"""Opens a progress of that name and that many parts; what it gives is called once a part."""
_WORTH = 150
"""Cycles for which it pays to start a process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Order:
    """What one process is to do."""

    number: int
    pipeline: Pipeline
    url: str
    embedded: Path | None
    home: Path
    """Of model files."""
    progress: Path
    """The folder in which it says how far it is."""
    segments: Sequence[Segment]
    span: Sequence[Interval]
    trailing: bool
    parent: int | None


def jobs_for(segments: int, intervals: int, backend: Backend) -> int:
    """How many processes are taken where nobody says: one for each processor, as long as each has enough to do."""
    most = 1 if backend == "sequential" else os.cpu_count() or 1
    return max(1, min(most, segments * intervals // _WORTH))


def batches(segments: Sequence[Segment], count: int) -> list[list[Segment]]:
    """The segments dealt out so that every batch has as many, and about as many rows; each by name."""
    dealt: list[list[Segment]] = [[] for _ in range(min(count, len(segments)))]
    for place, one in enumerate(sorted(segments, key=lambda one: (-one.rows, one.name))):
        turn, at = divmod(place, len(dealt))
        dealt[at if turn % 2 == 0 else len(dealt) - 1 - at].append(one)
    return [sorted(batch, key=lambda one: one.name) for batch in dealt]


def spread(
    context: Context,
    segments: Sequence[Segment],
    span: Sequence[Interval],
    *,
    trailing: bool,
    backend: Backend,
    jobs: int,
    progress: Progress,
) -> Done:
    """Run the segments' cycles of the span as :func:`heliotrope.segments.run` does, in ``jobs`` processes.

    On a cluster of several machines the model files' folder must be one that all of them see.
    """
    if not segments:
        return Done()
    parts = [segments] if jobs == 1 else batches(segments, jobs)
    steps = sum(math.ceil(len(part) / STRIDE) for part in parts) * len(span)
    with progress(f"{context.pipeline.name}, {counted(len(segments), 'segment')}", steps) as advance:
        if len(parts) == 1 and backend not in CLUSTERS:
            return run(context, segments, span, trailing=trailing, advance=lambda one: advance(format_time(one.start)))
        with tempfile.TemporaryDirectory(prefix="heliotrope") as folder:
            orders = [
                _Order(
                    number=number,
                    pipeline=context.pipeline,
                    url=context.database.url,
                    embedded=context.database.embedded,
                    home=context.folder,
                    progress=Path(folder),
                    segments=part,
                    span=span,
                    trailing=trailing,
                    parent=None if backend in CLUSTERS else os.getpid(),
                )
                for number, part in enumerate(parts)
            ]
            return _in_processes(orders, backend, advance)


def _in_processes(orders: Sequence[_Order], backend: Backend, advance: Callable[[str], object]) -> Done:
    from joblib import Parallel, delayed

    folder, jobs = orders[0].progress, len(orders)
    with cluster(backend, jobs, folder), watched(folder, advance):
        pool = Parallel(n_jobs=jobs, backend=None if backend in CLUSTERS else "loky")
        found: list[Done] = pool(delayed(_carried_out)(order) for order in orders)
    together = Done()
    for one in found:
        together.add(one)
    return together


def _carried_out(order: _Order) -> Done:
    """One batch of segments, in a process of its own; it ends with the one that started it, ``parent``."""
    if order.parent is not None and os.getpid() != order.parent:
        end_with(order.parent, order.progress)
    database = Database(order.url, embedded=order.embedded)
    database.application = f"heliotrope segments {order.pipeline.name}"
    path = order.progress / f"{order.number}.progress"
    with Context(order.pipeline, database, folder=order.home) as context, path.open("w", buffering=1) as file:

        def advance(interval: Interval) -> None:
            file.write(f"{format_time(interval.start)}\n")

        done = run(context, order.segments, order.span, trailing=order.trailing, advance=advance)
    spans.flush()
    return done
