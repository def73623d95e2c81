"""One cycle: everything that happens for one pipeline, segment and interval, as steps that can be run again.

``assess`` reads and validates the interval's rows, scores the champion on them before anything is trained on them,
measures drift and decides whether to train. ``train`` fits every candidate without the newest interval, scores it
on that interval beside the champion, and fits the one that the gate would let in again, the newest interval
included. ``gate`` records the gate's decision and who serves from the interval's end. Each is one transaction; one
that has ended is not run again, and one that was killed leaves nothing behind.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from heliotrope import alarms, drift, evaluate, guard, recall, trigger
from heliotrope import gate as gates
from heliotrope import window as windows
from heliotrope.candidates import stream
from heliotrope.candidates.estimator import make
from heliotrope.candidates.model import Model
from heliotrope.config import gate as config_gate
from heliotrope.context import Context, Fitted
from heliotrope.errors import ArtifactError, ConfigError, EstimatorError, ModelError, nearest
from heliotrope.evidence import worth
from heliotrope.evidence.budget import Rate
from heliotrope.evidence.contest import Contest, Counts, Losses, Meeting
from heliotrope.evidence.standing import Standing
from heliotrope.interval import Interval, format_time
from heliotrope.ledger import Ledger, OpenCycle, Past, Recalled, Recorded, Reign, recorded
from heliotrope.provenance import library_versions, seed_for
from heliotrope.records import (
    Action,
    Batch,
    Champion,
    Decision,
    DriftReport,
    Evaluation,
    PairedLoss,
    Training,
    Verdict,
)
from heliotrope.stopwatch import Stopwatch
from heliotrope.threads import one_thread
from heliotrope.validate import unanswerable

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from heliotrope.config import Candidate, Pipeline
    from heliotrope.config.gate import Promise

__all__ = ["Challenger", "assess", "fit_until", "gate", "reassess", "run", "score", "serving", "train"]

ACTOR = "heliotrope"


def run(context: Context, interval: Interval) -> bool:
    """Run what is left of the interval's cycle, holding the pipeline's lock; whether there was anything left.

    Raises ValidationError where a rule says ``fail``, and what the steps raise. Nothing half-done is kept.
    """
    with context.ledger.lock():
        cycle = context.ledger.find(interval)
        if cycle is not None and cycle.done:
            return False
        cycle = cycle or assess(context, interval)
        if not cycle.done and "train" not in cycle.steps:
            cycle = train(context, interval, cycle)
        if not cycle.done:
            gate(context, interval, cycle)
    return True


# --- assess ------------------------------------------------------------------------------------------------


def assess(context: Context, interval: Interval) -> OpenCycle:
    """Validate the batch, score the champion on it, measure drift, decide whether to train; and record all that."""
    with one_thread():
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
        batch = _batch(context, interval, model)
    held = batch.verdict is Verdict.HELD
    scored: evaluate.Scored | None = None
    before: Evaluation | None = None
    shaded: Evaluation | None = None
    reports: tuple[DriftReport, ...] = ()
    unscored = unseen = ""
    look: alarms.Look | None = None
    if not held and model is not None and champion is not None:
        unscored = _unscored(context, model, batch)
        if not unscored:
            with watch("evaluate"):
                asked = _answerable(context, model, batch)
                scored = _score(context, model, batch, asked)
                before, unseen = _beside(context, reign, batch, asked, scored)
                shaded, dark = _in_the_shadow(context, reign, batch, asked, scored)
                unseen = unseen or dark
        with watch("drift"):
            reports = _drift(context, champion, batch, model)
    if not held and batch.rows and context.pipeline.drift.false_alarms is not None:
        with watch("drift"):
            trained = context.ledger.last_trained(interval.start)
            losses = None if scored is None else scored.loss
            look = alarms.look(context, context.pipeline.drift.false_alarms, batch, losses, trained)
            reports += () if look.report is None else (look.report,)
    with watch("decide"):
        from_shadow, said = _out_of_the_shadow(context, reign, shaded, interval)
        decision = _rolled_back(context, reign, before) or from_shadow
        if decision is None:
            decision = _held(batch) if held else _trigger(context, champion, batch, reports, scored, unscored, look)
        if said and decision is not from_shadow:
            decision = replace(decision, reasons=(*decision.reasons, said))
        if unseen:
            decision = replace(decision, reasons=(*decision.reasons, unseen))
    ledger = context.ledger
    begun = watch.seconds
    with ledger.transaction():
        cycle_id = ledger.add_cycle(interval, code_version=context.code_version, started_at=started_at)
        batch_id = ledger.add_batch(cycle_id, batch, revision=0, recorded_at=context.clock())
        if scored is not None and champion is not None:
            ledger.add_evaluation(batch_id, champion.training_id, _evaluation("champion", champion.candidate, scored))
        if before is not None and reign.previous is not None:
            ledger.add_evaluation(batch_id, reign.previous.training_id, before)
        if shaded is not None and reign.shadow is not None:
            ledger.add_evaluation(batch_id, reign.shadow.training_id, shaded)
        ledger.add_drift(batch_id, reports)
        if look is not None:
            look.keep(context, batch_id)
        stage = "validate" if held else "trigger"
        decision_id = ledger.add_decision(cycle_id, stage, decision, actor=ACTOR, decided_at=context.clock())
        if decision.action is Action.ROLL_BACK and reign.previous is not None:
            ledger.add_champion(reign.previous.training_id, decision_id, valid_from=interval.end)
        if decision.action is Action.PROMOTE and reign.shadow is not None:
            ledger.add_champion(reign.shadow.training_id, decision_id, valid_from=interval.end)
        steps = {"assess"} if decision.action is Action.TRAIN else {"assess", "done"}
        for step in sorted(steps):
            ledger.add_step(cycle_id, step, seconds=begun if step == "assess" else {}, ended_at=context.clock())
    return OpenCycle(cycle_id, frozenset(steps))


def _beside(
    context: Context, reign: Reign, batch: Batch, asked: NDArray[np.bool_] | None, scored: evaluate.Scored
) -> tuple[Evaluation | None, str]:
    """How the champion before did on the same rows, and what that adds to the evidence for it; or why it was not asked.

    Both models were there before the interval, so its rows share no luck of a fit, and no shock is paid for.
    """
    previous, rule = reign.previous, context.pipeline.gate.roll_back
    if previous is None or rule is None:
        return None, ""
    try:
        model = serving(context, previous)
        if _unscored(context, model, batch):
            return None, ""  # it needs columns that are gone, and could not serve
        other = _score(context, model, batch, asked)
    except (ArtifactError, EstimatorError, ModelError) as error:
        return None, f"no look at the champion before, {previous.candidate}: {error}"
    gain = evaluate.paired(scored.loss, other.loss)
    policy = Rate(rule.one_in)
    contest = Contest(evidence={"previous": reign.evidence}).after(
        {"previous": _meeting(context, gain, scored.loss - other.loss, reign.loss)},
        policy,
        above=rule.min_gain * _unit(context, reign.loss),
    )
    evaluation = _evaluation("previous", previous.candidate, other, gain)
    return replace(evaluation, evidence=contest.evidence["previous"]), ""


def _in_the_shadow(
    context: Context, reign: Reign, batch: Batch, asked: NDArray[np.bool_] | None, scored: evaluate.Scored
) -> tuple[Evaluation | None, str]:
    """How the challenger in the shadow did on the same rows, and what it has gathered; or why it was not asked."""
    shadow, promise = reign.shadow, context.pipeline.gate.false_promotions
    if shadow is None or not isinstance(promise, config_gate.Rate):
        return None, ""
    name = shadow.training.candidate
    try:
        other = _score(context, context.model(shadow.training), batch, asked)
    except (ArtifactError, EstimatorError) as error:
        return None, f"no look at {name}, in the shadow: {error}"
    gain = evaluate.paired(scored.loss, other.loss)
    contest = Contest(evidence={name: shadow.evidence}).after(
        {name: _meeting(context, gain, scored.loss - other.loss, reign.loss)},
        Rate(promise.one_in),
        above=context.pipeline.gate.min_gain * _unit(context, reign.loss),
    )
    return replace(_evaluation("shadow", name, other, gain), evidence=contest.evidence[name]), ""


def _out_of_the_shadow(
    context: Context, reign: Reign, shaded: Evaluation | None, interval: Interval
) -> tuple[Decision | None, str]:
    """The decision to promote the challenger in the shadow, where evidence suffices; and how it stands."""
    if reign.shadow is None or shaded is None or shaded.evidence is None:
        return None, ""
    spent = round((interval.end - reign.shadow.since) / interval.step)
    left = context.pipeline.gate.shadow_intervals - spent
    return gates.shadowed(context.pipeline.gate, shaded.candidate, shaded.evidence, left=left)


def _rolled_back(context: Context, reign: Reign, before: Evaluation | None) -> Decision | None:
    """The decision to put the champion before back, where evidence suffices."""
    rule, previous = context.pipeline.gate.roll_back, reign.previous
    if rule is None or previous is None or before is None or before.evidence is None:
        return None
    return gates.roll_back(rule, f"{previous.candidate} of {previous.training.window}", before.evidence)


def reassess(context: Context, record: Recorded) -> bool:
    """Score the interval's rows as they are now as a new revision of its batch; False when they are as recorded.

    The caller holds the pipeline's lock. What is on record by then is looked up: another session may have been faster.
    """
    ledger, interval = context.ledger, record.interval
    with context.database.errors():
        (record,) = recorded(ledger.connection, ledger.pipeline_id, context.segment, interval.start, interval.end)
    context.forget(interval)
    champion = ledger.champion_at(interval.start)
    model = None if champion is None else serving(context, champion)
    batch = _batch(context, interval, model)
    now = batch.content_hash
    if record.columns != context.pipeline.columns:
        now = context.content_hashes(interval, record.columns)[interval.start]
    if now == record.content_hash:
        return False
    with ledger.transaction():
        revision = record.revision + 1
        batch_id = ledger.add_batch(record.cycle_id, batch, revision=revision, recorded_at=context.clock())
        if batch.verdict is Verdict.OK and model is not None and champion is not None:
            if not _unscored(context, model, batch):
                scored = _score(context, model, batch, _answerable(context, model, batch))
                evaluation = _evaluation("champion", champion.candidate, scored)
                ledger.add_evaluation(batch_id, champion.training_id, evaluation)
            ledger.add_drift(batch_id, _drift(context, champion, batch, model))
    return True


def serving(context: Context, champion: Champion) -> Model:
    """The champion's model.

    Raises ArtifactError when its file is missing or was changed, ModelError when it is of another task.
    """
    return context.serving(champion)


def _batch(context: Context, interval: Interval, model: Model | None) -> Batch:
    """The interval's batch, with the columns that are not declared any more and that the champion still needs."""
    return context.batches(interval, _known_classes(context, model), context.undeclared(model))[0]


def _unscored(context: Context, model: Model, batch: Batch) -> str:
    """Why the champion cannot be asked about the batch: a column it needs is gone; empty where it can."""
    absent = [name for name in model.kinds if name not in batch.table.column_names]
    if not absent:
        bad = _answerable(context, model, batch)
        if bad is None or bad.any() or not batch.rows:
            return ""
        names = ", ".join(repr(name) for name in context.undeclared(model))
        return f"the champion {model.candidate} cannot be scored: no row has a value in {names}, which it alone needs"
    gone = context.lacking(absent)
    if gone:
        columns = f"column{'s' if len(gone) > 1 else ''} {', '.join(repr(name) for name in gone)}"
        why = f"it needs {columns}, which {context.rows.relation} no longer has"
    else:
        why = f"it needs column {absent[0]!r} as {model.kinds[absent[0]]}, which it no longer is"
    return f"the champion {model.candidate} cannot be scored: {why}"


def _answerable(context: Context, model: Model, batch: Batch) -> NDArray[np.bool_] | None:
    """The rows that the champion is asked about: those with a value in every column that it alone needs; None: all."""
    also = context.undeclared(model)
    bad = unanswerable(batch.table, also, context.pipeline) if also else {}
    return ~np.logical_or.reduce(list(bad.values())) if bad else None


def _known_classes(context: Context, model: Model | None) -> tuple[str, ...] | None:
    """The classes there can be: declared, else those the champion knows."""
    if context.pipeline.task == "regression" or context.pipeline.classes is not None or model is None:
        return None
    return model.classes


def _held(batch: Batch) -> Decision:
    reasons = tuple(_said(problem) for problem in batch.problems if problem.done == "hold")
    evidence = {f"{problem.rule}.rows": float(problem.rows) for problem in batch.problems}
    return Decision(action=Action.HOLD, reasons=reasons or ("the batch cannot be used",), evidence=evidence)


def _said(problem: Any) -> str:
    where = f" in {problem.column!r}" if problem.column else ""
    detail = f": {problem.detail}" if problem.detail else ""
    return f"{problem.rule}{where}, {problem.rows} rows{detail}"


def _score(context: Context, model: Model, batch: Batch, asked: NDArray[np.bool_] | None = None) -> evaluate.Scored:
    """How the model does on the batch's rows, or on those of them that are ``asked`` about."""

    def ask() -> evaluate.Scored:
        return score(context.pipeline, model, batch.table if asked is None else batch.table.filter(asked))

    return context.once("score", (model, batch, asked), ask)


def score(pipeline: Pipeline, model: Model, table: pa.Table) -> evaluate.Scored:
    """How the model does on the table's rows."""
    with one_thread(openmp=True):
        predicted, proba = model.predict(table), model.predict_proba(table)
    return evaluate.score(
        task=pipeline.task,
        metric=pipeline.metric,
        actual=np.asarray(table[pipeline.target].to_numpy(zero_copy_only=False)),
        predicted=predicted,
        proba=proba,
        classes=model.classes,
    )


def _evaluation(role: str, candidate: str, scored: evaluate.Scored, gain: Any = None) -> Evaluation:
    # The mean loss is what the gate ranks by; it is kept beside the metrics so that the gate can be run again.
    metrics = scored.metrics | {"loss": float(scored.loss.mean())}
    return Evaluation(role=role, candidate=candidate, rows=len(scored.loss), metrics=metrics, gain=gain)


def _drift(context: Context, champion: Champion, batch: Batch, model: Model) -> tuple[DriftReport, ...]:
    """What the detectors read between the pipeline's reference and the batch."""
    config = context.pipeline.drift
    span = champion.training.window if config.reference == "training" else _before(batch.interval, config.intervals)
    seed = seed_for(context.pipeline.seed, "drift", format_time(batch.interval.start))
    chosen = _reference(context, span, config.max_rows, _known_classes(context, model))
    if not chosen:
        return ()

    def read() -> tuple[DriftReport, ...]:
        return drift.measure(
            config,
            _sampled(chosen, config.max_rows, seed),
            batch.table,
            features=context.kinds,
            target=context.pipeline.target,
            task=context.pipeline.task,
            seed=seed,
        )

    return context.once("drift", (*chosen, batch), read)


def _before(interval: Interval, count: int) -> Interval:
    return Interval(interval.start - count * interval.step, interval.start)


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


def concat(batches: Sequence[Batch]) -> Any:
    """The rows of all the batches as one table."""
    import pyarrow as pa

    return pa.concat_tables([batch.table for batch in batches])


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
        loss_scale=_unit(context, 1.0 if scored is None else float(scored.loss.mean())),
    )
    return trigger.decide(context.pipeline.trigger, situation)


def _past(trainings: Sequence[tuple[datetime, float | None, float | None]], step: timedelta) -> tuple[worth.Past, ...]:
    """What past trainings gained, with the intervals since the training before each."""
    return tuple(
        worth.Past(max(round((end - before) / step), 1), gain)
        for (before, *_), (end, gain, _) in pairwise(trainings)
        if gain is not None
    )


# --- train -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Challenger:
    """A candidate's fit: the model, or why there is none."""

    training: Training
    model: Model | None
    failure: str | None = None


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


def train(context: Context, interval: Interval, cycle: OpenCycle) -> OpenCycle:
    """Fit every candidate without the newest interval and score it there; fit the gate's choice again with it."""
    watch = Stopwatch()
    ledger, pipeline = context.ledger, context.pipeline
    for candidate in pipeline.candidates:
        make(
            candidate, seed=0, task=pipeline.task
        )  # one that cannot be made is a mistake in the pipeline, not a candidate that lost
    batch_id, _ = ledger.batch_of(cycle.id)
    champion, past = ledger.contest_at(interval.start)
    model = None if champion is None else serving(context, champion)
    batch = _batch(context, interval, model)
    recalled: tuple[Recalled, ...] = ()
    if champion is not None and model is not None and pipeline.recall is not None:
        with watch("recall"), one_thread():
            recalled = _recalled(context, interval, batch, champion, model)
        if _chosen(context, interval, recalled, _mean_loss(ledger, cycle)).training_id is not None:
            with ledger.transaction():
                ledger.add_recalls(batch_id, recalled)
                ledger.add_step(cycle.id, "train", seconds=watch.seconds, ended_at=context.clock())
            return OpenCycle(cycle.id, cycle.steps | {"train"})
    with one_thread():
        challengers, evaluations, finals, shadow = _compete(context, interval, batch, champion, model, past, watch)
    with ledger.transaction():
        ledger.add_recalls(batch_id, recalled)
        for challenger in challengers:
            training_id = ledger.add_training(cycle.id, "challenger", challenger.training, failure=challenger.failure)
            if challenger.training.candidate in evaluations:
                ledger.add_evaluation(batch_id, training_id, evaluations[challenger.training.candidate])
        for final in finals:
            ledger.add_training(cycle.id, "final", final.training, failure=final.failure)
        if shadow is not None:
            ledger.add_training(cycle.id, "shadow", shadow.training, failure=shadow.failure)
        ledger.add_step(cycle.id, "train", seconds=watch.seconds, ended_at=context.clock())
    return OpenCycle(cycle.id, cycle.steps | {"train"})


def _recalled(
    context: Context, interval: Interval, batch: Batch, champion: Champion, model: Model
) -> tuple[Recalled, ...]:
    """How archived models do on the newest rows; none where the champion cannot be asked about all of them."""
    if _unscored(context, model, batch) or _answerable(context, model, batch) is not None:
        return ()
    loss = _score(context, model, batch).loss
    return recall.search(context, interval, champion, loss, lambda one: _score(context, one, batch))


def _chosen(
    context: Context, interval: Interval, recalled: Sequence[Recalled], champion_loss: float | None
) -> recall.Chosen:
    config = context.pipeline.recall
    if config is None or not recalled:
        return recall.Chosen(Decision(action=Action.KEEP, reasons=()), None)
    scale, promised = _unit(context, 1.0 if champion_loss is None else champion_loss), recall.promise(context, interval)
    return recall.choose(config, context.pipeline.gate, recalled, scale=scale, promised=promised)


def _mean_loss(ledger: Ledger, cycle: OpenCycle) -> float | None:
    """The champion's, as ``assess`` recorded it."""
    return next((one.metrics["loss"] for one in ledger.evaluations_of(cycle.id) if one.role == "champion"), None)


def _compete(
    context: Context,
    interval: Interval,
    batch: Batch,
    champion: Champion | None,
    model: Model | None,
    past: Past,
    watch: Stopwatch,
) -> tuple[list[Challenger], dict[str, Evaluation], list[Challenger], Challenger | None]:
    """Every candidate fitted without the newest interval, how it did there, and fits with it to serve or shadow."""
    known = _known_classes(context, model)
    incumbent = champion_scored = champion_loss = asked = None
    if champion is not None and model is not None:
        incumbent = Incumbent(champion.candidate, _unscored(context, model, batch))
        if incumbent.compared:
            with watch("evaluate"):
                asked = _answerable(context, model, batch)
                champion_scored = _score(context, model, batch, asked)
                champion_loss = champion_scored.loss
            incumbent = replace(incumbent, loss=float(champion_loss.mean()))
    challengers: list[Challenger] = []
    evaluations: dict[str, Evaluation] = {}
    meetings: dict[str, Meeting] = {}
    for candidate in context.pipeline.candidates:
        fitted = _fit(context, candidate, interval.start, known, watch)
        if fitted is None:
            continue
        challengers.append(fitted)
        if fitted.model is not None:
            with watch("evaluate"):
                try:
                    scored = _score(context, fitted.model, batch)
                except EstimatorError as error:
                    challengers[-1] = replace(fitted, model=None, failure=str(error))
                    continue
            loss = scored.loss if asked is None else scored.loss[asked]
            gain = None if champion_loss is None else evaluate.paired(champion_loss, loss)
            evaluations[candidate.name] = _evaluation("challenger", candidate.name, scored, gain)
            if champion_scored is not None and incumbent is not None:
                kept_out = _guarded(context, batch, asked, champion_scored, fitted.model, scored, incumbent)
                evaluations[candidate.name] = replace(evaluations[candidate.name], kept_out=kept_out)
            if champion_loss is not None and incumbent is not None and candidate.name != incumbent.candidate:
                meetings[candidate.name] = _meeting(context, gain, champion_loss - loss, past.loss or 0.0)
    if incumbent is not None:
        evaluations = _bet(context, incumbent, evaluations, meetings, past)
    finals = _finals(context, interval, known, incumbent, evaluations, past, watch)
    return (
        challengers,
        evaluations,
        finals,
        _for_the_shadow(context, interval, known, incumbent, evaluations, past, watch),
    )


def _guarded(
    context: Context,
    batch: Batch,
    asked: NDArray[np.bool_] | None,
    champion: evaluate.Scored,
    model: Model,
    scored: evaluate.Scored,
    incumbent: Incumbent,
) -> tuple[str, ...]:
    """Why guards keep a challenger out, on the rows that the champion was asked about."""
    rule = context.pipeline.gate
    if not rule.guards and not rule.slices:
        return ()
    table = batch.table if asked is None else batch.table.filter(asked)
    if asked is not None:
        scored = _score(context, model, batch, asked)
    said = guard.of_metrics(rule.guards, champion.metrics, scored.metrics)
    scale = _scale(context, incumbent)
    return tuple(said + guard.of_slices(rule.slices, table, champion.loss - scored.loss, scale=scale))


def _finals(
    context: Context,
    interval: Interval,
    known: tuple[str, ...] | None,
    incumbent: Incumbent | None,
    evaluations: dict[str, Evaluation],
    past: Past,
    watch: Stopwatch,
) -> list[Challenger]:
    """Fits with the newest interval: of the gate's choice, and where that fails of its next one, till one is made."""
    finals: list[Challenger] = []
    failed: set[str] = set()
    by_name = {candidate.name: candidate for candidate in context.pipeline.candidates}
    while True:
        _, name = _judge(context, incumbent, evaluations, failed, past)
        if name is None:
            return finals
        final = _fit(context, by_name[name], interval.end, known, watch, keep=True)
        if final is not None:
            finals.append(final)
            if final.model is not None:
                return finals
        failed.add(name)


def _for_the_shadow(
    context: Context,
    interval: Interval,
    known: tuple[str, ...] | None,
    incumbent: Incumbent | None,
    evaluations: dict[str, Evaluation],
    past: Past,
    watch: Stopwatch,
) -> Challenger | None:
    """The fit with the newest interval of the challenger that goes into the shadow, where none is there."""
    pipeline = context.pipeline
    if pipeline.gate.kind != "shadow" or past.shadow is not None or incumbent is None or not incumbent.compared:
        return None
    contenders = _contenders(context, incumbent, evaluations, set())
    name = gates.to_shadow(pipeline.gate, contenders, scale=_scale(context, incumbent))
    chosen = next((one for one in pipeline.candidates if one.name == name), None)
    return None if chosen is None else _fit(context, chosen, interval.end, known, watch, keep=True)


def _judge(
    context: Context, incumbent: Incumbent | None, evaluations: dict[str, Evaluation], failed: set[str], past: Past
) -> tuple[Decision, str | None]:
    """What the gate says of the candidates that were scored; without a champion to compare with, of all of them."""
    return gates.decide(
        context.pipeline.gate,
        _contenders(context, incumbent, evaluations, failed),
        has_champion=incumbent is not None,
        scale=_scale(context, incumbent),
        unscored="" if incumbent is None else incumbent.unscored,
        account=None if incumbent is None else _account(context, incumbent, evaluations, past),
    )


def _contenders(
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


def _meeting(context: Context, gain: PairedLoss | None, gains: NDArray[np.float64], loss: float) -> Meeting:
    """A challenger's rows beside the champion's, as they are bet on; ``loss`` is a champion's mean loss before."""
    metric = context.pipeline.metric
    if metric == "accuracy" and gain is not None and gain.wins is not None and gain.losses is not None:
        return Counts(gain.wins, gain.losses, gain.rows)
    return Losses(gains, None if metric == "brier" else loss)


def _bet(
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
    contest = past.standing.resumed(_marks(context, incumbent)).after(
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


def _account(
    context: Context, incumbent: Incumbent, evaluations: dict[str, Evaluation], past: Past
) -> gates.Account | None:
    """What :func:`_bet` recorded, and the promise it was bet under; None where every interval is judged alone."""
    promise = _promise(context)
    if promise is None:
        return None
    before = past.standing.resumed(_marks(context, incumbent))
    met = {name: one.evidence for name, one in evaluations.items() if one.evidence is not None}
    return gates.Account(
        policy=gates.policy(promise),
        contest=Contest(budget=before.budget, evidence={**before.evidence, **met}),
        shocks={name: _shock(context, incumbent, name, past) for name in met},
        above=_above(context, past),
    )


def _marks(context: Context, incumbent: Incumbent) -> dict[str, str]:
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
    return context.pipeline.gate.min_gain * _unit(context, past.loss or 0.0)


def _shock(context: Context, incumbent: Incumbent, challenger: str, past: Past) -> float:
    """What the rows of an interval share in their gain: declared, else measured, else one in a hundred."""
    declared, unit = context.pipeline.gate.shock, _unit(context, past.loss or 0.0)
    if declared is not None:
        return declared * unit
    return past.shock(incumbent.candidate, challenger, at_first=0.01 * unit)


def _scale(context: Context, incumbent: Incumbent | None) -> float:
    """What the gate's margins are shares of: for losses in the target's own unit, the champion's mean loss."""
    return _unit(context, 1.0 if incumbent is None or incumbent.loss is None else incumbent.loss)


def _unit(context: Context, loss: float) -> float:
    """What shares of a loss are of: one where it lies between 0 and 1, else the mean ``loss``."""
    return 1.0 if context.pipeline.metric in ("accuracy", "balanced_accuracy", "brier") else loss


def _fit(
    context: Context,
    candidate: Candidate,
    end: datetime,
    known: tuple[str, ...] | None,
    watch: Stopwatch,
    *,
    keep: bool = False,
) -> Challenger | None:
    """Fit a candidate on its window up to ``end``, or take the equal fit made before; None where no rows are."""
    pipeline = context.pipeline
    changed = context.ledger.changed_before(end) if candidate.window.kind == "drift_cut" else None
    chosen = windows.select(candidate.window, end=end, step=pipeline.interval, first=context.first, changed=changed)
    if chosen is None:
        return None
    seed = seed_for(pipeline.seed, candidate.name, format_time(chosen.start), format_time(chosen.end))
    if candidate.stream and candidate.window.max_rows is None:
        return _fit_stream(context, candidate, chosen, known, seed, watch, keep=keep)
    with watch("extract"):
        batches = context.sampled(chosen, candidate.window, known)
    if not batches:
        return None
    training = _training(context, candidate, [Fitted.of(batch) for batch in batches], chosen, seed)
    equal = context.equal_fit(training.fingerprint)
    model, sha256 = (None, None) if equal is None else equal
    fitting = Stopwatch()
    try:
        if model is None:
            with watch("fit"), fitting("fit"):
                model = _fitted(context, candidate, batches, chosen, seed)
            context.remember(training.fingerprint, model)
        if keep and sha256 is None:
            with watch("save"):
                sha256 = context.save(model)
    except EstimatorError as error:
        return Challenger(training, None, str(error))
    seconds = fitting.seconds.get("fit", 0.0)
    return Challenger(replace(training, seconds=seconds, artifact=sha256 if keep else None), model)


def _fit_stream(
    context: Context,
    candidate: Candidate,
    chosen: Interval,
    known: tuple[str, ...] | None,
    seed: int,
    watch: Stopwatch,
    *,
    keep: bool,
) -> Challenger | None:
    """Fit to one interval after the other. No equal fit is looked for: what it is fitted to is known afterwards."""
    seen: list[Fitted] = []

    def tables() -> Iterator[Any]:
        for batch in context.streamed(chosen, known):
            seen.append(Fitted.of(batch))
            yield batch.table

    fitting, model, failure = Stopwatch(), None, None
    try:
        with watch("fit"), fitting("fit"):
            model = _streamed(context, candidate, tables(), chosen, seed)
    except EstimatorError as error:
        failure = str(error)
    if model is None and failure is None:
        return None
    training = replace(_training(context, candidate, seen, chosen, seed), seconds=fitting.seconds.get("fit", 0.0))
    if model is None:
        return Challenger(training, None, failure)
    context.remember(training.fingerprint, model)
    if not keep:
        return Challenger(training, model)
    try:
        with watch("save"):
            return Challenger(replace(training, artifact=context.save(model)), model)
    except EstimatorError as error:
        return Challenger(training, None, str(error))


def _training(
    context: Context, candidate: Candidate, fitted: Sequence[Fitted], chosen: Interval, seed: int
) -> Training:
    return Training(
        candidate=candidate.name,
        window=chosen,
        rows=sum(one.rows for one in fitted),
        seconds=0.0,
        seed=seed,
        fingerprint=context.fingerprint(candidate, fitted, chosen, seed),
        versions=library_versions(),
        code_version=context.code_version,
    )


def _streamed(
    context: Context, candidate: Candidate, tables: Iterable[Any], chosen: Interval, seed: int
) -> Model | None:
    return stream.fit(
        candidate,
        tables,
        pipeline=context.pipeline,
        kinds=context.kinds,
        weights=lambda table: _weights(context, candidate, table, chosen),
        seed=seed,
    )


def _weights(context: Context, candidate: Candidate, table: Any, chosen: Interval) -> NDArray[np.float64] | None:
    times = table[context.pipeline.source.time].to_numpy().astype("datetime64[us]")
    return windows.weights(candidate.window, times, end=chosen.end, step=context.pipeline.interval)


def _fitted(context: Context, candidate: Candidate, batches: list[Batch], chosen: Interval, seed: int) -> Model:
    if candidate.stream:
        model = _streamed(context, candidate, (batch.table for batch in batches), chosen, seed)
        assert model is not None, "there are rows"
        return model
    pipeline = context.pipeline
    table = concat(batches)
    return Model.fit(
        candidate,
        table,
        pipeline=pipeline,
        kinds=context.kinds,
        weights=_weights(context, candidate, table, chosen),
        seed=seed,
    )


# --- gate --------------------------------------------------------------------------------------------------


def gate(context: Context, interval: Interval, cycle: OpenCycle) -> OpenCycle:
    """Record the gate's decision on what ``train`` left in the ledger, and who serves from the interval's end."""
    watch = Stopwatch()
    ledger = context.ledger
    with watch("ledger"):
        champion, past = ledger.contest_at(interval.start)
    chosen = recall.Chosen(Decision(action=Action.KEEP, reasons=()), None)
    if context.pipeline.recall is not None:
        chosen = _chosen(context, interval, ledger.recalls_of(cycle.id), _mean_loss(ledger, cycle))
        if chosen.training_id is not None:
            return _decided(context, interval, cycle, chosen.decision, chosen.training_id, watch, past.standing)
    with watch("ledger"):
        trainings = ledger.trainings_of(cycle.id)
        scored = ledger.evaluations_of(cycle.id)
        evaluations = {one.candidate: one for one in scored if one.role == "challenger"}
        incumbent = None if champion is None else _incumbent(ledger, cycle, champion, scored)
    failures = {name: failure for (_, name), (_, _, failure) in trainings.items() if failure is not None}
    failed = {name for (role, name), (_, _, failure) in trainings.items() if role == "final" and failure}
    decision, name = _judge(context, incumbent, evaluations, failed, past)
    if name is not None and ("final", name) not in trainings:
        decision, name = replace(decision, action=Action.KEEP), None
    said = tuple(f"{name} could not be trained: {failure}" for name, failure in sorted(failures.items()))
    said += tuple(
        f"{name} goes into the shadow for at most {context.pipeline.gate.shadow_intervals} intervals"
        for (role, name), (_, _, failure) in trainings.items()
        if role == "shadow" and failure is None
    )
    decision = replace(
        decision,
        reasons=decision.reasons + said + chosen.decision.reasons,
        evidence={**decision.evidence, **chosen.decision.evidence},
    )
    standing = _stood(context, incumbent, evaluations, name, past)
    training_id = None if name is None else trainings["final", name][0]
    return _decided(context, interval, cycle, decision, training_id, watch, standing)


def _decided(
    context: Context,
    interval: Interval,
    cycle: OpenCycle,
    decision: Decision,
    training_id: int | None,
    watch: Stopwatch,
    standing: Standing,
) -> OpenCycle:
    """Record the gate's decision, who serves from the interval's end, and that the cycle is done."""
    ledger = context.ledger
    with ledger.transaction():
        decision_id = ledger.add_decision(
            cycle.id, "gate", decision, actor=ACTOR, decided_at=context.clock(), standing=standing
        )
        if training_id is not None:
            ledger.add_champion(training_id, decision_id, valid_from=interval.end)
        ledger.add_step(cycle.id, "gate", seconds=watch.seconds, ended_at=context.clock())
        ledger.add_step(cycle.id, "done", seconds={}, ended_at=context.clock())
    return OpenCycle(cycle.id, cycle.steps | {"gate", "done"})


def _stood(
    context: Context, incumbent: Incumbent | None, evaluations: dict[str, Evaluation], name: str | None, past: Past
) -> Standing:
    """How challengers stand after the decision; one without a comparison under a promise leaves them as they stood."""
    account = None if incumbent is None else _account(context, incumbent, evaluations, past)
    if incumbent is None or account is None or not account.shocks:
        return past.standing
    promoted = name is not None and name != incumbent.candidate
    return Standing(marks=_marks(context, incumbent), contest=account.contest.decided(promoted=promoted))


def _incumbent(ledger: Ledger, cycle: OpenCycle, champion: Champion, scored: Sequence[Evaluation]) -> Incumbent:
    """The champion as ``assess`` recorded it."""
    for one in scored:
        if one.role == "champion":
            return Incumbent(champion.candidate, loss=one.metrics["loss"])
    return Incumbent(champion.candidate, unscored=ledger.decisions_of(cycle.id)["trigger"].reasons[0])


def candidate_named(context: Context, name: str) -> Candidate:
    """The pipeline's candidate of that name. Raises ConfigError with the nearest one."""
    for candidate in context.pipeline.candidates:
        if candidate.name == name:
            return candidate
    known = [candidate.name for candidate in context.pipeline.candidates]
    raise ConfigError(f"{context.pipeline.name} has no candidate {name!r}", remedy=nearest(name, known))


def train_one(context: Context, candidate: Candidate, interval: Interval, end: datetime) -> int:
    """Fit one candidate up to ``end`` and keep it, as part of the cycle of ``interval``; the training's id.

    Raises EstimatorError when it cannot be fitted.
    """
    ledger = context.ledger
    cycle = ledger.find(interval)
    assert cycle is not None, "called for a cycle that is done"
    champion = ledger.champion_at(interval.start)
    known = _known_classes(context, None if champion is None else serving(context, champion))
    final = _fit(context, candidate, end, known, Stopwatch(), keep=True)
    if final is None or final.model is None:
        why = "its window holds no rows" if final is None else str(final.failure)
        raise EstimatorError(f"candidate {candidate.name!r} could not be fitted: {why}")
    trainings = ledger.trainings_of(cycle.id)
    for role in ("final", "manual"):
        before = trainings.get((role, candidate.name))
        if before is not None and before[1].fingerprint == final.training.fingerprint:
            return before[0]
    with ledger.transaction():
        return ledger.add_training(cycle.id, "manual", final.training)


def fit_until(
    context: Context, candidate: Candidate, end: datetime, known: tuple[str, ...] | None = None
) -> Challenger | None:
    """A candidate's fit on its window up to ``end``, or the equal one made before; nothing is recorded."""
    return _fit(context, candidate, end, known, Stopwatch())
