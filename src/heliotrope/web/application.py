"""The app, made for one database; alone, or to be mounted in another app."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from importlib.resources import files
from pathlib import Path

from fastapi import FastAPI
from starlette.staticfiles import StaticFiles

from heliotrope import __version__
from heliotrope.context import utc_now
from heliotrope.database import Database, home
from heliotrope.web import api, failures
from heliotrope.web.connections import Connections
from heliotrope.web.guard import Guard
from heliotrope.web.mount import Mount
from heliotrope.web.pages import ROUTERS
from heliotrope.web.session import Tokens
from heliotrope.web.site import Site
from heliotrope.web.visitor import Visitor, this_user, visitor

__all__ = ["application"]


def application(
    database: Database,
    *,
    authorise: Callable[..., Visitor] | Tokens | None = None,
    mount: Mount | None = None,
    folder: Path | None = None,
    clock: Callable[[], datetime] = utc_now,
) -> FastAPI:
    """The pages and their API over the ledger of one database.

    ``authorise`` is a dependency as FastAPI has them: it may take the request and whatever its host offers, and
    returns the :class:`Visitor`, or raises HTTPException (401, 403) for one who may see nothing; :class:`Tokens` is
    one, with pages to sign in and out. Without it everybody
    who reaches the app may do everything, in the name of the user that runs it. ``mount`` says where the app stands;
    its addresses are made from the root path of each request. ``folder`` is where models are, else the home folder.
    """
    mount = mount or Mount()
    user = this_user()

    def owner() -> Visitor:
        return Visitor(name=user)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        site.ended = True
        site.connections.close()

    app = FastAPI(
        title="heliotrope",
        version=__version__,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,  # both would fetch their scripts from elsewhere
        openapi_url="/api/openapi.json",
    )
    site = Site(
        database=database,
        connections=Connections(database),
        folder=folder or home(),
        mount=mount,
        clock=clock,
    )
    app.state.site = site
    app.dependency_overrides[visitor] = authorise or owner
    app.add_middleware(Guard, mount=mount)
    failures.add_to(app)
    for router in (*ROUTERS, api.router, *((authorise.router,) if isinstance(authorise, Tokens) else ())):
        app.include_router(router)
    app.mount("/static", StaticFiles(directory=str(files("heliotrope.web").joinpath("static"))), name="static")
    return app
