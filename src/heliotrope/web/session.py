"""Signing in with a token, where the app is reached from elsewhere than this machine."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable, Mapping
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Request
from fastapi.responses import RedirectResponse, Response

from heliotrope.web.links import is_inside
from heliotrope.web.page import Page
from heliotrope.web.visitor import Visitor, anyone

__all__ = ["LEAST", "Tokens"]

LEAST = 16
"""Characters that a token has at least."""
_COOKIE = "heliotrope-session"
_SECONDS = 12 * 3600


class Tokens:
    """Who may come in: by name, the token that each holds. As a dependency, it finds out who asks.

    A program sends its token with every request (``Authorization: Bearer``). A browser sends it once, and then a cookie
    that says who it is and until when, signed with the token.
    """

    def __init__(
        self,
        tokens: Mapping[str, str],
        *,
        may_read: Callable[[str], bool] = anyone,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._tokens = dict(tokens)
        self._may_read = may_read
        self._clock = clock
        self.router = APIRouter(include_in_schema=False)
        self.router.get("/enter")(self.enter)
        self.router.post("/enter")(self.entered)
        self.router.post("/leave")(self.leave)

    def __call__(self, request: Request) -> Visitor:
        """Who asks. Raises HTTPException 401 for one who has no token."""
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        name = self._named(token.strip()) if kind.lower() == "bearer" else None
        if name is None:
            name = self._signed(request.cookies.get(_COOKIE, ""))
            request.state.has_session = name is not None
        if name is None:
            raise HTTPException(401, headers={"www-authenticate": "Bearer"})
        return Visitor(name=name, may_read=self._may_read, may_change=self._may_read)

    def enter(self, request: Request, back: str = "") -> Response:
        """The form that asks for the token."""
        return _nobodys(request).render("enter.html", back=back, refused=False)

    def entered(
        self,
        request: Request,
        token: Annotated[str, Form()] = "",
        form_token: Annotated[str, Form()] = "",
        back: Annotated[str, Form()] = "",
    ) -> Response:
        """Let one in who has a token."""
        page = _nobodys(request)
        name = self._named(token.strip()) if page.is_own_form(form_token) else None
        if name is None:
            return page.render("enter.html", 403, back=back, refused=True)
        answer = RedirectResponse(back if is_inside(back, page.links.root) else page.links(), 303)
        page.keep(answer, _COOKIE, self._sign(name, int(self._clock()) + _SECONDS), strict=True)
        return answer

    def leave(self, request: Request, form_token: Annotated[str, Form()] = "") -> Response:
        """Sign out."""
        page = _nobodys(request)
        answer = RedirectResponse(page.links("enter"), 303)
        if page.is_own_form(form_token):
            answer.delete_cookie(_COOKIE, path=page.links.root or "/")
        return answer

    def _named(self, token: str) -> str | None:
        """Whose token it is; every one is compared, each in the same time whatever it is."""
        found = None
        for name, known in self._tokens.items():
            if hmac.compare_digest(known.encode(), token.encode("utf-8", "replace")):
                found = name
        return found

    def _sign(self, name: str, until: int) -> str:
        said = f"{name.encode().hex()}.{until}"
        key = self._tokens.get(name, "").encode()
        return f"{said}.{hmac.new(key, said.encode(), hashlib.sha256).hexdigest()}"

    def _signed(self, cookie: str) -> str | None:
        try:
            said, until, _ = cookie.split(".")
            name = bytes.fromhex(said).decode()
            late = int(until) < self._clock()
        except ValueError:
            return None
        if late or name not in self._tokens:
            return None
        return (
            name
            if hmac.compare_digest(self._sign(name, int(until)).encode(), cookie.encode("utf-8", "replace"))
            else None
        )


def _nobodys(request: Request) -> Page:
    return Page(request, Visitor(name=""))
