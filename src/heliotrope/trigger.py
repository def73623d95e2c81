"""Policies: whether to train now. They only decide, on what a cycle has counted, scored and measured.

A decision's evidence is keyed by the trigger and what it looked at, as in ``schedule.intervals_since_training``; inside
``any``, ``all`` and ``k_of`` by the place too, as in ``any.0.schedule.intervals_since_training``.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from heliotrope import config
from heliotrope.evidence import worth
from heliotrope.evidence.alarm import Alarm, Watched
from heliotrope.evidence.harm import Harm
from heliotrope.records import Action, Decision, DriftReport

__all__ = ["Situation", "decide", "parts"]


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
    watched: Watched | None = None
    """What the watch for changes found; None where ``drift.false_alarms`` is not set."""
    losses: tuple[float, ...] = ()
    """The champion's mean loss for each interval since it was promoted, oldest first, this interval's last.

    Asked for by a cost trigger and by what tells drift that hurts from drift that does not.
    """
    past: tuple[worth.Past, ...] = ()
    """Past trainings, oldest first; asked for by a cost trigger."""
    loss_scale: float = 1.0
    """What a tolerated rise of the loss is a share of, as for the gate."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Opinion:
    train: bool
    reasons: tuple[str, ...]
    evidence: Mapping[str, float]


def decide(trigger: config.Trigger, situation: Situation) -> Decision:
    """``train`` or ``skip``, with the reasons for it and the numbers that every trigger looked at.

    A pipeline that has never trained always trains, and so does one whose champion cannot be scored. ``any``, ``all``
    and ``k_of`` give the reasons of those whose answer is theirs.

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


def parts(trigger: config.Trigger) -> Iterator[config.Trigger]:
    """The trigger and all that it is made of.

    >>> [one.kind for one in parts(config.AnyOf(of=(config.Schedule(), config.All(of=(config.Performance(),)))))]
    ['any', 'schedule', 'all', 'performance']
    """
    yield trigger
    if isinstance(trigger, config.AnyOf | config.All | config.KOf):
        for one in trigger.of:
            yield from parts(one)


def _opinion(trigger: config.Trigger, situation: Situation, since: int) -> _Opinion:
    opinion = _asked(trigger, situation, since)
    if not opinion.train or since >= trigger.cool_down:
        return opinion
    reason = f"{trigger.kind}: {_count(since, 'interval')} since the last training, it cools down for "
    return _Opinion(
        train=False,
        reasons=(f"{reason}{trigger.cool_down:,}", *opinion.reasons),
        evidence={**opinion.evidence, f"{trigger.kind}.cool_down": float(trigger.cool_down)},
    )


def _asked(trigger: config.Trigger, situation: Situation, since: int) -> _Opinion:
    match trigger:
        case config.Schedule():
            return _schedule(trigger, since)
        case config.Amount():
            return _amount(trigger, situation.rows_since_training)
        case config.DriftTrigger():
            if situation.watched is not None:
                return _change(trigger, situation.watched, situation.loss_scale)
            return _drift(trigger, situation.drift)
        case config.Performance():
            return _performance(trigger, situation)
        case config.Cost():
            return _cost(trigger, situation, since)
        case config.AnyOf() | config.All() | config.KOf():
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


def _change(trigger: config.DriftTrigger, watched: Watched, scale: float) -> _Opinion:
    """An alarm counts until a training follows it, unless only those that hurt are asked for and it does not."""
    tolerance = trigger.tolerance * scale
    harms = [(alarm, _harm(alarm, tolerance)) for alarm in watched.alarms]
    counted = [(alarm, harm) for alarm, harm in harms if not (trigger.hurting_only and harm is Harm.HARMLESS)]
    said = [_said(alarm, harm) for alarm, harm in harms] or ["no change since the last training"]
    rise = watched.alarms[-1].rise if watched.alarms else None
    return _simple(
        "drift",
        bool(counted),
        "; ".join(said[-3:]),
        changes=watched.era.changes,
        era_first=watched.era.first,
        alarms=len(harms),
        counted=len(counted),
        **({} if rise is None else {"loss_rise": rise.mean, "loss_rise_error": rise.standard_error}),
    )


def _harm(alarm: Alarm, tolerance: float) -> Harm:
    return Harm.UNCLEAR if alarm.rise is None else alarm.rise.harm(tolerance=tolerance)


def _said(alarm: Alarm, harm: Harm) -> str:
    when = "" if not alarm.ago else f" {_count(alarm.ago, 'interval')} ago"
    text = f"a change{when} in {_listed(alarm.features)}"
    if alarm.rise is None or not math.isfinite(alarm.rise.standard_error):
        return f"{text}; what it does to the champion is not known"
    does = {Harm.HURTS: "it hurts", Harm.HARMLESS: "it does no harm", Harm.UNCLEAR: "unclear whether it hurts"}[harm]
    return f"{text}; {does}: the mean loss rose by {alarm.rise.mean:.4g}, give or take {alarm.rise.standard_error:.2g}"


def _cost(trigger: config.Cost, situation: Situation, since: int) -> _Opinion:
    """``(gain - caution * its error) * rows an interval * life * value`` against the cost; see :mod:`.worth`."""
    expected = worth.together(worth.growth(situation.losses), worth.promised(situation.past, since))
    if expected is None or since < 1:
        return _simple("cost", False, "nothing tells yet what a training gains", cost=trigger.cost_of_training)
    rows = situation.rows_since_training / since
    life = float(trigger.life or statistics.median([*(one.age for one in situation.past), since]))
    sure = expected.gain - trigger.caution * expected.standard_error
    gain = max(sure, 0.0) * rows * life * trigger.value_per_loss
    return _simple(
        "cost",
        gain > trigger.cost_of_training,
        f"a training is expected to gain {gain:,.4g} in {life:,.3g} intervals of {rows:,.0f} rows, by a mean loss "
        f"lower by {expected.gain:.3g}, give or take {expected.standard_error:.2g}; "
        f"it costs {trigger.cost_of_training:,.4g}",
        gain=gain,
        cost=trigger.cost_of_training,
        loss_gain=expected.gain,
        loss_gain_error=expected.standard_error,
        rows_an_interval=rows,
        life=life,
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


def _combined(trigger: config.AnyOf | config.All | config.KOf, opinions: list[_Opinion]) -> _Opinion:
    match trigger:
        case config.AnyOf():
            needed = 1
        case config.All():
            needed = len(opinions)
        case config.KOf():
            needed = trigger.k
    train = sum(one.train for one in opinions) >= needed
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
    return _listed(
        ["all features together" if one.feature == "*" else one.feature for one in report.features if one.drifted]
    )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _due(number: int, word: str = "due") -> str:
    return f"{number:,} {'is' if number == 1 else 'are'} {word}"
