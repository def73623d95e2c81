"""heliotrope's pages in Airflow's API server: its users, its permissions, its DAGs and runs.

Whoever may see Airflow's plugins may come in. A pipeline is there for those who may read every DAG that trains it, and
to be changed by those who may edit them.
"""

from __future__ import annotations

import logging
import os
import time
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlencode

from airflow.api_fastapi.auth.managers.models.resource_details import AccessView
from airflow.api_fastapi.core_api.security import GetUserDep, requires_access_dag, requires_access_view
from airflow.configuration import conf
from airflow.models import Connection
from airflow.models.dagrun import DagRun
from airflow.providers.common.compat.sdk import AirflowNotFoundException
from airflow.utils.session import create_session
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request
from fastapi.responses import PlainTextResponse, RedirectResponse, Response
from sqlalchemy import select
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException as StarletteHTTPException

from heliotrope import database
from heliotrope.airflow.ending import at_end
from heliotrope.airflow.plugin import root
from heliotrope.airflow.schedule import interval_of
from heliotrope.airflow.trainers import Trainers
from heliotrope.airflow.work import url_of
from heliotrope.errors import ConfigError, HeliotropeError
from heliotrope.ledger import cycles
from heliotrope.web import Mount, Visitor, application
from heliotrope.web.glance import glances
from heliotrope.web.page import Asked, NotThereError, Page, Subject

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from starlette.types import ASGIApp, Receive, Scope, Send

    from heliotrope.database import Database
    from heliotrope.interval import Interval

__all__ = ["Pages", "database_of", "router", "visitor"]

log = logging.getLogger(__name__)

_KEPT = 30.0
"""Seconds after which it is looked again where the database is."""

trainers = Trainers()
router = APIRouter(include_in_schema=False)


class Pages:
    """The app, over the database that the DAGs have; made when it is first asked for, and anew when that changes."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._made: tuple[str, FastAPI] | None = None
        self._until = 0.0
        self._hears = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if not self._hears:
            self._hears = True
            at_end(self._end)
        app: ASGIApp
        try:
            made = self._at_hand()
            app = made if made is not None else await run_in_threadpool(self._app)
        except HeliotropeError as error:
            log.warning("the pages have no database: %s", error)
            app = PlainTextResponse("heliotrope: the pages have no database; the API server's log says why", 503)
        await app(scope, receive, send)

    def _end(self) -> None:
        if self._made is not None:
            self._made[1].state.site.ended = True

    def _at_hand(self) -> FastAPI | None:
        return self._made[1] if self._made is not None and time.monotonic() < self._until else None

    def _app(self) -> FastAPI:
        with self._lock:
            if (made := self._at_hand()) is not None:
                return made
            found = database_of()
            if self._made is None or self._made[0] != found.url:
                if self._made is not None:
                    self._end()
                    self._made[1].state.site.connections.close()
                self._made = (found.url, _application(found))
            self._until = time.monotonic() + _KEPT
            return self._made[1]


def visitor(
    request: Request,
    user: GetUserDep,
    _: Annotated[None, Depends(requires_access_view(AccessView.PLUGINS))],
) -> Visitor:
    """Airflow's user. Raises HTTPException 401 for one who is not signed in, 403 for one who may not see plugins."""

    def allowed(method: str) -> Callable[[str], bool]:
        def may(pipeline: str) -> bool:
            # What no DAG trains any more is for those who may read, or edit, whatever DAG there is.
            dags = trainers.of(pipeline) or (f"heliotrope:{pipeline}",)
            return all(_may(method, dag_id, request, user) for dag_id in dags)

        return cache(may)

    return Visitor(name=user.get_name(), may_read=allowed("GET"), may_change=allowed("PUT"))


@router.get("/dags/{dag_id}")
def of_dag(page: Asked, user: GetUserDep, dag_id: str) -> Response:
    """The pipeline that a DAG works on, or those where there are several."""
    names = _pipelines(page, user, dag_id)
    if len(names) == 1:
        return RedirectResponse(page.links("pipelines", names[0]), 307)
    return _several(page, names, dag_id)


@router.get("/dags/{dag_id}/runs/{run_id:path}")
def of_run(page: Asked, user: GetUserDep, dag_id: str, run_id: str) -> Response:
    """The cycle that a run of a DAG is for."""
    names = _pipelines(page, user, dag_id)
    if len(names) != 1:
        return _several(page, names, dag_id)
    with page.reading() as connection:
        subject = page.subject(connection, names[0])
        interval = _interval(dag_id, run_id, subject)
        found = cycles(connection, *subject.key, start=interval.start, end=interval.end, limit=1)
    if not found and not subject.pipeline.partition_by:
        return _nothing(page, "no_cycle", f"{names[0]}, {interval}")
    return RedirectResponse(page.links("pipelines", names[0], "cycles", interval.start), 307)


def _may(method: Any, dag_id: str, request: Request, user: Any) -> bool:
    try:
        requires_access_dag(method, param_dag_id=dag_id)(request, user)
    except HTTPException:
        return False
    return True


def _pipelines(page: Page, user: Any, dag_id: str) -> Sequence[str]:
    if not _may("GET", dag_id, page.request, user):
        return ()
    return [name for name in trainers.pipelines(dag_id) if page.visitor.may_read(name)]


def _several(page: Page, names: Sequence[str], dag_id: str) -> Response:
    if not names:
        return _nothing(page, "no_pipeline", dag_id)
    with page.reading() as connection:
        found = glances(connection, page.site, [one for one in page.readable(connection) if one.name in names])
    return page.render("overview.html", pipelines=found, counts=[])


def _nothing(page: Page, kind: str, which: str) -> Response:
    return page.render("failure.html", 404, kind=kind, message=which, remedy="")


def _interval(dag_id: str, run_id: str, subject: Subject) -> Interval:
    """The interval of a run, as its tasks take it. Raises NotThereError where there is no such run."""
    with create_session() as session:
        run = session.scalar(select(DagRun).where(DagRun.dag_id == dag_id, DagRun.run_id == run_id))
        if run is None:
            raise NotThereError
        context = {
            "params": run.conf or {},
            "partition_key": getattr(run, "partition_key", None),
            "data_interval_start": run.data_interval_start,
            "data_interval_end": run.data_interval_end,
            "dag_run": run,
        }
        return interval_of(context, subject.pipeline.interval)


def _application(found: Database) -> FastAPI:
    app = application(
        found, authorise=visitor, mount=Mount(hosts=None, framed_by=("'self'",), bare=True), folder=database.home()
    )
    app.include_router(router)
    answer: Callable[..., Any] = app.exception_handlers[StarletteHTTPException]

    async def or_login(request: Request, error: Exception) -> Response:
        assert isinstance(error, StarletteHTTPException)
        if error.status_code == 401 and request.headers.get("sec-fetch-dest") == "document":
            asked = f"{request.url.path}{'?' if request.url.query else ''}{request.url.query}"
            return RedirectResponse(f"{root()}/api/v2/auth/login?{urlencode({'next': asked})}", 307)
        answered: Response = await run_in_threadpool(answer, request, error)
        return answered

    handler: Callable[[Request, Exception], Awaitable[Response]] = or_login
    app.add_exception_handler(StarletteHTTPException, handler)
    return app


def database_of() -> Database:
    """The database of ledger and rows: by the configuration, by the DAGs, or by the environment, as the tasks find it.

    Raises ConfigError where none is named, or several are.
    """
    named = conf.get("heliotrope", "connection_id", fallback=None)
    if not named:
        known = trainers.connections()
        if len(known) > 1:
            several = ", ".join(sorted(one or "that of the environment" for one in known))
            raise ConfigError(
                f"the DAGs have several databases: {several}",
                remedy="name the one to be shown in Airflow's configuration: [heliotrope] connection_id",
            )
        named = next(iter(known), None)
    if named:
        try:
            return database.resolve(url_of(Connection.get_connection_from_secrets(named)))
        except AirflowNotFoundException:
            raise ConfigError(f"Airflow has no connection {named!r}", remedy="add it") from None
    if database.is_named(os.environ) or (database.home() / "postgres").is_dir():
        return database.resolve()
    raise ConfigError(
        "neither a connection nor the environment of the API server names a database",
        remedy="set HELIOTROPE_DATABASE_URL there, or [heliotrope] connection_id in Airflow's configuration",
    )
