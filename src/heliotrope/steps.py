"""The steps of a cycle, each in a call of its own, for what runs them one by one: ``run-step``, and Airflow's tasks.

They are the steps that ``run`` takes, under the same lock. One that has ended is not done again, so that a call may
be repeated, made twice at once, or made after a kill. Cycles are assessed in the order of their intervals: ``assess``
first finishes what an earlier interval's cycle has left open, whose own calls then find it done.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from heliotrope import cycle as cycles
from heliotrope.context import Context
from heliotrope.errors import ConfigError, DatabaseError, HeliotropeError, IntervalError, LedgerError, LockedError
from heliotrope.interval import Interval, floor, format_time, intervals, refuse_off_grid
from heliotrope.order import Part
from heliotrope.records import Action, Decision

if TYPE_CHECKING:
    from heliotrope.ledger import OpenCycle
    from heliotrope.notify import Resolver
    from heliotrope.order import Order
    from heliotrope.segments import Done, Segment

__all__ = [
    "Published",
    "announce",
    "assess",
    "create",
    "gate",
    "left",
    "perform",
    "proposed",
    "publish",
    "run_segments",
    "train",
    "why_hopeless",
]

_QUICK = 20.0
"""Seconds after which no later cycle is begun."""
_AT_ONCE = 48
"""Pictures of later cycles that are drawn along with one."""


@dataclass(frozen=True, slots=True)
class Published:
    """What left a cycle: its picture, where it is drawn, and how many champions were registered."""

    interval: Interval
    picture: Path | None
    registered: int


def perform(context: Context, order: Order, *, resolver: Resolver | None = None) -> dict[str, Any]:
    """Do one step; what it came to, as ``run-step --json`` has it. Raises what the step raises.

    Those who are declared under ``notify`` are told by ``announce`` and ``publish`` of what was decided so far, and of
    an error at once. ``resolver`` says where a target is, where the environment and files do not.
    """
    if not context.pipeline.notify:
        return _done(context, order)
    context.ledger.tells = order.step not in ("divide", "segments")  # nobody is told of each of thousands
    try:
        done = _done(context, order)
    except LockedError:
        raise  # it is tried again
    except HeliotropeError as error:
        with suppress(HeliotropeError):
            context.ledger.add_failure(error, order.interval, at=context.clock())
            _tell(context, resolver)
        raise
    finally:
        context.ledger.tells = False
    return {**done, "messages": _tell(context, resolver)} if order.step in ("announce", "publish") else done


def _tell(context: Context, resolver: Resolver | None) -> dict[str, int] | None:
    """Send what is due; how much was, and what waits. What goes wrong is told to the context's notice, and stays."""
    from heliotrope import notify

    notice = context.ledger.notice or _unheard
    try:
        told = notify.deliver(
            context.database,
            context.pipeline,
            context.ledger.ids[0],
            context.segment,
            resolver=resolver or notify.address,
            picture=notify.picture_of(context, notice),
            notice=notice,
        )
    except DatabaseError as error:
        notice(f"messages wait: {error.message}", "the next step sends them, or `heliotrope notify`")
        return None
    return {"sent": told.sent, "failed": told.failed, "waiting": told.waiting}


def _unheard(text: str, remedy: str = "") -> None:
    """Where nobody listens."""


def _done(context: Context, order: Order) -> dict[str, Any]:
    if order.step in ("create", "assess"):
        assert order.interval is not None, "these have no cycle yet"
        refuse_off_grid(order.interval.start, context.pipeline.interval)
        if order.step == "create":
            return {"interval": order.interval, "rows": create(context, order.interval)}
        cycle = assess(
            context, order.interval, since=order.since, missed=order.missed, until=order.until, collapse=order.collapse
        )
        if order.until is not None:
            _publish_along(context, order.interval, order.until)
        remaining = left(context, order.interval, cycle)
        return {"interval": order.interval, "cycle": cycle.id, "done": cycle.done, "left": remaining}
    cycle_id = _id(context, order)
    return {"cycle": cycle_id, **_ON_CYCLE[order.step](context, cycle_id, order)}


def _id(context: Context, order: Order) -> int:
    if order.cycle is not None:
        return order.cycle
    assert order.interval is not None, "one of the two is given"
    found = context.ledger.find(order.interval)
    if found is None:
        raise LedgerError(
            f"{context.pipeline.name} has no cycle of {order.interval} yet",
            remedy=f"`heliotrope run-step assess PIPELINE --start {format_time(order.interval.start)}`",
        )
    return found.id


def _gated(context: Context, cycle_id: int, order: Order) -> dict[str, Any]:
    gate(context, cycle_id, approved_by=order.approve, refused_by=order.refuse)
    decision = context.ledger.decisions_of(cycle_id).get("gate")
    return {
        "action": None if decision is None else decision.action.value,
        "reasons": [] if decision is None else list(decision.reasons),
        "failure": why_hopeless(context, cycle_id),
    }


def _published(context: Context, cycle_id: int, order: Order) -> dict[str, Any]:
    done = publish(context, cycle_id)
    return {"picture": done.picture, "registered": done.registered}


def _divided(context: Context, cycle_id: int, order: Order) -> dict[str, Any]:
    count = len(_segments(context, context.ledger.cycle_of(cycle_id)[0]))
    return {"segments": count, "parts": [str(one) for one in Part.all(math.ceil(count / order.size))]}


def _run_segments(context: Context, cycle_id: int, order: Order) -> dict[str, Any]:
    done = run_segments(context, cycle_id, order.part)
    failures = {
        name: {"interval": one.interval, "error": one.message, "remedy": one.remedy, "exit_code": one.exit_code}
        for name, one in sorted(done.failures.items())
    }
    return {"ran": done.ran, "passed_over": done.passed_over, "failures": failures}


_ON_CYCLE: dict[str, Callable[[Context, int, Order], dict[str, Any]]] = {
    "announce": lambda context, cycle_id, order: {"message": announce(context, cycle_id)},
    "train": lambda context, cycle_id, order: {"trained": "train" in train(context, cycle_id).steps},
    "propose": lambda context, cycle_id, order: {"proposed": proposed(context, cycle_id)},
    "gate": _gated,
    "publish": _published,
    "divide": _divided,
    "segments": _run_segments,
}


def create(context: Context, interval: Interval) -> int:
    """Write the interval's rows of the pipeline's stream into its table, in place of those there; how many.

    The stream has rows for any interval; ``start`` and ``intervals`` of the data set are ``load``'s alone. Raises
    ConfigError where the data set is not a stream, IntervalError for an interval that is not on the grid.
    """
    from heliotrope.config import StreamDataset
    from heliotrope.datasets.table import fitted
    from heliotrope.streams import make

    pipeline, dataset = context.pipeline, context.pipeline.dataset
    if not isinstance(dataset, StreamDataset):
        raise ConfigError(
            f"{pipeline.name} declares no stream to create rows from",
            remedy="add `dataset: {kind: stream, ...}` to it, or fill its table yourself",
        )
    refuse_off_grid(interval.start, pipeline.interval)
    table = make(dataset.stream, **dataset.params).batch(interval)
    done = context.rows.replace(interval, fitted(table, pipeline, where=f"stream {dataset.stream}"))
    context.forget(interval)
    return done.written


def announce(context: Context, cycle_id: int) -> str:
    """The message that a training begins; empty where the cycle asks for none.

    Raises LedgerError for a cycle that is not the pipeline's.
    """
    interval, _ = context.ledger.cycle_of(cycle_id)
    decision = context.ledger.decisions_of(cycle_id).get("trigger")
    if decision is None or decision.action is not Action.TRAIN:
        return ""
    return f":computer: [{format_time(interval.start)}]: TRAINING START!"


def assess(
    context: Context,
    interval: Interval,
    *,
    since: datetime | None = None,
    missed: bool = False,
    until: datetime | None = None,
    collapse: bool = False,
) -> OpenCycle:
    """Assess the interval, as :func:`heliotrope.cycle.assess` does; its cycle, whether it was assessed now or before.

    First the cycles of earlier intervals that have begun are finished, and, from ``since`` on, or with ``missed`` since
    the last done one, those that never began are run. With ``collapse`` an interval that is not the newest with rows is
    scored and not trained on, once somebody serves: after an outage there is one training for the whole gap.

    With ``until`` the cycles of later intervals are run as well, up to that time, for as long as this is quick: what is
    much behind is caught up with by one process, in which libraries are loaded, as by a replay. Nothing is where a
    person is asked, or with ``collapse``. :func:`perform` then publishes them in the same way.

    Raises IntervalError for an interval that has not ended, LockedError where an earlier cycle waits for a person, and
    what the steps raise.
    """
    if interval.end > context.clock():
        raise IntervalError(f"{interval} has not ended yet", remedy="wait for its end, or name an earlier one")
    with context.ledger.lock():
        for earlier in _left(context, interval, since, missed=missed):
            _finish(context, earlier, collapse=collapse)
        cycle = context.ledger.find(interval) or cycles.assess(context, interval)
        if collapse and not cycle.done and "train" not in cycle.steps and _is_behind(context, interval):
            cycle = _scored_only(context, interval, cycle)
        if until is not None and not collapse and context.pipeline.approval is None:
            _go_on(context, interval, until)
            cycle = context.ledger.find(interval) or cycle
        return cycle


def run_segments(context: Context, cycle_id: int, part: Part | None = None) -> Done:
    """Run what the segments have to do up to the interval of the whole's cycle, which is done; ``part``: some of them.

    A segment that fails runs no later interval and holds up no other. Raises ConfigError for a pipeline without
    segments, LedgerError for a cycle that is not done, and DatabaseError, which all have in common.
    """
    from heliotrope import segments

    interval, _ = context.ledger.cycle_of(cycle_id)
    found = [one for one in _segments(context, interval) if part is None or one.name in part]
    cycle = context.ledger.find(interval)
    if cycle is None or not cycle.done:
        raise LedgerError(
            f"cycle {cycle_id} of {interval} is not done, and segments come after the whole",
            remedy=f"first `heliotrope run-step gate PIPELINE --cycle {cycle_id}`",
        )
    return segments.run(context, found, segments.behind(context, found, interval), trailing=True)


def _segments(context: Context, interval: Interval) -> list[Segment]:
    """Those that have a row in the interval or before it."""
    from heliotrope import segments

    if context.pipeline.partition_by is None:
        raise ConfigError(
            f"{context.pipeline.name} has no segments", remedy="declare partition_by: COLUMN, or leave the step out"
        )
    found, refused = segments.segments_of(context)
    if refused and context.ledger.notice is not None:
        context.ledger.notice(*segments.why_refused(refused))
    return [one for one in found if one.first <= interval.start]


def _go_on(context: Context, interval: Interval, until: datetime) -> None:
    """Run the cycles from the interval's own to the last that ends by then, in order, for some seconds."""
    begun = time.monotonic()
    while interval.end <= min(until, context.clock()) and time.monotonic() - begun < _QUICK:
        cycles.run(context, interval)
        interval = interval.shift(1)


def left(context: Context, interval: Interval, cycle: OpenCycle) -> tuple[str, ...]:
    """The steps after ``assess`` that have something to do, of the interval's cycle.

    None where the cycle is done, was published, and all its messages have been sent. ``gate`` is one where every
    candidate failed: it ends with that.
    """
    if not cycle.done:
        return ("announce", "train", "gate", "publish")
    gate = () if why_hopeless(context, cycle.id) is None else ("gate",)
    return gate if _is_published(context, interval) else (*gate, "publish")


def _is_published(context: Context, interval: Interval) -> bool:
    """Whether nothing waits for ``publish``: no picture, no champion of the pipeline's, no message."""
    from heliotrope.publish import pictures

    pipeline, ledger = context.pipeline, context.ledger
    if pipeline.report.pictures and not pictures.path(context, interval).exists():
        return False
    if pipeline.registry != "none" and not context.segment and ledger.to_register():
        return False
    if not pipeline.notify:
        return True
    from heliotrope.ledger.outbox import Outbox

    with context.database.errors():
        return not any(one.is_open for one in Outbox(ledger.connection, ledger.ids[0], context.segment).left())


def _publish_along(context: Context, interval: Interval, until: datetime) -> None:
    """Draw and register what a catch-up from the interval on has left, while libraries are loaded.

    What cannot be is left to ``publish``, which says so.
    """
    from heliotrope import publish as publishing
    from heliotrope.publish import pictures

    step = context.pipeline.interval
    with suppress(HeliotropeError, OSError), context.ledger.lock("publish"):
        done = [Interval(start, start + step) for start in sorted(context.ledger.done_intervals(interval.start, until))]
        if len(done) < 2:
            return  # nothing was caught up with
        for one in done[:_AT_ONCE] if context.pipeline.report.pictures else ():
            if not pictures.path(context, one).exists():
                publishing.picture(context, one)
        publishing.register(context)


def _left(context: Context, interval: Interval, since: datetime | None, *, missed: bool) -> list[Interval]:
    """The earlier intervals whose cycle is not done: those begun, and those from ``since`` on that are not."""
    ledger, step = context.ledger, context.pipeline.interval
    left = set(ledger.open_intervals(interval.start))
    if since is not None:
        refuse_off_grid(since, step)
    if missed:
        known = ledger.last_done(interval.start)
        since = known and max(known, since or known)
    if since is not None and since < interval.start:
        done = ledger.done_intervals(since, interval.start)
        left |= {one for one in intervals(since, interval.start, step) if one.start not in done}
    return sorted(left)


def _finish(context: Context, interval: Interval, *, collapse: bool) -> None:
    """Do what is left of an earlier interval's cycle."""
    ledger = context.ledger
    cycle = ledger.find(interval)
    if context.pipeline.approval is not None and cycle is not None:
        raise LockedError(
            f"cycle {cycle.id} of {interval} is not done, and may wait for a person's approval",
            remedy="answer it in Airflow, or end it: `heliotrope run-step gate PIPELINE --cycle "
            f"{cycle.id} --refuse NAME`; then try again",
        )
    if not collapse and context.pipeline.approval is None:
        cycles.run(context, interval)
        return
    cycle = cycle or cycles.assess(context, interval)
    if cycle.done:
        return
    if ledger.champion_at(interval.start) is None and context.pipeline.approval is None:
        cycles.run(context, interval)
    else:
        _scored_only(context, interval, cycle)


def _is_behind(context: Context, interval: Interval) -> bool:
    """Whether a later interval has ended and holds rows, and somebody serves meanwhile."""
    step = context.pipeline.interval
    span = context.rows.span(end=floor(context.clock(), step))
    later = span is not None and floor(span[1], step) > interval.start
    return later and context.ledger.champion_at(interval.start) is not None


def _scored_only(context: Context, interval: Interval, cycle: OpenCycle) -> OpenCycle:
    return _kept(context, interval, cycle, "scored and not trained on: the training is left to a later interval")


def _kept(context: Context, interval: Interval, cycle: OpenCycle, reason: str) -> OpenCycle:
    """End the cycle with a decision of the gate to keep who serves; challengers stand as they stood."""
    ledger = context.ledger
    _, past = ledger.contest_at(interval.start)
    decision = Decision(action=Action.KEEP, reasons=(reason,))
    with ledger.transaction():
        ledger.add_decision(cycle.id, "gate", decision, decided_at=context.clock(), standing=past.standing)
        ledger.add_step(cycle.id, "gate", seconds={}, ended_at=context.clock())
        ledger.add_step(cycle.id, "done", seconds={}, ended_at=context.clock())
    return type(cycle)(cycle.id, cycle.steps | {"gate", "done"})


def train(context: Context, cycle_id: int) -> OpenCycle:
    """Train what the cycle asks for, as :func:`heliotrope.cycle.train` does; nothing where it asks for no training.

    Raises LedgerError where the pipeline has no such cycle.
    """
    with context.ledger.lock():
        interval, cycle = context.ledger.cycle_of(cycle_id)
        return cycle if cycle.done or "train" in cycle.steps else cycles.train(context, interval, cycle)


def proposed(context: Context, cycle_id: int) -> str | None:
    """The candidate that the gate would let in, as ``train`` left it; None where there is nothing to approve."""
    ledger = context.ledger
    interval, cycle = ledger.cycle_of(cycle_id)
    if cycle.done or "train" not in cycle.steps or ledger.chosen_by_hand(interval.end) is not None:
        return None
    trainings = ledger.trainings_of(cycle_id)
    finals = [name for (role, name), (_, _, failure) in trainings.items() if role == "final" and failure is None]
    if finals:
        return finals[0]
    recalled = () if trainings else ledger.recalls_of(cycle_id)
    return recalled[0].evaluation.candidate if recalled else None


def gate(
    context: Context, cycle_id: int, *, approved_by: str | None = None, refused_by: str | None = None
) -> OpenCycle:
    """Decide who serves from the interval's end, as :func:`heliotrope.cycle.gate` does.

    Where the pipeline asks for approval and a promotion is proposed, somebody must have approved or refused it; who did
    is on record as the decision's actor. Raises ConfigError where nobody has, LedgerError where the cycle is not
    trained yet or is not the pipeline's.
    """
    ledger = context.ledger
    with ledger.lock():
        interval, cycle = ledger.cycle_of(cycle_id)
        if cycle.done:
            return cycle
        if "train" not in cycle.steps:
            raise LedgerError(
                f"cycle {cycle_id} of {interval} is not trained yet",
                remedy=f"`heliotrope run-step train PIPELINE --cycle {cycle_id}`",
            )
        name = proposed(context, cycle_id)
        before, ledger.actor = ledger.actor, refused_by or approved_by or ledger.actor
        try:
            if name is not None and refused_by is not None:
                return _kept(context, interval, cycle, f"the promotion of {name} was refused by {refused_by}")
            if name is not None and approved_by is None and context.pipeline.approval is not None:
                raise ConfigError(
                    f"the promotion of {name} in cycle {cycle_id} waits for approval",
                    remedy="say who approves it with --approve NAME, or who does not with --refuse NAME",
                )
            return cycles.gate(context, interval, cycle)
        finally:
            ledger.actor = before


def publish(context: Context, cycle_id: int) -> Published:
    """Draw the cycle's picture and register every champion that waits for it; what was done before is not done again.

    Where later cycles are there already, as when much is caught up with, those that are done are drawn along with it,
    and registering is left to the publishing of the latest: the libraries are then loaded once for all.

    Raises LedgerError for a cycle that is not the pipeline's, RegistryError where MLflow refuses, OSError where the
    picture cannot be kept.
    """
    from heliotrope import publish as publishing
    from heliotrope.publish import pictures

    ledger, step = context.ledger, context.pipeline.interval
    with ledger.lock("publish"):
        interval, _ = ledger.cycle_of(cycle_id)
        later = sorted(ledger.done_intervals(interval.end, datetime.max.replace(tzinfo=UTC)))
        picture: Path | None = None
        if context.pipeline.report.pictures:
            picture = pictures.path(context, interval)
            along = later[:_AT_ONCE] if not picture.exists() else []
            for one in (interval, *(Interval(start, start + step) for start in along)):
                if not pictures.path(context, one).exists():
                    publishing.picture(context, one)
        return Published(interval, picture, 0 if later else publishing.register(context))


def why_hopeless(context: Context, cycle_id: int) -> str | None:
    """Why a candidate failed, where in the cycle every one of them did; None where one did not."""
    trainings = context.ledger.trainings_of(cycle_id)
    last = {candidate: failure for (_, candidate), (_, _, failure) in trainings.items()}
    failures = [f"{candidate}: {failure}" for candidate, failure in last.items() if failure]
    return failures[0] if failures and len(failures) == len(last) else None
