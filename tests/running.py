"""A real app for tests: uvicorn on a free port, over a database of their own."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import psycopg
import uvicorn

import world
from heliotrope.database import Database
from heliotrope.web import Mount, Visitor, application

__all__ = ["CHROMIUM", "COOKIE", "HOURS", "LAST", "NOW", "Running", "app_of", "at", "listening", "new_database"]

HOURS = 26
"""Of the replay that all tests look at."""
LAST = world.START + timedelta(hours=HOURS - 1)
NOW = world.START + timedelta(hours=HOURS, minutes=20)
"""What the app takes the time to be: the last cycle is the latest there can be."""
CHROMIUM = "/usr/bin/chromium"
COOKIE = "heliotrope-form"


@dataclass(frozen=True)
class Running:
    """An app that listens."""

    url: str
    database: Database
    folder: Path

    def client(self, **options: Any) -> httpx.Client:
        """A program that asks it."""
        return httpx.Client(base_url=self.url, **options)


@contextmanager
def listening(app: Any, **options: Any) -> Iterator[str]:
    """The app, by uvicorn on a free port of loopback; its URL."""
    server = uvicorn.Server(
        uvicorn.Config(app, port=0, log_level="warning", timeout_graceful_shutdown=2, lifespan="on", **options)
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    limit = time.monotonic() + 20
    while not server.started:
        assert thread.is_alive(), "the server ended at once"
        assert time.monotonic() < limit, "the server does not start"
        time.sleep(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    if hasattr(app.state, "site"):
        app.state.site.ended = True
    server.should_exit = True
    thread.join(20)


@contextmanager
def new_database(server_url: str, name: str) -> Iterator[Database]:
    """An empty database."""
    name = f"{name}_{os.getpid()}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield Database(server_url.replace("/postgres?", f"/{quote(name)}?"))
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def at(time_: datetime) -> Callable[[], datetime]:
    """A clock that stands."""
    return lambda: time_


@contextmanager
def app_of(running: Running, visitor: Callable[..., Visitor], mount: Mount | None = None) -> Iterator[str]:
    """Another app over the same database; its URL."""
    app = application(running.database, authorise=visitor, mount=mount, folder=running.folder, clock=at(NOW))
    with listening(app) as url:
        yield url
