"""Verbs of the command line killed in the middle: what they do is done whole or not at all, and can be done again."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
import yaml

import world
from heliotrope.database import Database

TESTS = Path(__file__).parent.parent
LEDGER = "heliotrope.ledger.journal:Ledger"


class Shell:
    """The command line in processes of its own, on one database and in one folder."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database = database
        self.folder = folder
        (folder / "turning.yaml").write_text(yaml.safe_dump(world.PIPELINE | {"report": {"pictures": False}}))

    def start(self, *arguments: str, program: tuple[str, ...] = ("-m", "heliotrope")) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, *program, *arguments],
            cwd=self.folder,
            env={
                **os.environ,
                "HELIOTROPE_DATABASE_URL": self.database.url,
                "HELIOTROPE_HOME": str(self.folder / "home"),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def do(self, *arguments: str) -> str:
        process = self.start(*arguments)
        output, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
        return output

    def killed(self, place: str, times: int, *arguments: str) -> None:
        process = self.start(place, str(times), *arguments, program=(str(TESTS / "chaos" / "victim.py"),))
        _, errors = process.communicate(timeout=120)
        assert process.returncode == -signal.SIGKILL, errors

    def count(self, what: str) -> int:
        with psycopg.connect(self.database.url) as connection:
            row = connection.execute(f"SELECT count(*) FROM heliotrope.{what}".encode()).fetchone()
        assert row is not None
        return int(row[0])


@pytest.fixture
def shell(database: Database, tmp_path: Path) -> Shell:
    """A shell whose database holds twelve hours of the turning stream."""
    world.fill(database, 12)
    return Shell(database, tmp_path)


@pytest.mark.heavy
def test_run_killed_at_every_write_leaves_the_ledger_of_an_undisturbed_run(
    shell: Shell, twin: Database, tmp_path: Path
) -> None:
    world.fill(twin, 12)
    # A step ends where add_step returns: the kill before the next one's first write is one between two steps.
    places = [
        (f"{LEDGER}.add_cycle", 1),
        (f"{LEDGER}.add_batch", 1),
        (f"{LEDGER}.add_decision", 1),
        (f"{LEDGER}.add_step", 1),
        ("heliotrope.cycle:train", 1),
        ("os:replace", 1),
        (f"{LEDGER}.add_training", 1),
        (f"{LEDGER}.add_step", 2),
        ("heliotrope.cycle:gate", 1),
        (f"{LEDGER}.add_champion", 1),
        (f"{LEDGER}.add_step", 4),
    ]
    for hour, (place, times) in zip(world.hours(12), places, strict=False):
        interval = hour.start.isoformat()
        shell.killed(place, times, "run", "--interval", interval)
        assert f"turning {hour}" in shell.do("run", "--interval", interval).splitlines()
    world.replayed(twin, tmp_path / "twin", report={"pictures": False}).close()
    shell.do("replay")
    assert world.ledger(shell.database) == world.ledger(twin)


@pytest.mark.heavy
def test_replay_killed_at_random_goes_on_where_it_stopped(shell: Shell, twin: Database, tmp_path: Path) -> None:
    for place in (shell.database, twin):
        world.fill(place, 60)
    world.replayed(twin, tmp_path / "twin", report={"pictures": False}).close()
    chance = random.Random(11)
    killed = 0
    for _ in range(8):
        process = shell.start("replay")
        try:
            process.wait(0.8 + 1.2 * chance.random())
        except subprocess.TimeoutExpired:
            process.kill()
            killed += 1
        process.communicate()
    shell.do("replay")
    assert killed
    assert world.ledger(shell.database) == world.ledger(twin)


@pytest.mark.heavy
def test_promote_and_rollback_killed_in_the_middle_change_nobody(shell: Shell) -> None:
    shell.do("replay", "--end", "2026-03-01T04:00Z")
    served = shell.count("champion")
    promote = ("promote", "turning", "tree", "--reason", "try")
    for place in ("os:replace", f"{LEDGER}.add_training", f"{LEDGER}.add_decision", f"{LEDGER}.add_champion"):
        shell.killed(place, 1, *promote)
        assert shell.count("champion") == served
        assert shell.count("decision WHERE stage = 'manual'") == 0
    shell.do(*promote)
    assert shell.count("champion") == served + 1
    assert shell.count("training WHERE role = 'manual'") == 1, "the fit that the killed ones recorded is used"
    for place in (f"{LEDGER}.add_decision", f"{LEDGER}.add_champion"):
        shell.killed(place, 1, "rollback", "--reason", "back")
        assert shell.count("champion") == served + 1
    assert "roll back" in shell.do("rollback", "--reason", "back")
    shell.do("replay")
    assert shell.count("step WHERE name = 'done'") == 12


@pytest.mark.heavy
def test_a_report_killed_in_the_middle_leaves_whole_files(shell: Shell) -> None:
    shell.do("replay", "--end", "2026-03-01T04:00Z")
    shell.killed("pathlib:Path.replace", 1, "report", "--out", "out")
    page = shell.folder / "out" / "report.html"
    assert not page.exists()
    shell.do("report", "--out", "out")
    first = page.read_bytes()
    shell.do("replay")
    shell.killed("pathlib:Path.replace", 1, "report", "--out", "out")
    assert page.read_bytes() == first
    shell.do("report", "--out", "out")
    assert page.read_bytes() != first
