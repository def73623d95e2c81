"""The watch for changes, between the ledger's memory and a batch: counts in, an alarm and counts to be kept out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from heliotrope.context import Context
from heliotrope.drift import watch
from heliotrope.drift.scale import Scale
from heliotrope.evidence import harm
from heliotrope.evidence.alarm import Alarm, Watched
from heliotrope.evidence.change import Era
from heliotrope.interval import ORIGIN, format_time
from heliotrope.ledger import Counted
from heliotrope.provenance import seed_for
from heliotrope.records import Batch, DriftReport
from heliotrope.store.rows import EARLIEST

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from heliotrope.config import FalseAlarms

__all__ = ["Look", "look"]

_HISTORY = "counted"
"""Under this name the intervals that were read from the ledger stay with the context."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What the watch saw in a batch, and what is to be kept of it."""

    report: DriftReport | None
    """None where there is nothing yet to compare with."""
    watched: Watched
    """With the alarms of all intervals that are remembered, this one's last."""
    counted: Counted
    scale_id: int | None
    """None: the scale is new."""
    asked: dict[str, Any]
    scale: Scale

    def keep(self, context: Context, batch_id: int) -> None:
        """Add it to the ledger, inside the cycle's transaction."""
        scale_id = self.scale_id
        if scale_id is None:
            scale_id = context.ledger.add_scale(self.asked, self.scale.plain())
        context.ledger.add_histogram(batch_id, scale_id, self.counted)


def look(
    context: Context, config: FalseAlarms, batch: Batch, losses: NDArray[np.float64] | None, trained: datetime | None
) -> Look:
    """Compare the batch with the intervals since the last change. ``losses``: the champion's, shape (rows,).

    Alarms are told of since ``trained``, the end of the interval in which something was trained last.
    """
    start, step = batch.interval.start, batch.interval.step
    asked = {"features": list(context.watched.items()), "bins": config.bins, "by_class": config.by_class}
    known = context.ledger.scale(asked, start)
    if known is None:
        scale = Scale.of(
            batch.table,
            features=context.watched,
            target=context.pipeline.target if context.pipeline.task == "classification" else None,
            bins=config.bins,
            by_class=config.by_class,
        )
    else:
        scale = Scale.parse(known[1])
    history = [] if known is None else _history(context, known[0], start, config.history)
    current = scale.count(batch.table)
    report = None
    if history:
        report = watch.compare(
            np.array([one.counts for one in history], dtype=np.float64),
            np.array([one.era for one in history], dtype=np.intp),
            current,
            scale.distance,
            names=scale.names,
            longest=config.intervals,
            one_in=config.one_in,
            seed=seed_for(context.pipeline.seed, "false_alarms", format_time(start)),
        )
    changed = () if report is None else tuple(one.feature for one in report.features if one.drifted)
    rise = _rise(context, config, batch, losses) if changed else None
    counted = Counted(
        start,
        current.astype(int).tolist(),
        (history[-1].era if history else 0) + bool(changed),
        changed,
        None if rise is None else rise.mean,
        None if rise is None else rise.standard_error,
    )
    era = [one.start for one in (*history, counted) if one.era == counted.era]
    alarms = tuple(
        Alarm(ago=(start - one.start) // step, features=one.changed, rise=_of(one))
        for one in (*history, counted)
        if one.changed and (trained is None or one.start >= trained)
    )
    return Look(
        report=report,
        watched=Watched(era=Era(first=(era[0] - ORIGIN) // step, changes=counted.era), alarms=alarms),
        counted=counted,
        scale_id=None if known is None else known[0],
        asked=asked,
        scale=scale,
    )


def _history(context: Context, scale_id: int, before: datetime, limit: int) -> list[Counted]:
    """The latest intervals before that were counted, oldest first; those that were read once are not read again."""
    kept: dict[tuple[int, datetime], Counted] = context.scratch.setdefault(_HISTORY, {})
    after = max((start for of, start in kept if of == scale_id), default=EARLIEST)
    if after >= before:
        kept.clear()  # an earlier interval is run: what is newer is not to be looked at
        after = EARLIEST
    for one in context.ledger.counted(scale_id, after, before, limit):
        kept[scale_id, one.start] = one
    found = sorted((one for (of, _), one in kept.items() if of == scale_id), key=lambda one: one.start)
    for old in found[:-limit]:
        del kept[scale_id, old.start]
    return found[-limit:]


def _rise(context: Context, config: FalseAlarms, batch: Batch, losses: NDArray[np.float64] | None) -> harm.Rise | None:
    """By how much the champion's mean loss is above that of the intervals it was compared with."""
    if losses is None:
        return None
    start = batch.interval.start
    since = start - config.intervals * batch.interval.step
    before = context.ledger.champion_scores("loss", since, start, limit=config.intervals)
    rise = harm.of_intervals(np.array(before), losses)
    return rise if np.isfinite(rise.standard_error) else None


def _of(counted: Counted) -> harm.Rise | None:
    if counted.loss_rise is None or counted.loss_rise_error is None:
        return None
    return harm.Rise(mean=counted.loss_rise, standard_error=counted.loss_rise_error, effective_rows=0.0)
