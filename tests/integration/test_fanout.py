"""Policies in several processes: the same answers, whoever starts them, and nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pytest
import yaml

import world
from heliotrope import config, workers
from heliotrope.cli import main
from heliotrope.database import Database
from heliotrope.errors import ConfigError
from heliotrope.interval import Interval
from heliotrope.replay import span_of
from heliotrope.whatif import fanout, grid, past, trial

HOURS = 14
PARTS: dict[str, Any] = {
    "candidates": ["each", "all"],
    "windows": ["half", "double"],
    "triggers": [{"kind": "schedule", "every": 2}, {"kind": "drift", "at_least": 2}],
    "gates": ["declared"],
}


@pytest.fixture
def filled(database: Database) -> Database:
    world.fill(database, HOURS, rows=40)
    return database


def needs(package: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(find_spec(package) is None, reason=f"the package {package} is not installed")


BACKENDS = (
    "loky",
    pytest.param("dask", marks=[needs("distributed"), pytest.mark.filterwarnings("ignore")]),
    pytest.param("ray", marks=[needs("ray"), pytest.mark.filterwarnings("ignore")]),
)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("most", [None, 100])
def test_processes_come_to_what_one_does(
    backend: workers.Backend, most: int | None, filled: Database, tmp_path: Path
) -> None:
    """Also where the rows of a window are drawn in the database."""
    drawn = [one | {"window": {**one["window"], "max_rows": most}} for one in world.PIPELINE["candidates"]]
    with world.opened(filled, tmp_path, candidates=drawn) as context:
        policies = [one.pipeline for one in grid.policies(context.pipeline, PARTS)]
        span = span_of(context)
        history = past.read(context, span, policies, lambda _: None)
        alone = fanout.here(policies, history, span, lambda _: None)
    told: list[str] = []
    spread = fanout.spread(policies, history, span, backend=backend, jobs=2, folder=tmp_path, advance=told.append)
    assert len(told) == len(fanout.groups(policies)) * HOURS
    for ours, theirs in zip(alone.runs, spread.runs, strict=True):
        np.testing.assert_array_equal(ours.scores, theirs.scores)
        assert (ours.trainings, ours.fits, ours.promotions) == (theirs.trainings, theirs.fits, theirs.promotions)
    assert spread.done.fits == alone.done.fits
    sums = [sorted(float(one.matrix[np.isfinite(one.matrix)].sum()) for one in two.scores) for two in (alone, spread)]
    assert sums[0] == sums[1]


def test_policies_that_share_a_candidate_and_window_stay_together() -> None:
    declared = world.pipeline()
    policies = [one.pipeline for one in grid.policies(declared, PARTS)]
    parts = fanout.groups(policies)
    assert sorted(place for part in parts for place in part) == list(range(len(policies)))
    assert [len(part) for part in parts] == [6, 6, 1]
    for part in parts[:2]:
        windows = {candidate.window for place in part for candidate in policies[place].candidates}
        assert len(windows) == 1


def test_a_backend_that_is_not_there_is_said_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="did you mean 'loky'"):
        workers.backend_named("lokki")
    monkeypatch.setattr(workers, "find_spec", lambda _: None)
    with pytest.raises(ConfigError, match=r"pip install '\.\[ray\]'"):
        workers.backend_named("ray")


def test_ctrl_c_ends_with_the_figures_of_what_was_run(filled: Database, tmp_path: Path) -> None:
    with world.opened(filled, tmp_path) as context:
        span = span_of(context)
        history = past.read(context, span, [context.pipeline], lambda _: None)

        def stop(interval: Interval) -> None:
            if interval == span[5]:
                raise KeyboardInterrupt

        tried = fanout.here([context.pipeline], history, span, stop)
    assert tried.intervals == 6
    assert len(tried.runs[0].scores) == 6


# --- the verb ----------------------------------------------------------------------------------------------


@pytest.fixture
def folder(filled: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with the turning stream's pipeline and a small grid."""
    monkeypatch.setenv("HELIOTROPE_DATABASE_URL", filled.url)
    monkeypatch.setenv("HELIOTROPE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.chdir(tmp_path)
    Path("turning.yaml").write_text(yaml.safe_dump(world.PIPELINE), encoding="utf-8")
    Path("grid.yaml").write_text(yaml.safe_dump(PARTS), encoding="utf-8")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    yield tmp_path
    assert not [one for one in os.listdir(temporary) if one.startswith("heliotrope")]


Ended = tuple[int, str, str]


@pytest.fixture
def call(folder: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Ended]:
    def call(*arguments: str) -> Ended:
        capsys.readouterr()
        code = main(["whatif", *arguments])
        return (code, *capsys.readouterr())

    return call


def test_the_table_marks_what_runs_and_what_is_recommended(call: Callable[..., Ended]) -> None:
    code, out, err = call("turning.yaml", "--grid", "grid.yaml", "--backend", "sequential")
    assert code == 0, err
    assert "try 13 policies 14/14" in err
    for word in ("* on the frontier", "running", "recommended", "regret", "hindsight", "every 2", "sliding 6"):
        assert word in out
    assert "compared on the 13 of 14 intervals" in out


def test_the_files_it_writes_are_a_pipeline_and_two_pictures(call: Callable[..., Ended]) -> None:
    options = ("turning.yaml", "--grid", "grid.yaml", "--backend", "sequential", "--write", "best.yaml")
    code, out, err = call(*options, "--picture", "frontier.png", "--json")
    assert code == 0, err
    said = json.loads(out)
    best = config.load("best.yaml")
    chosen = said["policies"][said["recommended"]]
    assert [one.name for one in best.candidates] == chosen["candidates"]
    assert best.source == world.pipeline().source
    assert {Path(one).name for one in said["files"]} == {"best.yaml", "frontier.png", "frontier-dark.png"}
    assert all(Path(one).stat().st_size > 200 for one in said["files"])
    assert said["policies"][said["running"]]["trigger"] == "every 1"
    assert len(said["policies"][0]["scores"]) == HOURS
    assert len(said["hindsight"]) == HOURS
    code, _, err = call(*options)
    assert code == 2
    assert "best.yaml is there already" in err


def test_what_it_runs_it_does_not_put_on_record(call: Callable[..., Ended], database: Database) -> None:
    assert call("turning.yaml", "--grid", "grid.yaml", "--backend", "sequential")[0] == 0
    with psycopg.connect(database.url) as connection:
        assert connection.execute("SELECT to_regnamespace('heliotrope')").fetchone() == (None,)
    assert not Path("home/artifacts").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--picture", "frontier.jpg"), "only PNG is drawn"),
        (("--write", "nowhere/best.yaml"), "there is no folder nowhere"),
        (("--backend", "dusk"), "did you mean 'dask'?"),
        (("--grid", "gird.yaml"), "gird.yaml: cannot be read"),
        (("--start", "2026-03-02T00:00Z"), "holds no row there"),
    ],
)
def test_a_wrong_option_is_told_before_anything_is_run(
    arguments: tuple[str, ...], said: str, call: Callable[..., Ended]
) -> None:
    code, out, err = call("turning.yaml", *arguments)
    assert code in (2, 3)
    assert out == ""
    assert said in err
    assert "try" not in err


def test_ctrl_c_at_the_terminal_leaves_no_process_and_no_folder(folder: Path) -> None:
    program = Path(sys.executable).with_name("heliotrope")
    command = [str(program), "whatif", "turning.yaml", "--jobs", "2"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=folder) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("try"):
                break
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "remedy" in err
    time.sleep(0.5)


def test_processes_end_with_the_one_that_started_them_however_it_ends(folder: Path) -> None:
    program = Path(sys.executable).with_name("heliotrope")
    command = [str(program), "whatif", "turning.yaml", "--jobs", "2"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, cwd=folder) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("try"):
                break
        listed = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        if not listed.exists():
            pytest.skip("this system does not list a process's children")
        children = [int(one) for one in listed.read_text().split()]
        process.kill()
    workers = [Path(f"/proc/{child}") for child in children]
    assert workers
    until = time.monotonic() + 20
    while any(worker.exists() for worker in workers) and time.monotonic() < until:
        time.sleep(0.1)
    assert not [worker for worker in workers if worker.exists()]


def test_no_schedule_of_one_candidate_does_better_than_hindsight(filled: Database, tmp_path: Path) -> None:
    """With a gate that lets every fresh fit in, a policy of one candidate is one of the schedules looked at."""
    triggers = [{"kind": "schedule", "every": every} for every in (1, 2, 3, 5)]
    parts: dict[str, Any] = {"candidates": ["each"], "windows": ["declared"], "triggers": triggers}
    gate = {"kind": "holdout", "margin": 1.0}
    with world.opened(filled, tmp_path, gate=gate) as context:
        policies = grid.policies(context.pipeline, parts | {"gates": ["declared"]})[1:]
        span = span_of(context)
        tried = trial.run(
            context, policies, span, backend="sequential", jobs=1, progress=lambda *_: nullcontext(lambda _: None)
        )
    for one in tried.verdict.policies:
        assert one.run.promotions == one.run.trainings
        assert one.mean <= tried.oracle[one.run.trainings - 1] + 1e-9
    best = max(one.mean for one in tried.verdict.policies if one.run.trainings == HOURS)
    assert tried.oracle[-1] >= best
