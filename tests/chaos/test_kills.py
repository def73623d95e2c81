"""Whatever is killed, restarted or run twice at once: the ledger equals that of an undisturbed run."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest

import world
from heliotrope import server
from heliotrope.database import Database

TESTS = Path(__file__).parent.parent


def start(url: str, folder: Path) -> subprocess.Popen[str]:
    """A process that replays."""
    return subprocess.Popen(
        [sys.executable, "-W", "error", str(TESTS / "chaos" / "replayer.py"), url, str(folder)],
        env={**os.environ, "PYTHONPATH": str(TESTS)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.heavy
def test_twenty_kills_at_random_points_leave_the_ledger_of_an_undisturbed_run(
    database: Database, twin: Database, tmp_path: Path
) -> None:
    hours = 240
    for place in (database, twin):
        world.fill(place, hours)
    world.replayed(twin, tmp_path / "twin").close()
    chance = random.Random(7)
    kills = 0
    while kills < 20:
        process = start(database.url, tmp_path / "killed")
        assert process.stdout is not None
        lines = 0
        until = chance.randrange(1, 9)
        for line in process.stdout:
            lines += line.rstrip().endswith("ran")
            if lines >= until:
                break
        else:
            pytest.fail(f"the replay ended before kill {kills}: {process.communicate()[1]}")
        time.sleep(chance.random() * 0.06)
        process.kill()
        process.communicate()
        kills += 1
    last = start(database.url, tmp_path / "killed")
    output, errors = last.communicate(timeout=120)
    assert last.returncode == 0, errors
    assert output.count("ran") < hours, "the last run goes on where the killed ones stopped"
    assert world.ledger(database) == world.ledger(twin)


@pytest.mark.heavy
def test_four_replays_of_one_range_at_once_leave_one_record(database: Database, twin: Database, tmp_path: Path) -> None:
    for place in (database, twin):
        world.fill(place, 48)
    world.replayed(twin, tmp_path / "twin").close()
    processes = [start(database.url, tmp_path / "shared") for _ in range(4)]
    results = [process.communicate(timeout=120) for process in processes]
    assert [process.returncode for process in processes] == [0] * 4, results
    ran = [line for output, _ in results for line in output.splitlines() if line.endswith("ran")]
    assert len(ran) == len(set(ran)) == 48, "every hour is run by exactly one of them"
    assert world.ledger(database) == world.ledger(twin)


@pytest.mark.heavy
def test_a_server_restarted_in_mid_replay_is_waited_for_and_nothing_is_lost(twin: Database, tmp_path: Path) -> None:
    above = Path(tempfile.mkdtemp(prefix="helio"))
    above.chmod(0o755)
    folder = above / "pg"
    mortal = Database(server.start(folder))
    try:
        for place in (mortal, twin):
            world.fill(place, 120)
        world.replayed(twin, tmp_path / "twin").close()
        process = start(mortal.url, tmp_path / "mortal")
        assert process.stdout is not None
        seen = 0
        for line in process.stdout:
            seen += line.rstrip().endswith("ran")
            if seen == 20:
                break
        restart = threading.Thread(target=server.restart, args=[folder])
        restart.start()
        output, errors = process.communicate(timeout=120)
        restart.join()
        assert process.returncode == 0, errors
        assert seen + output.count("ran") == 120
        assert world.ledger(mortal) == world.ledger(twin)
    finally:
        server.stop(folder)
        shutil.rmtree(above)
