"""One cycle: everything that happens for one pipeline, segment and interval, as steps that can be run again.

``assess`` reads and validates the interval's rows, scores the champion on them before anything is trained on them,
measures drift and decides whether to train. ``train`` fits every candidate without the newest interval, scores it
on that interval beside the champion, and fits the one that the gate would let in again, the newest interval
included. ``gate`` records the gate's decision and who serves from the interval's end. Each is one transaction; one
that has ended is not run again, and one that was killed leaves nothing behind.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from heliotrope import drift, evaluate, trigger
from heliotrope import gate as gates
from heliotrope import window as windows
from heliotrope.candidates.estimator import make
from heliotrope.candidates.model import Model
from heliotrope.context import Context
from heliotrope.errors import ConfigError, EstimatorError, nearest
from heliotrope.interval import Interval, format_time
from heliotrope.ledger import Ledger, OpenCycle, Recorded, recorded
from heliotrope.provenance import library_versions, seed_for
from heliotrope.records import (
    Action,
    Batch,
    Champion,
    Decision,
    DriftReport,
    Evaluation,
    Training,
    Verdict,
)
from heliotrope.stopwatch import Stopwatch
from heliotrope.threads import one_thread
from heliotrope.validate import unanswerable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from heliotrope.config import Candidate

__all__ = ["Challenger", "assess", "fit_until", "gate", "reassess", "run", "serving", "train"]

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
        champion = context.ledger.champion_at(interval.start)
    with watch("load"):
        model = None if champion is None else serving(context, champion)
    with watch("extract"):
        batch = _batch(context, interval, model)
    held = batch.verdict is Verdict.HELD
    scored: evaluate.Scored | None = None
    reports: tuple[DriftReport, ...] = ()
    unscored = ""
    if not held and model is not None and champion is not None:
        unscored = _unscored(context, model, batch)
        if not unscored:
            with watch("evaluate"):
                scored = _score(context, model, batch, _answerable(context, model, batch))
        with watch("drift"):
            reports = _drift(context, champion, batch, model)
    with watch("decide"):
        decision = _held(batch) if held else _trigger(context, champion, batch, reports, scored, unscored)
    ledger = context.ledger
    begun = watch.seconds
    with ledger.transaction():
        cycle_id = ledger.add_cycle(interval, code_version=context.code_version, started_at=started_at)
        batch_id = ledger.add_batch(cycle_id, batch, revision=0, recorded_at=context.clock())
        if scored is not None and champion is not None:
            ledger.add_evaluation(batch_id, champion.training_id, _evaluation("champion", champion.candidate, scored))
        ledger.add_drift(batch_id, reports)
        stage = "validate" if held else "trigger"
        ledger.add_decision(cycle_id, stage, decision, actor=ACTOR, decided_at=context.clock())
        steps = {"assess"} if decision.action is Action.TRAIN else {"assess", "done"}
        for step in sorted(steps):
            ledger.add_step(cycle_id, step, seconds=begun if step == "assess" else {}, ended_at=context.clock())
    return OpenCycle(cycle_id, frozenset(steps))


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
        pipeline = context.pipeline
        table = batch.table if asked is None else batch.table.filter(asked)
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

    return context.once("score", (model, batch, asked), ask)


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
) -> Decision:
    interval, ledger, metric = batch.interval, context.ledger, context.pipeline.metric
    trained = None if champion is None else ledger.last_trained(interval.start)
    scores: tuple[float, ...] = ()
    if champion is not None and scored is not None:
        scores = ledger.champion_scores(metric, champion.valid_from, interval.start, limit=1000)
        scores += (scored.metrics[metric],)
    situation = trigger.Situation(
        intervals_since_training=None if trained is None else round((interval.end - trained) / interval.step),
        rows_since_training=batch.rows + (ledger.rows_since(trained, interval.start) if trained else 0),
        drift=reports,
        scores=scores,
        lower_is_better=context.pipeline.lower_is_better,
        unscored=unscored,
    )
    return trigger.decide(context.pipeline.trigger, situation)


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
    champion = ledger.champion_at(interval.start)
    model = None if champion is None else serving(context, champion)
    batch = _batch(context, interval, model)
    with one_thread():
        challengers, evaluations, finals = _compete(context, interval, batch, champion, model, watch)
    with ledger.transaction():
        for challenger in challengers:
            training_id = ledger.add_training(cycle.id, "challenger", challenger.training, failure=challenger.failure)
            if challenger.training.candidate in evaluations:
                ledger.add_evaluation(batch_id, training_id, evaluations[challenger.training.candidate])
        for final in finals:
            ledger.add_training(cycle.id, "final", final.training, failure=final.failure)
        ledger.add_step(cycle.id, "train", seconds=watch.seconds, ended_at=context.clock())
    return OpenCycle(cycle.id, cycle.steps | {"train"})


def _compete(
    context: Context,
    interval: Interval,
    batch: Batch,
    champion: Champion | None,
    model: Model | None,
    watch: Stopwatch,
) -> tuple[list[Challenger], dict[str, Evaluation], list[Challenger]]:
    """Every candidate fitted without the newest interval, how it did there, and the fits with it."""
    known = _known_classes(context, model)
    incumbent = champion_loss = asked = None
    if champion is not None and model is not None:
        incumbent = Incumbent(champion.candidate, _unscored(context, model, batch))
        if incumbent.compared:
            with watch("evaluate"):
                asked = _answerable(context, model, batch)
                champion_loss = _score(context, model, batch, asked).loss
            incumbent = replace(incumbent, loss=float(champion_loss.mean()))
    challengers: list[Challenger] = []
    evaluations: dict[str, Evaluation] = {}
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
    finals = _finals(context, interval, known, incumbent, evaluations, watch)
    return challengers, evaluations, finals


def _finals(
    context: Context,
    interval: Interval,
    known: tuple[str, ...] | None,
    incumbent: Incumbent | None,
    evaluations: dict[str, Evaluation],
    watch: Stopwatch,
) -> list[Challenger]:
    """Fits with the newest interval: of the gate's choice, and where that fails of its next one, till one is made."""
    finals: list[Challenger] = []
    failed: set[str] = set()
    by_name = {candidate.name: candidate for candidate in context.pipeline.candidates}
    while True:
        _, name = _judge(context, incumbent, evaluations, failed)
        if name is None:
            return finals
        final = _fit(context, by_name[name], interval.end, known, watch, keep=True)
        if final is not None:
            finals.append(final)
            if final.model is not None:
                return finals
        failed.add(name)


def _judge(
    context: Context, incumbent: Incumbent | None, evaluations: dict[str, Evaluation], failed: set[str]
) -> tuple[Decision, str | None]:
    """What the gate says of the candidates that were scored; without a champion to compare with, of all of them."""
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
            )
        )
    return gates.decide(
        context.pipeline.gate,
        contenders,
        has_champion=incumbent is not None,
        scale=_scale(context, incumbent),
        unscored="" if incumbent is None else incumbent.unscored,
    )


def _scale(context: Context, incumbent: Incumbent | None) -> float:
    """What the gate's margins are shares of: for losses in the target's own unit, the champion's mean loss."""
    if context.pipeline.metric in ("accuracy", "balanced_accuracy", "brier") or incumbent is None:
        return 1.0
    return 1.0 if incumbent.loss is None else incumbent.loss


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
    with watch("extract"):
        chosen = windows.select(candidate.window, end=end, step=pipeline.interval, first=context.first)
        batches = [] if chosen is None else context.usable(chosen, known)
    if chosen is None or not batches:
        return None
    seed = seed_for(pipeline.seed, candidate.name, format_time(chosen.start), format_time(chosen.end))
    training = Training(
        candidate=candidate.name,
        window=chosen,
        rows=sum(batch.rows for batch in batches),
        seconds=0.0,
        seed=seed,
        fingerprint=context.fingerprint(candidate, batches, chosen, seed),
        versions=library_versions(),
        code_version=context.code_version,
    )
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


def _fitted(context: Context, candidate: Candidate, batches: list[Batch], chosen: Interval, seed: int) -> Model:
    pipeline = context.pipeline
    table = concat(batches)
    times = table[pipeline.source.time].to_numpy().astype("datetime64[us]")
    return Model.fit(
        candidate,
        table,
        pipeline=pipeline,
        kinds=context.kinds,
        weights=windows.weights(candidate.window, times, end=chosen.end, step=pipeline.interval),
        seed=seed,
    )


# --- gate --------------------------------------------------------------------------------------------------


def gate(context: Context, interval: Interval, cycle: OpenCycle) -> OpenCycle:
    """Record the gate's decision on what ``train`` left in the ledger, and who serves from the interval's end."""
    watch = Stopwatch()
    ledger = context.ledger
    with watch("ledger"):
        champion = ledger.champion_at(interval.start)
        trainings = ledger.trainings_of(cycle.id)
        scored = ledger.evaluations_of(cycle.id)
        evaluations = {one.candidate: one for one in scored if one.role == "challenger"}
        incumbent = None if champion is None else _incumbent(ledger, cycle, champion, scored)
    failures = {name: failure for (_, name), (_, _, failure) in trainings.items() if failure is not None}
    failed = {name for (role, name), (_, _, failure) in trainings.items() if role == "final" and failure}
    decision, name = _judge(context, incumbent, evaluations, failed)
    if name is not None and ("final", name) not in trainings:
        decision, name = replace(decision, action=Action.KEEP), None
    said = tuple(f"{name} could not be trained: {failure}" for name, failure in sorted(failures.items()))
    decision = replace(decision, reasons=decision.reasons + said)
    with ledger.transaction():
        decision_id = ledger.add_decision(cycle.id, "gate", decision, actor=ACTOR, decided_at=context.clock())
        if name is not None:
            ledger.add_champion(trainings["final", name][0], decision_id, valid_from=interval.end)
        ledger.add_step(cycle.id, "gate", seconds=watch.seconds, ended_at=context.clock())
        ledger.add_step(cycle.id, "done", seconds={}, ended_at=context.clock())
    return OpenCycle(cycle.id, cycle.steps | {"gate", "done"})


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
