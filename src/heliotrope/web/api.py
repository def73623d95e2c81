"""The same record for programs: JSON beside the pages, described by OpenAPI at ``/api/openapi.json``.

All of it is read but for the four ways to change who serves, which take a reason and go on record as on the pages.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, BackgroundTasks, Query
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from heliotrope.config.plain import plain
from heliotrope.interval import parse_time
from heliotrope.ledger import CycleSummary, cycles
from heliotrope.ledger.overview import (
    bands,
    challengers,
    champion_page,
    choices,
    compared,
    drift_readings,
    messages,
    places,
    scores,
    steps,
)
from heliotrope.records import Champion as Served
from heliotrope.web import health
from heliotrope.web.change import LONGEST_REASON, Action, Change, make, tell
from heliotrope.web.connections import NoLedgerError
from heliotrope.web.glance import Glance, glances
from heliotrope.web.language import Language
from heliotrope.web.page import Asked, ForbiddenError, NotThereError, Page, cycle_at, require_text
from heliotrope.web.pages.compare import summary
from heliotrope.web.progress import Watch
from heliotrope.web.span import span
from heliotrope.web.words import Words
from heliotrope.whatif.kept import kept

__all__ = ["router"]

_LONGEST_NAME = 63
_LONGEST_SEGMENT = 1000
_LONGEST_TIME = 64
"""Characters."""


class _Read(BaseModel):
    """Read off a record's attributes."""

    model_config = ConfigDict(from_attributes=True)


class Failure(BaseModel):
    """What was wrong, and what to do."""

    error: str
    remedy: str


class Between(_Read):
    """A half-open range of time."""

    start: datetime
    end: datetime


class State(BaseModel):
    """How a pipeline is, and why, in words."""

    state: health.State
    reasons: list[str]
    notes: list[str]


class Pipeline(BaseModel):
    """A pipeline at a glance."""

    name: str
    health: State
    metric: str | None = Field(description="what champions are judged by; null: the declaration cannot be read")
    lower_is_better: bool | None
    champion: str | None
    champion_since: datetime | None
    pinned: bool
    latest: Between | None = Field(description="the interval of the latest cycle that is done")
    score: float | None = Field(description="of the model that served in it, before it was trained on those rows")
    provisional: int = Field(description="its rows without a label yet: with them the score may become another")
    drifted: list[str]
    at_work: str | None = Field(description="the verb of heliotrope that runs its cycles right now")


class Pipelines(BaseModel):
    """Those one may see, the worst first."""

    pipelines: list[Pipeline]


class Cycle(_Read):
    """One cycle."""

    interval: Between
    done: bool
    outcome: str = Field(
        description="what came of it: hold, skip, keep, promote, refresh or roll_back; train or open while it goes on"
    )
    did: str = Field(description="what was done, in words")
    verdict: str
    rows_read: int
    rows: int
    content_hash: str
    code_version: str
    started_at: datetime
    ended_at: datetime | None
    served: str | None
    score: float | None
    provisional: int = Field(description="rows without a label yet: with them the score may become another")
    drifted: list[str]
    failed: dict[str, str] = Field(description="by candidate: why it failed")
    revision: int
    evaluations: list[dict[str, Any]]
    drift: list[dict[str, Any]]
    decisions: list[dict[str, Any]]
    trainings: list[dict[str, Any]]
    problems: list[dict[str, Any]]
    seconds: dict[str, float]


class Cycles(BaseModel):
    """Cycles, the latest first."""

    cycles: list[Cycle]
    before: datetime | None = Field(description="ask with before= this for those that come next; null: there are none")


class Evaluated(_Read):
    """How one model did on the rows, and which fit it was."""

    role: str
    candidate: str
    rows: int
    metrics: dict[str, float | None]
    gain: dict[str, Any] | None
    kept_out: list[str]
    training_id: int
    window: Between
    fingerprint: str
    artifact: str | None


class Chosen(_Read):
    """A decision."""

    stage: str
    action: str
    reasons: list[str]
    evidence: dict[str, Any]
    actor: str
    decided_at: datetime
    champion_id: int | None
    valid_from: datetime | None


class Ended(_Read):
    """A step that has ended."""

    name: str
    seconds: dict[str, float]
    ended_at: datetime


class Told(_Read):
    """A message."""

    target: str
    event: str
    state: str
    recorded_at: datetime
    detail: str


class WholeCycle(BaseModel):
    """One cycle with all that came of it."""

    cycle: Cycle
    scores: list[Evaluated]
    decisions: list[Chosen]
    steps: list[Ended]
    messages: list[Told]


class Champion(_Read):
    """Who served from when to when, and why."""

    id: int
    candidate: str
    valid_from: datetime
    valid_to: datetime | None
    did: str
    pinned: bool
    reasons: list[str]
    evidence: dict[str, float]
    actor: str
    decided_at: datetime
    registered_version: str | None
    training_id: int


class Champions(BaseModel):
    """Champions, the latest first."""

    champions: list[Champion]
    before: datetime | None
    before_id: int | None = Field(description="ask with both for those that come next; null: there are none")


class Place(_Read):
    """Cycles of one place in time, added up."""

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
    challengers: dict[str, float] = {}


class Band(_Read):
    """One candidate that served."""

    candidate: str
    start: datetime
    end: datetime | None
    fits: int


class Drifted(BaseModel):
    """How often a feature drifted by a detector."""

    feature: str
    detector: str
    readings: int
    drifted: int


class Timeline(BaseModel):
    """A pipeline in time."""

    start: datetime | None
    end: datetime | None
    metric: str
    best_possible: float | None
    places: list[Place]
    champions: list[Band]
    drift: list[Drifted]


class Comparison(BaseModel):
    """Two candidates over the intervals in which both were scored."""

    first: str
    second: str
    metric: str
    intervals: int
    first_mean: float | None
    second_mean: float | None
    difference: float | None
    standard_error: float | None
    first_better: int
    second_better: int


class HowFar(BaseModel):
    """How far the cycles are."""

    done: int
    waiting: int | None
    at_work: str | None
    interval: Between | None
    steps: list[str]


Text = Annotated[str, BeforeValidator(plain)]
"""A text that the record can keep: JSON can write half a character, and a NUL, which PostgreSQL takes neither of."""


class Ask(BaseModel):
    """Why, and of which segment."""

    model_config = ConfigDict(extra="forbid")

    reason: Text = Field(min_length=1, max_length=LONGEST_REASON, description="kept with the decision")
    segment: Text = Field("", max_length=_LONGEST_SEGMENT)


class AskPromote(Ask):
    """Which candidate is to serve."""

    candidate: Text = Field(min_length=1, max_length=_LONGEST_NAME)
    pin: bool = False


class AskRollback(Ask):
    """Which champion is to serve again; null: the one before."""

    to: int | None = None
    pin: bool = False


_FAILURES: dict[int | str, dict[str, Any]] = {
    status: {"model": Failure} for status in (400, 401, 403, 404, 409, 413, 421, 422, 500, 503)
}

router = APIRouter(prefix="/api", responses=_FAILURES, tags=["heliotrope"])

Segment = Annotated[str, Query(max_length=_LONGEST_SEGMENT, description="a segment; absent: the whole table")]
Name = Annotated[str, Query(max_length=_LONGEST_NAME, description="a candidate")]
Time = Annotated[str, Query(max_length=_LONGEST_TIME, description="as 2026-11-24T05:00Z")]
Limit = Annotated[int, Query(ge=1, le=500)]
Show = Annotated[str, Query(pattern="^(all|[1-9][0-9]{0,5})?$", description="how many of the latest intervals, or all")]


@router.get("/pipelines")
def list_pipelines(page: Asked) -> Pipelines:
    """Every pipeline one may see."""
    try:
        with page.reading() as connection:
            found = glances(connection, page.site, page.readable(connection))
    except NoLedgerError:
        found = []
    return Pipelines(pipelines=[_pipeline(one) for one in found])


@router.get("/pipelines/{name}")
def one_pipeline(page: Asked, name: str, segment: Segment = "") -> Pipeline:
    """One pipeline."""
    with page.reading() as connection:
        subject = page.subject(connection, name, segment)
        return _pipeline(glances(connection, page.site, [subject.known], segment)[0])


@router.get("/pipelines/{name}/timeline")
def timeline(
    page: Asked, name: str, segment: Segment = "", start: Time = "", end: Time = "", show: Show = ""
) -> Timeline:
    """Scores, champions and drift of a range, in at most some hundred places."""
    with page.reading() as connection:
        subject = page.subject(connection, name, segment)
        metric, best = subject.pipeline.metric, subject.pipeline.report.best_possible
        shown = span(connection, subject, start, end, show)
        if shown is None:
            return Timeline(start=None, end=None, metric=metric, best_possible=best, places=[], champions=[], drift=[])
        over, key = shown.over, subject.key
        beside = challengers(connection, *key, metric, over)
        found = []
        for one in places(connection, *key, metric, over):
            place = Place.model_validate(one)
            place.challengers = {who: at[one.place][0] for who, at in beside.items() if one.place in at}
            found.append(place)
        drifted: dict[tuple[str, str], Drifted] = {}
        for reading in drift_readings(connection, *key, over):
            fresh = Drifted(feature=reading.feature, detector=reading.detector, readings=0, drifted=0)
            kept_ = drifted.setdefault((reading.feature, reading.detector), fresh)
            kept_.readings += reading.count
            kept_.drifted += reading.drifted
        served = bands(connection, *key, over.start, over.end)
    return Timeline(
        start=over.start,
        end=over.end,
        metric=metric,
        best_possible=best,
        places=found,
        champions=[Band.model_validate(one) for one in served],
        drift=list(drifted.values()),
    )


@router.get("/pipelines/{name}/cycles")
def list_cycles(
    page: Asked, name: str, segment: Segment = "", start: Time = "", before: Time = "", limit: Limit = 50
) -> Cycles:
    """Cycles, the latest first, a page at a time."""
    with page.reading() as connection:
        subject = page.subject(connection, name, segment)
        found = cycles(
            connection,
            *subject.key,
            start=parse_time(start) if start else None,
            end=parse_time(before) if before else None,
            limit=limit + 1,
        )
    metric = subject.pipeline.metric
    more = found[1].interval.start if len(found) > limit else None
    return Cycles(cycles=[_cycle(one, metric) for one in found[-limit:][::-1]], before=more)


@router.get("/pipelines/{name}/cycles/{start}")
def one_cycle(page: Asked, name: str, start: str, segment: Segment = "") -> WholeCycle:
    """The cycle whose interval starts then, in full."""
    moment = parse_time(start)
    with page.reading() as connection:
        subject = page.subject(connection, name, segment)
        found = cycle_at(connection, subject, moment)
        identity = found.id
        return WholeCycle(
            cycle=_cycle(found, subject.pipeline.metric),
            scores=[Evaluated.model_validate(one) for one in scores(connection, identity)],
            decisions=[Chosen.model_validate(one) for one in choices(connection, identity)],
            steps=[Ended.model_validate(one) for one in steps(connection, identity)],
            messages=[Told.model_validate(one) for one in messages(connection, identity)],
        )


@router.get("/pipelines/{name}/champions")
def list_champions(
    page: Asked,
    name: str,
    segment: Segment = "",
    before: Time = "",
    before_id: Annotated[int, Query(ge=0, le=2**62)] = 2**62,
    by_hand: bool = False,
    limit: Limit = 50,
) -> Champions:
    """Who has served, the latest first, a page at a time."""
    with page.reading() as connection:
        subject = page.subject(connection, name, segment)
        since = (parse_time(before), before_id) if before else None
        found = champion_page(connection, *subject.key, limit=limit + 1, before=since, by_hand=by_hand)
    shown = found[:limit]
    last = shown[-1] if len(found) > limit else None
    return Champions(
        champions=[Champion.model_validate(one) for one in shown],
        before=None if last is None else last.valid_from,
        before_id=None if last is None else last.id,
    )


@router.get("/pipelines/{name}/compare")
def comparison(
    page: Asked,
    name: str,
    first: Name,
    second: Name,
    segment: Segment = "",
    start: Time = "",
    end: Time = "",
    show: Show = "",
) -> Comparison:
    """Two candidates on the same intervals."""
    with page.reading() as connection:
        subject = page.subject(connection, name, segment)
        metric = subject.pipeline.metric
        shown = span(connection, subject, start, end, show)
        require_text(first, second)
        found = compared(connection, *subject.key, metric, shown.over, first, second) if shown else ()
    told = summary(found, subject.pipeline.lower_is_better)
    return Comparison(
        first=first,
        second=second,
        metric=metric,
        intervals=told.intervals if told else 0,
        first_mean=told.first if told else None,
        second_mean=told.second if told else None,
        difference=told.difference if told else None,
        standard_error=told.standard_error if told else None,
        first_better=told.better if told else 0,
        second_better=told.worse if told else 0,
    )


@router.get("/pipelines/{name}/whatif")
def tried(page: Asked, name: str) -> dict[str, Any]:
    """What the latest `heliotrope whatif` on this machine came to."""
    with page.reading() as connection:
        subject = page.subject(connection, name)
    found: Mapping[str, Any] | None = kept(page.site.folder, subject.known.name)
    if found is None:
        raise NotThereError
    return dict(found)


@router.get("/pipelines/{name}/progress")
def how_far(page: Asked, name: str, segment: Segment = "") -> HowFar:
    """How far its cycles are."""
    with page.reading() as connection:
        subject = page.subject(connection, name, segment)
    moment = Watch(page.site, subject).look()
    found = moment.progress
    return HowFar(
        done=0 if found is None else found.done,
        waiting=moment.waiting,
        at_work=None if moment.work is None else moment.work[0],
        interval=None if found is None or found.interval is None else Between.model_validate(found.interval),
        steps=[] if found is None else list(found.steps),
    )


@router.post("/pipelines/{name}/promote")
def promote(page: Asked, background: BackgroundTasks, name: str, asked: AskPromote) -> Champion:
    """Let a candidate serve."""
    change = Change(action="promote", reason=asked.reason, candidate=asked.candidate, pin=asked.pin)
    return _changed(page, background, name, asked.segment, change)


@router.post("/pipelines/{name}/rollback")
def rollback(page: Asked, background: BackgroundTasks, name: str, asked: AskRollback) -> Champion:
    """Let an earlier champion serve again."""
    change = Change(action="rollback", reason=asked.reason, to=asked.to, pin=asked.pin)
    return _changed(page, background, name, asked.segment, change)


@router.post("/pipelines/{name}/pin")
def pin(page: Asked, background: BackgroundTasks, name: str, asked: Ask) -> Champion:
    """Let the champion stay."""
    return _held(page, background, name, asked, "pin")


@router.post("/pipelines/{name}/unpin")
def unpin(page: Asked, background: BackgroundTasks, name: str, asked: Ask) -> Champion:
    """Let the champion be replaced again."""
    return _held(page, background, name, asked, "unpin")


def _held(page: Page, background: BackgroundTasks, name: str, asked: Ask, action: Action) -> Champion:
    return _changed(page, background, name, asked.segment, Change(action=action, reason=asked.reason))


def _changed(page: Page, background: BackgroundTasks, name: str, segment: str, change: Change) -> Champion:
    with page.reading() as connection:
        subject = page.subject(connection, name, segment)
    if not page.visitor.may_change(name):
        raise ForbiddenError
    made: Served = make(page.site, subject, change, page.visitor.name)
    background.add_task(tell, page.site, subject)
    return Champion.model_validate(made)


def _pipeline(one: Glance) -> Pipeline:
    say, last = Words(Language("en")), one.last
    return Pipeline(
        name=one.known.name,
        health=State(
            state=one.health.state,
            reasons=[say.reason(reason) for reason in one.health.reasons],
            notes=[say.reason(note) for note in one.health.notes],
        ),
        metric=None if one.pipeline is None else one.pipeline.metric,
        lower_is_better=None if one.pipeline is None else one.pipeline.lower_is_better,
        champion=one.known.champion,
        champion_since=one.known.since,
        pinned=one.known.pinned,
        latest=None if last is None else Between.model_validate(last.interval),
        score=None if last is None else last.score,
        provisional=0 if last is None else last.provisional,
        drifted=[] if last is None else list(last.drifted),
        at_work=None if one.work is None else one.work[0],
    )


def _cycle(one: CycleSummary, metric: str) -> Cycle:
    served = one.served
    names = Cycle.model_fields.keys() - {"interval", "served", "score"}
    return Cycle(
        interval=Between.model_validate(one.interval),
        served=None if served is None else served["candidate"],
        score=None if served is None else served["metrics"].get(metric),
        **{name: getattr(one, name) for name in names},
    )
