"""What the gate is told of the challengers, and the evidence they have gathered under its promise."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from heliotrope import gate as gates
from heliotrope.context import Context
from heliotrope.evidence.betting import shock_known
from heliotrope.evidence.contest import Contest, Counts, Losses, Meeting
from heliotrope.evidence.standing import Standing
from heliotrope.ledger import Ledger, OpenCycle, Past
from heliotrope.records import Champion, Decision, Evaluation, PairedLoss

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from heliotrope.config.gate import Promise


@dataclass(frozen=True, slots=True)
class Incumbent:
    """The champion as the gate meets it: why it could not be scored on the newest interval, or its mean loss there."""

    candidate: str
    unscored: str = ""
    loss: float | None = None

    @property
    def compared(self) -> bool:
        """Whether challengers were compared with it."""
        return not self.unscored


def incumbent_of(ledger: Ledger, cycle: OpenCycle, champion: Champion, scored: Sequence[Evaluation]) -> Incumbent:
    """The champion as ``assess`` recorded it."""
    for one in scored:
        if one.role == "champion":
            return Incumbent(champion.candidate, loss=one.metrics["loss"])
    return Incumbent(champion.candidate, unscored=ledger.decisions_of(cycle.id)["trigger"].reasons[0])


def judge(
    context: Context, incumbent: Incumbent | None, evaluations: dict[str, Evaluation], failed: set[str], past: Past
) -> tuple[Decision, str | None]:
    """What the gate says of the candidates that were scored; without a champion to compare with, of all of them."""
    return gates.decide(
        context.pipeline.gate,
        contenders_of(context, incumbent, evaluations, failed),
        has_champion=incumbent is not None,
        scale=scale_of(context, incumbent),
        unscored="" if incumbent is None else incumbent.unscored,
        account=None if incumbent is None else account_of(context, incumbent, evaluations, past),
    )


def contenders_of(
    context: Context, incumbent: Incumbent | None, evaluations: dict[str, Evaluation], failed: set[str]
) -> list[gates.Contender]:
    compared = incumbent is not None and incumbent.compared
    contenders = []
    for candidate in context.pipeline.candidates:
        found = evaluations.get(candidate.name)
        if candidate.name in failed or (found is None and compared):
            continue
        contenders.append(
            gates.Contender(
                candidate=candidate.name,
                metrics={} if found is None else found.metrics,
                gain=None if found is None else found.gain,
                same_candidate=incumbent is not None and incumbent.candidate == candidate.name,
                loss_mean=None if found is None else found.metrics["loss"],
                kept_out=() if found is None else found.kept_out,
            )
        )
    return contenders


def meeting_of(context: Context, gain: PairedLoss | None, gains: NDArray[np.float64], loss: float) -> Meeting:
    """A challenger's rows beside the champion's, as they are bet on; ``loss`` is a champion's mean loss before."""
    metric = context.pipeline.metric
    if metric == "accuracy" and gain is not None and gain.wins is not None and gain.losses is not None:
        return Counts(gain.wins, gain.losses, gain.rows)
    return Losses(gains, None if metric == "brier" else loss)


def bet(
    context: Context,
    incumbent: Incumbent,
    evaluations: dict[str, Evaluation],
    meetings: dict[str, Meeting],
    past: Past,
) -> dict[str, Evaluation]:
    """The evaluations with what each challenger has gathered against the champion, this interval included."""
    promise = _promise(context)
    if promise is None or not meetings:
        return evaluations
    contest = past.standing.resumed(marks_of(context, incumbent)).after(
        meetings,
        gates.policy(promise),
        above=_above(context, past),
        shock={name: _shock(context, incumbent, name, past) for name in meetings},
    )
    return evaluations | {name: replace(evaluations[name], evidence=contest.evidence[name]) for name in meetings}


def _promise(context: Context) -> Promise | None:
    """What is promised of challengers that are judged at once; those in the shadow are bet on there."""
    rule = context.pipeline.gate
    return None if rule.kind == "shadow" else rule.false_promotions


def account_of(
    context: Context, incumbent: Incumbent, evaluations: dict[str, Evaluation], past: Past
) -> gates.Account | None:
    """What :func:`bet` recorded, and the promise it was bet under; None where every interval is judged alone."""
    promise = _promise(context)
    if promise is None:
        return None
    before = past.standing.resumed(marks_of(context, incumbent))
    met = {name: one.evidence for name, one in evaluations.items() if one.evidence is not None}
    return gates.Account(
        policy=gates.policy(promise),
        contest=Contest(budget=before.budget, evidence={**before.evidence, **met}),
        shocks={name: _shock(context, incumbent, name, past) for name in met},
        above=_above(context, past),
    )


def stood(
    context: Context, incumbent: Incumbent | None, evaluations: dict[str, Evaluation], name: str | None, past: Past
) -> Standing:
    """How challengers stand after the decision; one without a comparison under a promise leaves them as they stood."""
    account = None if incumbent is None else account_of(context, incumbent, evaluations, past)
    if incumbent is None or account is None or not account.shocks:
        return past.standing
    promoted = name is not None and name != incumbent.candidate
    return Standing(marks=marks_of(context, incumbent), contest=account.contest.decided(promoted=promoted))


def marks_of(context: Context, incumbent: Incumbent) -> dict[str, str]:
    """By challenger: what tells its comparison with the champion's candidate from one that was declared otherwise."""
    pipeline = context.pipeline
    declared = {candidate.name: candidate.model_dump(mode="json") for candidate in pipeline.candidates}
    both = [pipeline.metric, pipeline.gate.min_gain, sorted(pipeline.features), declared.get(incumbent.candidate)]
    return {
        name: hashlib.sha256(json.dumps([incumbent.candidate, *both, one], sort_keys=True).encode()).hexdigest()[:16]
        for name, one in declared.items()
    }


def _above(context: Context, past: Past) -> float:
    """The mean gain that must be exceeded: known before the interval, as all that is bet by."""
    return context.pipeline.gate.min_gain * unit_of(context, past.loss or 0.0)


def _shock(context: Context, incumbent: Incumbent, challenger: str, past: Past) -> float:
    """What the rows of an interval share in their gain: declared, else measured, else one in a hundred."""
    return shock_of(context, past.gains.get((incumbent.candidate, challenger), ()), past.loss or 0.0)


def shock_of(context: Context, gains: Sequence[tuple[float, float]], loss: float) -> float:
    """The same from past intervals' mean gains and their standard errors; ``loss`` is a champion's mean loss before."""
    declared, unit = context.pipeline.gate.shock, unit_of(context, loss)
    return shock_known(gains, at_first=0.01 * unit) if declared is None else declared * unit


def scale_of(context: Context, incumbent: Incumbent | None) -> float:
    """What the gate's margins are shares of: for losses in the target's own unit, the champion's mean loss."""
    return unit_of(context, 1.0 if incumbent is None or incumbent.loss is None else incumbent.loss)


def unit_of(context: Context, loss: float) -> float:
    """What shares of a loss are of: one where it lies between 0 and 1, else the mean ``loss``."""
    return 1.0 if context.pipeline.metric in ("accuracy", "balanced_accuracy", "brier") else loss
