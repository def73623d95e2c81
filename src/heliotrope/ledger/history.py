"""Reading the record: who served when and why, and what each cycle saw and chose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from heliotrope.declaration import Change, changes
from heliotrope.interval import Interval, format_time
from heliotrope.ledger.decode import objects, reading, table_of
from heliotrope.records import Action, Champion, Training
from heliotrope.sql import statement

if TYPE_CHECKING:
    import psycopg

__all__ = [
    "CycleSummary",
    "Declared",
    "Recorded",
    "by_hand_text",
    "champion_from",
    "champions",
    "cycles",
    "declarations",
    "pipeline_id",
    "recorded",
    "span",
    "training_from",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class CycleSummary:
    """One cycle as the ledger has it, for tables, reports and JSON."""

    id: int
    interval: Interval
    done: bool
    code_version: str
    started_at: datetime
    ended_at: datetime | None
    content_hash: str
    rows_read: int
    rows: int
    verdict: str
    problems: tuple[Mapping[str, Any], ...]
    first_time: datetime | None
    last_time: datetime | None
    seconds: Mapping[str, float]
    """By part of the cycle (``extract``, ``evaluate``, ``fit`` ...)."""
    evaluations: tuple[Mapping[str, Any], ...]
    drift: tuple[Mapping[str, Any], ...]
    decisions: tuple[Mapping[str, Any], ...]
    trainings: tuple[Mapping[str, Any], ...]
    revision: int
    """How often rows came late and the interval was evaluated again."""
    declaration: int = 0
    """The id of the declaration it ran with."""
    rescored: Mapping[str, Any] | None = None
    """The champion's metrics on the rows of the latest revision; None where there is only the first."""
    latest_problems: tuple[Mapping[str, Any], ...] = ()
    """What validation found in the latest revision."""

    @property
    def provisional(self) -> int:
        """How many rows have no label yet, as last seen: with them the score may become another."""
        return sum(int(one["rows"]) for one in self.latest_problems if one["rule"] == "unlabelled")

    @property
    def champion(self) -> Mapping[str, Any] | None:
        """How the champion did; None where there was none."""
        return next((one for one in self.evaluations if one["role"] == "champion"), None)

    @property
    def served(self) -> Mapping[str, Any] | None:
        """How the model that served did: the champion, or for a segment without one the whole's; None without any."""
        return self.champion or next((one for one in self.evaluations if one["role"] == "whole"), None)

    @property
    def decision(self) -> Mapping[str, Any] | None:
        """The last thing decided."""
        return self.decisions[-1] if self.decisions else None

    @property
    def promoted(self) -> str | None:
        """The candidate that the cycle made champion; None where it made none."""
        if self.decision is None or self.decision["action"] != "promote":
            return None
        if self.decision["stage"] == "trigger":
            return next((one["candidate"] for one in self.evaluations if one["role"] == "shadow"), None)
        finals = [one["candidate"] for one in self.trainings if one["role"] == "final" and not one["failure"]]
        return finals[-1] if finals else None

    @property
    def is_refresh(self) -> bool:
        """Whether the new champion is a fresh fit of the candidate that served already."""
        return self.promoted is not None and self.champion is not None and self.champion["candidate"] == self.promoted

    @property
    def outcome(self) -> str:
        """What came of it, in one word: ``hold``, ``skip``, ``keep``, ``promote``, ``refresh`` or ``roll_back``.

        ``train`` while what was trained is not yet judged, ``open`` before anything is decided.
        """
        if self.decision is None:
            return "open"
        return "refresh" if self.is_refresh else str(self.decision["action"])

    @property
    def decided(self) -> str:
        """The outcome as people write it, with who was promoted; empty before anything is decided."""
        if self.decision is None:
            return ""
        word = self.outcome.replace("_", " ")
        return word if self.promoted is None or self.is_refresh else f"{word} {self.promoted}"

    @property
    def did(self) -> str:
        """The same as tables have it: also which candidates failed, and whether it is not done."""
        said = self.decided
        if self.done and self.failed:
            said = f"{said}; {', '.join(self.failed)} failed"
        return said if self.done else ", ".join(filter(None, (said, "not done")))

    @property
    def trained(self) -> bool:
        """Whether a candidate was fitted in it, well or not."""
        return bool(self.trainings)

    @property
    def rolled_back(self) -> bool:
        """Whether it put an earlier champion back."""
        return self.decision is not None and self.decision["action"] == "roll_back"

    @property
    def failed(self) -> Mapping[str, str]:
        """By candidate: why its last fit of the cycle, or the scoring of that, failed."""
        last = {one["candidate"]: one["failure"] for one in self.trainings}
        return {name: failure for name, failure in last.items() if failure}

    @property
    def all_failed(self) -> bool:
        """Whether candidates were tried and every one of them failed."""
        return bool(self.trainings) and len(self.failed) == len({one["candidate"] for one in self.trainings})

    @property
    def drifted(self) -> tuple[str, ...]:
        """The features that any detector flagged, in order; ``*`` stands for all together."""
        return tuple(sorted({one["feature"] for one in self.drift if one["drifted"]}))


@dataclass(frozen=True, slots=True)
class Recorded:
    """The latest content hash the ledger has of an interval, and the columns it was taken over, the time first."""

    cycle_id: int
    interval: Interval
    content_hash: str
    revision: int
    rows_read: int
    columns: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Declared:
    """A declaration that a pipeline had from ``recorded_at`` on, in the time of the clock."""

    id: int
    recorded_at: datetime
    config: Mapping[str, Any]
    first: datetime | None
    """The start of the first interval that a cycle ran for with it; None where none has yet."""
    changes: tuple[Change, ...]
    """What is other than in the declaration before; nothing in the first one."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns it reads: time, features, target."""
        return (self.config["source"]["time"], *self.config["features"], self.config["target"])


def pipeline_id(connection: psycopg.Connection[Any], name: str) -> int | None:
    """The id of the pipeline of that name; None when it has no record."""
    row = connection.execute(statement("find_pipeline"), {"name": name}).fetchone()
    return None if row is None else int(row[0])


def cycles(
    connection: psycopg.Connection[Any],
    pipeline: int,
    segment: str = "",
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    limit: int | None = None,
) -> tuple[CycleSummary, ...]:
    """The cycles whose interval starts in ``[start, end)``, the latest ``limit`` of them, oldest first.

    Raises LedgerError for one that was edited into what no cycle writes.
    """
    parameters = {"pipeline_id": pipeline, "segment": segment, "start": start, "end": end, "limit": limit}
    rows = connection.execute(statement("cycles"), parameters).fetchall()
    found = []
    for row in reversed(rows):
        with reading("cycle", row[0]):
            found.append(_summary(row))
    return tuple(found)


def _summary(row: Sequence[Any]) -> CycleSummary:
    seconds: dict[str, float] = {}
    for parts in table_of(row[13] or {}, "steps").values():
        for name, value in table_of(parts, "seconds", numbers=True).items():
            seconds[name] = seconds.get(name, 0.0) + value
    evaluations = objects(row[14], "evaluations")
    for one in evaluations:
        table_of(one["metrics"], "metrics", numbers=True)
    decisions = objects(row[16], "decisions")
    for one in decisions:
        table_of(one["evidence"], "evidence")
    return CycleSummary(
        id=row[0],
        interval=Interval(row[1], row[2]),
        done=row[5] is not None,
        code_version=row[3],
        started_at=row[4],
        ended_at=row[5],
        content_hash=row[6],
        rows_read=row[7],
        rows=row[8],
        verdict=row[9],
        problems=objects(row[10], "problems", ("rule", "column", "rows", "done", "detail")),
        first_time=row[11],
        last_time=row[12],
        seconds=seconds,
        evaluations=evaluations,
        drift=objects(row[15], "drift readings"),
        decisions=decisions,
        trainings=objects(row[17], "trainings"),
        revision=row[18],
        declaration=row[19],
        rescored=row[20],
        latest_problems=objects(row[21], "problems", ("rule", "rows")),
    )


def champions(
    connection: psycopg.Connection[Any],
    pipeline: int,
    segment: str = "",
    *,
    at: datetime | None = None,
    previous: bool = False,
    every: bool = False,
) -> tuple[Champion, ...]:
    """Who served, in order of time: all of them, or the one at ``at``, and on request who served before that one.

    Those replaced in the instant in which they would have begun are left out, unless ``every`` one is asked for.
    """
    parameters = {"pipeline_id": pipeline, "segment": segment, "at": at, "previous": previous, "every": every}
    found = []
    for row in connection.execute(statement("champions"), parameters).fetchall():
        with reading("champion", row[0]):
            found.append(champion_from(row))
    return tuple(found)


def champion_from(row: Sequence[Any]) -> Champion:
    """A champion from the columns of the statement champions."""
    evidence = table_of(row[7], "evidence", numbers=True)
    return Champion(
        id=row[0],
        candidate=row[10],
        valid_from=row[1],
        valid_to=row[2],
        action=Action(row[3]),
        reasons=tuple(row[4]),
        actor=row[5],
        decided_at=row[6],
        evidence={name: value for name, value in evidence.items() if value is not None},
        training=training_from(row[9:]),
        classes=tuple(row[23] or ()),
        training_id=row[9],
        registered_version=row[8],
    )


def by_hand_text(champion: Champion) -> str:
    """What a person changed, in a line."""
    since = f"{champion.candidate} from {format_time(champion.valid_from)}"
    return f"by hand: {champion.did}, {since}, by {champion.actor}: {'; '.join(champion.reasons)}"


def recorded(
    connection: psycopg.Connection[Any], pipeline: int, segment: str, start: datetime, end: datetime
) -> tuple[Recorded, ...]:
    """The latest content hash of every interval in ``[start, end)`` that has a cycle, in order."""
    parameters = {"pipeline_id": pipeline, "segment": segment, "start": start, "end": end}
    rows = connection.execute(statement("recorded_hashes"), parameters).fetchall()
    columns = {one.id: one.columns for one in declarations(connection, pipeline, segment)} if rows else {}
    return tuple(Recorded(row[0], Interval(row[1], row[2]), row[3], row[4], row[5], columns[row[6]]) for row in rows)


def declarations(connection: psycopg.Connection[Any], pipeline: int, segment: str = "") -> tuple[Declared, ...]:
    """Every declaration the pipeline has had, in order; the last one is in force."""
    parameters = {"pipeline_id": pipeline, "segment": segment}
    found: list[Declared] = []
    for version, recorded_at, config, first in connection.execute(statement("declarations"), parameters).fetchall():
        other = changes(found[-1].config, config) if found else ()
        found.append(Declared(id=version, recorded_at=recorded_at, config=config, first=first, changes=other))
    return tuple(found)


def span(
    connection: psycopg.Connection[Any], pipeline: int, segment: str = ""
) -> tuple[datetime, datetime, int] | None:
    """The start of the first done cycle, the end of the last, and how many there are; None when there is none."""
    row = connection.execute(statement("span"), {"pipeline_id": pipeline, "segment": segment}).fetchone()
    return None if row is None or row[0] is None else (row[0], row[1], row[2])


def training_from(row: Sequence[Any]) -> Training:
    """A training from columns in the order id, candidate, role, window_start, window_end, rows, seconds, ..."""
    return Training(
        candidate=row[1],
        window=Interval(row[3], row[4]),
        rows=row[5],
        seconds=row[6],
        seed=row[7],
        fingerprint=row[8],
        versions=table_of(row[9], "versions"),
        code_version=row[10],
        artifact=row[11],
        classes=tuple(row[13] or ()),
    )
