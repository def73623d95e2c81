"""What the newest rows are compared with, and what the detectors read between the two."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from heliotrope import drift
from heliotrope.candidates.model import Model
from heliotrope.context import Context
from heliotrope.cycle.scoring import concat, known_classes
from heliotrope.interval import Interval, format_time
from heliotrope.provenance import seed_for
from heliotrope.records import Batch, Champion, DriftReport
from heliotrope.store.rows import EARLIEST


def drift_of(context: Context, champion: Champion, batch: Batch, model: Model) -> tuple[DriftReport, ...]:
    """What the detectors read between the pipeline's reference and the batch."""
    config = context.pipeline.drift
    span = champion.training.window if config.reference == "training" else _before(batch.interval, config.intervals)
    seed = seed_for(context.pipeline.seed, "drift", format_time(batch.interval.start))
    chosen = _reference(context, span, config.max_rows, known_classes(context, champion, model))
    if not chosen:
        return ()

    def read() -> tuple[DriftReport, ...]:
        return drift.measure(
            config,
            _sampled(chosen, config.max_rows, seed),
            batch.table,
            features=context.watched,
            target=context.pipeline.target,
            task=context.pipeline.task,
            seed=seed,
        )

    return context.once("drift", (*chosen, batch), read)


def _before(interval: Interval, count: int) -> Interval:
    try:
        start = interval.start - count * interval.step
    except OverflowError:
        start = EARLIEST  # more intervals than there can be
    return Interval(start, interval.start)


def _reference(context: Context, span: Interval, max_rows: int, known: Sequence[str] | None) -> list[Batch]:
    """The newest batches of the span, of at least ``max_rows`` rows where there are so many."""
    step = context.pipeline.interval
    chosen: list[Batch] = []
    rows, end = 0, span.end
    while end > span.start and rows < max_rows:
        part = Interval(max(span.start, end - 32 * step), end)
        found = context.usable(part, known)
        chosen = found + chosen
        rows += sum(batch.rows for batch in found)
        end = part.start
    return chosen


def _sampled(chosen: Sequence[Batch], max_rows: int, seed: int) -> Any:
    """The rows of the batches, or ``max_rows`` of them drawn with the seed."""
    table = concat(chosen)
    if table.num_rows > max_rows:
        keep = np.random.default_rng(seed).choice(table.num_rows, size=max_rows, replace=False)
        table = table.take(np.sort(keep))
    return table
