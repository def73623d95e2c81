"""Choosing the language."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import RedirectResponse

from heliotrope.web.language import LANGUAGES
from heliotrope.web.links import is_inside
from heliotrope.web.page import LANGUAGE_COOKIE, Asked, NotThereError

__all__ = ["router"]

router = APIRouter(include_in_schema=False)


@router.get("/language/{code}")
def choose(page: Asked, code: str, back: str = "") -> RedirectResponse:
    """Remember it, and go back to where one was."""
    if code not in LANGUAGES:
        raise NotThereError
    answer = RedirectResponse(back if is_inside(back, page.links.root) else page.links(), 303)
    page.keep(answer, LANGUAGE_COOKIE, code)
    return answer
