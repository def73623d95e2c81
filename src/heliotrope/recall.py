"""Concepts that come back: a champion of the past that fits the newest rows serves again, and nothing is trained.

Archived models are scored on the newest interval's rows, which none of them was trained on, beside the champion. One is
recalled when it is better than the champion by the gate's test at the level ``recall.alpha``, corrected over all that
were scored, and its mean loss is not above what a training promises by more than the gate's margin: the median of what
past trainings showed on rows they had not seen (keeping and reusing models of earlier concepts: Widmer and Kubat, 1996,
Machine Learning 23:69-101).
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from heliotrope import evaluate
from heliotrope import gate as gates
from heliotrope.context import Context
from heliotrope.errors import ArtifactError, EstimatorError, ModelError
from heliotrope.interval import Interval, format_time
from heliotrope.ledger import Recalled
from heliotrope.records import Action, Champion, Decision, Evaluation

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from heliotrope.candidates.model import Model
    from heliotrope.config import Gate, Recall

__all__ = ["Chosen", "choose", "promise", "search"]

_TRAININGS = 20
"""So many of the latest trainings say what one promises."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What becomes of the archived models: the decision, and the training whose model is recalled, if any."""

    decision: Decision
    training_id: int | None


def choose(config: Recall, gate: Gate, recalled: Sequence[Recalled], *, scale: float, promised: float | None) -> Chosen:
    """Promote the archived model of the lowest mean loss among those that fit, or none.

    ``scale`` is what the gate's margins are shares of; ``promised`` None: no training tells yet.
    """
    known = [(one, one.evaluation.gain) for one in recalled if one.evaluation.gain is not None]
    fitting = []
    for one, gain in known:
        p = min(gates.p_value(gain) * len(known), 1.0)
        good = promised is None or one.evaluation.metrics["loss"] <= promised + gate.margin * scale
        if p < config.alpha and gain.mean_gain >= gate.min_gain * scale and good:
            fitting.append((one.evaluation.metrics["loss"], -one.training_id, one, gain, p))
    evidence: dict[str, float] = {"recall.models": float(len(recalled))}
    if promised is not None:
        evidence["recall.promised"] = promised
    if known:
        evidence["recall.lowest_loss"] = min(one.evaluation.metrics["loss"] for one, _ in known)
    if not fitting:
        said = f"recall: none of {len(recalled)} archived models fits the newest rows"
        return Chosen(Decision(action=Action.KEEP, reasons=(said,), evidence=evidence), None)
    loss, _, best, gain, p = min(fitting, key=lambda one: one[:2])
    evidence |= {"recall.loss": loss, "recall.gain": gain.mean_gain, "recall.p_value": p}
    reason = (
        f"recall: {best.evaluation.candidate} of {best.window} fits again: mean gain {gain.mean_gain:.4g} over "
        f"{gain.rows} rows, {gates.said_p(p)}, needed < {config.alpha:g}; nothing was trained"
    )
    return Chosen(Decision(action=Action.PROMOTE, reasons=(reason,), evidence=evidence), best.training_id)


def search(
    context: Context,
    interval: Interval,
    present: Champion,
    champion_loss: NDArray[np.float64],
    scored: Callable[[Model], evaluate.Scored],
) -> tuple[Recalled, ...]:
    """The latest distinct champions before ``present``, scored; those that cannot be asked any more are passed over."""
    recall = context.pipeline.recall
    assert recall is not None, "asked for where it is declared"
    found: dict[str, Recalled] = {}
    for champion in context.ledger.champions_until(interval.start):
        if champion.id == present.id:
            continue
        if len(found) == recall.models:
            break
        artifact = champion.training.artifact
        if artifact is None or artifact in found or artifact == present.training.artifact:
            continue
        try:
            model = context.serving(champion)
            if context.undeclared(model):
                continue
            score = scored(model)
        except (ArtifactError, EstimatorError, ModelError):
            continue
        evaluation = Evaluation(
            role="recalled",
            candidate=champion.candidate,
            rows=len(score.loss),
            metrics=score.metrics | {"loss": float(score.loss.mean())},
            gain=evaluate.paired(champion_loss, score.loss),
        )
        window = champion.training.window
        said = f"[{format_time(window.start)}, {format_time(window.end)})"
        found[artifact] = Recalled(champion.training_id, said, evaluation)
    return tuple(found.values())


def promise(context: Context, interval: Interval) -> float | None:
    """The mean loss that a training leads to on rows it has not seen; None where none was recorded."""
    losses = [loss for _, _, loss in context.ledger.past_trainings(interval.start) if loss is not None]
    return statistics.median(losses[-_TRAININGS:]) if losses else None
