"""Changing by hand who serves, and whether the champion may be replaced: with a reason, on record."""

from __future__ import annotations

from datetime import datetime

from heliotrope import cycle
from heliotrope.context import Context
from heliotrope.errors import ConfigError, LedgerError, SchemaError, shown
from heliotrope.interval import Interval, format_time
from heliotrope.ledger import champions, span
from heliotrope.records import PINNED, Action, Champion, Decision

__all__ = ["pin", "promote", "roll_back", "unpin"]


def promote(context: Context, name: str, *, reason: str, actor: str, pin: bool = False) -> Champion:
    """Fit the candidate on its newest window and let it serve from the end of the last cycle.

    The window ends with the last interval whose rows could be used: those after it may be empty.

    Raises ConfigError for a candidate the pipeline does not declare, LedgerError when no cycle is done yet.
    """
    candidate = cycle.candidate_named(context, name)
    with context.ledger.lock():
        last, end = _last_cycle(context)
        newest = context.ledger.last_usable() or last
        training_id = cycle.train_one(context, candidate, newest, newest.end)
        return _serve(context, training_id, Action.PROMOTE, end, reason, actor, pin=pin)


def roll_back(context: Context, *, to: int | None, reason: str, actor: str, pin: bool = False) -> Champion:
    """Let an earlier champion serve again from the end of the last cycle: the one of id ``to``, else the one before.

    Its model is read, and its columns looked for, before anything is recorded. Raises ConfigError for an unknown id,
    LedgerError when there is no earlier champion, ArtifactError when its file is missing or was changed, ModelError
    when it is of another task, SchemaError when the table does not have a column that it needs.
    """
    with context.ledger.lock():
        _, end = _last_cycle(context)
        known = champions(context.ledger.connection, context.ledger.pipeline_id, context.segment, every=True)
        target = _by_id(known, to) if to is not None else _predecessor(context, known)
        _refuse_unusable(context, target)
        return _serve(context, target.training_id, Action.ROLL_BACK, end, reason, actor, pin=pin)


def pin(context: Context, *, reason: str, actor: str) -> Champion:
    """Let the champion stay: from the end of the last cycle on nothing is trained and nobody promoted in its place.

    Raises LedgerError where there is no champion, or it is pinned already.
    """
    return _hold_fast(context, True, reason, actor)


def unpin(context: Context, *, reason: str, actor: str) -> Champion:
    """Let the champion be replaced again. Raises LedgerError where there is none, or it is not pinned."""
    return _hold_fast(context, False, reason, actor)


def _hold_fast(context: Context, pinned: bool, reason: str, actor: str) -> Champion:
    with context.ledger.lock():
        _, end = _last_cycle(context)
        present = context.ledger.champion_at(end)
        if present is None:
            raise LedgerError(
                f"{context.pipeline.name} has no champion", remedy="promote a candidate with `heliotrope promote`"
            )
        if present.pinned == pinned:
            said = "pinned already" if pinned else "not pinned"
            raise LedgerError(f"{present.candidate}, the champion of {context.pipeline.name}, is {said}")
        return _serve(context, present.training_id, Action.KEEP, end, reason, actor, pin=pinned)


def _refuse_unusable(context: Context, target: Champion) -> None:
    gone = context.lacking(tuple(cycle.serving(context, target).kinds))
    if gone:
        raise SchemaError(
            f"champion {target.id}, {target.candidate}, needs column {gone[0]!r}, which {context.rows.relation} "
            "does not have",
            remedy="put the column back, or name a champion that does without it; see `heliotrope champion --all`",
        )


def _last_cycle(context: Context) -> tuple[Interval, datetime]:
    """The last interval whose cycle is done, and the end of the last one that has begun, from when a change holds.

    One that is under way was scored with the present champion, and its gate decides between that one and others.
    """
    with context.database.errors():
        found = span(context.ledger.connection, context.ledger.pipeline_id, context.segment)
    if found is None:
        raise LedgerError(
            f"{context.pipeline.name} has no cycle yet", remedy="run one with `heliotrope run` or `heliotrope replay`"
        )
    done = Interval(found[1] - context.pipeline.interval, found[1])
    return done, context.ledger.last_begun() or done.end


def _by_id(known: tuple[Champion, ...], wanted: int) -> Champion:
    for champion in known:
        if champion.id == wanted:
            return champion
    ids = ", ".join(str(champion.id) for champion in known[-5:]) or "none"
    raise ConfigError(
        f"there is no champion {shown(wanted)}", remedy=f"the latest are {ids}; see `heliotrope champion --all`"
    )


def _predecessor(context: Context, known: tuple[Champion, ...]) -> Champion:
    """Who served before the present champion's model first did, so that going back twice goes back two."""
    if known:
        present = known[-1].training_id
        first = next(place for place, champion in enumerate(known) if champion.training_id == present)
        if first:
            return known[first - 1]
    raise LedgerError(
        f"{context.pipeline.name} has no earlier champion to go back to",
        remedy="promote a candidate with `heliotrope promote`",
    )


def _serve(
    context: Context, training_id: int, action: Action, valid_from: datetime, reason: str, actor: str, *, pin: bool
) -> Champion:
    decision = Decision(action=action, reasons=(reason,), evidence={PINNED: float(pin)})
    ledger = context.ledger
    with ledger.transaction():
        decision_id = ledger.add_decision(None, "manual", decision, actor=actor, decided_at=context.clock())
        ledger.add_champion(training_id, decision_id, valid_from=valid_from)
    champion = ledger.champion_at(valid_from)
    assert champion is not None, f"a champion was just recorded from {format_time(valid_from)}"
    return champion
