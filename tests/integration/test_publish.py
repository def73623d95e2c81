"""Pictures, the report and the registry, from a real ledger."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pyarrow as pa
import pytest

import world
from heliotrope import publish, succession
from heliotrope.context import Context
from heliotrope.database import Database
from heliotrope.errors import RegistryError
from heliotrope.publish import pictures
from heliotrope.publish.registrations import model_name, registry_uri
from heliotrope.registry import Registry
from heliotrope.replay import replay, span_of


@pytest.fixture
def context(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Context]:
    """The turning stream's first five hours, replayed; not registered yet."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    world.fill(database, 5)
    with world.opened(database, tmp_path, registry="mlflow") as opened:
        for _ in replay(opened, span_of(opened)):
            pass
        yield opened


def test_a_cycles_picture_is_drawn_and_kept_under_its_time(context: Context) -> None:
    first, second = world.hours(2)
    path = publish.picture(context, second)
    assert path.name == "2026-03-01T0100Z.png"
    assert path.read_bytes().startswith(b"\x89PNG")
    assert publish.picture(context, first).read_bytes() != path.read_bytes()


def test_a_report_is_a_page_and_its_animations(context: Context, tmp_path: Path) -> None:
    files = publish.report(context, world.hours(5), tmp_path / "out")
    assert [file.name for file in files[:3]] == ["report.html", "continuous-training.gif", "data.gif"]
    page = files[0].read_text()
    assert "turning" in page
    assert "http://" not in page.replace("http://www.w3.org/2000/svg", "")
    assert "https://" not in page
    assert all(file.read_bytes().startswith(b"GIF89a") for file in files[1:3])


def test_a_report_without_pictures_is_the_page_alone(database: Database, tmp_path: Path) -> None:
    world.fill(database, 3)
    with world.opened(database, tmp_path, report={"pictures": False}) as context:
        for _ in replay(context, span_of(context)):
            pass
        assert [file.name for file in publish.report(context, world.hours(3), tmp_path)] == ["report.html"]


def test_every_champion_is_registered_once_and_the_last_one_has_the_alias(context: Context) -> None:
    assert publish.register(context) == 5
    assert publish.register(context) == 0
    with Registry(registry_uri(context), artifact_root=context.folder / "mlflow") as registry:
        assert registry.version_of(model_name(context)) == "5"
    champion = context.ledger.champion_at(world.hours(5)[-1].end)
    assert champion is not None
    assert champion.registered_version == "5"


def test_what_was_cut_off_between_registry_and_record_is_not_registered_twice(context: Context) -> None:
    publish.register(context)
    with context.ledger.transaction():
        context.ledger.connection.execute("DELETE FROM heliotrope.registration")
    assert publish.register(context) == 5
    champion = context.ledger.champion_at(world.hours(5)[-1].end)
    assert champion is not None
    assert champion.registered_version == "5"


def test_going_back_moves_the_alias(context: Context) -> None:
    publish.register(context)
    succession.roll_back(context, to=None, reason="worse", actor="ann")
    assert publish.register(context) == 1
    with Registry(registry_uri(context), artifact_root=context.folder / "mlflow") as registry:
        assert registry.version_of(model_name(context)) == "6"


def test_a_user_loads_the_champion_by_its_alias_and_it_predicts_as_recorded(context: Context) -> None:
    publish.register(context)
    hour = world.hours(5)[-1].shift(1)
    script = (
        "import mlflow, pandas, sys, datetime\n"
        f"mlflow.set_tracking_uri({registry_uri(context)!r})\n"
        "model = mlflow.pyfunc.load_model('models:/turning@champion')\n"
        "frame = pandas.DataFrame({'time': [pandas.Timestamp(sys.argv[1])] * 3, 'x': [2.0, -2.0, 0.0],"
        " 'y': [0.0, 1.0, -2.0]})\n"
        "print(*model.predict(frame))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, hour.start.isoformat()],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"},
    )
    assert done.returncode == 0, done.stderr
    champion = context.ledger.champion_at(hour.start)
    assert champion is not None
    table = pa.table(
        {
            "time": pa.array([hour.start] * 3, pa.timestamp("us", "UTC")),
            "x": [2.0, -2.0, 0.0],
            "y": [0.0, 1.0, -2.0],
        }
    )
    assert done.stdout.split() == list(context.model(champion.training).predict(table))


def test_a_registrar_registers_beside_a_replay(database: Database, tmp_path: Path) -> None:
    world.fill(database, 4)
    told: list[RegistryError] = []
    with world.opened(database, tmp_path, registry="mlflow") as context:
        with publish.registering(context, failed=told.append):
            for _ in replay(context, span_of(context)):
                pass
        assert told == []
        assert context.ledger.to_register() == ()


def test_a_registry_that_is_away_is_said_and_fails_no_cycle(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    world.fill(database, 2)
    told: list[RegistryError] = []
    with world.opened(database, tmp_path, registry="mlflow") as context:
        with publish.registering(context, failed=told.append):
            ran = [outcome.ran for outcome in replay(context, span_of(context))]
        assert ran == [True, True]
        assert len(told) == 1
        assert "127.0.0.1:9" in str(told[0])
        assert len(context.ledger.to_register()) == 2


def test_the_rows_of_a_batch_come_in_one_order_however_they_are_stored(context: Context) -> None:
    hour = world.hours(1)[0]
    before = context.batches(hour)[0]
    table = context.rows.read(hour.start, hour.end, context.pipeline.columns[1:])
    context.rows.replace(hour, table.take(pa.array(range(table.num_rows - 1, -1, -1))))
    context.forget(hour)
    after = context.batches(hour)[0]
    assert after.content_hash == before.content_hash
    assert after.table.equals(before.table)


def test_a_registrar_that_the_system_ends_is_told_of(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[RegistryError] = []
    begun: list[subprocess.Popen[str]] = []

    class Seen(subprocess.Popen):  # type: ignore[type-arg]
        def __init__(self, *arguments: object, **options: object) -> None:
            super().__init__(*arguments, **options)  # type: ignore[call-overload]
            begun.append(self)

    monkeypatch.setattr(subprocess, "Popen", Seen)
    with publish.registering(context, failed=told.append):
        begun[0].kill()
    assert [one.message for one in told] == ["the process that registers them was ended by signal 9"]
    assert len(context.ledger.to_register()) == 5


def test_a_regression_s_rows_are_drawn_against_one_feature_between_limits_of_their_own(
    database: Database, tmp_path: Path
) -> None:
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute("CREATE TABLE houses (time timestamptz, area float8, garden float8, price float8)")
        with connection.cursor().copy("COPY houses FROM STDIN") as copy:
            for hour in world.hours(3):
                for at in range(60):
                    copy.write_row([hour.start, 50.0 + at, at % 2, 3000.0 * (50 + at) + 1e5 * (at % 2)])
    changes = {
        "name": "houses",
        "source": {"table": "houses", "time": "time"},
        "features": ["garden", "area"],
        "target": "price",
        "task": "regression",
        "candidates": [{"name": "ridge", "estimator": "sklearn.linear_model.Ridge", "window": {"kind": "sliding"}}],
    }
    with world.replayed(database, tmp_path, **changes) as context:
        publish.report(context, world.hours(3), tmp_path / "out")
        said = json.loads((pictures.folder(context) / "view.json").read_text())
    assert said["axes"] == ["area", "price"], "a flag is no axis"
    (left, right), (low, high) = said["limits"]
    assert 0 <= left <= 50 < 109 <= right < 200
    assert 0 <= low <= 150_000 < 400_000 < high < 700_000
