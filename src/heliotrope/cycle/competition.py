"""``train``: every candidate fitted without the newest interval, scored on it, and the winner fitted again with it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from heliotrope import evaluate, guard
from heliotrope import gate as gates
from heliotrope.candidates.estimator import make
from heliotrope.candidates.model import Model
from heliotrope.context import Context
from heliotrope.cycle.account import Incumbent, bet, contenders_of, judge, meeting_of, scale_of
from heliotrope.cycle.fitting import Challenger, fit
from heliotrope.cycle.recalling import choose, look_back, mean_loss
from heliotrope.cycle.scoring import (
    answerable,
    ask,
    batch_of,
    evaluation_of,
    known_classes,
    serving,
    why_unscored,
)
from heliotrope.errors import EstimatorError
from heliotrope.evidence.contest import Meeting
from heliotrope.interval import Interval
from heliotrope.ledger import OpenCycle, Past, Recalled
from heliotrope.records import Batch, Champion, Evaluation
from heliotrope.stopwatch import Stopwatch
from heliotrope.threads import one_thread

if TYPE_CHECKING:
    from numpy.typing import NDArray


def train(context: Context, interval: Interval, cycle: OpenCycle) -> OpenCycle:
    """Fit every candidate without the newest interval and score it there; fit the gate's choice again with it."""
    context.know(interval)
    with context.span("train", interval):
        return _train(context, interval, cycle)


def _train(context: Context, interval: Interval, cycle: OpenCycle) -> OpenCycle:
    watch = Stopwatch()
    ledger, pipeline = context.ledger, context.pipeline
    for candidate in pipeline.candidates:
        make(
            candidate, seed=0, task=pipeline.task
        )  # one that cannot be made is a mistake in the pipeline, not a candidate that lost
    batch_id, _ = ledger.batch_of(cycle.id)
    champion, past = ledger.contest_at(interval.start)
    model = None if champion is None else serving(context, champion)
    batch = batch_of(context, interval, champion, model)
    recalled: tuple[Recalled, ...] = ()
    if champion is not None and model is not None and pipeline.recall is not None:
        with watch("recall"), one_thread():
            recalled = look_back(context, interval, batch, champion, model)
        if choose(context, interval, recalled, mean_loss(ledger, cycle)).training_id is not None:
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
    known = known_classes(context, champion, model)
    incumbent = champion_scored = champion_loss = asked = None
    if champion is not None and model is not None:
        incumbent = Incumbent(champion.candidate, why_unscored(context, model, batch))
        if incumbent.compared:
            with watch("evaluate"):
                asked = answerable(context, model, batch)
                champion_scored = ask(context, model, batch, asked)
                champion_loss = champion_scored.loss
            incumbent = replace(incumbent, loss=float(champion_loss.mean()))
    challengers: list[Challenger] = []
    evaluations: dict[str, Evaluation] = {}
    meetings: dict[str, Meeting] = {}
    for candidate in context.pipeline.candidates:
        fitted = fit(context, candidate, interval.start, known, watch)
        if fitted is None:
            continue
        challengers.append(fitted)
        if fitted.model is not None:
            with watch("evaluate"):
                try:
                    scored = ask(context, fitted.model, batch)
                except EstimatorError as error:
                    challengers[-1] = replace(fitted, model=None, failure=str(error))
                    continue
            loss = scored.loss if asked is None else scored.loss[asked]
            gain = None if champion_loss is None else evaluate.paired(champion_loss, loss)
            evaluations[candidate.name] = evaluation_of("challenger", candidate.name, scored, gain)
            if champion_scored is not None and incumbent is not None:
                kept_out = _guarded(context, batch, asked, champion_scored, fitted.model, scored, incumbent)
                evaluations[candidate.name] = replace(evaluations[candidate.name], kept_out=kept_out)
            if champion_loss is not None and incumbent is not None and candidate.name != incumbent.candidate:
                meetings[candidate.name] = meeting_of(context, gain, champion_loss - loss, past.loss or 0.0)
    if incumbent is not None:
        evaluations = bet(context, incumbent, evaluations, meetings, past)
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
        scored = ask(context, model, batch, asked)
    said = guard.of_metrics(rule.guards, champion.metrics, scored.metrics)
    scale = scale_of(context, incumbent)
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
        _, name = judge(context, incumbent, evaluations, failed, past)
        if name is None:
            return finals
        final = fit(context, by_name[name], interval.end, known, watch, keep=True)
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
    contenders = contenders_of(context, incumbent, evaluations, set())
    name = gates.to_shadow(pipeline.gate, contenders, scale=scale_of(context, incumbent))
    chosen = next((one for one in pipeline.candidates if one.name == name), None)
    return None if chosen is None else fit(context, chosen, interval.end, known, watch, keep=True)
