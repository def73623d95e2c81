"""Who serves: asked, and changed by hand."""

from __future__ import annotations

import getpass
import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from heliotrope.cli import options, segments
from heliotrope.cli.document import champion_document
from heliotrope.cli.failure import interruptible
from heliotrope.cli.output import Output
from heliotrope.cli.replaying import register
from heliotrope.cli.session import Session, known_id
from heliotrope.cli.telling import delivered_text, telling
from heliotrope.errors import ConfigError, counted
from heliotrope.interval import format_time

if TYPE_CHECKING:
    from heliotrope.config import Pipeline
    from heliotrope.context import Context
    from heliotrope.records import Champion

__all__ = ["champion", "pin", "promote", "rollback", "unpin"]

_LATEST = datetime(9999, 12, 31, tzinfo=UTC)

Reason = Annotated[
    str,
    typer.Option("--reason", metavar="TEXT", help="Why; it goes on record beside your user name.", show_default=False),
]

Pin = Annotated[bool, typer.Option("--pin", help="And let it stay until `heliotrope unpin`.")]


def champion(
    pipeline: options.Recorded = None,
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="TIME", help="Who served then; else who serves now.", show_default=False),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Everyone who ever served.")] = False,
    segment: options.Segment = None,
    database: options.Database = None,
    as_json: options.Json = False,
) -> None:
    """Say who serves, or served at a time, and why.

    \b
    Example:
      heliotrope champion rotating_gaussians --at 2026-11-24T05:00Z
    """
    from heliotrope.ledger import champions, segment_champions

    session = Session(database, as_json)
    if at is not None and every:
        raise ConfigError("--at and --all exclude each other", remedy="leave one out")
    when = options.time("--at", at)
    declared = session.recorded(pipeline)
    part, others = segments.chosen(declared, segment), None
    with session.reading() as connection:
        identity = known_id(connection, declared)
        segments.require_recorded(connection, identity, declared, part)
        known = champions(connection, identity, part)
        if declared.partition_by is not None and not part:
            others = segment_champions(connection, identity, when or _LATEST)
    if every:
        session.output.document(
            {"pipeline": declared.name, "segment": segment, "champions": [champion_document(one) for one in known]}
        )
        _say_all(session.output, declared, known)
        return
    found = _serving(known, when)
    document = None if found is None else champion_document(found)
    session.output.document(
        {"pipeline": declared.name, "segment": segment, "at": when, "champion": document, "segments": others}
    )
    if found is None:
        first = f"; the first serves from {format_time(known[0].valid_from)}" if known else ""
        then = f" at {format_time(when)}" if when else " yet"
        whole = "; the whole's serves it" if part else ""
        session.output.say(f"{declared.name} has no champion{' of its own' if part else ''}{then}{first}{whole}")
    else:
        _say(session.output, declared, known, found, part)
    if others is not None:
        names = ", ".join(f"{count} {name}" for name, count in others.items())
        session.output.say(f"segments    with a champion of their own: {names or 'none'}; see one with --segment")


def _serving(known: tuple[Champion, ...], when: datetime | None) -> Champion | None:
    for one in reversed(known):
        if (when is None or one.valid_from <= when) and (one.valid_to is None or (when and when < one.valid_to)):
            return one
    return None


def _say(output: Output, pipeline: Pipeline, known: Sequence[Champion], found: Champion, segment: str) -> None:
    training, until = (
        found.training,
        "until replaced" if found.valid_to is None else f"to {format_time(found.valid_to)}",
    )
    pinned = ", pinned" if found.pinned else ""
    name = f"{pipeline.name}, {segment}" if segment else pipeline.name
    output.say(f"{name}: {found.candidate}, {format_time(found.valid_from)} {until}{pinned}", style="bold")
    output.say(f"why         {_did(known, found)}, decided by {found.actor}, {_when(found.decided_at)}")
    for reason in found.reasons:
        output.say(f"            {reason}")
    output.say(f"trained on  {counted(training.rows, 'row')} of {training.window}, seed {training.seed}")
    output.say(f"model file  {training.artifact or '-'}")
    version = found.registered_version
    absent = "not yet" if pipeline.registry == "mlflow" else "nowhere: registry is none"
    absent = "nowhere: those of segments are not" if segment else absent
    output.say(f"registered  {absent if version is None else f'in MLflow as version {version}'}")
    output.say(f"code        {training.code_version}")
    output.say(f"champion id {found.id}")


def _did(known: Sequence[Champion], found: Champion) -> str:
    """What made it champion, in the words of `history`: a fresh fit of the candidate that served is a refresh."""
    place = next((place for place, one in enumerate(known) if one.id == found.id), 0)
    fresh = place > 0 and known[place - 1].candidate == found.candidate
    return "refresh" if found.did == "promote" and not found.by_hand and fresh else found.did


def _when(time: datetime) -> str:
    return format_time(time.replace(microsecond=0))


def _say_all(output: Output, pipeline: Pipeline, known: tuple[Champion, ...]) -> None:
    if not known:
        output.say(f"{pipeline.name} has no champion yet")
        return
    rows = [
        (
            str(one.id),
            one.candidate,
            format_time(one.valid_from),
            "still" if one.valid_to is None else format_time(one.valid_to),
            f"{_did(known, one)}: {one.reasons[0] if one.reasons else '-'}",
        )
        for one in known
    ]
    output.table(("id", "candidate", "from", "to", "why"), rows)


def promote(
    pipeline: Annotated[str, typer.Argument(metavar="PIPELINE", help="Its name or its YAML file.")],
    candidate: Annotated[str, typer.Argument(metavar="CANDIDATE", help="The candidate's name in the pipeline.")],
    reason: Reason,
    keep: Pin = False,
    segment: options.Segment = None,
    database: options.Database = None,
    as_json: options.Json = False,
) -> None:
    """Let a candidate serve, by hand.

    It is fitted on its newest window, which ends with the last interval whose rows could be used, and
    serves from the end of the last cycle.

    \b
    Example:
      heliotrope promote rotating_gaussians tree --reason "a rule one can read"
    """
    from heliotrope import succession

    _change(
        pipeline,
        segment,
        reason,
        database,
        as_json,
        lambda context, why, actor: succession.promote(context, candidate, reason=why, actor=actor, pin=keep),
    )


def rollback(
    reason: Reason,
    pipeline: options.Recorded = None,
    to: Annotated[
        int | None,
        typer.Option(
            "--to",
            metavar="ID",
            help="The champion's id, from `champion --all`; else the one before.",
            show_default=False,
        ),
    ] = None,
    keep: Pin = False,
    segment: options.Segment = None,
    database: options.Database = None,
    as_json: options.Json = False,
) -> None:
    """Let an earlier champion serve again, by hand.

    It serves from the end of the last cycle. Its model file is checked first.

    \b
    Example:
      heliotrope rollback rotating_gaussians --reason "it fails on Sundays"
    """
    from heliotrope import succession

    _change(
        pipeline,
        segment,
        reason,
        database,
        as_json,
        lambda context, why, actor: succession.roll_back(context, to=to, reason=why, actor=actor, pin=keep),
    )


def pin(
    reason: Reason,
    pipeline: options.Recorded = None,
    segment: options.Segment = None,
    database: options.Database = None,
    as_json: options.Json = False,
) -> None:
    """Let the champion stay, by hand.

    Cycles go on scoring it and measuring drift; nothing is trained and nobody promoted until it is unpinned.

    \b
    Example:
      heliotrope pin rotating_gaussians --reason "until the sensors are mended"
    """
    from heliotrope import succession

    _change(
        pipeline,
        segment,
        reason,
        database,
        as_json,
        lambda context, why, who: succession.pin(context, reason=why, actor=who),
    )


def unpin(
    reason: Reason,
    pipeline: options.Recorded = None,
    segment: options.Segment = None,
    database: options.Database = None,
    as_json: options.Json = False,
) -> None:
    """Let the champion be replaced again, by hand.

    \b
    Example:
      heliotrope unpin rotating_gaussians --reason "the sensors are mended"
    """
    from heliotrope import succession

    _change(
        pipeline,
        segment,
        reason,
        database,
        as_json,
        lambda context, why, who: succession.unpin(context, reason=why, actor=who),
    )


def _change(
    pipeline: str | None,
    segment: str | None,
    reason: str,
    database: str | None,
    as_json: bool,
    change: Callable[[Context, str, str], Champion],
) -> None:
    from heliotrope.ledger import champions

    session = Session(database, as_json)
    if not reason.strip():
        raise ConfigError("--reason is empty", remedy="say why; it is kept with the decision")
    declared = session.recorded(pipeline)
    part = segments.required(session, declared, segment)
    with session.writing(declared, part) as context:
        with telling(context, session.output, failures=False) as told:
            made = change(context, reason.strip(), _actor())
        with interruptible(
            f"stopped; the change is on record, {made.candidate} serves from {format_time(made.valid_from)}, and its "
            "registration waits",
            "do not make it again; the next cycle registers it",
        ):
            unregistered = register(context, session.output)
        with context.database.errors():
            known = champions(context.ledger.connection, context.ledger.pipeline_id, context.segment)
        made = next((one for one in known if one.id == made.id), made)  # with the version it was registered under
    session.output.document(
        {
            "pipeline": declared.name,
            "champion": champion_document(made),
            "unregistered": unregistered,
            "messages": told.document(),
        }
    )
    _say(session.output, declared, known, made, part)
    if told.delivered is not None:
        session.output.say(f"messages    {delivered_text(told.delivered)}")


def _actor() -> str:
    """The operating system's user."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container's user may have a number and no name
        return f"uid {os.getuid()}" if hasattr(os, "getuid") else "unknown"
