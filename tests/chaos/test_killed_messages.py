"""Senders killed at every step: no message is lost, none is doubled in silence."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import yaml

import world
from heliotrope.database import Database
from hook import Hook, hook

TESTS = Path(__file__).parent.parent
OUTBOX = "heliotrope.ledger.outbox:Outbox"
TARGET = {"name": "hook", "url_env": "HOOK", "events": ["promoted"], "picture": False, "timeout": 1}


class Shell:
    """The command line in processes of its own; turning.yaml tells a hook who is promoted."""

    def __init__(self, database: Database, folder: Path, running: Hook) -> None:
        self.database = database
        self.folder = folder
        self.environment = {
            **os.environ,
            "HELIOTROPE_DATABASE_URL": database.url,
            "HELIOTROPE_HOME": str(folder / "home"),
            "HOOK": f"json://127.0.0.1:{running.port}/",
        }
        declared = world.PIPELINE | {"report": {"pictures": False}, "notify": [TARGET]}
        (folder / "turning.yaml").write_text(yaml.safe_dump(declared))

    def start(self, *arguments: str, victim: tuple[str, int] | None = None) -> subprocess.Popen[str]:
        place = () if victim is None else (victim[0], str(victim[1]))
        program = ("-m", "heliotrope") if victim is None else (str(TESTS / "chaos" / "victim.py"),)
        return subprocess.Popen(
            [sys.executable, *program, *place, *arguments],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def do(self, *arguments: str) -> tuple[str, str]:
        process = self.start(*arguments)
        said = process.communicate(timeout=120)
        assert process.returncode == 0, said
        return said

    def killed(self, place: str, times: int, *arguments: str) -> None:
        process = self.start(*arguments, victim=(place, times))
        said = process.communicate(timeout=120)
        assert process.returncode == -signal.SIGKILL, said

    def states(self) -> list[str]:
        with psycopg.connect(self.database.url) as connection:
            query = "SELECT state FROM heliotrope.delivery ORDER BY message_id, number"
            return [row[0] for row in connection.execute(query)]


@pytest.fixture
def running() -> Iterator[Hook]:
    """A webhook."""
    with hook() as found:
        yield found


@pytest.fixture
def shell(database: Database, tmp_path: Path, running: Hook) -> Shell:
    """A shell whose database holds two hours of the turning stream."""
    world.fill(database, 2)
    return Shell(database, tmp_path, running)


RUN = ("run", "--interval", "2026-03-01T00:00Z")


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("place", "times", "before"),
    [
        (f"{OUTBOX}.tell", 2, 0),  # inside the gate's transaction
        (f"{OUTBOX}.next", 1, 0),  # the cycle is done, nothing is claimed
        (f"{OUTBOX}.mark", 1, 0),  # before the claim
    ],
)
def test_a_run_killed_before_it_sends_leaves_the_message_to_the_next(
    shell: Shell, running: Hook, place: str, times: int, before: int
) -> None:
    shell.killed(place, times, *RUN)
    assert len(running.requests) == before
    shell.do(*RUN)
    assert len(running.requests) == 1
    assert b"sent again" not in running.requests[0].body
    assert shell.states() == ["sending", "sent"]


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("place", "times", "arrived"), [("heliotrope.notify.sender:Sender.post", 1, 0), (f"{OUTBOX}.mark", 2, 1)]
)
def test_a_run_killed_between_claim_and_record_has_its_message_sent_again_under_the_same_number(
    shell: Shell, running: Hook, place: str, times: int, arrived: int
) -> None:
    shell.killed(place, times, *RUN)
    assert len(running.requests) == arrived, "nobody can know from the record alone"
    assert shell.states() == ["sending"]
    shell.do(*RUN)
    assert len(running.requests) == arrived, "the sender may be slow rather than dead"
    _, told = shell.do("notify")  # waits until the claim's time is over
    assert "may have arrived" in told
    assert shell.states() == ["sending", "uncertain", "sending", "sent"]
    assert len({request.headers["Idempotency-Key"] for request in running.requests}) == 1
    assert b"#1, sent again" in running.requests[-1].body


@pytest.mark.heavy
def test_a_run_that_is_killed_while_the_service_hangs_loses_nothing(shell: Shell, running: Hook) -> None:
    running.faults.append("hang")
    process = shell.start(*RUN)
    end = time.monotonic() + 60
    while not running.requests:
        assert time.monotonic() < end
        time.sleep(0.05)
    process.kill()
    process.communicate()
    with psycopg.connect(shell.database.url) as connection:
        done = connection.execute("SELECT count(*) FROM heliotrope.step WHERE name = 'done'").fetchone()
    assert done == (1,), "the cycle was whole before anything was sent"
    shell.do("notify")
    assert shell.states() == ["sending", "uncertain", "sending", "sent"]
