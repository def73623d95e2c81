"""A database that goes away under the pages, and comes back."""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

import world
from heliotrope import server
from heliotrope.database import Database
from heliotrope.errors import ConnectionLostError
from heliotrope.web import application
from heliotrope.web.connections import Connections
from heliotrope.web.session import Tokens
from running import COOKIE, NOW, at, listening

SECRET = "a-long-enough-token-for-all"
PAGES = (
    "/",
    "/pipelines/turning",
    "/pipelines/turning/cycles?before=2026-03-02T00:00Z",
    "/pipelines/turning/cycles/2026-03-01T02:00Z",
    "/pipelines/turning/champions",
    "/pipelines/turning/compare",
    "/pipelines/turning/whatif",
    "/pipelines/turning/live",
    "/pipelines/turning/change/promote",
)
FOR_PROGRAMS = (
    "/metrics",
    "/pipelines/turning/live/events",
    "/api/pipelines",
    "/api/pipelines/turning",
    "/api/pipelines/turning/timeline",
    "/api/pipelines/turning/cycles",
    "/api/pipelines/turning/cycles/2026-03-01T02:00Z",
    "/api/pipelines/turning/champions",
    "/api/pipelines/turning/compare?first=tree&second=extrapolated",
    "/api/pipelines/turning/progress",
)
CHANGES = ("promote", "rollback", "pin", "unpin")


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Of a server that these tests stop and start."""
    folder = Path(tempfile.mkdtemp(prefix="helio"))
    folder.chmod(0o755)  # where root runs the tests, PostgreSQL's account passes through it
    yield folder
    server.stop(folder / "pg")
    shutil.rmtree(folder)


def _statuses(client: httpx.Client, paths: tuple[str, ...]) -> dict[str, int]:
    found = {}
    for path in paths:
        with client.stream("GET", path) as answer:  # one of them has no end
            found[path] = answer.status_code
    return found


def _seen(client: httpx.Client, said: str, lines: Iterator[str]) -> None:
    assert any(said in line for line in lines), said


@pytest.mark.parametrize("token", [None, SECRET])
def test_while_the_database_is_gone_everything_says_so_and_works_when_it_is_back(
    folder: Path, token: str | None
) -> None:
    place = folder / "pg"
    database = Database(server.start(place))
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS heliotrope CASCADE")
    world.fill(database, 4, rows=40)
    world.replayed(database, folder, report={"pictures": False}).close()
    tokens = None if token is None else Tokens({"ann": SECRET})
    headers = {} if token is None else {"authorization": f"Bearer {token}"}
    everything = PAGES + FOR_PROGRAMS
    with (
        listening(application(database, authorise=tokens, folder=folder, clock=at(NOW))) as url,
        httpx.Client(base_url=url, headers=headers, cookies={COOKIE: "x" * 20}, timeout=30) as client,
        client.stream("GET", "/pipelines/turning/live/events") as events,
    ):
        lines = events.iter_lines()
        _seen(client, "Nothing is at work on it right now", lines)
        assert set(_statuses(client, everything).values()) == {200}

        server.stop(place)
        assert set(_statuses(client, everything).values()) == {503}
        for path in PAGES:
            answer = client.get(path)
            assert answer.headers["retry-after"] == "10", path
            assert "The database cannot be reached" in answer.text, path
            assert "What to do:" in answer.text, path
        for path in FOR_PROGRAMS:
            answer = client.get(path)
            said = answer.json()
            assert said["error"].startswith("no connection to postgresql://"), path
            assert said["remedy"], path
            assert answer.headers["retry-after"] == "10", path
        for verb in CHANGES:
            body: dict[str, Any] = {"reason": "because"} | ({"candidate": "tree"} if verb == "promote" else {})
            assert client.post(f"/api/pipelines/turning/{verb}", json=body).status_code == 503, verb
            form = {"form_token": "x" * 20, "reason": "because", "candidate": "tree"}
            assert client.post(f"/pipelines/turning/change/{verb}", data=form).status_code == 503, verb
        if token is not None:
            nobody = {"authorization": ""}
            assert client.get("/metrics", headers=nobody).status_code == 401
            assert client.get("/", headers=nobody).status_code == 303
            assert client.get("/enter", headers=nobody).status_code == 200
        _seen(client, "The database cannot be reached", lines)

        server.start(place)
        assert set(_statuses(client, everything).values()) == {200}
        assert "extrapolated" in client.get("/pipelines/turning").text
        made = client.post("/api/pipelines/turning/promote", json={"reason": "because", "candidate": "tree"})
        assert made.status_code == 200, made.text
        _seen(client, "Nothing is at work on it right now", lines)


def test_a_restart_under_many_pages_at_once_is_over_for_all_of_them(folder: Path) -> None:
    """Those under way meet a lost connection; those that come after it find the server again."""
    place = folder / "pg"
    database = Database(server.start(place))
    codes: list[int] = []
    with listening(application(database, folder=folder, clock=at(NOW))) as url:
        ended = threading.Event()

        def ask() -> None:
            with httpx.Client(base_url=url, timeout=30) as client:
                while not ended.is_set():
                    codes.append(client.get("/pipelines/turning").status_code)

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for one in threads:
            one.start()
        time.sleep(1)
        server.restart(place)
        time.sleep(1)
        ended.set()
        for one in threads:
            one.join(30)
        assert set(codes) <= {200, 503}
        assert httpx.get(f"{url}/pipelines/turning").status_code == 200


def test_what_is_said_of_a_lost_connection_has_no_password_and_the_urls_own_options_are_kept(
    database: Database,
) -> None:
    lost = Connections(Database("postgresql://ann:s3%20cret@127.0.0.1:1/events?connect_timeout=2"))
    with pytest.raises(ConnectionLostError) as raised, lost.reading():
        pass
    assert "postgresql://ann:***@127.0.0.1:1/events" in raised.value.message
    assert "cret" not in raised.value.message
    from heliotrope.ledger import migrate

    migrate(database)
    found = Connections(Database(f"{database.url}&options=-c%20work_mem%3D5MB"))
    with found.reading() as connection:
        names = ("work_mem", "statement_timeout", "default_transaction_read_only")
        assert [connection.execute(f"SHOW {name}").fetchone() for name in names] == [("5MB",), ("20s",), ("on",)]
    found.close()
