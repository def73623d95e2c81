"""Messages on record: written with what they tell of, claimed before they are sent, marked when they are through.

A message to a target is a row; what becomes of it are rows too, numbered. A sender claims a message by adding the next
number, which the key lets only one of them do; whoever finds a claim whose time is over knows that its sender died or
hangs, and that nobody knows whether the message arrived.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from psycopg.types.json import Jsonb

from heliotrope.ledger.decode import reading, table_of
from heliotrope.ledger.news import News, decided_from, news
from heliotrope.records import Event
from heliotrope.sql import statement

if TYPE_CHECKING:
    import psycopg

    from heliotrope.config import Pipeline, Target

__all__ = ["Left", "Message", "Outbox", "State"]

State = Literal["waiting", "requeued", "sending", "text_sent", "sent", "uncertain", "failed"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """A message to one target that is not through yet, and how it stands by the database's clock."""

    id: int
    key: str
    """A UUID that every attempt at it carries."""
    event: Event
    facts: Mapping[str, Any]
    since: datetime
    """When it was written, or put back by hand."""
    number: int
    state: State
    due_at: datetime
    now: datetime
    text_sent: bool
    """Whether the text is through, and the picture is left."""
    doubtful: bool
    """Whether an attempt before may have arrived."""
    attempts: int
    """At what is to be sent now, since it was last put back by hand."""
    repeats: int
    """How many say the same and were not sent."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Left:
    """A message that is not through."""

    id: int
    target: str
    event: str
    state: State
    recorded_at: datetime
    due_at: datetime | None
    detail: str
    attempts: int
    number: int

    @property
    def is_open(self) -> bool:
        """Whether it is still to be sent."""
        return self.state in ("waiting", "requeued", "sending", "text_sent") or (
            self.state == "uncertain" and bool(self.due_at)
        )


class Outbox:
    """The messages of one pipeline and segment, on one connection."""

    def __init__(self, connection: psycopg.Connection[Any], pipeline_id: int, segment: str = "") -> None:
        self.connection = connection
        self.scope = {"pipeline_id": pipeline_id, "segment": segment}

    def tell(self, pipeline: Pipeline, decisions: Sequence[int]) -> None:
        """Write what the decisions come to, for every target that wants to know; inside their own transaction."""
        rows = self.connection.execute(statement("decided"), {"ids": list(decisions)}).fetchall()
        for row in rows:
            found = tuple(news(decided_from(row), pipeline.name, pipeline.metric, str(self.scope["segment"])))
            self.add(pipeline.notify, found)

    def add(self, targets: Iterable[Target], found: Sequence[News]) -> None:
        """Write news for the targets whose events they are of."""
        for target in targets:
            for one in found:
                if one.event not in target.events or (one.event is Event.RECOVERY and not self._failed(target)):
                    continue
                self.connection.execute(
                    statement("add_message"),
                    self.scope
                    | {
                        "target": target.name,
                        "event": one.event.value,
                        "decision_id": one.decision,
                        "subject": one.subject,
                        "facts": Jsonb(dict(one.facts)),
                        "repeat_after": target.repeat_after,
                    },
                )

    def _failed(self, target: Target) -> bool:
        found = self.connection.execute(statement("open_failure"), self.scope | {"target": target.name}).fetchone()
        return found is not None and bool(found[0])

    def next(self, target: str, events: Collection[Event]) -> Message | None:
        """The oldest message to the target that is not through, of these events."""
        wanted = {"target": target, "events": [event.value for event in events]}
        row = self.connection.execute(statement("next_message"), self.scope | wanted).fetchone()
        if row is None:
            return None
        with reading("message", row[0]):
            return Message(
                id=row[0],
                key=row[1],
                event=Event(row[2]),
                facts=table_of(row[3], "facts"),
                since=row[4],
                number=row[5],
                state=row[6],
                due_at=row[7],
                now=row[8],
                text_sent=row[9],
                doubtful=row[10],
                attempts=row[11],
                repeats=row[12],
            )

    def mark(
        self, message_id: int, number: int, state: State, *, due_in: float | None = None, detail: str = ""
    ) -> bool:
        """Add what became of a message; whether nobody else has done so before. ``due_in``: seconds from now."""
        row = {"message_id": message_id, "number": number, "state": state, "due_in": due_in, "detail": detail}
        return self.connection.execute(statement("add_delivery"), row).fetchone() is not None

    def left(self, since: timedelta | None = None) -> tuple[Left, ...]:
        """What is not through, oldest first; of what has failed, what did so since then."""
        rows = self.connection.execute(statement("messages_left"), self.scope | {"since": since}).fetchall()
        return tuple(
            Left(
                id=row[0],
                target=row[1],
                event=row[2],
                state=row[3],
                recorded_at=row[4],
                due_at=row[5],
                detail=row[6],
                attempts=row[7],
                number=row[8],
            )
            for row in rows
        )
