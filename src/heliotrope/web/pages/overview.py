"""All pipelines at a glance."""

from __future__ import annotations

from collections import Counter

from fastapi import APIRouter
from fastapi.responses import Response

from heliotrope.web.connections import NoLedgerError
from heliotrope.web.glance import glances
from heliotrope.web.health import State
from heliotrope.web.page import Asked

__all__ = ["router"]

router = APIRouter(include_in_schema=False)


@router.get("/")
def overview(page: Asked) -> Response:
    """The first page."""
    try:
        with page.reading() as connection:
            found = glances(connection, page.site, page.readable(connection))
    except NoLedgerError:
        found = []
    counts = Counter(one.health.state for one in found)
    return page.render(
        "overview.html", pipelines=found, counts=[(state, counts[state]) for state in State if counts[state]]
    )
