"""`heliotrope ui` as a program, and what pages show of segments, late rows and messages."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pyarrow as pa
import pytest

import world
from command import Call, caller
from heliotrope import streams
from heliotrope.context import Context
from heliotrope.database import Database
from heliotrope.replay import changed, reevaluate, replay, span_of
from heliotrope.segments import segments_of
from heliotrope.store import Rows
from heliotrope.web import application
from running import Running, listening


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Call:
    monkeypatch.setenv("HELIOTROPE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("HELIOTROPE_UI_TOKEN", raising=False)
    return caller(capsys)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "models.example"])
def test_others_are_let_in_with_a_token_alone(call: Call, host: str) -> None:
    ended = call("ui", "--host", host, "--database", "postgresql://nobody@192.0.2.1/x")
    assert ended.code == 2
    assert "HELIOTROPE_UI_TOKEN" in ended.err
    assert "Traceback" not in ended.err


@pytest.mark.parametrize(
    ("token", "said"),
    [("short", "has 5 characters"), ("ann:short", "the token of ann"), (f"{'x' * 20},{'y' * 20}", "two tokens")],
)
def test_a_token_that_can_be_guessed_is_refused(call: Call, token: str, said: str) -> None:
    ended = call("ui", "--token", token, "--database", "postgresql://nobody@192.0.2.1/x")
    assert ended.code == 2
    assert said in ended.err
    assert "short" not in ended.err.replace("shorter", "")


def test_a_port_that_is_taken_is_said(call: Call) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        ended = call("ui", "--port", port, "--database", "postgresql://nobody@192.0.2.1/x")
    assert ended.code == 2
    assert f"port {port}, cannot be listened on" in ended.err


def test_without_its_parts_it_says_what_to_install(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    from heliotrope.cli import ui

    monkeypatch.setattr(ui, "find_spec", lambda name: None)
    ended = call("ui")
    assert ended.code == 2
    assert "pip install '.[ui]'" in ended.err


@contextmanager
def _program(running: Running, *arguments: str, **environment: str) -> Iterator[tuple[Any, str]]:
    """The program as it runs, and the URL it says."""
    command = [sys.executable, "-m", "heliotrope", "ui", *arguments, "--port", "0", "--json"]
    process = subprocess.Popen(
        [*command, "--database", running.database.url],
        env={**os.environ, "HELIOTROPE_HOME": str(running.folder), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        said = ""
        assert process.stdout is not None
        while not said.rstrip().endswith("}"):
            line = process.stdout.readline()
            assert line, process.communicate()[1]
            said += line
        yield process, json.loads(said)["url"]
    finally:
        process.kill()
        process.communicate()


def test_the_program_shows_the_pipelines_that_are_named_and_ends_at_ctrl_c(replayed: Running) -> None:
    with _program(replayed, "turning") as (process, url):
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", url)
        with httpx.Client(base_url=url) as client:
            _until(client)
            assert [one["name"] for one in client.get("/api/pipelines").json()["pipelines"]] == ["turning"]
            assert client.get("/pipelines/hidden").status_code == 404
            with client.stream("GET", "/pipelines/turning/live/events") as stream:
                lines = stream.iter_lines()
                assert next(line for line in lines if line.startswith("event:")) == "event: progress"
                process.send_signal(signal.SIGINT)
                threading.Thread(target=lambda: list(lines), daemon=True).start()
                assert process.wait(15) == 0
        assert process.stderr.read() == ""


def test_the_program_with_a_token_under_a_path(replayed: Running) -> None:
    token = "ann:a-token-of-more-than-16"
    with _program(replayed, "--root", "/models/", HELIOTROPE_UI_TOKEN=token) as (process, url):
        assert url.endswith("/models/")
        with httpx.Client(base_url=url.removesuffix("/models/")) as client:
            _until(client)
            assert client.get("/").headers["location"] == "/models/enter?back=%2Fmodels%2F"
            found = client.get("/", headers={"authorization": "Bearer a-token-of-more-than-16"})
            assert 'href="/models/pipelines/turning"' in found.text
        process.send_signal(signal.SIGTERM)
        process.wait(15)


def _until(client: httpx.Client) -> None:
    for _ in range(100):
        try:
            client.get("/enter")
        except httpx.TransportError:
            continue
        return


def test_a_segment_has_pages_of_its_own(database: Database, tmp_path: Path) -> None:
    odd = "it's; <b>& \\N ü/?#"
    writer = Rows(database, "stores", "time")
    for hour in world.hours(4):
        tables = []
        for place, value in enumerate((odd, "north")):
            table = streams.make("rotating_gaussians", rows=15, seed=place).batch(hour)
            tables.append(table.append_column("store", pa.array([value] * table.num_rows, pa.string())))
        writer.replace(hour, pa.concat_tables(tables))
    writer.close()
    parted = {"source": {"table": "stores", "time": "time"}, "partition_by": "store", "report": {"pictures": False}}
    with world.opened(database, tmp_path, **parted) as context:
        span = span_of(context)
        for _ in replay(context, span):
            pass
        names = [one.name for one in segments_of(context)[0]]
        for name in names:
            with Context(context.pipeline, database, folder=tmp_path, segment=name) as part:
                for _ in replay(part, span):
                    pass
    assert set(names) == {odd, "north"}
    with listening(application(database, folder=tmp_path)) as url, httpx.Client(base_url=url) as client:
        for name in names:
            for path in ("", "/champions", "/compare", "/live", "/cycles/2026-03-01T02:00Z"):
                answer = client.get(f"/pipelines/turning{path}", params={"segment": name})
                assert answer.status_code == 200, (name, path)
                assert "<b>&" not in answer.text
            page = client.get("/pipelines/turning/champions", params={"segment": name}).text
            more = re.findall(r'href="(/pipelines/turning/change/[^"]*)"', page)
            assert more
            assert all(client.get(one.replace("&amp;", "&")).status_code == 200 for one in more)
            found = client.get("/api/pipelines/turning/cycles", params={"segment": name}).json()
            assert len(found["cycles"]) == 4
        assert client.get("/pipelines/turning", params={"segment": "nothing"}).status_code == 404
        made = client.post("/api/pipelines/turning/pin", json={"reason": "it is odd", "segment": odd})
        assert made.json()["pinned"], made.text
        assert not client.get("/api/pipelines/turning").json()["pinned"]
        assert client.get("/api/pipelines/turning", params={"segment": odd}).json()["pinned"]


def test_a_cycle_shows_what_was_held_what_came_late_and_what_was_told(database: Database, tmp_path: Path) -> None:
    world.fill(database, 4, rows=30)
    target = {"name": "team", "url_env": "HELIOTROPE_NO_SUCH_URL"}
    with psycopg.connect(database.url) as connection:
        connection.execute("UPDATE continuous_training SET class = 'Z' WHERE time = '2026-03-01 02:00Z'")
    with world.opened(
        database, tmp_path, classes=["A", "B", "C"], notify=[target], report={"pictures": False}
    ) as context:
        context.ledger.tells = True
        span = span_of(context)
        for _ in replay(context, span):
            pass
        with psycopg.connect(database.url) as connection:
            connection.execute("DELETE FROM continuous_training WHERE time = '2026-03-01 01:00Z' AND x > 0")
        for record in changed(context, span):
            assert reevaluate(context, record)
    with listening(application(database, folder=tmp_path)) as url, httpx.Client(base_url=url) as client:
        held = client.get("/pipelines/turning/cycles/2026-03-01T02:00Z").text
        assert "What validation found" in held
        assert ">held<" in held
        assert "No model was scored on these rows" in held
        assert "team" in held.split('id="messages"')[1]
        late = client.get("/pipelines/turning/cycles/2026-03-01T01:00Z").text
        assert "The rows as they were read, each time" in late
        table = client.get("/pipelines/turning").text
        assert "then 0." in table.split('id="cycles"')[1] or "then 1." in table.split('id="cycles"')[1]
        for code in ("en", "ko"):
            for hour in range(4):
                path = f"/pipelines/turning/cycles/2026-03-01T0{hour}:00Z"
                assert client.get(path, params={"language": code}).status_code == 200


def test_a_score_that_labels_may_change_is_marked_on_every_page_and_explained(
    database: Database, tmp_path: Path
) -> None:
    world.fill(database, 4, rows=30)
    with psycopg.connect(database.url) as connection:
        connection.execute("ALTER TABLE continuous_training ALTER class DROP NOT NULL")
        connection.execute("UPDATE continuous_training SET class = NULL WHERE time = '2026-03-01 03:00Z' AND x > 0")
        unlabelled = connection.execute("SELECT count(*) FROM continuous_training WHERE class IS NULL").fetchone()
    assert unlabelled is not None
    world.replayed(database, tmp_path, report={"pictures": False}).close()
    note = f"provisional: {unlabelled[0]} rows have no label yet"
    legend = "? provisional: rows without a label yet"
    with listening(application(database, folder=tmp_path)) as url, httpx.Client(base_url=url) as client:
        for path in ("/", "/pipelines/turning", "/pipelines/turning/live"):
            text = client.get(path).text
            assert len(re.findall(rf'0\.\d+<abbr title="{note}[^"]*">\?</abbr>', text)) == 1, path
            assert legend in text, path
        late = client.get("/pipelines/turning/cycles/2026-03-01T03:00Z").text
        assert f"? {note}" in late
        assert re.search(r'<td class="number">0\.\d+\?</td>', late)
        early = client.get("/pipelines/turning/cycles/2026-03-01T02:00Z").text
        assert "provisional" not in early
        assert not re.search(r"0\.\d+\?<", early)
        older = client.get("/pipelines/turning/cycles", params={"before": "2026-03-01T03:00Z"}).text
        assert "provisional" not in older
        assert client.get("/api/pipelines/turning").json()["provisional"] == unlabelled[0]
        found = client.get("/api/pipelines/turning/cycles").json()["cycles"]
        assert [one["provisional"] for one in found] == [unlabelled[0], 0, 0, 0]
