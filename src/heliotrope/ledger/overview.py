"""Reading the record for people who look around in it: a page at a time, and long stretches added up in PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from heliotrope.interval import Interval, floor
from heliotrope.ledger.decode import reading
from heliotrope.ledger.history import champion_from
from heliotrope.records import PINNED, Champion
from heliotrope.sql import statement

if TYPE_CHECKING:
    import psycopg

__all__ = [
    "Band",
    "Choice",
    "Compared",
    "Known",
    "Latest",
    "Place",
    "Progress",
    "Readings",
    "Score",
    "Sent",
    "Step",
    "Stretch",
    "at_work",
    "bands",
    "challengers",
    "champion_page",
    "choices",
    "compared",
    "drift_readings",
    "known",
    "latest",
    "messages",
    "neighbours",
    "open_failures",
    "places",
    "progress",
    "range_of",
    "scored_candidates",
    "scores",
    "steps",
    "stretch",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """A pipeline on record: its declaration in force, as it is kept, and who serves."""

    id: int
    name: str
    version: int
    config: Mapping[str, Any]
    champion: str | None
    since: datetime | None
    pinned: bool
    pinned_by: str | None
    pinned_because: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Latest:
    """One of the latest cycles of a pipeline, in short."""

    interval: Interval
    started_at: datetime
    ended_at: datetime | None
    """None: it has begun and is not done."""
    verdict: str | None
    rows: int | None
    candidate: str | None
    score: float | None
    drifted: tuple[str, ...]
    failures: Mapping[str, str | None]
    """By candidate that was trained: why its last fit failed; None where it did not."""
    action: str | None
    reasons: tuple[str, ...]
    provisional: int = 0
    """How many rows have no label yet, as last seen: with them the score may become another."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stretch:
    """A range of time, cut into places of equal width that hold whole intervals each."""

    start: datetime
    end: datetime
    width: timedelta

    @property
    def parameters(self) -> dict[str, Any]:
        """For the statements."""
        return {"start": self.start, "end": self.end, "width": self.width.total_seconds()}


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """The cycles in one place, added up."""

    place: int
    start: datetime
    end: datetime
    cycles: int
    score: float | None
    lowest: float | None
    highest: float | None
    rows: int
    drifted: int
    trained: int
    promoted: int
    refreshed: int
    rolled_back: int
    held: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Readings:
    """The readings of one feature by one detector in one place, and how many of them crossed their threshold."""

    place: int
    feature: str
    detector: str
    count: int
    drifted: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Band:
    """One candidate that served from ``start`` to ``end`` (None: still), in so many fits."""

    candidate: str
    start: datetime
    end: datetime | None
    fits: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Score:
    """How one model did on an interval's rows, and which fit it was."""

    role: str
    candidate: str
    rows: int
    metrics: Mapping[str, float | None]
    gain: Mapping[str, float | None] | None
    evidence: Mapping[str, Any] | None
    kept_out: tuple[str, ...]
    training_id: int
    window: Interval
    fingerprint: str
    artifact: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """What was decided in a cycle at one of its stages, by whom, and which champion came of it."""

    stage: str
    action: str
    reasons: tuple[str, ...]
    evidence: Mapping[str, Any]
    actor: str
    decided_at: datetime
    champion_id: int | None
    valid_from: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """A step of a cycle that has ended, and the seconds of its parts."""

    name: str
    seconds: Mapping[str, float]
    ended_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Sent:
    """A message of a cycle, and how it stands."""

    target: str
    event: str
    state: str
    recorded_at: datetime
    detail: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Compared:
    """Two candidates over the intervals of one place in which both were scored."""

    place: int
    latest: datetime
    """The start of the latest of them."""
    cycles: int
    first: float
    second: float
    difference: float
    """Added up over the intervals: first - second."""
    squares: float
    """The same, of its square."""
    higher: int
    lower: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """How far a pipeline's cycles are."""

    done: int
    interval: Interval | None
    """The one begun last; None where none has begun."""
    started_at: datetime | None
    steps: tuple[str, ...]
    """Those of it that have ended, in order."""
    ended_at: datetime | None
    now: datetime


def known(connection: psycopg.Connection[Any], name: str | None = None, segment: str = "") -> tuple[Known, ...]:
    """Every pipeline on record by name, or the one of that name."""
    found = []
    parameters = {"name": name, "segment": segment}
    for row in connection.execute(statement("overview"), parameters).fetchall():
        pinned = bool((row[6] or {}).get(PINNED) == 1)
        found.append(
            Known(
                id=row[0],
                name=row[1],
                version=row[2],
                config=row[3],
                champion=row[4],
                since=row[5],
                pinned=pinned,
                pinned_by=row[7] if pinned else None,
                pinned_because=tuple(row[8] or ()) if pinned else (),
            )
        )
    return tuple(found)


def latest(
    connection: psycopg.Connection[Any], metrics: Mapping[int, str], segment: str = "", *, limit: int = 24
) -> Mapping[int, tuple[Latest, ...]]:
    """By pipeline: its latest cycles, oldest first. ``metrics`` is that of each pipeline, by id."""
    parameters = {
        "pipelines": list(metrics),
        "metrics": list(metrics.values()),
        "segment": segment,
        "limit": limit,
    }
    found: dict[int, list[Latest]] = {one: [] for one in metrics}
    for row in connection.execute(statement("overview_cycles"), parameters).fetchall():
        found[row[0]].append(
            Latest(
                interval=Interval(row[1], row[2]),
                started_at=row[3],
                ended_at=row[4],
                verdict=row[5],
                rows=row[6],
                candidate=row[7],
                score=row[8],
                drifted=tuple(row[9] or ()),
                failures=row[10] or {},
                action=row[11],
                reasons=tuple(row[12] or ()),
                provisional=int(row[13] or 0),
            )
        )
    return {one: tuple(rows) for one, rows in found.items()}


def open_failures(
    connection: psycopg.Connection[Any], pipelines: Sequence[int], segment: str = ""
) -> Mapping[int, tuple[Mapping[str, Any], datetime]]:
    """By pipeline with a failure that no recovery followed: its facts, and when it was recorded."""
    parameters = {"pipelines": list(pipelines), "segment": segment}
    return {row[0]: (row[1], row[2]) for row in connection.execute(statement("open_failures"), parameters).fetchall()}


def at_work(connection: psycopg.Connection[Any]) -> Mapping[str, datetime]:
    """By the name of a session (``heliotrope VERB PIPELINE``): since when it is connected."""
    return dict(connection.execute(statement("at_work")).fetchall())


def stretch(start: datetime, end: datetime, step: timedelta, most: int) -> Stretch:
    """The range in at most ``most`` places (and one more where it does not begin on the grid) of whole intervals.

    >>> from datetime import UTC
    >>> day = datetime(2026, 11, 24, tzinfo=UTC)
    >>> stretch(day, day + timedelta(days=1), timedelta(hours=1), 10).width
    datetime.timedelta(seconds=10800)
    """
    first = floor(start, step)
    count = max(1, -((first - end) // step))
    return Stretch(start=first, end=end, width=step * -(-count // most))


def places(
    connection: psycopg.Connection[Any], pipeline: int, segment: str, metric: str, over: Stretch
) -> tuple[Place, ...]:
    """What happened in each place that has a cycle, in order of time."""
    parameters = {"pipeline_id": pipeline, "segment": segment, "metric": metric, **over.parameters}
    return tuple(
        Place(
            place=row[0],
            start=row[1],
            end=row[2],
            cycles=row[3],
            score=row[4],
            lowest=row[5],
            highest=row[6],
            rows=row[7] or 0,
            drifted=row[8],
            trained=row[9],
            promoted=row[10],
            refreshed=row[11],
            rolled_back=row[12],
            held=row[13],
        )
        for row in connection.execute(statement("timeline"), parameters).fetchall()
    )


def challengers(
    connection: psycopg.Connection[Any], pipeline: int, segment: str, metric: str, over: Stretch
) -> Mapping[str, Mapping[int, tuple[float, int]]]:
    """By challenger and place: the mean of the metric, and in how many cycles it was scored."""
    parameters = {"pipeline_id": pipeline, "segment": segment, "metric": metric, **over.parameters}
    found: dict[str, dict[int, tuple[float, int]]] = {}
    for place, name, score, count in connection.execute(statement("timeline_challengers"), parameters).fetchall():
        found.setdefault(name, {})[place] = (score, count)
    return found


def drift_readings(
    connection: psycopg.Connection[Any], pipeline: int, segment: str, over: Stretch
) -> tuple[Readings, ...]:
    """How often each feature drifted by each detector in each place."""
    parameters = {"pipeline_id": pipeline, "segment": segment, **over.parameters}
    return tuple(
        Readings(place=row[0], feature=row[1], detector=row[2], count=row[3], drifted=row[4])
        for row in connection.execute(statement("timeline_drift"), parameters).fetchall()
    )


def bands(
    connection: psycopg.Connection[Any], pipeline: int, segment: str, start: datetime, end: datetime
) -> tuple[Band, ...]:
    """Who served in the range, in order of time; the fits of a candidate that follow each other are one."""
    parameters = {"pipeline_id": pipeline, "segment": segment, "start": start, "end": end}
    return tuple(
        Band(candidate=row[0], start=row[1], end=row[2], fits=row[3])
        for row in connection.execute(statement("champion_bands"), parameters).fetchall()
    )


def champion_page(
    connection: psycopg.Connection[Any],
    pipeline: int,
    segment: str,
    *,
    limit: int,
    before: tuple[datetime, int] | None = None,
    by_hand: bool = False,
) -> tuple[Champion, ...]:
    """Champions, the latest first, those of a time and id before ``before``; ``by_hand``: those that a person chose."""
    parameters = {
        "pipeline_id": pipeline,
        "segment": segment,
        "limit": limit,
        "before": None if before is None else before[0],
        "before_id": None if before is None else before[1],
        "by_hand": by_hand,
    }
    found = []
    for row in connection.execute(statement("champion_page"), parameters).fetchall():
        with reading("champion", row[0]):
            found.append(champion_from(row))
    return tuple(found)


def range_of(connection: psycopg.Connection[Any], pipeline: int, segment: str) -> tuple[datetime, datetime, int] | None:
    """The start of the first cycle, the end of the last, and how many there are, done or not; None: there is none."""
    row = connection.execute(statement("range_of"), {"pipeline_id": pipeline, "segment": segment}).fetchone()
    return None if row is None or row[0] is None else (row[0], row[1], row[2])


def neighbours(
    connection: psycopg.Connection[Any], pipeline: int, segment: str, start: datetime
) -> tuple[datetime | None, datetime | None]:
    """The starts of the cycles before and after the one that starts then."""
    parameters = {"pipeline_id": pipeline, "segment": segment, "start": start}
    row = connection.execute(statement("neighbours"), parameters).fetchone()
    return (None, None) if row is None else (row[0], row[1])


def scores(connection: psycopg.Connection[Any], cycle: int) -> tuple[Score, ...]:
    """How each model did on the rows of a cycle, the champion first."""
    found = []
    for row in connection.execute(statement("cycle_scores"), {"cycle_id": cycle}).fetchall():
        with reading("evaluation", f"of cycle {cycle}"):
            found.append(
                Score(
                    role=row[0],
                    candidate=row[1],
                    rows=row[2],
                    metrics=row[3],
                    gain=row[4],
                    evidence=row[5],
                    kept_out=tuple(row[6] or ()),
                    training_id=row[7],
                    window=Interval(row[8], row[9]),
                    fingerprint=row[10],
                    artifact=row[11],
                )
            )
    return tuple(found)


def choices(connection: psycopg.Connection[Any], cycle: int) -> tuple[Choice, ...]:
    """What was decided in a cycle, in order."""
    return tuple(
        Choice(
            stage=row[1],
            action=row[2],
            reasons=tuple(row[3]),
            evidence=row[4],
            actor=row[5],
            decided_at=row[6],
            champion_id=row[7],
            valid_from=row[8],
        )
        for row in connection.execute(statement("cycle_choices"), {"cycle_id": cycle}).fetchall()
    )


def steps(connection: psycopg.Connection[Any], cycle: int) -> tuple[Step, ...]:
    """The steps of a cycle that have ended, in order."""
    return tuple(
        Step(name=row[0], seconds=row[1], ended_at=row[2])
        for row in connection.execute(statement("cycle_steps"), {"cycle_id": cycle}).fetchall()
    )


def messages(connection: psycopg.Connection[Any], cycle: int) -> tuple[Sent, ...]:
    """What was told of a cycle."""
    return tuple(
        Sent(target=row[0], event=row[1], state=row[2], recorded_at=row[3], detail=row[4])
        for row in connection.execute(statement("cycle_messages"), {"cycle_id": cycle}).fetchall()
    )


def scored_candidates(
    connection: psycopg.Connection[Any], pipeline: int, segment: str, over: Stretch
) -> Mapping[str, int]:
    """By candidate: in how many intervals of the range it was scored, the most frequent first."""
    parameters = {"pipeline_id": pipeline, "segment": segment, **over.parameters}
    return dict(connection.execute(statement("scored_candidates"), parameters).fetchall())


def compared(
    connection: psycopg.Connection[Any],
    pipeline: int,
    segment: str,
    metric: str,
    over: Stretch,
    first: str,
    second: str,
) -> tuple[Compared, ...]:
    """Two candidates on the same intervals, place by place."""
    parameters = {
        "pipeline_id": pipeline,
        "segment": segment,
        "metric": metric,
        "first": first,
        "second": second,
        **over.parameters,
    }
    return tuple(
        Compared(
            place=row[0],
            latest=row[1],
            cycles=row[2],
            first=row[3],
            second=row[4],
            difference=row[5],
            squares=row[6],
            higher=row[7],
            lower=row[8],
        )
        for row in connection.execute(statement("compared"), parameters).fetchall()
    )


def progress(connection: psycopg.Connection[Any], pipeline: int, segment: str) -> Progress | None:
    """How far the cycles are; None where none has begun."""
    row = connection.execute(statement("progress"), {"pipeline_id": pipeline, "segment": segment}).fetchone()
    if row is None:
        return None
    return Progress(
        done=row[0],
        interval=Interval(row[1], row[2]),
        started_at=row[3],
        steps=tuple(row[4] or ()),
        ended_at=row[5],
        now=row[6],
    )
