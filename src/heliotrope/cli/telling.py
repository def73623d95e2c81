"""Messages of what a verb does: written with it, sent when it is done, whatever becomes of either."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from heliotrope.cli.failure import StoppedError
from heliotrope.cli.output import Output
from heliotrope.errors import DatabaseError, HeliotropeError, counted

if TYPE_CHECKING:
    from heliotrope.context import Context
    from heliotrope.interval import Interval
    from heliotrope.notify import Delivered

__all__ = ["Messages", "Telling", "delivered_text", "telling"]

PATIENCE = 5.0
"""Seconds that a verb goes on trying to send; what is left then is sent by the next one."""

Messages = Annotated[
    bool | None,
    typer.Option("--notify/--no-notify", help="Tell those under notify: what ran.", show_default=False),
]


@dataclass
class Telling:
    """What a verb has told."""

    interval: Interval | None = None
    """What it is at work on: a failure is one of that."""
    delivered: Delivered | None = None
    """None where nobody was to be told."""

    def document(self) -> dict[str, Any] | None:
        """For ``--json``."""
        done = self.delivered
        return None if done is None else {"sent": done.sent, "failed": done.failed, "waiting": done.waiting}


@contextmanager
def telling(
    context: Context, output: Output, *, wanted: bool = True, pictures: bool | None = None, failures: bool = True
) -> Iterator[Telling]:
    """Write messages of what is decided inside, and send them at its end; of an error inside too.

    Nothing that goes wrong with a message is raised: it is said, and stays on record.
    """
    told = Telling()
    if not wanted or not context.pipeline.notify:
        yield told
        return
    from heliotrope.notify import Delivered, beside

    context.ledger.tells = True
    training = Delivered()
    try:
        with beside(context, notice=output.warn) as training:
            yield told
    except (StoppedError, KeyboardInterrupt):
        raise
    except Exception as error:
        if failures:
            _record_failure(context, output, error, told.interval)
        _deliver(context, output, pictures)
        raise
    finally:
        context.ledger.tells = False
    told.delivered = _deliver(context, output, pictures)
    if told.delivered is not None:
        told.delivered.sent += training.sent
        told.delivered.failed += training.failed


def _record_failure(context: Context, output: Output, error: Exception, interval: Interval | None) -> None:
    from heliotrope.database import without_password

    known = error
    if not isinstance(known, HeliotropeError):
        said = without_password(" ".join(str(error).split()))[:300]
        known = HeliotropeError(f"unexpected {type(error).__name__}: {said}")
    try:
        context.ledger.add_failure(known, interval, at=context.clock())
    except HeliotropeError as lost:
        output.warn(f"nobody is told of the failure: {lost.message}", lost.remedy)


def _deliver(context: Context, output: Output, pictures: bool | None) -> Delivered | None:
    from heliotrope.notify import deliver, picture_of

    try:
        return deliver(
            context.database,
            context.pipeline,
            context.ledger.ids[0],
            context.segment,
            picture=picture_of(context, output.warn, pictures),
            patience=PATIENCE,
            notice=output.warn,
        )
    except DatabaseError as error:
        output.warn(f"messages wait: {error.message}", "the next run sends them, or `heliotrope notify`")
    except HeliotropeError:
        return None  # not on record, and so nothing was written: the error itself is on its way up
    except Exception as error:  # whatever it is, the cycle is done
        output.warn(f"messages wait: unexpected {type(error).__name__}", "see `heliotrope notify --pending`")
    return None


def delivered_text(done: Delivered) -> str:
    """What became of messages, in a line.

    >>> from heliotrope.notify import Delivered
    >>> delivered_text(Delivered(sent=2, waiting=1))
    '2 messages sent, 1 waits'
    """
    said = [f"{counted(done.sent, 'message')} sent"]
    if done.waiting:
        said.append(f"{done.waiting} {'waits' if done.waiting == 1 else 'wait'}")
    if done.failed:
        said.append(f"{done.failed} failed")
    return ", ".join(said)
