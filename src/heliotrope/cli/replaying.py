"""Cycles run one after the other, with what goes beside them: progress, pictures, the registry."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from heliotrope.cli.failure import StoppedError
from heliotrope.cli.output import Output
from heliotrope.errors import RegistryError, counted
from heliotrope.interval import Interval, format_time
from heliotrope.slow import told_when_slow

if TYPE_CHECKING:
    from heliotrope.context import Context
    from heliotrope.ledger import CycleSummary

__all__ = ["Replayed", "all_cycles", "draw", "outside_text", "register", "replay_all", "tell_outside"]


@dataclass(kw_only=True)
class Replayed:
    """What a replay has done, and where its seconds went."""

    ran: list[Interval] = field(default_factory=list)
    passed_over: list[Interval] = field(default_factory=list)
    cycle_seconds: float = 0.0
    picture_seconds: float = 0.0
    registry_seconds: float = 0.0
    """Spent waiting for the registry when the cycles were done."""
    unregistered: int = 0
    """Champions that still wait for the registry."""


def replay_all(context: Context, span: Sequence[Interval], output: Output, pictures: bool | None = None) -> Replayed:
    """Run the cycles of the span, drawing each that ran and registering its champion beside. Raises StoppedError."""
    done = Replayed()
    ended = time.perf_counter()
    try:
        with _registering(context, span, output):
            _run(context, span, output, pictures, done)
            ended = time.perf_counter()
        done.registry_seconds = time.perf_counter() - ended
    except KeyboardInterrupt:
        count = len(done.ran) + len(done.passed_over)
        are = "is" if len(span) == 1 else "are"
        raise StoppedError(
            f"stopped; {count} of {counted(len(span), 'interval')} {are} done, each of them whole",
            remedy="the same command goes on where this one stopped",
        ) from None
    done.unregistered = _waiting(context)
    return done


def _run(context: Context, span: Sequence[Interval], output: Output, pictures: bool | None, done: Replayed) -> None:
    from heliotrope.replay import replay

    with output.progress(f"replay {context.pipeline.name}", len(span)) as advance:
        for outcome in replay(context, span):
            (done.ran if outcome.ran else done.passed_over).append(outcome.interval)
            done.cycle_seconds += outcome.seconds
            if outcome.ran:
                done.picture_seconds += draw(context, outcome.interval, output, pictures)
            advance(f"{format_time(outcome.interval.start)} {'done' if outcome.ran else 'was done before'}")


def _registering(context: Context, span: Sequence[Interval], output: Output) -> AbstractContextManager[None]:
    """Registers champions beside what runs inside, where there are or will be any."""
    from heliotrope import publish

    done = context.ledger.done_intervals(span[0].start, span[-1].end)
    if not _waiting(context) and all(interval.start in done for interval in span):
        return nullcontext()
    return publish.registering(context, failed=lambda error: _told(output, error))


def tell_outside(output: Output, table: str, count: int) -> None:
    """Warn of rows that lie in no interval, and that no cycle reads."""
    if count:
        output.warn(outside_text(table, count), "mend their time, or leave them out with a view")


def outside_text(table: str, count: int) -> str:
    """What is said of them.

    >>> outside_text("clicks", 2)
    '2 rows of clicks are in no interval: without a time, or of one that is infinite or not of the years 1 to 9999'
    """
    are = "is" if count == 1 else "are"
    return (
        f"{counted(count, 'row')} of {table} {are} in no interval: without a time, or of one that is infinite or not "
        "of the years 1 to 9999"
    )


def draw(context: Context, interval: Interval, output: Output, wanted: bool | None) -> float:
    """Draw and keep the cycle's picture, where that is wanted; the seconds it took."""
    if not (context.pipeline.report.pictures if wanted is None else wanted):
        return 0.0
    from heliotrope import publish
    from heliotrope.replay import patiently

    begun = time.perf_counter()
    try:
        patiently(context, lambda: publish.picture(context, interval))
    except OSError as error:
        output.warn(
            f"the picture of {interval} cannot be kept: {error}",
            "free disk space; `heliotrope report` draws what is missing",
        )
    return time.perf_counter() - begun


def register(context: Context, output: Output) -> int:
    """Register the champions that wait for it; how many wait still. What fails is told, and tried again next time."""
    if not _waiting(context):
        return 0
    from heliotrope import publish
    from heliotrope.replay import patiently

    try:
        with told_when_slow("registering in MLflow", seconds=3):
            patiently(context, lambda: publish.register(context))
    except RegistryError as error:
        _told(output, error)
    return _waiting(context)


def _waiting(context: Context) -> int:
    none = context.pipeline.registry == "none" or context.segment
    return 0 if none else len(context.ledger.to_register())


def _told(output: Output, error: RegistryError) -> None:
    output.warn(f"champions wait to be registered: {error.message}", error.remedy)


def all_cycles(context: Context, span: Sequence[Interval]) -> tuple[CycleSummary, ...]:
    """What the ledger has of the cycles of the span, in order."""
    from heliotrope.ledger import cycles

    ledger = context.ledger
    with context.database.errors():
        return cycles(ledger.connection, ledger.pipeline_id, context.segment, start=span[0].start, end=span[-1].end)
