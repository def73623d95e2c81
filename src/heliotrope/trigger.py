"""Policies: whether to train now. They only decide, on what a cycle has counted, scored and measured.

A decision's evidence is keyed by the trigger and what it looked at, as in ``schedule.intervals_since_training``; inside
``any`` and ``all`` by the place too, as in ``any.0.schedule.intervals_since_training``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from heliotrope import config
from heliotrope.records import Action, Decision, DriftReport

__all__ = ["Situation", "decide"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Situation:
    """What is known when it is to be decided whether to train."""

    intervals_since_training: int | None
    """How many intervals ago the last training was; None where there has been none."""
    rows_since_training: int
    """How many rows have come since then."""
    drift: tuple[DriftReport, ...]
    """What the pipeline's detectors measured for this interval."""
    scores: tuple[float, ...]
    """The champion's metric for each interval since it was promoted, oldest first, this interval's last.

    The last ``n`` are enough for a performance trigger with a ``baseline``; without one, its best is the best of these.
    """
    lower_is_better: bool
    """Whether a smaller score is the better one."""
    unscored: str = ""
    """Why the champion cannot be scored any more, on any rows to come; empty where it can."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Opinion:
    train: bool
    reasons: tuple[str, ...]
    evidence: Mapping[str, float]


def decide(trigger: config.Trigger, situation: Situation) -> Decision:
    """``train`` or ``skip``, with the reasons for it and the numbers that every trigger looked at.

    A pipeline that has never trained always trains, and so does one whose champion cannot be scored. ``any`` gives the
    reasons of those that ask for a training, or of all where none does; ``all`` those of the ones that do not, or of
    all where every one does.

    >>> now = Situation(
    ...     intervals_since_training=3, rows_since_training=2700, drift=(), scores=(0.95, 0.9), lower_is_better=False
    ... )
    >>> decision = decide(config.AnyOf(of=(config.Schedule(every=6), config.Amount(rows=2500))), now)
    >>> decision.action, decision.reasons
    (<Action.TRAIN: 'train'>, ('amount: 2,700 rows since the last training, 2,500 are due',))
    >>> decision.evidence["any.0.schedule.intervals_since_training"]
    3.0
    """
    if situation.intervals_since_training is None:
        return Decision(action=Action.TRAIN, reasons=("no champion yet",))
    if situation.unscored:
        return Decision(action=Action.TRAIN, reasons=(situation.unscored,), evidence={"champion.scored": 0.0})
    opinion = _opinion(trigger, situation, situation.intervals_since_training)
    return Decision(
        action=Action.TRAIN if opinion.train else Action.SKIP, reasons=opinion.reasons, evidence=opinion.evidence
    )


def _opinion(trigger: config.Trigger, situation: Situation, since: int) -> _Opinion:
    match trigger:
        case config.Schedule():
            return _schedule(trigger, since)
        case config.Amount():
            return _amount(trigger, situation.rows_since_training)
        case config.DriftTrigger():
            return _drift(trigger, situation.drift)
        case config.Performance():
            return _performance(trigger, situation)
        case config.AnyOf() | config.All():
            return _combined(trigger, [_opinion(one, situation, since) for one in trigger.of])


def _schedule(trigger: config.Schedule, since: int) -> _Opinion:
    return _simple(
        "schedule",
        since >= trigger.every,
        f"{_count(since, 'interval')} since the last training, {_due(trigger.every)}",
        intervals_since_training=since,
        every=trigger.every,
    )


def _amount(trigger: config.Amount, rows: int) -> _Opinion:
    return _simple(
        "amount",
        rows >= trigger.rows,
        f"{_count(rows, 'row')} since the last training, {_due(trigger.rows)}",
        rows_since_training=rows,
        rows=trigger.rows,
    )


def _drift(trigger: config.DriftTrigger, reports: tuple[DriftReport, ...]) -> _Opinion:
    drifted = [report for report in reports if report.drifted]
    where = "; ".join(f"{report.detector}: {_drifted_features(report)}" for report in drifted)
    return _simple(
        "drift",
        len(drifted) >= trigger.at_least,
        f"seen by {len(drifted)} of {_count(len(reports), 'detector')}, {_due(trigger.at_least, 'needed')}"
        + (f" ({where})" if where else ""),
        detectors_drifted=len(drifted),
        detectors=len(reports),
        features_drifted=sum(feature.drifted for report in drifted for feature in report.features),
        at_least=trigger.at_least,
    )


def _performance(trigger: config.Performance, situation: Situation) -> _Opinion:
    scores = [score for score in situation.scores if not math.isnan(score)]
    if not scores:
        return _simple("performance", False, "the champion has no score yet", scores=0)
    best = min(scores) if situation.lower_is_better else max(scores)
    baseline, named = (best, "its best") if trigger.baseline is None else (trigger.baseline, "the baseline")
    recent = situation.scores[-trigger.n :]
    worse = [_worse(score, baseline, trigger.margin, situation.lower_is_better) for score in recent]
    return _simple(
        "performance",
        worse[-1] and sum(worse) >= trigger.m,
        f"the champion was worse than {named}, {baseline:.4g}, by {trigger.margin:.4g} or more in {sum(worse)} of "
        f"the last {_count(len(recent), 'interval')}, {_due(trigger.m, 'needed')}; "
        f"the latest, {recent[-1]:.4g}, {'was' if worse[-1] else 'was not'}",
        latest=recent[-1],
        baseline=baseline,
        margin=trigger.margin,
        worse=sum(worse),
        m=trigger.m,
        n=trigger.n,
        scores=len(situation.scores),
    )


def _worse(score: float, baseline: float, margin: float, lower_is_better: bool) -> bool:
    """Worse by the margin or more; with a margin of nothing, worse at all. A score that is not a number is not."""
    loss = score - baseline if lower_is_better else baseline - score
    # 0.95 - 0.93 is a little less than 0.02 as a float, and is meant to be as much.
    return loss > 0.0 and (loss >= margin or math.isclose(loss, margin, rel_tol=1e-9))


def _combined(trigger: config.AnyOf | config.All, opinions: list[_Opinion]) -> _Opinion:
    opinion_of_all = any if isinstance(trigger, config.AnyOf) else all
    train = opinion_of_all(one.train for one in opinions)
    reasons = [reason for one in opinions if one.train == train for reason in one.reasons]
    return _Opinion(
        train=train,
        reasons=tuple(dict.fromkeys(reasons)),
        evidence={
            f"{trigger.kind}.{place}.{key}": value
            for place, one in enumerate(opinions)
            for key, value in one.evidence.items()
        },
    )


def _simple(kind: str, train: bool, reason: str, **evidence: float) -> _Opinion:
    """Numbers that are not finite are left out of the evidence, since a ledger cannot hold them as JSON."""
    return _Opinion(
        train=train,
        reasons=(f"{kind}: {reason}",),
        evidence={f"{kind}.{key}": float(value) for key, value in evidence.items() if math.isfinite(value)},
    )


def _drifted_features(report: DriftReport) -> str:
    names = ["all features together" if one.feature == "*" else one.feature for one in report.features if one.drifted]
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _due(number: int, word: str = "due") -> str:
    return f"{number:,} {'is' if number == 1 else 'are'} {word}"
