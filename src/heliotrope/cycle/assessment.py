"""``assess``: validate the interval's rows, score the champion on them, measure drift, decide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from heliotrope import alarms, evaluate, trigger
from heliotrope.context import Context
from heliotrope.cycle.account import unit_of
from heliotrope.cycle.reference import drift_of
from heliotrope.cycle.rivals import beside_previous, beside_shadow, out_of_the_shadow, rolled_back
from heliotrope.cycle.scoring import answerable, ask, batch_of, evaluation_of, serving, why_unscored
from heliotrope.cycle.standing_in import stand_in
from heliotrope.evidence import worth
from heliotrope.interval import Interval
from heliotrope.ledger import OpenCycle, Recorded, recorded
from heliotrope.records import Action, Batch, Champion, Decision, DriftReport, Evaluation, Verdict
from heliotrope.stopwatch import Stopwatch
from heliotrope.threads import one_thread

if TYPE_CHECKING:
    pass


def assess(context: Context, interval: Interval) -> OpenCycle:
    """Validate the batch, score the champion on it, measure drift, decide whether to train; and record all that."""
    context.know(interval)
    with context.span("assess", interval), one_thread():
        return _assess(context, interval)


def _assess(context: Context, interval: Interval) -> OpenCycle:
    watch = Stopwatch()
    started_at = context.clock()
    context.forget(interval)  # what another cycle saw of it in passing may be old
    with watch("ledger"):
        reign = context.ledger.reign_at(interval.start)
        champion = reign.champion
    with watch("load"):
        model = None if champion is None else serving(context, champion)
    with watch("extract"):
        batch = batch_of(context, interval, champion, model)
    held = batch.verdict is Verdict.HELD
    scored: evaluate.Scored | None = None
    before: Evaluation | None = None
    shaded: Evaluation | None = None
    reports: tuple[DriftReport, ...] = ()
    unscored = unseen = ""
    look: alarms.Look | None = None
    other = None
    if champion is None and context.segment:
        with watch("evaluate"):
            other = stand_in(context, interval, batch)
    if not held and model is not None and champion is not None:
        unscored = why_unscored(context, model, batch)
        if not unscored:
            with watch("evaluate"):
                asked = answerable(context, model, batch)
                scored = ask(context, model, batch, asked)
                before, unseen = beside_previous(context, reign, batch, asked, scored)
                shaded, dark = beside_shadow(context, reign, batch, asked, scored)
                unseen = unseen or dark
        with watch("drift"):
            reports = drift_of(context, champion, batch, model)
    if not held and batch.rows and context.pipeline.drift.false_alarms is not None:
        with watch("drift"):
            trained = context.ledger.last_trained(interval.start)
            losses = None if scored is None else scored.loss
            look = alarms.look(context, context.pipeline.drift.false_alarms, batch, losses, trained)
            reports += () if look.report is None else (look.report,)
    with watch("decide"):
        from_shadow, said = out_of_the_shadow(context, reign, shaded, interval)
        decision = rolled_back(context, reign, before) or from_shadow
        if decision is None:
            decision = _held(batch) if held else _trigger(context, champion, batch, reports, scored, unscored, look)
        if champion is not None and champion.pinned:
            decision = _pinned(champion, decision)
        if said and decision is not from_shadow:
            decision = replace(decision, reasons=(*decision.reasons, said))
        if other is not None:
            decision = replace(decision, reasons=(*decision.reasons, other.said))
        if unseen:
            decision = replace(decision, reasons=(*decision.reasons, unseen))
    ledger = context.ledger
    begun = watch.seconds
    with ledger.transaction():
        cycle_id = ledger.add_cycle(interval, code_version=context.code_version, started_at=started_at)
        batch_id = ledger.add_batch(cycle_id, batch, revision=0, recorded_at=context.clock())
        if scored is not None and champion is not None:
            ledger.add_evaluation(batch_id, champion.training_id, evaluation_of("champion", champion.candidate, scored))
        if before is not None and reign.previous is not None:
            ledger.add_evaluation(batch_id, reign.previous.training_id, before)
        if shaded is not None and reign.shadow is not None:
            ledger.add_evaluation(batch_id, reign.shadow.training_id, shaded)
        if other is not None and other.training_id is not None and other.evaluation is not None:
            ledger.add_evaluation(batch_id, other.training_id, other.evaluation)
        ledger.add_drift(batch_id, reports)
        if look is not None:
            look.keep(context, batch_id)
        stage = "validate" if held else "trigger"
        decision_id = ledger.add_decision(cycle_id, stage, decision, decided_at=context.clock())
        if decision.action is Action.ROLL_BACK and reign.previous is not None:
            ledger.add_champion(reign.previous.training_id, decision_id, valid_from=interval.end)
        if decision.action is Action.PROMOTE and reign.shadow is not None:
            ledger.add_champion(reign.shadow.training_id, decision_id, valid_from=interval.end)
        steps = {"assess"} if decision.action is Action.TRAIN else {"assess", "done"}
        for step in sorted(steps):
            ledger.add_step(cycle_id, step, seconds=begun if step == "assess" else {}, ended_at=context.clock())
    return OpenCycle(cycle_id, frozenset(steps))


def reassess(context: Context, record: Recorded) -> bool:
    """Score the interval's rows as they are now as a new revision of its batch; False when they are as recorded.

    The caller holds the pipeline's lock. What is on record by then is looked up: another session may have been faster.
    """
    ledger, interval = context.ledger, record.interval
    context.known_at = None
    with context.database.errors():
        (record,) = recorded(ledger.connection, ledger.pipeline_id, context.segment, interval.start, interval.end)
    context.forget(interval)
    champion = ledger.champion_at(interval.start)
    model = None if champion is None else serving(context, champion)
    batch = batch_of(context, interval, champion, model)
    now = batch.content_hash
    if record.columns != context.pipeline.columns:
        now = context.content_hashes(interval, record.columns)[interval.start]
    if now == record.content_hash:
        return False
    with ledger.transaction():
        revision = record.revision + 1
        batch_id = ledger.add_batch(record.cycle_id, batch, revision=revision, recorded_at=context.clock())
        if batch.verdict is Verdict.OK and model is not None and champion is not None:
            if not why_unscored(context, model, batch):
                scored = ask(context, model, batch, answerable(context, model, batch))
                evaluation = evaluation_of("champion", champion.candidate, scored)
                ledger.add_evaluation(batch_id, champion.training_id, evaluation)
            ledger.add_drift(batch_id, drift_of(context, champion, batch, model))
        other = stand_in(context, interval, batch) if champion is None and context.segment else None
        if other is not None and other.training_id is not None and other.evaluation is not None:
            ledger.add_evaluation(batch_id, other.training_id, other.evaluation)
    return True


def _held(batch: Batch) -> Decision:
    reasons = tuple(_said(problem) for problem in batch.problems if problem.done == "hold")
    evidence = {f"{problem.rule}.rows": float(problem.rows) for problem in batch.problems}
    return Decision(action=Action.HOLD, reasons=reasons or ("the batch cannot be used",), evidence=evidence)


def _pinned(champion: Champion, decision: Decision) -> Decision:
    """What is left of a decision that would have replaced a champion which a person pinned."""
    if decision.action not in (Action.TRAIN, Action.ROLL_BACK, Action.PROMOTE):
        return decision
    why = f"{champion.candidate} is pinned by {champion.actor}: {'; '.join(champion.reasons)}"
    would = f"else {decision.action.value.replace('_', ' ')}"
    return replace(decision, action=Action.SKIP, reasons=(why, *(f"{would}: {reason}" for reason in decision.reasons)))


def _said(problem: Any) -> str:
    where = f" in {problem.column!r}" if problem.column else ""
    detail = f": {problem.detail}" if problem.detail else ""
    return f"{problem.rule}{where}, {problem.rows} rows{detail}"


def _trigger(
    context: Context,
    champion: Champion | None,
    batch: Batch,
    reports: tuple[DriftReport, ...],
    scored: evaluate.Scored | None,
    unscored: str,
    look: alarms.Look | None = None,
) -> Decision:
    interval, ledger, metric = batch.interval, context.ledger, context.pipeline.metric
    costed = any(one.kind == "cost" for one in trigger.parts(context.pipeline.trigger))
    trained = None if champion is None else ledger.last_trained(interval.start)
    scores: tuple[float, ...] = ()
    if champion is not None and scored is not None:
        scores = ledger.champion_scores(metric, champion.valid_from, interval.start, limit=1000)
        scores += (scored.metrics[metric],)
    losses: tuple[float, ...] = ()
    past: tuple[worth.Past, ...] = ()
    if costed and champion is not None and scored is not None:
        losses = ledger.champion_scores("loss", champion.valid_from, interval.start, limit=1000)
        losses += (float(scored.loss.mean()),)
        past = _past(ledger.past_trainings(interval.start), interval.step)
    situation = trigger.Situation(
        intervals_since_training=None if trained is None else round((interval.end - trained) / interval.step),
        rows_since_training=batch.rows + (ledger.rows_since(trained, interval.start) if trained else 0),
        drift=reports,
        scores=scores,
        lower_is_better=context.pipeline.lower_is_better,
        unscored=unscored,
        watched=None if look is None else look.watched,
        losses=losses,
        past=past,
        loss_scale=unit_of(context, 1.0 if scored is None else float(scored.loss.mean())),
    )
    return trigger.decide(context.pipeline.trigger, situation)


def _past(trainings: Sequence[tuple[datetime, float | None, float | None]], step: timedelta) -> tuple[worth.Past, ...]:
    """What past trainings gained, with the intervals since the training before each."""
    return tuple(
        worth.Past(max(round((end - before) / step), 1), gain)
        for (before, *_), (end, gain, _) in pairwise(trainings)
        if gain is not None
    )
