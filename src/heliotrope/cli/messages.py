"""Messages: sent, listed, tried, and sent again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from heliotrope.cli import options
from heliotrope.cli.session import Session, known_id
from heliotrope.cli.telling import delivered_text
from heliotrope.errors import ConfigError, MessageError, counted
from heliotrope.interval import format_time

if TYPE_CHECKING:
    from heliotrope.config import Pipeline, Target
    from heliotrope.ledger import Left

__all__ = ["RECENT", "left_document", "left_text", "notify"]

PATIENCE = 30.0
"""Seconds that messages are tried for."""
RECENT = timedelta(days=7)
"""For so long `status` and `doctor` tell of a message that has failed."""


def notify(
    pipeline: options.Recorded = None,
    test: Annotated[bool, typer.Option("--test", help="Try every target with a message of its own.")] = False,
    pending: Annotated[bool, typer.Option("--pending", help="List what is not through, and send nothing.")] = False,
    resend: Annotated[
        str | None,
        typer.Option(
            "--resend",
            metavar="ID|all",
            help="Send again what has failed, or may have arrived.",
            show_default=False,
        ),
    ] = None,
    target: Annotated[
        str | None, typer.Option("--target", metavar="NAME", help="This target alone.", show_default=False)
    ] = None,
    database: options.Database = None,
    as_json: options.Json = False,
) -> None:
    """Send the messages that wait.

    `run` sends what it has to tell by itself. What did not go through stays on record, with why; this sends it, and
    lists what is left. Ends with 1 where something could not be sent.

    \b
    Example:
      heliotrope notify rotating_gaussians --pending
    """
    session = Session(database, as_json)
    if test + pending + (resend is not None) > 1:
        raise ConfigError("--test, --pending and --resend exclude each other", remedy="name one of them")
    declared = session.recorded(pipeline)
    chosen = _chosen(declared, target) if test or target is not None else declared
    if test:
        _test(session, chosen)
    elif pending:
        _say_left(session, declared, _left(session, declared, target))
    else:
        _send(session, declared, target, resend)


def _chosen(pipeline: Pipeline, name: str | None) -> Pipeline:
    """The pipeline with the target of that name alone. Raises ConfigError where it declares none."""
    from heliotrope.errors import nearest

    if not pipeline.notify:
        raise ConfigError(f"{pipeline.name} tells nobody", remedy="declare targets under notify: in its file")
    if name is None:
        return pipeline
    found = tuple(one for one in pipeline.notify if one.name == name)
    if not found:
        known = [one.name for one in pipeline.notify]
        raise ConfigError(f"{pipeline.name} has no target {name!r}", remedy=nearest(name, known))
    return pipeline.model_copy(update={"notify": found})


# --- a test ------------------------------------------------------------------------------------------------


def _test(session: Session, chosen: Pipeline) -> None:
    from heliotrope.notify import Sender

    with Sender(session.output.warn) as sender:
        found = [(one, *_tried(sender, chosen, one)) for one in chosen.notify]
    session.output.document(
        {
            "pipeline": chosen.name,
            "targets": [{"target": one.name, "ok": ok, "found": said} for one, ok, said in found],
        }
    )
    session.output.table(
        ("target", "state", "found"), [(one.name, "ok" if ok else "fail", said) for one, ok, said in found]
    )
    if not all(ok for _, ok, _ in found):
        raise typer.Exit(MessageError.exit_code)


def _tried(sender: Any, pipeline: Pipeline, target: Target) -> tuple[bool, str]:
    from uuid import uuid4

    from heliotrope.notify import address

    try:
        outcome = sender.post(
            address(target),
            f"{pipeline.name}: heliotrope can send messages here, as {target.name}",
            title=f"{pipeline.name}: test",
            key=str(uuid4()),
            timeout=target.timeout,
        )
    except MessageError as error:
        return False, str(error)
    return outcome.result == "sent", "sent" if outcome.result == "sent" else outcome.detail


# --- what waits --------------------------------------------------------------------------------------------


def _left(session: Session, pipeline: Pipeline, target: str | None) -> tuple[Left, ...]:
    from heliotrope.ledger import Outbox

    with session.reading() as connection:
        left = Outbox(connection, known_id(connection, pipeline)).left()
    return tuple(one for one in left if target is None or one.target == target)


def left_document(left: Sequence[Left]) -> list[dict[str, Any]]:
    """What is not through, for ``--json``."""
    return [
        {
            "id": one.id,
            "target": one.target,
            "event": one.event,
            "state": one.state,
            "recorded_at": one.recorded_at,
            "due_at": one.due_at,
            "attempts": one.attempts,
            "detail": one.detail,
        }
        for one in left
    ]


def left_text(left: Sequence[Left]) -> str:
    """How many messages are not through, and how they stand.

    >>> left_text([])
    'every message is through'
    """
    counts = Counter("waiting" if one.is_open else str(one.state) for one in left)
    if not counts:
        return "every message is through"
    words = {"waiting": "to be sent", "failed": "failed", "uncertain": "may have arrived"}
    return f"messages: {', '.join(f'{counts[state]} {said}' for state, said in words.items() if counts[state])}"


def _say_left(session: Session, pipeline: Pipeline, left: tuple[Left, ...], done: Any = None, warned: Any = ()) -> None:
    said = None if done is None else {"sent": done.sent, "failed": done.failed, "waiting": done.waiting}
    session.output.document({"pipeline": pipeline.name, "delivered": said, "left": left_document(left), "said": warned})
    if done is not None:
        session.output.say(f"{pipeline.name}: {delivered_text(done)}")
    if not left:
        session.output.say(f"{pipeline.name}: every message is through")
        return
    rows = [
        (
            str(one.id),
            one.target,
            one.event.replace("_", " "),
            format_time(one.recorded_at.replace(microsecond=0)),
            one.state.replace("_", " "),
            str(one.attempts),
            one.detail or "-",
        )
        for one in left
    ]
    session.output.table(("id", "target", "event", "recorded", "state", "tries", "why"), rows, right=("tries",))


# --- sending -----------------------------------------------------------------------------------------------


def _send(session: Session, declared: Pipeline, target: str | None, resend: str | None) -> None:
    from heliotrope.context import Context
    from heliotrope.notify import deliver, picture_of

    again = None if resend is None else _requeue(session, declared, target, resend)
    with session.reading() as connection:
        identity = known_id(connection, declared)
    with Context(declared, session.database) as context:
        done = deliver(
            session.database,
            declared,
            identity,
            picture=picture_of(context, session.output.warn),
            only=target,
            patience=PATIENCE,
            notice=session.output.warn,
        )
    if again is not None:
        session.output.say(f"{declared.name}: {counted(again, 'message')} to be sent again")
    _say_left(session, declared, _left(session, declared, target), done, done.told)
    if done.failed or (done.waiting and done.told):
        raise typer.Exit(MessageError.exit_code)


def _requeue(session: Session, pipeline: Pipeline, target: str | None, which: str) -> int:
    """Let those that failed, or may have arrived, be sent again; how many those are. Raises ConfigError."""
    from heliotrope.ledger import Outbox

    closed = {str(one.id): one for one in _left(session, pipeline, target) if not one.is_open}
    if which != "all" and which not in closed:
        ids = ", ".join(closed) or "none"
        raise ConfigError(
            f"there is no message {which!r} to send again", remedy=f"those that have failed are {ids}; or name all"
        )
    with session.reading() as connection:
        outbox = Outbox(connection, known_id(connection, pipeline))
        chosen = closed.values() if which == "all" else [closed[which]]
        marked = [
            outbox.mark(one.id, one.number + 1, "requeued", due_in=0.0, detail="put back by hand") for one in chosen
        ]
    return sum(marked)
