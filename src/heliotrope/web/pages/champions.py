"""Who has served a pipeline, and changing that."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, BackgroundTasks, Form
from fastapi.responses import RedirectResponse, Response

from heliotrope.errors import HeliotropeError
from heliotrope.interval import parse_time
from heliotrope.ledger import champions as served
from heliotrope.ledger.overview import bands, champion_page, range_of, stretch
from heliotrope.records import Champion
from heliotrope.web import chart
from heliotrope.web.change import ACTIONS, Action, Change, make, tell
from heliotrope.web.failures import status_of
from heliotrope.web.page import Asked, ForbiddenError, NotThereError, Page, Subject

__all__ = ["router"]

router = APIRouter(include_in_schema=False)

PER_PAGE = 50
_MOST_PLACES = 240


@router.get("/pipelines/{name}/champions")
def champions(
    page: Asked,
    name: str,
    segment: str = "",
    before: str = "",
    before_id: int = 2**62,
    by_hand: bool = False,
    done: int | None = None,
) -> Response:
    """The champions in time, the latest first, and what can be done about them."""
    with page.reading() as connection:
        subject = page.subject(connection, name, segment)
        since = (parse_time(before), before_id) if before else None
        rows = champion_page(connection, *subject.key, limit=PER_PAGE + 1, before=since, by_hand=by_hand)
        known = range_of(connection, *subject.key)
        blocks: tuple[chart.Block, ...] = ()
        over = None
        if known is not None:
            over = stretch(known[0], known[1] + subject.pipeline.interval, subject.pipeline.interval, _MOST_PLACES)
            found = bands(connection, *subject.key, over.start, over.end)
            blocks = chart.blocks(found, over, chart.hues([one.candidate for one in found]))
    shown = rows[:PER_PAGE]
    return page.render(
        "champions.html",
        subject=subject,
        rows=shown,
        older=(shown[-1].valid_from, shown[-1].id) if len(rows) > PER_PAGE else None,
        before=before,
        by_hand=by_hand,
        blocks=blocks,
        ticks=[] if over is None else chart.ticks_of(over),
        may_change=page.visitor.may_change(name),
        done=next((one for one in shown if one.id == done), None),
        has_cycles=known is not None,
    )


@router.get("/pipelines/{name}/change/{action}")
def ask(page: Asked, name: str, action: str, segment: str = "", candidate: str = "", to: int | None = None) -> Response:
    """What a change would do, and the form that asks for its reason."""
    with page.reading() as connection:
        subject = _changeable(page, page.subject(connection, name, segment), action)
        return page.render("change.html", **_asked(connection, subject, action, candidate, to), reason="", failed=None)


@router.post("/pipelines/{name}/change/{action}")
def change(
    page: Asked,
    background: BackgroundTasks,
    name: str,
    action: Action,
    form_token: Annotated[str, Form()] = "",
    reason: Annotated[str, Form()] = "",
    segment: Annotated[str, Form()] = "",
    candidate: Annotated[str, Form()] = "",
    to: Annotated[int | None, Form(ge=0, le=2**62)] = None,
    pin: Annotated[bool, Form()] = False,
) -> Response:
    """Change it."""
    with page.reading() as connection:
        subject = _changeable(page, page.subject(connection, name, segment), action)
    if not page.is_own_form(form_token):
        raise ForbiddenError
    asked = Change(action=action, reason=reason, candidate=candidate, to=to, pin=pin)
    try:
        made = make(page.site, subject, asked, page.visitor.name)
    except HeliotropeError as error:
        with page.reading() as connection:
            values = _asked(connection, subject, action, candidate, to)
        return page.render("change.html", status_of(error), **values, reason=reason, failed=error)
    background.add_task(tell, page.site, subject)
    return RedirectResponse(page.links("pipelines", name, "champions", segment=segment, done=made.id), 303)


def _changeable(page: Page, subject: Subject, action: str) -> Subject:
    if action not in ACTIONS:
        raise NotThereError
    if not page.visitor.may_change(subject.known.name):
        raise ForbiddenError
    return subject


def _asked(connection: Any, subject: Subject, action: str, candidate: str, to: int | None) -> dict[str, Any]:
    rows = champion_page(connection, *subject.key, limit=1)
    known = range_of(connection, *subject.key)
    target: Champion | None = None
    if action == "rollback" and to is not None:
        target = next((one for one in served(connection, *subject.key, every=True) if one.id == to), None)
        if target is None:
            raise NotThereError
    return {
        "subject": subject,
        "action": action,
        "candidate": candidate,
        "to": to,
        "present": rows[0] if rows else None,
        "target": target,
        "since": None if known is None else known[1],
    }
