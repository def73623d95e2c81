"""A running replay, as it goes on."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

import anyio.to_thread
from fastapi import APIRouter, HTTPException
from fastapi.responses import Response, StreamingResponse

from heliotrope.errors import HeliotropeError
from heliotrope.web.page import Asked, Page
from heliotrope.web.progress import Watch

__all__ = ["router"]

router = APIRouter(include_in_schema=False)

_EVERY = 1.0
"""Seconds between two looks."""
_QUIET = 10.0
"""Seconds after which an unchanged state is sent again, so that the way stays open."""
_LONGEST = 600.0
"""Seconds after which the browser is to come again, with whatever rights it has then."""
_MOST = 64
"""Browsers that can watch at once."""


@router.get("/pipelines/{name}/live")
def live(page: Asked, name: str, segment: str = "") -> Response:
    """How far it is now; the browser is told what comes after."""
    with page.reading() as connection:
        subject = page.subject(connection, name, segment)
    moment = Watch(page.site, subject).look()
    return page.render("live.html", subject=subject, moment=moment)


@router.get("/pipelines/{name}/live/events")
def events(page: Asked, name: str, segment: str = "") -> Response:
    """Server-sent events: the part of the page that changes, each time it has."""
    with page.reading() as connection:
        subject = page.subject(connection, name, segment)
    if page.site.watching >= _MOST:
        raise HTTPException(503, "too many are watching", headers={"retry-after": "30"})
    return StreamingResponse(
        _stream(page, Watch(page.site, subject)),
        media_type="text/event-stream",
        headers={"cache-control": "no-store", "x-accel-buffering": "no"},
    )


async def _stream(page: Page, watch: Watch) -> AsyncIterator[str]:
    page.site.watching += 1
    begun = sent = time.monotonic()
    before = ""
    try:
        yield "retry: 3000\n\n"
        while not page.site.ended and time.monotonic() - begun < _LONGEST:
            if await page.request.is_disconnected():
                break
            text = await anyio.to_thread.run_sync(_part, page, watch)
            if text != before or time.monotonic() - sent > _QUIET:
                before, sent = text, time.monotonic()
                yield f"event: progress\n{''.join(f'data: {line}{chr(10)}' for line in text.splitlines())}\n"
            await anyio.sleep(_EVERY)
    finally:
        page.site.watching -= 1


def _part(page: Page, watch: Watch) -> str:
    try:
        return page.part("progress.html", subject=watch.subject, moment=watch.look())
    except HeliotropeError as error:
        return page.part("lost.html", error=error)
