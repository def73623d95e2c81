"""``gate``: the gate's decision, and who serves from the interval's end."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from heliotrope import recall
from heliotrope.context import Context
from heliotrope.cycle.account import incumbent_of, judge, stood
from heliotrope.cycle.recalling import choose, mean_loss
from heliotrope.evidence.standing import Standing
from heliotrope.interval import Interval
from heliotrope.ledger import OpenCycle
from heliotrope.records import Action, Champion, Decision
from heliotrope.stopwatch import Stopwatch

if TYPE_CHECKING:
    pass


def gate(context: Context, interval: Interval, cycle: OpenCycle) -> OpenCycle:
    """Record the gate's decision on what ``train`` left in the ledger, and who serves from the interval's end."""
    with context.span("gate", interval):
        return _gate(context, interval, cycle)


def _gate(context: Context, interval: Interval, cycle: OpenCycle) -> OpenCycle:
    watch = Stopwatch()
    ledger = context.ledger
    with watch("ledger"):
        champion, past = ledger.contest_at(interval.start)
        by_hand = ledger.chosen_by_hand(interval.end)
    if by_hand is not None:
        return _decided(context, interval, cycle, _overruled(by_hand), None, watch, past.standing)
    chosen = recall.Chosen(Decision(action=Action.KEEP, reasons=()), None)
    if context.pipeline.recall is not None:
        chosen = choose(context, interval, ledger.recalls_of(cycle.id), mean_loss(ledger, cycle))
        if chosen.training_id is not None:
            return _decided(context, interval, cycle, chosen.decision, chosen.training_id, watch, past.standing)
    with watch("ledger"):
        trainings = ledger.trainings_of(cycle.id)
        scored = ledger.evaluations_of(cycle.id)
        evaluations = {one.candidate: one for one in scored if one.role == "challenger"}
        incumbent = None if champion is None else incumbent_of(ledger, cycle, champion, scored)
    failures = {name: failure for (_, name), (_, _, failure) in trainings.items() if failure is not None}
    failed = {name for (role, name), (_, _, failure) in trainings.items() if role == "final" and failure}
    decision, name = judge(context, incumbent, evaluations, failed, past)
    if name is not None and ("final", name) not in trainings:
        decision, name = replace(decision, action=Action.KEEP), None
    said = tuple(f"{name} could not be trained: {failure}" for name, failure in sorted(failures.items()))
    if champion is not None:
        tried = {name for _, name in trainings}
        said += tuple(
            f"{one.name} was not trained: its window holds no usable rows"
            for one in context.pipeline.candidates
            if one.name not in tried
        )
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
    standing = stood(context, incumbent, evaluations, name, past)
    training_id = None if name is None else trainings["final", name][0]
    return _decided(context, interval, cycle, decision, training_id, watch, standing)


def _overruled(by_hand: Champion) -> Decision:
    """What is left of a gate's decision where a person chose who serves, while the cycle was under way."""
    why = f"{by_hand.candidate} serves from then on by the word of {by_hand.actor}: {'; '.join(by_hand.reasons)}"
    return Decision(action=Action.KEEP, reasons=(why,))


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
        decision_id = ledger.add_decision(cycle.id, "gate", decision, decided_at=context.clock(), standing=standing)
        if training_id is not None:
            ledger.add_champion(training_id, decision_id, valid_from=interval.end)
        ledger.add_step(cycle.id, "gate", seconds=watch.seconds, ended_at=context.clock())
        ledger.add_step(cycle.id, "done", seconds={}, ended_at=context.clock())
    return OpenCycle(cycle.id, cycle.steps | {"gate", "done"})
