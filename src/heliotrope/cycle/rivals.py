"""The models beside the champion that meet each interval's rows too: the champion before, and the shadow."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from heliotrope import evaluate
from heliotrope import gate as gates
from heliotrope.config import gate as config_gate
from heliotrope.context import Context
from heliotrope.cycle.account import meeting_of, shock_of, unit_of
from heliotrope.cycle.scoring import ask, evaluation_of, serving, why_unscored
from heliotrope.errors import ArtifactError, EstimatorError, ModelError
from heliotrope.evidence.budget import Rate
from heliotrope.evidence.contest import Contest
from heliotrope.interval import Interval
from heliotrope.ledger import Reign
from heliotrope.records import Batch, Decision, Evaluation

if TYPE_CHECKING:
    from numpy.typing import NDArray


def beside_previous(
    context: Context, reign: Reign, batch: Batch, asked: NDArray[np.bool_] | None, scored: evaluate.Scored
) -> tuple[Evaluation | None, str]:
    """How the champion before did on the same rows, and what that adds to the evidence for it; or why it was not asked.

    Rows of an interval share its shock too: a day of snow favours one of two models on all its rows.
    """
    previous, rule = reign.previous, context.pipeline.gate.roll_back
    if previous is None or rule is None:
        return None, ""
    try:
        model = serving(context, previous)
        if why_unscored(context, model, batch):
            return None, ""  # it needs columns that are gone, and could not serve
        other = ask(context, model, batch, asked)
    except (ArtifactError, EstimatorError, ModelError) as error:
        return None, f"no look at the champion before, {previous.candidate}: {error}"
    gain = evaluate.paired(scored.loss, other.loss)
    policy = Rate(rule.one_in)
    contest = Contest(evidence={"previous": reign.evidence}).after(
        {"previous": meeting_of(context, gain, scored.loss - other.loss, reign.loss)},
        policy,
        above=rule.min_gain * unit_of(context, reign.loss),
        shock=shock_of(context, reign.gains.get("previous", ()), reign.loss),
    )
    evaluation = evaluation_of("previous", previous.candidate, other, gain)
    return replace(evaluation, evidence=contest.evidence["previous"]), ""


def beside_shadow(
    context: Context, reign: Reign, batch: Batch, asked: NDArray[np.bool_] | None, scored: evaluate.Scored
) -> tuple[Evaluation | None, str]:
    """How the challenger in the shadow did on the same rows, and what it has gathered; or why it was not asked."""
    shadow, promise = reign.shadow, context.pipeline.gate.false_promotions
    if shadow is None or not isinstance(promise, config_gate.Rate):
        return None, ""
    name = shadow.training.candidate
    try:
        other = ask(context, context.model(shadow.training), batch, asked)
    except (ArtifactError, EstimatorError) as error:
        return None, f"no look at {name}, in the shadow: {error}"
    gain = evaluate.paired(scored.loss, other.loss)
    contest = Contest(evidence={name: shadow.evidence}).after(
        {name: meeting_of(context, gain, scored.loss - other.loss, reign.loss)},
        Rate(promise.one_in),
        above=context.pipeline.gate.min_gain * unit_of(context, reign.loss),
        shock=shock_of(context, reign.gains.get("shadow", ()), reign.loss),
    )
    return replace(evaluation_of("shadow", name, other, gain), evidence=contest.evidence[name]), ""


def out_of_the_shadow(
    context: Context, reign: Reign, shaded: Evaluation | None, interval: Interval
) -> tuple[Decision | None, str]:
    """The decision to promote the challenger in the shadow, where evidence suffices; and how it stands."""
    if reign.shadow is None or shaded is None or shaded.evidence is None:
        return None, ""
    spent = round((interval.end - reign.shadow.since) / interval.step)
    left = context.pipeline.gate.shadow_intervals - spent
    return gates.shadowed(context.pipeline.gate, shaded.candidate, shaded.evidence, left=left)


def rolled_back(context: Context, reign: Reign, before: Evaluation | None) -> Decision | None:
    """The decision to put the champion before back, where evidence suffices."""
    rule, previous = context.pipeline.gate.roll_back, reign.previous
    if rule is None or previous is None or before is None or before.evidence is None or before.gain is None:
        return None
    name = f"{previous.candidate} of {previous.training.window}"
    return gates.roll_back(rule, name, before.evidence, before.gain.mean_gain)
