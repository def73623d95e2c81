"""Sending what is due: message after message, target by target, each claimed before and marked after.

A message to a target waits for the one before it, so that what arrives is in order, and a service that asks to be left
alone is. What cannot be sent now stays on record, and the next delivery goes on there, whichever process it is in.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from heliotrope.errors import MessageError
from heliotrope.interval import Interval, format_step, parse_time
from heliotrope.ledger import Message, Outbox
from heliotrope.notify import backoff
from heliotrope.notify.address import Resolver, address
from heliotrope.notify.outcome import Outcome
from heliotrope.notify.quiet import allowed
from heliotrope.notify.sender import GRACE, SILENT, Sender
from heliotrope.notify.text import render, title
from heliotrope.records import Event

if TYPE_CHECKING:
    from heliotrope.config import Pipeline, Target
    from heliotrope.database import Database
    from heliotrope.ledger import Notice

__all__ = ["Delivered", "Picture", "Postman", "deliver"]

Picture = Callable[[Interval], Path | None]
"""Gives the file of a cycle's picture; None where there is none."""

_LEASE = 10.0
"""Seconds beyond the end of an attempt after which its sender is taken for dead."""
_PICTURED = (Event.PROMOTED, Event.REFRESHED, Event.KEPT, Event.HELD, Event.ROLLED_BACK)


@dataclass(kw_only=True)
class Delivered:
    """What a delivery came to."""

    sent: int = 0
    failed: int = 0
    waiting: int = 0
    """Still to be sent, by a later delivery."""
    told: list[str] = field(default_factory=list)
    """What went wrong, in words, each once."""


def deliver(
    database: Database,
    pipeline: Pipeline,
    pipeline_id: int,
    segment: str = "",
    *,
    resolver: Resolver = address,
    picture: Picture | None = None,
    only: str | None = None,
    patience: float = 0.0,
    notice: Notice | None = None,
) -> Delivered:
    """Send what is due to the pipeline's targets; what becomes due is waited for, ``patience`` seconds in all.

    ``only`` names one target. Raises DatabaseError where the database goes away; nothing else that goes wrong with a
    message is raised: it is told to ``notice``, with what to do about it, and stays on record.
    """
    with (
        database.errors(),
        database.connect(autocommit=True) as connection,
        Postman(Outbox(connection, pipeline_id, segment), resolver=resolver, picture=picture, notice=notice) as postman,
    ):
        postman.retire(pipeline)
        postman.work([one for one in pipeline.notify if only in (None, one.name)], patience)
        postman.done.waiting = sum(one.is_open for one in postman.outbox.left())
        return postman.done


class Postman:
    """Sends what an outbox holds, and keeps account. Use it as a context manager."""

    def __init__(
        self,
        outbox: Outbox,
        *,
        resolver: Resolver = address,
        picture: Picture | None = None,
        events: Collection[Event] = tuple(Event),
        notice: Notice | None = None,
    ) -> None:
        self.outbox = outbox
        self.sender = Sender(self._word)
        self.resolver = resolver
        self.picture = picture
        self.events = events
        self.notice = notice
        self.done = Delivered()

    def __enter__(self) -> Postman:
        return self

    def __exit__(self, *_: object) -> None:
        self.sender.close()

    def work(self, targets: Sequence[Target], patience: float = 0.0) -> None:
        """Serve the targets until nothing is due; what becomes due is waited for, ``patience`` seconds in all."""
        while True:
            dues = [due for target in targets if (due := self.serve(target)) is not None]
            if not dues or min(dues) > patience:
                return
            if min(dues) > SILENT:
                self._word(f"waiting {min(dues):.0f} s to send a message again")
            time.sleep(min(dues))
            patience -= min(dues)

    def retire(self, pipeline: Pipeline) -> None:
        """Close what waits for targets that the pipeline declares no more."""
        known = {target.name for target in pipeline.notify}
        for one in self.outbox.left():
            if one.is_open and one.target not in known:
                detail = f"{pipeline.name} declares no target {one.target!r} any more"
                if self.outbox.mark(one.id, one.number + 1, "failed", detail=detail):
                    self.done.failed += 1
                    self.tell(f"message {one.id}, {one.event}, is not sent: {detail}", "")

    def serve(self, target: Target) -> float | None:
        """Send all that is due; the seconds until the next is, or None where there is none that can be sent here."""
        while True:
            message = self._next(target)
            if message is None:
                return None
            due = (message.due_at - message.now).total_seconds()
            if due > 0:
                return due
            if message.state == "sending":
                self._doubt(target, message)
                continue
            if message.attempts and message.now - message.since > target.give_up_after:
                self._give_up(target, message)
                continue
            try:
                url = self.resolver(target)
                self.sender.start()
            except MessageError as error:
                self.tell(error.message, error.remedy)
                return None
            self._attempt(target, message, url)

    def _next(self, target: Target) -> Message | None:
        wanted = [event for event in allowed(target, datetime.now(UTC)) if event in self.events]
        return self.outbox.next(target.name, wanted)

    def _attempt(self, target: Target, message: Message, url: str) -> None:
        facts, picture = message.facts, self._picture(target, message)  # which may take a while to draw
        text = render(
            message.event,
            facts,
            target.template,
            number=message.id,
            again=message.doubtful,
            repeats=message.repeats,
        )
        lease = target.timeout + GRACE + _LEASE
        if not self.outbox.mark(message.id, message.number + 1, "sending", due_in=lease):
            return  # another sender was faster
        outcome = self.sender.post(
            url,
            text,
            key=message.key,
            title=title(message.event, facts),
            timeout=target.timeout,
            picture=picture,
            text_sent=message.text_sent,
        )
        self._record(target, message, outcome)

    def _picture(self, target: Target, message: Message) -> Path | None:
        span = message.facts.get("interval")
        if self.picture is None or not target.picture or not span or message.event not in _PICTURED:
            return None
        return self.picture(Interval(parse_time(span[0]), parse_time(span[1])))

    def _record(self, target: Target, message: Message, outcome: Outcome) -> None:
        number, said = message.number + 2, f"{target.name}: message {message.id}, {message.event}"
        wait = backoff.seconds(message.attempts + 1, outcome.wait)
        mark = self.outbox.mark
        match outcome.result:
            case "sent":
                mark(message.id, number, "sent", detail=outcome.detail)
                self.done.sent += 1
            case "text_sent":
                mark(message.id, number, "text_sent", due_in=0.0)
            case "again":
                mark(message.id, number, "waiting", due_in=wait, detail=outcome.detail)
                self.tell(f"{said}: {outcome.detail}", "it is sent again later; see `heliotrope notify --pending`")
            case "uncertain":
                self._uncertain(target, message, number, outcome.detail, wait)
            case "refused":
                mark(message.id, number, "failed", detail=outcome.detail)
                self.done.failed += 1
                self.tell(f"{said}: {outcome.detail}", "mend its address, then `heliotrope notify --resend all`")

    def _doubt(self, target: Target, message: Message) -> None:
        """A claim whose time is over."""
        detail = "the process that sent it ended before it said what became of it"
        self._uncertain(target, message, message.number + 1, detail, 0.0)

    def _uncertain(self, target: Target, message: Message, number: int, detail: str, wait: float) -> None:
        again = target.uncertain == "again"
        if not self.outbox.mark(message.id, number, "uncertain", due_in=wait if again else None, detail=detail):
            return
        then = (
            f"it is sent again, as #{message.id}"
            if again
            else "it is not sent again; see `heliotrope notify --pending`"
        )
        self.tell(f"{target.name}: message {message.id}, {message.event}: may have arrived: {detail}", then)

    def _give_up(self, target: Target, message: Message) -> None:
        detail = f"not sent within {format_step(target.give_up_after)}; {message.attempts} attempts"
        if self.outbox.mark(message.id, message.number + 1, "failed", detail=detail):
            self.done.failed += 1
            self.tell(
                f"{target.name}: message {message.id}, {message.event}: {detail}",
                "mend what stood in its way, then `heliotrope notify --resend all`",
            )

    def _word(self, text: str) -> None:
        if self.notice is not None:
            self.notice(text, "")

    def tell(self, text: str, remedy: str) -> None:
        """Say what went wrong, once."""
        if text not in self.done.told:
            self.done.told.append(text)
            if self.notice is not None:
                self.notice(text, remedy)
