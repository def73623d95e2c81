"""Segments on the command line: one of them by its value, all of them run, and what they came to in a few lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from heliotrope.cli.failure import StoppedError
from heliotrope.cli.output import Output, number
from heliotrope.cli.session import Session, known_id
from heliotrope.errors import ConfigError, DataError, EstimatorError, LedgerError, counted, nearest, shown
from heliotrope.interval import Interval, format_time

if TYPE_CHECKING:
    from datetime import datetime

    import psycopg

    from heliotrope.config import Pipeline
    from heliotrope.context import Context
    from heliotrope.ledger import SegmentSummary
    from heliotrope.segments import Done
    from heliotrope.workers import Backend

__all__ = [
    "chosen",
    "exit_code",
    "require_recorded",
    "require_rows",
    "required",
    "run_all",
    "say",
    "say_failures",
    "totals",
]

_WORST = 5  # segments that are named


def chosen(declared: Pipeline, value: str | None) -> str:
    """The segment of an option's value; empty: the whole. Raises ConfigError where the pipeline has no segments."""
    if value is None:
        return ""
    if declared.partition_by is None:
        raise ConfigError(
            f"{declared.name} has no segments, and so none of the name {shown(value)}",
            remedy="declare partition_by: COLUMN, or leave out --segment",
        )
    from heliotrope.store import name_of

    return value or name_of("")


def required(session: Session, declared: Pipeline, value: str | None) -> str:
    """As :func:`chosen`. Raises LedgerError for a pipeline that is not on record, or a segment that has no cycle."""
    segment = chosen(declared, value)
    with session.reading() as connection:
        require_recorded(connection, known_id(connection, declared), declared, segment)
    return segment


def require_recorded(connection: psycopg.Connection[Any], identity: int, declared: Pipeline, segment: str) -> None:
    """Raise LedgerError, with the nearest name, for a segment that has no cycle."""
    from heliotrope.ledger import segment_names, span

    if not segment or span(connection, identity, segment) is not None:
        return
    known = segment_names(connection, identity)
    if segment not in known:
        remedy = nearest(segment, known) if known else "run some with `heliotrope replay`"
        raise LedgerError(f"{declared.name} has no cycle of a segment {shown(segment)}", remedy=remedy)


def require_rows(context: Context) -> None:
    """Raise DataError for a segment without a row."""
    if context.segment and context.first is None:
        column = context.pipeline.partition_by
        raise DataError(
            f"no row of {context.rows.relation} has {shown(context.segment)} in {column!r}",
            remedy="write the value as it is stored; null is \\N",
        )


def run_all(
    context: Context, span: Sequence[Interval], output: Output, *, trailing: bool, backend: Backend, jobs: int | None
) -> Done | None:
    """Run the cycles of all segments, those of the whole having been run; None for a pipeline without segments.

    Raises StoppedError.
    """
    if context.pipeline.partition_by is None or context.segment:
        return None
    from heliotrope import segments

    found, refused = segments.segments_of(context)
    if refused:
        output.warn(*segments.why_refused(refused))
    begun = [one for one in found if one.first <= span[-1].start]
    wanted = jobs or segments.jobs_for(len(begun), len(span), backend)
    try:
        return segments.spread(
            context, begun, span, trailing=trailing, backend=backend, jobs=wanted, progress=output.progress
        )
    except KeyboardInterrupt:
        raise StoppedError(
            "stopped; the whole's cycles are done, and of the segments' those that had ended, each of them whole",
            remedy="the same command goes on where this one stopped",
        ) from None


def totals(
    connection: psycopg.Connection[Any], identity: int, declared: Pipeline, start: datetime, end: datetime
) -> dict[str, Any] | None:
    """What the segments came to in ``[start, end)``, and the worst of them; None for a pipeline without segments."""
    if declared.partition_by is None:
        return None
    from heliotrope.ledger import segments

    found = segments(connection, identity, declared.metric, start, end)
    scored = [one for one in found if one.mean is not None]
    ranked = sorted(scored, key=lambda one: (_badness(one, declared), one.segment))
    return {
        "partition_by": declared.partition_by,
        "start": start,
        "end": end,
        "segments": len(found),
        "cycles": sum(one.cycles for one in found),
        "rows": sum(one.rows for one in found),
        "scored": len(scored),
        "metric": declared.metric,
        "mean": sum(one.mean or 0.0 for one in scored) / len(scored) if scored else None,
        "by_whole": sum(one.by_whole > 0 for one in found),
        "held": sum(one.held > 0 for one in found),
        "failed": sum(one.failed > 0 for one in found),
        "all_failed": sum(one.all_failed > 0 for one in found),
        "tried": sum(one.trained > 0 for one in found),
        "trained": sum(one.trained for one in found),
        "worst": [{"segment": one.segment, "mean": one.mean, "cycles": one.cycles} for one in ranked[:_WORST]],
    }


def _badness(one: SegmentSummary, declared: Pipeline) -> float:
    mean = one.mean or 0.0
    return -mean if declared.lower_is_better else mean


def say(output: Output, said: Mapping[str, Any] | None) -> None:
    """The same for people; nothing for a pipeline without segments."""
    if said is None:
        return
    count, cycles = counted(said["segments"], "segment"), counted(said["cycles"], "cycle")
    output.say(f"{count} by {said['partition_by']}: {cycles}, mean {said['metric']} {number(said['mean'])}")
    parts = [(said["by_whole"], "served by the whole's champion"), (said["held"], "held")]
    parts.append((said["failed"], "with a candidate that failed"))
    parts.append((said["all_failed"], "with none that did not"))
    what = ", ".join(f"{amount} {text}" for amount, text in parts if amount)
    if what:
        output.say(f"  in some interval: {what}")
    if said["worst"]:
        output.say(f"  worst: {', '.join(_worst(one) for one in said['worst'])}")


def _worst(one: Mapping[str, Any]) -> str:
    return f"{one['segment']} {number(one['mean'])}"


def say_failures(output: Output, done: Done | None) -> None:
    """Warn of segments whose cycle ended with an error."""
    if done is None or not done.failures:
        return
    output.warn(f"{counted(len(done.failures), 'segment')} failed, and run no later interval:")
    for segment, failure in sorted(done.failures.items())[:_WORST]:
        output.warn(f"{segment}, {format_time(failure.interval.start)}: {failure.message}", failure.remedy)
    if len(done.failures) > _WORST:
        output.warn(f"and {len(done.failures) - _WORST} more", "run one with --segment to see its error")


def exit_code(done: Done | None, said: Mapping[str, Any] | None) -> int:
    """The greatest of the exit codes of segments that failed; that of a model where none could be made in any."""
    if done is None or said is None:
        return 0
    hopeless = done.ran and said["all_failed"] and said["all_failed"] == said["tried"]
    codes = [one.exit_code for one in done.failures.values()]
    return max([EstimatorError.exit_code if hopeless else 0, *codes])
