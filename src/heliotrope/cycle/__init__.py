"""One cycle: everything that happens for one pipeline, segment and interval, as steps that can be run again.

``assess`` reads and validates the interval's rows, scores the champion on them before anything is trained on them,
measures drift and decides whether to train. ``train`` fits every candidate without the newest interval, scores it
on that interval beside the champion, and fits the one that the gate would let in again, the newest interval
included. ``gate`` records the gate's decision and who serves from the interval's end. Each is one transaction; one
that has ended is not run again, and one that was killed leaves nothing behind.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from heliotrope.cycle.assessment import assess, reassess
from heliotrope.cycle.competition import train
from heliotrope.cycle.fitting import Challenger, candidate_named, fit_until, train_one
from heliotrope.cycle.scoring import concat, score, serving
from heliotrope.cycle.verdict import gate

if TYPE_CHECKING:
    from heliotrope.context import Context
    from heliotrope.interval import Interval

__all__ = [
    "Challenger",
    "assess",
    "candidate_named",
    "concat",
    "fit_until",
    "gate",
    "reassess",
    "run",
    "score",
    "serving",
    "train",
    "train_one",
]


def run(context: Context, interval: Interval) -> bool:
    """Run what is left of the interval's cycle, holding the pipeline's lock; whether there was anything left.

    Raises ValidationError where a rule says ``fail``, and what the steps raise. Nothing half-done is kept.
    """
    with context.ledger.lock():
        cycle = context.ledger.find(interval)
        if cycle is not None and cycle.done:
            return False
        with context.span("cycle", interval):
            cycle = cycle or assess(context, interval)
            if not cycle.done and "train" not in cycle.steps:
                cycle = train(context, interval, cycle)
            if not cycle.done:
                gate(context, interval, cycle)
    return True
