"""Telling of a training while it runs: a thread that sends what says that it begins, and nothing else.

What a cycle came to is told when the cycle is over and its picture is drawn; that a training begins is worth knowing
before it has ended.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from heliotrope.ledger import Outbox
from heliotrope.notify.address import Resolver, address
from heliotrope.notify.delivery import Delivered, Postman
from heliotrope.records import Event

if TYPE_CHECKING:
    from heliotrope.context import Context
    from heliotrope.ledger import Notice

__all__ = ["beside"]

_PAUSE = 0.5


@contextmanager
def beside(context: Context, *, resolver: Resolver = address, notice: Notice | None = None) -> Iterator[Delivered]:
    """Send the messages that a training begins, as they are written inside; how many those were."""
    done = Delivered()
    targets = [target for target in context.pipeline.notify if Event.TRAINING in target.events]
    if not targets:
        yield done
        return
    ended = threading.Event()
    pipeline_id, database = context.ledger.ids[0], context.database

    def send() -> None:
        with (
            suppress(Exception),  # a lost database, the cycle meets too; what is not sent is sent when it is over
            database.errors(),
            database.connect(autocommit=True) as connection,
            Postman(
                Outbox(connection, pipeline_id, context.segment),
                resolver=resolver,
                events=(Event.TRAINING,),
                notice=notice,
            ) as postman,
        ):
            while not ended.wait(_PAUSE):
                postman.work(targets)
                done.sent, done.failed = postman.done.sent, postman.done.failed

    thread = threading.Thread(target=send, name="messages", daemon=True)
    thread.start()
    try:
        yield done
    finally:
        ended.set()
        thread.join()
