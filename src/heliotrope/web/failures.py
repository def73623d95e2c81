"""What is answered where something cannot be shown or done: a plain page that says what and what to do, or JSON."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException

from heliotrope.errors import (
    ConfigError,
    ConnectionLostError,
    DatabaseError,
    DataError,
    HeliotropeError,
    IntervalError,
    LedgerError,
    LockedError,
    ModelError,
)
from heliotrope.web.connections import NoLedgerError
from heliotrope.web.guard import security_headers
from heliotrope.web.page import ForbiddenError, NotThereError, Page
from heliotrope.web.visitor import Visitor

__all__ = ["add_to", "status_of"]

_log = logging.getLogger(__name__)

_MOST = 10
"""Things wrong with one request that are said."""
_LONGEST = 200
"""Characters of each."""

_STATUS: tuple[tuple[type[HeliotropeError], int], ...] = (
    (LockedError, 409),
    (NoLedgerError, 404),
    (LedgerError, 409),
    (ConnectionLostError, 503),
    (DatabaseError, 503),
    (ConfigError, 400),
    (IntervalError, 400),
    (DataError, 409),
    (ModelError, 409),
)

_KINDS: tuple[tuple[type[HeliotropeError], str], ...] = (
    (ConnectionLostError, "database"),
    (LedgerError, "ledger"),
    (LockedError, "refused"),
    (DatabaseError, "slow"),
)
"""What an answer is headed by."""


_SIGN_IN = "send the token with the request, as Authorization: Bearer TOKEN"


def status_of(error: HeliotropeError) -> int:
    """The HTTP status of an error."""
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)


def add_to(app: FastAPI) -> None:
    """Let the app answer its errors so."""
    app.add_exception_handler(HeliotropeError, _known)
    app.add_exception_handler(NotThereError, _not_there)
    app.add_exception_handler(ForbiddenError, _forbidden)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Exception, _unexpected)


def _known(request: Request, error: Exception) -> Response:
    assert isinstance(error, HeliotropeError)
    status = status_of(error)
    kind = next((name for one, name in _KINDS if isinstance(error, one)), "refused")
    return _answer(request, status, kind, message=error.message, remedy=error.remedy)


def _not_there(request: Request, error: Exception) -> Response:
    return _answer(request, 404, "not_there")


def _forbidden(request: Request, error: Exception) -> Response:
    return _answer(request, 403, "forbidden")


def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    page = _page(request)
    if error.status_code == 401 and page.can_enter and not page.is_for_program:
        return RedirectResponse(page.links("enter", back=page.here), 303)
    kind = {401: "unknown", 403: "forbidden", 404: "not_there"}.get(error.status_code, "refused")
    message = str(error.detail) if kind == "refused" else ""
    remedy = _SIGN_IN if kind == "unknown" and page.can_enter else ""
    answer = _answer(request, error.status_code, kind, message=message, remedy=remedy)
    answer.headers.update(error.headers or {})
    return answer


def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return _answer(request, 422, "refused", message="; ".join(_refused(one) for one in error.errors()[:_MOST]))


def _refused(error: Mapping[str, Any]) -> str:
    """One thing that is wrong with what was sent: where, and what."""
    place = ".".join(str(one) for one in error["loc"][1:])
    text = f"{place[:_LONGEST] or 'what was sent'}: {str(error['msg']).removeprefix('Value error, ')}"
    text = text.encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} ..."


def _unexpected(request: Request, error: Exception) -> Response:
    _log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    answer = _answer(request, 500, "unexpected", message=type(error).__name__)
    answer.headers.update(security_headers(request.app.state.site.mount))  # this is said outside of Guard
    return answer


def _answer(request: Request, status: int, kind: str, *, message: str = "", remedy: str = "") -> Response:
    page = _page(request)
    if page.is_for_program:
        said = message or page.english(f"failure.{kind}.title")
        answer: Response = JSONResponse({"error": said, "remedy": remedy}, status)
    else:
        answer = page.render("failure.html", status, kind=kind, message=message, remedy=remedy)
    if status == 503:
        answer.headers["retry-after"] = "10"
    return answer


def _page(request: Request) -> Page:
    """A page for whoever asked, who may be nobody that is known."""
    return Page(request, getattr(request.state, "visitor", Visitor(name="")))
