"""The report asks models again: what they say on real rows, over a real ledger; and what is said where they cannot."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pyarrow as pa
import pytest

import world
from heliotrope import publish
from heliotrope.context import Context
from heliotrope.database import Database
from heliotrope.ledger import champions, cycles
from heliotrope.publish import asked, pictures
from heliotrope.publish.film import film
from heliotrope.publish.pages import history
from heliotrope.replay import replay, span_of
from heliotrope.report.history import History
from heliotrope.store import Rows

MIXED = {
    "source": {"table": "mixed", "time": "time"},
    "features": ["x", "y", "z", "kind"],
    "candidates": [
        {"name": "logistic", "estimator": "sklearn.linear_model.LogisticRegression", "window": {"kind": "sliding"}}
    ],
}


def mixed(database: Database, hours: int, *, target: str = "class") -> None:
    """A table of three numbers and a name: x turns, y rests, z climbs; one kind's class is a riddle."""
    writer = Rows(database, "mixed", "time")
    for at, hour in enumerate(world.hours(hours)):
        rng = np.random.default_rng(at)
        count = 240
        kind = np.array(["plain", "plain", "riddle"])[rng.integers(0, 3, count)]
        label = rng.integers(0, 2, count)
        sure = np.where(kind == "plain", 2.5, 0.0) * (2 * label - 1)
        table = {
            "time": pa.array([hour.start] * count, pa.timestamp("us", "UTC")),
            "x": 3 * np.cos(at) + rng.normal(size=count),
            "y": sure + rng.normal(size=count),
            "z": at + rng.normal(size=count),
            "kind": pa.array(kind),
        }
        table[target] = pa.array([f"k{one}" for one in label]) if target == "class" else sure + rng.normal(size=count)
        writer.replace(hour, pa.table(table))
    writer.close()


def told(context: Context, hours: int) -> History:
    span = world.hours(hours)
    with context.database.errors():
        found = cycles(context.ledger.connection, context.ledger.pipeline_id, start=span[0].start, end=span[-1].end)
    return history(context, span, found)


def test_the_first_model_falls_behind_where_the_data_turn(database: Database, tmp_path: Path) -> None:
    world.fill(database, 10)
    with world.replayed(database, tmp_path) as context:
        found = told(context, 10)
    assert found.first_model == "extrapolated of 2026-03-01T01:00Z"
    assert found.rows[0].frozen is None, "nobody served yet"
    assert found.rows[1].frozen == found.rows[1].score, "it was the champion"
    late = found.rows[-1]
    assert late.frozen is not None
    assert late.score is not None
    assert late.frozen < 0.5 < 0.9 < late.score


def test_what_was_asked_again_agrees_with_what_was_recorded(database: Database, tmp_path: Path) -> None:
    world.fill(database, 6)
    with world.replayed(database, tmp_path) as context:
        found = told(context, 6)
    said = found.asked
    assert said is not None
    assert (said.intervals, said.of, said.rows) == (5, 5, 1500)
    assert said.confusion is not None
    right = sum(said.confusion.counts[at][at] for at in range(3))
    recorded = [row.score for row in found.rows if row.score is not None]
    assert right / 1500 == pytest.approx(sum(recorded) / 5)
    assert sum(one.rows for one in said.reliability) == 1500
    assert {one.feature for one in said.slices} == {"x", "y"}
    assert found.notes == ()


def test_a_category_in_which_the_model_fails_is_the_worst_part_and_regions_are_a_cut(
    database: Database, tmp_path: Path
) -> None:
    mixed(database, 8)
    with world.replayed(database, tmp_path, **MIXED) as context:
        found = told(context, 8)
        assert found.asked is not None
        worst = min(found.asked.slices, key=lambda one: one.score)
        assert (worst.feature, worst.value) == ("kind", "riddle")
        assert worst.score < 0.6
        files = publish.report(context, world.hours(8), tmp_path / "out")
        said = json.loads((pictures.folder(context) / "view.json").read_text())
    assert said["axes"] == ["x", "z"], "y rests"
    assert said["classes"] == sorted(said["classes"])
    page = files[0].read_text()
    assert "x and z are on the axes, those that drift most" in page
    keep(files[0], "mixed")


def test_a_regression_has_residuals_and_the_guard_s_slices_first(database: Database, tmp_path: Path) -> None:
    mixed(database, 8, target="value")
    gate = {"slices": [{"column": "z"}]}
    candidates = [{"name": "ridge", "estimator": "sklearn.linear_model.Ridge", "window": {"kind": "sliding"}}]
    changes = MIXED | {"target": "value", "task": "regression", "candidates": candidates, "gate": gate}
    with world.replayed(database, tmp_path, **changes) as context:
        found = told(context, 8)
        assert found.asked is not None
        assert found.asked.residuals is not None
        assert abs(found.asked.residuals.mean) < 0.3
        assert found.asked.slices[0].feature == "z"
        assert found.asked.confusion is None
        files = publish.report(context, world.hours(8), tmp_path / "out")
        keep(files[0], "regression")
        said = json.loads((pictures.folder(context) / "view.json").read_text())
    assert said["axes"][1] == "value", "the target, against one feature in all pictures"
    assert said["axes"][0] in ("x", "y", "z")
    page = files[0].read_text()
    assert f"value is shown against {said['axes'][0]}, the one of the 4 features that tells most about it" in page
    assert "actual less predicted value" in page


def test_a_model_file_that_is_gone_is_said_and_the_report_is_made(database: Database, tmp_path: Path) -> None:
    world.fill(database, 5)
    with world.replayed(database, tmp_path) as context:
        with context.database.errors():
            first = champions(context.ledger.connection, context.ledger.pipeline_id)[0]
        sha256 = first.training.artifact
        assert sha256 is not None
    gone = [file for file in (tmp_path / "artifacts").rglob("*") if file.is_file() and sha256 in file.as_posix()]
    assert len(gone) == 1
    gone[0].unlink()
    with world.opened(database, tmp_path, report={"pictures": False}) as context:
        page = publish.report(context, world.hours(5), tmp_path / "out")[0].read_text()
    assert "What is missing here" in page
    assert "The first model could not be asked about 3 intervals" in page
    assert "The champion could not be asked about 1 interval" in page


def test_rows_that_are_gone_are_said(database: Database, tmp_path: Path) -> None:
    world.fill(database, 4)
    world.replayed(database, tmp_path).close()
    with psycopg.connect(database.url) as connection:
        connection.execute("DELETE FROM continuous_training WHERE time >= '2026-03-01T03:00Z'")
    with world.opened(database, tmp_path) as context:
        assert "its rows are there no more" in " ".join(told(context, 4).notes)


@pytest.mark.parametrize("case", ["one", "held"])
def test_a_report_of_little_says_so(database: Database, tmp_path: Path, case: str) -> None:
    hours = 1 if case == "one" else 3
    world.fill(database, hours, rows=100 if case == "one" else 5)
    with world.replayed(database, tmp_path) as context:
        file = publish.report(context, world.hours(hours), tmp_path / "out")[0]
    page = file.read_text()
    assert f"No interval of {hours} has been scored yet." in page
    assert ("3 intervals were held." in page) == (case == "held")
    keep(file, case)


def test_of_a_long_history_models_are_asked_about_some_of_it() -> None:
    class One:
        rows = 1000

    many: Any = [One() for _ in range(5000)]
    assert len(asked.spread(many, 240, 200_000)) == 200
    assert len(asked.spread(many, 240, 10**9)) == 240
    assert len(asked.spread(many[:3], 240, 10)) == 1
    assert asked.spread([], 240, 200_000) == []


def test_a_view_that_was_chosen_over_few_intervals_is_chosen_again(database: Database, tmp_path: Path) -> None:
    mixed(database, 1)
    with world.replayed(database, tmp_path, **MIXED) as context:
        first = publish.picture(context, world.hours(1)[0])
        before = json.loads((pictures.folder(context) / "view.json").read_text())
        assert before["drifting"] is False
    mixed(database, 8)
    with world.replayed(database, tmp_path, **MIXED) as context:
        drawn = first.read_bytes()
        publish.report(context, world.hours(8), tmp_path / "out")
        after = json.loads((pictures.folder(context) / "view.json").read_text())
        assert (after["drifting"], after["intervals"]) == (True, 8)
        assert first.read_bytes() != drawn, "it shows what the others show"


def test_a_segment_of_a_pipeline_has_a_report_of_its_own(database: Database, tmp_path: Path) -> None:
    mixed(database, 3)
    changes = MIXED | {"features": ["x", "y", "z"], "partition_by": "kind"}
    with world.opened(database, tmp_path, **changes) as whole:
        list(replay(whole, span_of(whole)))
    with Context(world.pipeline(**changes), database, folder=tmp_path, segment="plain") as context:
        list(replay(context, span_of(context)))
        page = publish.report(context, world.hours(3), tmp_path / "out")[0].read_text()
    assert "<h1>turning, plain</h1>" in page
    assert "How far its answers can be trusted" in page


# --- the film ----------------------------------------------------------------------------------------------


def program(folder: Path, script: str) -> None:
    file = folder / "ffmpeg"
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)


def test_without_ffmpeg_there_is_no_film_and_nothing_fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert film([b"PNG"]) == (None, "")


@pytest.mark.skipif(shutil.which("sh") is None, reason="needs a shell")
def test_an_ffmpeg_that_fails_is_said(monkeypatch: pytest.MonkeyPatch, database: Database, tmp_path: Path) -> None:
    program(tmp_path, "cat > /dev/null; echo 'Unknown encoder libx264' >&2; exit 1")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    said: list[str] = []
    world.fill(database, 2)
    with world.replayed(database, tmp_path / "home") as context:
        context.ledger.notice = lambda text, _: said.append(text)
        files = publish.report(context, world.hours(2), tmp_path / "out")
    assert [file.name for file in files] == ["report.html", "continuous-training.gif", "data.gif"]
    assert said == ["there is no MP4 of the pictures: ffmpeg: Unknown encoder libx264"]


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
def test_with_ffmpeg_the_pictures_are_a_film_too(database: Database, tmp_path: Path) -> None:
    world.fill(database, 3)
    with world.replayed(database, tmp_path) as context:
        files = publish.report(context, world.hours(3), tmp_path / "out")
    assert files[-1].name == "continuous-training.mp4"
    assert re.match(rb"....ftyp", files[-1].read_bytes(), re.DOTALL)


def keep(page: Path, name: str) -> None:
    """Where HELIOTROPE_KEEP_PAGES names a folder: the page, to be looked at."""
    folder = os.environ.get("HELIOTROPE_KEEP_PAGES")
    if folder:
        shutil.copy(page, Path(folder) / f"{name}.html")
