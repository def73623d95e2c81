"""Every pipeline at a glance: how it is and why, who serves, how its latest cycles went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from heliotrope.config import Pipeline
from heliotrope.errors import HeliotropeError
from heliotrope.ledger.overview import Known, Latest, at_work, latest, open_failures
from heliotrope.web.chart import spark
from heliotrope.web.health import Health, State, judge, unreadable, work_of
from heliotrope.web.site import Site

if TYPE_CHECKING:
    import psycopg

__all__ = ["Glance", "glances"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Glance:
    """One pipeline."""

    known: Known
    pipeline: Pipeline | None
    """None: its declaration cannot be read."""
    health: Health
    cycles: tuple[Latest, ...]
    """The latest, oldest first."""
    work: tuple[str, datetime] | None
    """The verb that is at work on it, and since when."""

    @property
    def last(self) -> Latest | None:
        """The latest cycle that is done."""
        return next((one for one in reversed(self.cycles) if one.ended_at is not None), None)

    @property
    def spark(self) -> str:
        """The latest scores as a path."""
        return spark([one.score for one in self.cycles])


def glances(
    connection: psycopg.Connection[Any], site: Site, pipelines: Sequence[Known], segment: str = ""
) -> list[Glance]:
    """The pipelines, the worst first."""
    declared: dict[int, Pipeline | HeliotropeError] = {}
    for one in pipelines:
        try:
            declared[one.id] = site.declared(one)
        except HeliotropeError as error:
            declared[one.id] = error
    metrics = {one: said.metric for one, said in declared.items() if isinstance(said, Pipeline)}
    cycles = latest(connection, metrics, segment)
    failures = open_failures(connection, list(declared), segment)
    sessions = at_work(connection)
    now = site.clock()
    found = [
        _glance(one, declared[one.id], cycles.get(one.id, ()), failures.get(one.id), sessions, now) for one in pipelines
    ]
    return sorted(found, key=lambda one: (list(State).index(one.health.state), one.known.name))


def _glance(
    known: Known,
    declared: Pipeline | HeliotropeError,
    cycles: tuple[Latest, ...],
    failure: tuple[Mapping[str, Any], datetime] | None,
    sessions: Mapping[str, datetime],
    now: datetime,
) -> Glance:
    work = work_of(known.name, sessions)
    if not isinstance(declared, Pipeline):
        return Glance(known=known, pipeline=None, health=unreadable(declared.message), cycles=(), work=work)
    health = judge(declared, known, cycles, now, failure=failure, at_work=work is not None)
    return Glance(known=known, pipeline=declared, health=health, cycles=cycles, work=work)
