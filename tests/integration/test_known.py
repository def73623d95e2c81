"""Rows that say when they became known: a cycle sees those of its time, live and in replay; and what came later."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pyarrow as pa
import pytest
import yaml

import world
from heliotrope import config, cycle, streams
from heliotrope.cli import main
from heliotrope.context import Context
from heliotrope.database import Database
from heliotrope.errors import ConfigError, SchemaError
from heliotrope.interval import Interval
from heliotrope.ledger import migrate, recorded
from heliotrope.replay import changed, replay, span_of
from heliotrope.store import Rows
from heliotrope.whatif import hindsight

HOURS = 6
MINUTE = timedelta(minutes=1)
SOURCE = {"table": "late", "time": "time", "recorded_at": "seen", "delay": "10m"}
WINDOWS: tuple[dict[str, Any], ...] = (
    {"kind": "sliding", "intervals": 3},
    {"kind": "sliding", "intervals": 3, "max_rows": 150},
    {"kind": "expanding"},
)


def rows(hour: Interval, share: float = 0.2) -> pa.Table:
    """An hour's rows: most known within it, some up to three hours after its end, one without a time of knowledge."""
    table = streams.make("rotating_gaussians", rows=40).batch(hour)
    random = np.random.default_rng(hour.start.hour)
    late = random.random(table.num_rows) < share
    after = np.where(late, random.integers(1, 180, table.num_rows), -1)
    seen: list[Any] = [hour.end + int(minutes) * MINUTE for minutes in after]
    seen[0] = None
    return table.append_column("seen", pa.array(seen, pa.timestamp("us", "UTC")))


def fill(database: Database, known_at: Any = None) -> None:
    """All hours' rows, or those that are known by a time."""
    writer = Rows(database, "late", "time")
    for hour in world.hours(HOURS):
        table = rows(hour)
        if known_at is not None:
            if hour.end > known_at:
                break
            keep = [one is None or one < known_at for one in table["seen"].to_pylist()]
            table = table.filter(pa.array(keep))
        writer.replace(hour, table)
    writer.close()


def declared(**changes: Any) -> dict[str, Any]:
    return {"source": SOURCE, **changes}


@pytest.mark.parametrize("window", WINDOWS)
def test_a_replay_records_what_was_recorded_live(window: dict[str, Any], database: Database, tmp_path: Path) -> None:
    candidates = [{**one, "window": window} for one in world.PIPELINE["candidates"]]
    migrate(database)
    for hour in world.hours(HOURS):
        fill(database, hour.end + 10 * MINUTE)
        with Context(world.pipeline(**declared(candidates=candidates)), database, folder=tmp_path) as context:
            cycle.run(context, hour)
    live = world.ledger(database)
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA heliotrope CASCADE")
    fill(database)
    migrate(database)
    with Context(world.pipeline(**declared(candidates=candidates)), database, folder=tmp_path) as context:
        for _ in replay(context, span_of(context)):
            pass
        late = changed(context, span_of(context))
    assert world.ledger(database) == live
    assert len(late) == HOURS


def test_a_window_holds_the_late_rows_that_came_before_its_cycle(database: Database, tmp_path: Path) -> None:
    fill(database)
    with world.opened(database, tmp_path, **declared()) as context:
        first, *_, last = world.hours(HOURS)
        counts = []
        for hour in (first, last):
            context.know(hour)
            counts.append(context.batches(first)[0].rows)
        context.known_at = None
        counts.append(context.batches(first)[0].rows)
    assert counts[0] < counts[1] == counts[2] == 120


def test_rows_are_read_again_only_where_others_are_known_by_then(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = Rows(database, "late", "time")
    for hour in world.hours(4):
        writer.replace(hour, rows(hour, share=0.0))
    writer.close()
    with world.opened(database, tmp_path, **declared()) as context:
        read: list[datetime] = []
        original = context.rows.read

        def counted(start: datetime, end: datetime, columns: Sequence[str]) -> pa.Table:
            read.append(start)
            return original(start, end, columns)

        monkeypatch.setattr(context.rows, "read", counted)
        for hour in world.hours(4):
            context.know(hour)
            context.batches(Interval(world.START, hour.end))
        assert [one for one in read if one.year > 1] == [hour.start for hour in world.hours(4)]


def test_the_cycle_of_an_interval_waits_for_the_delay(database: Database, tmp_path: Path) -> None:
    fill(database)
    end = world.hours(HOURS)[-1].end
    pipeline = world.pipeline(**declared())
    for minutes, count in ((9, HOURS - 1), (10, HOURS)):
        migrate(database)
        with Context(pipeline, database, folder=tmp_path, clock=lambda m=minutes: end + m * MINUTE) as context:  # type: ignore[misc]
            assert len(span_of(context)) == count


def test_a_column_that_holds_no_times_is_refused(database: Database, tmp_path: Path) -> None:
    fill(database)
    with (
        world.opened(database, tmp_path, source={**SOURCE, "recorded_at": "x"}, features=["y"]) as context,
        pytest.raises(SchemaError, match=r"late\.x holds double, not times"),
    ):
        cycle.run(context, world.hours(1)[0])
    with pytest.raises(ConfigError, match="when a row became known"):
        world.pipeline(source={**SOURCE, "recorded_at": "x"})
    with pytest.raises(ConfigError, match="delay"):
        config.parse({**world.PIPELINE, "source": {**SOURCE, "delay": "soon"}})


def test_hindsight_on_the_same_rows_decides_the_same_and_writes_nothing(database: Database, tmp_path: Path) -> None:
    world.fill(database, 5, rows=40)
    with world.replayed(database, tmp_path, recall={}, drift={"false_alarms": {"one_in": 20}}) as context:
        before = world.ledger(database)
        files = sorted((tmp_path / "artifacts").rglob("*"))
        ledger = context.ledger
        known = recorded(ledger.connection, ledger.pipeline_id, "", world.START, world.hours(5)[-1].end)
        assert len(known) == 5
        for record in known:
            decided, would = hindsight.rerun(context, record)
            assert decided == would
            assert decided.action in ("promote", "keep", "skip")
        assert world.ledger(database) == before
        assert sorted((tmp_path / "artifacts").rglob("*")) == files


@pytest.fixture
def call(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    world.fill(database, 4, rows=20)
    monkeypatch.setenv("HELIOTROPE_DATABASE_URL", database.url)
    monkeypatch.setenv("HELIOTROPE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.chdir(tmp_path)
    said = {**world.PIPELINE, "report": {"pictures": False}}
    Path("turning.yaml").write_text(yaml.safe_dump(said), encoding="utf-8")

    def call(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main(list(arguments))
        return (code, *capsys.readouterr())

    return call


def test_later_labels_make_a_provisional_score_final(
    call: Callable[..., tuple[int, str, str]], database: Database
) -> None:
    hour = world.hours(4)[2].start
    with psycopg.connect(database.url) as connection:
        connection.execute("ALTER TABLE continuous_training ADD was text")
        connection.execute("UPDATE continuous_training SET was = class")
        connection.execute("UPDATE continuous_training SET class = NULL WHERE time = %s AND x > 0", [hour])
        unlabelled = connection.execute("SELECT count(*) FROM continuous_training WHERE class IS NULL").fetchone()
    assert unlabelled is not None
    assert call("replay", "turning.yaml")[0] == 0
    code, out, _ = call("history", "turning")
    assert code == 0
    assert f"? provisional, for want of labels: 2026-03-01T02:00Z {unlabelled[0]}" in out
    with psycopg.connect(database.url) as connection:
        connection.execute("UPDATE continuous_training SET class = was")
    code, out, err = call("reconcile", "turning", "--reevaluate", "--json")
    assert code == 0, err
    (one,) = json.loads(out)["changed"]
    assert (one["reevaluated"], one["unlabelled"]) == (True, 0)
    assert one["first_score"] != one["latest_score"]
    code, out, _ = call("history", "turning", "--json")
    assert [one["provisional"] for one in json.loads(out)["cycles"]] == [0, 0, 0, 0]
    assert "?" not in call("history", "turning")[1]


def test_reconcile_tells_which_decisions_would_have_been_others(
    call: Callable[..., tuple[int, str, str]], database: Database
) -> None:
    assert call("replay", "turning.yaml")[0] == 0
    before = world.ledger(database)
    first, last = world.hours(4)[1].start, world.hours(4)[3].start
    with psycopg.connect(database.url) as connection:
        connection.execute("DELETE FROM continuous_training WHERE time = %s AND y > -3", [first])
        connection.execute("UPDATE continuous_training SET x = x + 0.0001 WHERE time = %s", [last])
    code, out, err = call("reconcile", "turning", "--reevaluate")
    assert code == 0, err
    assert "1 of 2 decisions would have been another" in out
    assert "2026-03-01T01:00Z promote extrapolated, now hold" in out
    after = world.ledger(database)
    for what in ("cycle", "step", "decision", "training", "champion"):
        assert after[what] == before[what]
    for what in ("batch", "evaluation", "drift"):
        assert [one for one in after[what] if one[1] == 0] == before[what]
    assert call("reconcile", "turning")[1] == "every interval's rows are those on record\n"
