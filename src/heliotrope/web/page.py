"""What a route works with: one request, who asks, in which language, and the pipeline that is meant."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from heliotrope import __version__
from heliotrope.config import Pipeline
from heliotrope.interval import format_time
from heliotrope.ledger import CycleSummary, cycles, segment_names
from heliotrope.ledger.overview import Known, known
from heliotrope.web import words
from heliotrope.web.language import LANGUAGES, Language, chosen
from heliotrope.web.links import Links
from heliotrope.web.site import Site
from heliotrope.web.visitor import Visitor, visitor

if TYPE_CHECKING:
    import psycopg

__all__ = ["Asked", "ForbiddenError", "NotThereError", "Page", "Subject", "cycle_at", "page", "require_text"]

LANGUAGE_COOKIE = "heliotrope-language"
FORM_COOKIE = "heliotrope-form"
_YEAR = 365 * 86400
_INSTANT = timedelta(microseconds=1)


class NotThereError(Exception):
    """No such page, pipeline or cycle; or one that the visitor may not know of."""


class ForbiddenError(Exception):
    """The visitor may see it, and not change it."""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """The pipeline that a page is about, and its segment; empty: the whole."""

    known: Known
    pipeline: Pipeline
    segment: str

    @property
    def key(self) -> tuple[int, str]:
        """What the ledger's questions take."""
        return self.known.id, self.segment


class Page:
    """One request."""

    def __init__(self, request: Request, asked_by: Visitor) -> None:
        self.request = request
        self.visitor = asked_by
        self.site: Site = request.app.state.site
        self.links = Links(request.scope.get("root_path", ""))

    @cached_property
    def language(self) -> Language:
        """The one chosen by its cookie, else the one the browser asks for."""
        wanted = self.request.query_params.get("language") or self.request.cookies.get(LANGUAGE_COOKIE)
        return Language(chosen(wanted, self.request.headers.get("accept-language")))

    @cached_property
    def is_for_program(self) -> bool:
        """Whether a program asks, or a page's script: what cannot be answered is said in JSON, and not by a page."""
        inside = self.request.url.path.removeprefix(self.links.root)
        return inside == "/metrics" or inside.startswith("/api/") or inside.endswith("/live/events")

    def english(self, key: str) -> str:
        """A text for programs."""
        return Language("en")(key)

    @contextmanager
    def reading(self) -> Iterator[psycopg.Connection[Any]]:
        """A connection to the ledger."""
        with self.site.connections.reading() as connection:
            yield connection

    def readable(self, connection: psycopg.Connection[Any]) -> list[Known]:
        """The pipelines on record that the visitor may see."""
        return [one for one in known(connection) if self.visitor.may_read(one.name)]

    def subject(self, connection: psycopg.Connection[Any], name: str, segment: str = "") -> Subject:
        """The pipeline of that name. Raises NotThereError, ConfigError for a record that cannot be read."""
        require_text(name, segment)
        if not self.visitor.may_read(name):
            raise NotThereError
        found = known(connection, name, segment)
        if not found:
            raise NotThereError
        declared = self.site.declared(found[0])
        if segment and segment not in segment_names(connection, found[0].id):
            raise NotThereError
        return Subject(known=found[0], pipeline=declared, segment=segment)

    def part(self, template: str, **values: Any) -> str:
        """The text of a template."""
        t = self.language
        return (
            _templates()
            .get_template(template)
            .render(
                t=t,
                link=self.links,
                say=words.Words(t),
                visitor=self.visitor,
                languages=LANGUAGES,
                mount=self.site.mount,
                version=__version__,
                assets=_assets(),
                here=self.here,
                form_token=self.form_token,
                has_session=getattr(self.request.state, "has_session", False),
                **values,
            )
        )

    def render(self, template: str, status: int = 200, **values: Any) -> HTMLResponse:
        """The page of a template."""
        headers = {"content-language": self.language.code, "vary": "cookie, accept-language"}
        response = HTMLResponse(self.part(template, **values), status, headers=headers)
        if FORM_COOKIE not in self.request.cookies:
            self.keep(response, FORM_COOKIE, self.form_token, strict=True)
        return response

    def keep(self, response: Any, name: str, value: str, *, strict: bool = False, seconds: int = _YEAR) -> None:
        """Give the browser a cookie for this app alone."""
        response.set_cookie(
            name,
            value,
            max_age=None if strict else seconds,
            path=self.links.root or "/",
            httponly=True,
            samesite="strict" if strict else "lax",
            secure=self.request.url.scheme == "https",
        )

    @cached_property
    def form_token(self) -> str:
        """What a form of this browser's pages carries and no other site's can: a cookie that it cannot read."""
        return self.request.cookies.get(FORM_COOKIE) or secrets.token_urlsafe(24)

    def is_own_form(self, token: str) -> bool:
        """Whether a form came from a page of this app in the same browser."""
        kept = self.request.cookies.get(FORM_COOKIE, "")
        return bool(kept) and secrets.compare_digest(token.encode(), kept.encode())

    @property
    def can_enter(self) -> bool:
        """Whether there is a page to sign in."""
        return any(getattr(route, "path", "") == "/enter" for route in self.request.app.routes)

    @property
    def here(self) -> str:
        """This page's own address, as far as it can be asked for again."""
        if self.request.method != "GET":
            return self.links()
        query = "&".join(part for part in self.request.url.query.split("&") if not part.startswith("language="))
        return f"{self.request.url.path}{'?' if query else ''}{query}"


def page(request: Request, asked_by: Annotated[Visitor, Depends(visitor)]) -> Page:
    """The dependency of every route."""
    request.state.visitor = asked_by
    return Page(request, asked_by)


Asked = Annotated[Page, Depends(page)]


def cycle_at(connection: psycopg.Connection[Any], subject: Subject, start: datetime) -> CycleSummary:
    """The cycle whose interval starts then. Raises NotThereError."""
    end = start + min(_INSTANT, datetime.max.replace(tzinfo=UTC) - start)
    found = cycles(connection, *subject.key, start=start, end=end, limit=1)
    if not found:
        raise NotThereError
    return found[0]


def require_text(*names: str) -> None:
    """Raise NotThereError for a name with a NUL in it, which PostgreSQL has none of and takes none of."""
    if "\0" in "".join(names):
        raise NotThereError


@lru_cache(maxsize=1)
def _assets() -> str:
    """A name for what the static files hold now: with it in their address a browser may keep them."""
    digest = hashlib.sha256()
    for file in sorted(Path(str(files("heliotrope.web").joinpath("static"))).rglob("*.*")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


@lru_cache(maxsize=1)
def _templates() -> Environment:
    environment = Environment(
        loader=PackageLoader("heliotrope.web", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {"ensure_ascii": False, "separators": (",", ":"), "allow_nan": False}
    environment.globals["iso"] = format_time
    return environment
