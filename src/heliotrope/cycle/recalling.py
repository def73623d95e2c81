"""How archived champions do on the newest rows, and which of them is put back instead of training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from heliotrope import recall
from heliotrope.candidates.model import Model
from heliotrope.context import Context
from heliotrope.cycle.account import unit_of
from heliotrope.cycle.scoring import answerable, ask, why_unscored
from heliotrope.interval import Interval
from heliotrope.ledger import Ledger, OpenCycle, Recalled
from heliotrope.records import Action, Batch, Champion, Decision

if TYPE_CHECKING:
    pass


def look_back(
    context: Context, interval: Interval, batch: Batch, champion: Champion, model: Model
) -> tuple[Recalled, ...]:
    """How archived models do on the newest rows; none where the champion cannot be asked about all of them."""
    if why_unscored(context, model, batch) or answerable(context, model, batch) is not None:
        return ()
    loss = ask(context, model, batch).loss
    return recall.search(context, interval, champion, loss, lambda one: ask(context, one, batch))


def choose(
    context: Context, interval: Interval, recalled: Sequence[Recalled], champion_loss: float | None
) -> recall.Chosen:
    config = context.pipeline.recall
    if config is None or not recalled:
        return recall.Chosen(Decision(action=Action.KEEP, reasons=()), None)
    scale = unit_of(context, 1.0 if champion_loss is None else champion_loss)
    promised = recall.promise(context, interval)
    return recall.choose(config, context.pipeline.gate, recalled, scale=scale, promised=promised)


def mean_loss(ledger: Ledger, cycle: OpenCycle) -> float | None:
    """The champion's, as ``assess`` recorded it."""
    return next((one.metrics["loss"] for one in ledger.evaluations_of(cycle.id) if one.role == "champion"), None)
