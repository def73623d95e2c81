"""Segments: each one's cycles as those of a pipeline on its rows alone, whatever its name and whoever runs them."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pytest
import yaml
from psycopg import sql

import world
from heliotrope import cycle, segments, streams, workers
from heliotrope.cli import main
from heliotrope.context import Context
from heliotrope.database import Database, resolve
from heliotrope.errors import ConfigError, SchemaError
from heliotrope.ledger import Ledger, cycles, migrate
from heliotrope.replay import replay, span_of
from heliotrope.store import Division, Part, Rows, name_of, value_of

VALUES = ("north", "south", "", None, "\\N", 'it\'s; DROP TABLE "x" -- %s {}', "ü " + "x" * 200, "NORTH")
HOURS = 5
TABLE = "stores"


def fill(database: Database, values: tuple[str | None, ...] = VALUES, rows: int = 14) -> None:
    """The turning stream for every value, each from seeds of its own; the second value comes an hour later."""
    writer = Rows(database, TABLE, "time")
    for hour in world.hours(HOURS):
        parts = []
        for place, value in enumerate(values):
            if place == 1 and hour == world.hours(1)[0]:
                continue
            table = streams.make("rotating_gaussians", rows=rows + place, seed=place).batch(hour)
            parts.append(table.append_column("store", pa.array([value] * table.num_rows, pa.string())))
        writer.replace(hour, pa.concat_tables(parts))
    writer.close()


@pytest.fixture
def filled(database: Database) -> Database:
    fill(database)
    migrate(database)
    return database


def parted(**changes: Any) -> dict[str, Any]:
    return {"source": {"table": TABLE, "time": "time"}, "partition_by": "store", **changes}


@pytest.fixture
def context(filled: Database, tmp_path: Path) -> Iterator[Context]:
    with world.opened(filled, tmp_path, **parted()) as opened:
        yield opened


def replay_all(context: Context, jobs: int = 1, backend: workers.Backend = "loky") -> segments.Done:
    span = span_of(context)
    for _ in replay(context, span):
        pass
    found, _ = segments.segments_of(context)
    return segments.spread(
        context,
        found,
        span,
        trailing=False,
        backend=backend,
        jobs=jobs,
        progress=lambda *_: nullcontext(lambda _: None),
    )


def recorded(database: Database, segment: str, name: str = "turning") -> dict[str, list[Any]]:
    """What the ledger has of one segment, without what the whole's champion adds."""
    with psycopg.connect(database.url) as connection:
        ours = (
            "JOIN heliotrope.cycle ON cycle.id = {}.cycle_id"
            " JOIN heliotrope.pipeline ON pipeline.id = cycle.pipeline_id"
        )
        where = "WHERE pipeline.name = %(name)s AND cycle.segment = %(segment)s"
        queries = {
            "step": f"SELECT interval_start, step.name FROM heliotrope.step {ours.format('step')} {where}",
            "batch": "SELECT interval_start, content_hash, rows_read, rows, first_time, last_time, verdict, problems"
            f" FROM heliotrope.batch {ours.format('batch')} {where}",
            "evaluation": "SELECT interval_start, role, candidate, evaluation.rows, metrics, gain, evidence"
            f" FROM heliotrope.evaluation JOIN heliotrope.batch ON batch.id = batch_id {ours.format('batch')} {where}"
            " AND role <> 'whole'",
            "drift": "SELECT interval_start, detector, feature, reference_rows, statistic, p_value, drifted"
            f" FROM heliotrope.drift JOIN heliotrope.batch ON batch.id = batch_id {ours.format('batch')} {where}",
            "decision": "SELECT interval_start, stage, action, array(SELECT one FROM unnest(reasons) AS one"
            " WHERE one NOT LIKE '%%whole%%'), decision.evidence, standing"
            f" FROM heliotrope.decision {ours.format('decision')} {where}",
            "training": "SELECT interval_start, role, candidate, window_start, window_end, rows, seed, fingerprint,"
            f" artifact, failure FROM heliotrope.training {ours.format('training')} {where}",
        }
        found = {
            one: connection.execute(f"{query} ORDER BY 1, 2, 3", {"name": name, "segment": segment}).fetchall()
            for one, query in queries.items()
            if one != "step"
        }
        steps = connection.execute(f"{queries['step']} ORDER BY 1, 2", {"name": name, "segment": segment})
        return found | {"step": steps.fetchall()}


def test_a_segments_record_is_that_of_a_pipeline_on_a_view_of_its_rows(filled: Database, tmp_path: Path) -> None:
    with world.opened(filled, tmp_path, **parted()) as context:
        done = replay_all(context)
    assert not done.failures
    assert done.ran == len(VALUES) * HOURS - 1
    assert done.queries == HOURS
    for place, value in enumerate(VALUES):
        view = f"view{place}"
        with psycopg.connect(filled.url) as connection:
            condition = sql.SQL("store IS NOT DISTINCT FROM {}").format(sql.Literal(value))
            connection.execute(
                sql.SQL("CREATE VIEW {} AS SELECT * FROM stores WHERE {}").format(sql.Identifier(view), condition)
            )
        alone = world.replayed(filled, tmp_path, name=view, source={"table": view, "time": "time"})
        alone.close()
        ours, theirs = recorded(filled, name_of(value)), recorded(filled, "", view)
        for what in theirs:
            assert ours[what] == theirs[what], (value, what)
        assert theirs["training"]


def needs(package: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(find_spec(package) is None, reason=f"the package {package} is not installed")


BACKENDS = (
    "loky",
    pytest.param("dask", marks=[needs("distributed"), pytest.mark.filterwarnings("ignore"), pytest.mark.heavy]),
    pytest.param("ray", marks=[needs("ray"), pytest.mark.filterwarnings("ignore"), pytest.mark.heavy]),
)


@pytest.mark.parametrize("backend", BACKENDS)
def test_processes_record_what_one_does(backend: workers.Backend, database: Database, tmp_path: Path) -> None:
    fill(database, VALUES[:4])
    with world.opened(database, tmp_path, **parted(name="one")) as context:
        assert replay_all(context).ran == 4 * HOURS - 1
    with world.opened(database, tmp_path, **parted(name="two")) as context:
        assert replay_all(context, jobs=2, backend=backend).ran == 4 * HOURS - 1
        again = replay_all(context, jobs=2, backend=backend)
        assert (again.ran, again.passed_over) == (0, 4 * HOURS - 1)
    for value in ("", *map(name_of, VALUES[:4])):
        assert recorded(database, value, "one") == recorded(database, value, "two")


def test_a_single_segment_is_run_as_among_the_others(filled: Database, tmp_path: Path) -> None:
    with world.opened(filled, tmp_path, **parted(name="all")) as context:
        replay_all(context)
    segment = name_of(VALUES[5])
    declared = world.pipeline(**parted(name="single"))
    with Context(declared, filled, folder=tmp_path, segment=segment) as context:
        for hour in span_of(context):
            cycle.run(context, hour)
    assert recorded(filled, segment, "single") == recorded(filled, segment, "all")


def test_a_small_segment_is_served_and_scored_by_the_wholes_champion(database: Database, tmp_path: Path) -> None:
    fill(database, ("small", *(f"s{place}" for place in range(3))), rows=5)
    migrate(database)
    with world.opened(database, tmp_path, **parted()) as context:
        replay_all(context)
        found = cycles(context.ledger.connection, context.ledger.pipeline_id, "small")
        whole = cycles(context.ledger.connection, context.ledger.pipeline_id)
    assert [one.verdict for one in found] == ["held"] * HOURS
    assert [one.champion for one in found] == [None] * HOURS
    assert found[0].served is None
    assert "neither it nor the whole has one yet" in found[0].decisions[0]["reasons"][-1]
    for before, one in zip(whole, found[1:], strict=False):
        served = one.served
        assert served is not None
        assert served["role"] == "whole"
        assert served["candidate"] == before.promoted
        assert 0 < served["metrics"]["accuracy"] <= 1
        assert f"served by the whole's champion, {before.promoted}" in one.decisions[0]["reasons"][-1]


def test_a_segment_that_begins_later_is_served_by_the_whole_until_it_has_a_champion(context: Context) -> None:
    replay_all(context)
    found = cycles(context.ledger.connection, context.ledger.pipeline_id, "south")
    assert found[0].interval == world.hours(2)[1]
    served = [one.served["role"] if one.served else None for one in found]
    assert served == ["whole", *["champion"] * (HOURS - 2)]


def test_a_segment_that_fails_holds_up_no_other(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    declared = world.pipeline(**parted(validation={"on_null": "fail"}))
    with psycopg.connect(context.database.url) as connection:
        connection.execute("ALTER TABLE stores ALTER x DROP NOT NULL")
        connection.execute("UPDATE stores SET x = NULL WHERE store = 'north' AND time = %s", [world.hours(3)[2].start])
    found, _ = segments.segments_of(context)
    with Context(declared, context.database, folder=context.folder) as strict:
        done = segments.run(strict, found, span_of(strict), trailing=False)
    assert set(done.failures) == {"north"}
    assert done.failures["north"].interval == world.hours(3)[2]
    assert done.failures["north"].exit_code == 3
    assert done.ran == len(VALUES) * HOURS - 1 - 3


def test_another_partition_under_the_same_name_is_refused(context: Context) -> None:
    _ = context.ledger.ids
    other = world.pipeline(**parted(partition_by="class2"))
    with Ledger(context.database, other) as ledger, pytest.raises(ConfigError, match="segments by 'store'"):
        _ = ledger.ids


def test_a_segment_of_a_pipeline_without_any_is_refused(filled: Database, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="has no segments"):
        Context(world.pipeline(), filled, folder=tmp_path, segment="north")


def test_a_name_too_long_for_the_ledger_is_told_and_its_rows_are_the_wholes(
    context: Context, database: Database
) -> None:
    with psycopg.connect(database.url) as connection:
        connection.execute("UPDATE stores SET store = repeat('x', 1001) WHERE store = 'north'")
    found, refused = segments.segments_of(context)
    assert refused == ["x" * 1001]
    assert len(found) == len(VALUES) - 1


@pytest.mark.parametrize("value", [*VALUES, "\\", "\\E", "\\\\"])
def test_every_value_has_a_name_that_means_it_alone(value: str | None) -> None:
    assert value_of(name_of(value)) == value
    assert name_of(value) != ""
    assert len({name_of(one) for one in (*VALUES, "\\", "\\E", "\\\\")}) == len(VALUES) + 3


def test_rows_beyond_what_is_held_are_asked_for_by_segment(context: Context) -> None:
    pipeline = context.pipeline
    columns = pipeline.columns[1:]
    division = Division(context.rows, "store", pipeline.interval, columns, limit=1)
    rows = division.rows_of("north")
    alone = Rows(context.database, TABLE, "time", part=Part("store", "north"))
    start, end = world.START, world.hours(HOURS)[-1].end
    for _ in range(3):
        ours, theirs = (one.read(start, end, columns).sort_by("time") for one in (rows, alone))
        assert ours.num_rows == theirs.num_rows == 42 * HOURS
        assert ours.schema == theirs.schema
    assert division.queries == 2  # the newest one is held; the next shows that there is no room
    alone.close()


@pytest.mark.parametrize("kind", ["integer", "boolean", "numeric(8,2)", "char(5)", "double precision"])
def test_a_column_of_any_type_parts_the_rows(kind: str, database: Database) -> None:
    with psycopg.connect(database.url) as connection:
        connection.execute(f"CREATE TABLE stores (time timestamptz NOT NULL, x float8, store {kind})")
        connection.execute(
            "INSERT INTO stores VALUES ('2026-03-01', 1, '1'), ('2026-03-01', 2, '0'), ('2026-03-01', 3, NULL)"
        )
    rows = Rows(database, TABLE, "time")
    reaches = rows.reaches("store")
    assert [one.rows for one in reaches] == [1, 1, 1]
    division = Division(rows, "store", world.pipeline().interval, ["x"])
    for one in reaches:
        alone = Rows(database, TABLE, "time", part=Part("store", one.segment))
        hour = world.hours(1)[0]
        assert division.rows_of(one.segment).read(hour.start, hour.end, ["x"]) == alone.read(
            hour.start, hour.end, ["x"]
        )
        assert alone.span() == (hour.start, hour.start)
        alone.close()
    rows.close()


def test_a_column_of_times_parts_nothing(database: Database) -> None:
    with psycopg.connect(database.url) as connection:
        connection.execute("CREATE TABLE stores (time timestamptz NOT NULL, store date)")
    rows = Rows(database, TABLE, "time")
    with pytest.raises(SchemaError, match="whose text depends"):
        rows.reaches("store")
    rows.close()


# --- the verbs ---------------------------------------------------------------------------------------------


@pytest.fixture
def call(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """The command line in a folder with the pipeline of stores, whose rows are loaded."""
    fill(database, (*VALUES[:4], "small\x1b[31m"), rows=12)
    with psycopg.connect(database.url) as connection:
        connection.execute("DELETE FROM stores WHERE store LIKE 'small%' AND x > -1")
    monkeypatch.setenv("HELIOTROPE_DATABASE_URL", database.url)
    monkeypatch.setenv("HELIOTROPE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.chdir(tmp_path)
    declared = {**world.PIPELINE, **parted(report={"pictures": False})}
    Path("turning.yaml").write_text(yaml.safe_dump(declared), encoding="utf-8")

    def call(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main(list(arguments))
        return (code, *capsys.readouterr())

    return call


def test_replay_runs_all_segments_and_says_totals_and_the_worst(call: Callable[..., tuple[int, str, str]]) -> None:
    code, out, err = call("replay", "turning.yaml", "--end", "2026-03-01T04:00Z")
    assert code == 0, err
    assert "5 segments by store: 19 cycles" in out
    assert "served by the whole's champion, 1 held" in out
    assert "small\\x1b[31m 0." in out
    code, out, err = call("run", "turning.yaml", "--interval", "2026-03-01T04:00Z", "--json")
    assert code == 0, err
    said = json.loads(out)["segments"]
    assert (said["segments"], said["ran"], said["passed_over"], said["errors"]) == (5, 5, 0, {})
    for verb in (("status",), ("history", "--limit", "1"), ("report",)):
        code, out, err = call(*verb)
        assert code == 0, err
        assert "5 segments by store" in out
    code, out, _ = call("champion")
    assert code == 0
    assert "segments    with a champion of their own: 4 extrapolated" in out


def test_every_verb_takes_a_segment(call: Callable[..., tuple[int, str, str]]) -> None:
    assert call("replay", "turning.yaml", "--segment", "north")[0] == 0
    for verb in ("status", "history", "champion", "drift", "report", "reconcile"):
        code, out, err = call(verb, "turning", "--segment", "north", "--json")
        assert code == 0, err
        assert '"segments": 5' not in out
        assert json.loads(out)
        code, out, err = call(verb, "turning", "--segment", "nroth")
        assert code != 0
        assert "no cycle of a segment 'nroth'" in out + err
        assert "did you mean 'north'" in out + err
    code, out, err = call("pin", "turning", "--segment", "north", "--reason", "to see")
    assert code == 0, err
    assert "turning, north: extrapolated" in out
    assert "nowhere: those of segments are not" in out
    code, out, _ = call("history", "turning", "--segment", "north", "--json")
    assert {one["rows"] for one in json.loads(out)["cycles"]} == {36}
    code, _, err = call("run", "turning.yaml", "--segment", "nobody", "--interval", "2026-03-01T04:00Z")
    assert code == 3
    assert "has 'nobody' in 'store'" in err


def test_reconcile_goes_over_all_segments(call: Callable[..., tuple[int, str, str]]) -> None:
    assert call("replay", "turning.yaml")[0] == 0
    hour = world.hours(3)[2].start
    with psycopg.connect(resolve().url) as connection:
        connection.execute("DELETE FROM stores WHERE time = %s AND store = 'north' AND x > -2", [hour])
        connection.execute("INSERT INTO stores SELECT * FROM stores WHERE time = %s AND store LIKE 'small%%'", [hour])
    code, out, err = call("reconcile", "turning", "--json")
    assert code == 0, err
    assert [one["segment"] for one in json.loads(out)["changed"]] == [None, "north", "small\x1b[31m"]
    code, out, err = call("reconcile", "turning", "--reevaluate")
    assert code == 0, err
    assert "2 of 3 decisions would have been another" in out
    assert "north 2026-03-01T02:00Z promote extrapolated, now hold" in out
    assert "small\\x1b[31m 2026-03-01T02:00Z hold, now promote extrapolated" in out
    small = next(line for line in out.splitlines() if line.startswith("small"))
    assert "-" not in small.split()[4:]
    code, out, _ = call("reconcile", "turning")
    assert (code, out) == (0, "every interval's rows are those on record\n")


def started(*arguments: str) -> subprocess.Popen[str]:
    """heliotrope in a process of its own, two processes below it, that has begun with the segments."""
    program = Path(sys.executable).with_name("heliotrope")
    command = [str(program), *arguments, "--jobs", "2"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("turning, 5 segments"):
            return process
    raise AssertionError("it ended before")


@pytest.mark.heavy
@pytest.mark.parametrize("ended_by", [signal.SIGINT, signal.SIGKILL])
def test_stopped_or_killed_it_leaves_no_process_and_the_same_command_goes_on(
    ended_by: signal.Signals,
    call: Callable[..., tuple[int, str, str]],
    database: Database,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fill_more(database)
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))

    def folders() -> list[str]:
        return [one for one in os.listdir(temporary) if one.startswith("heliotrope")]

    with started("replay", "turning.yaml") as process:
        listed = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        if not listed.exists():
            pytest.skip("this system does not list a process's children")
        children = [Path(f"/proc/{one}") for one in listed.read_text().split()]
        process.send_signal(ended_by)
        _, err = process.communicate(timeout=60)
    assert children
    assert process.returncode == (130 if ended_by is signal.SIGINT else -9), err
    until = time.monotonic() + 20
    while (any(one.exists() for one in children) or folders()) and time.monotonic() < until:
        time.sleep(0.1)
    assert not [one for one in children if one.exists()]
    assert not folders()
    code, out, err = call("replay", "turning.yaml", "--json")
    assert code == 0, err
    said = json.loads(out)["segments"]
    assert said["ran"] + said["passed_over"] == said["cycles"] == 5 * (HOURS + 10) - 1
    assert said["passed_over"] > 0


def fill_more(database: Database) -> None:
    """The last hour's rows in ten more hours."""
    last = world.hours(HOURS)[-1].start
    with psycopg.connect(database.url) as connection:
        for hour in range(1, 11):
            connection.execute(
                "INSERT INTO stores (time, x, y, class, store)"
                " SELECT time + make_interval(hours => %s), x, y, class, store FROM stores WHERE time = %s",
                [hour, last],
            )


def test_validate_counts_the_segments(call: Callable[..., tuple[int, str, str]]) -> None:
    code, out, err = call("validate", "turning.yaml")
    assert code == 0, err
    assert re.search(r"segments by store +5 of \d+ to \d+ rows", out)
    said = yaml.safe_load(Path("turning.yaml").read_text(encoding="utf-8"))
    Path("turning.yaml").write_text(yaml.safe_dump({**said, "partition_by": "stoer"}), encoding="utf-8")
    code, _, err = call("validate", "turning.yaml")
    assert code == 3
    assert "did you mean 'store'" in err


def test_segments_in_which_a_candidate_fails_are_counted(call: Callable[..., tuple[int, str, str]]) -> None:
    said = yaml.safe_load(Path("turning.yaml").read_text(encoding="utf-8"))
    said["candidates"][1] |= {"estimator": "sklearn.neighbors.KNeighborsClassifier", "params": {"n_neighbors": 60}}
    Path("turning.yaml").write_text(yaml.safe_dump(said), encoding="utf-8")
    code, out, err = call("replay", "turning.yaml", "--end", "2026-03-01T02:00Z")
    assert code == 0, err
    assert "3 with a candidate that failed" in out


def test_where_no_model_can_be_made_in_any_segment_that_is_the_exit_code(
    call: Callable[..., tuple[int, str, str]],
) -> None:
    said = yaml.safe_load(Path("turning.yaml").read_text(encoding="utf-8"))
    for candidate in said["candidates"]:
        candidate |= {"estimator": "sklearn.calibration.CalibratedClassifierCV", "params": {"cv": 40}}
    Path("turning.yaml").write_text(yaml.safe_dump(said), encoding="utf-8")
    code, out, _ = call("replay", "turning.yaml", "--end", "2026-03-01T02:00Z")
    assert "with none that did not" in out
    assert code == 5
    assert call("replay", "turning.yaml", "--end", "2026-03-01T02:00Z")[0] == 0  # nothing ran


def test_a_segment_served_by_the_whole_says_so(call: Callable[..., tuple[int, str, str]]) -> None:
    assert call("replay", "turning.yaml")[0] == 0
    code, out, _ = call("champion", "turning", "--segment", "small\x1b[31m")
    assert code == 0
    assert "has no champion of its own yet; the whole's serves it" in out
    assert "\x1b" not in out


def spoil_north() -> None:
    """Change the file of the model that serves a segment."""
    with psycopg.connect(resolve().url) as connection:
        found = connection.execute(
            "SELECT artifact FROM heliotrope.champion JOIN heliotrope.training ON training.id = training_id"
            " WHERE segment = 'north' ORDER BY champion.id DESC LIMIT 1"
        ).fetchone()
    assert found is not None
    (file,) = (one for one in Path("home/artifacts").rglob("*") if found[0] in one.name)
    file.chmod(0o644)
    file.write_bytes(b"changed")


def test_a_segment_that_fails_is_named_and_gives_the_exit_code(call: Callable[..., tuple[int, str, str]]) -> None:
    assert call("replay", "turning.yaml", "--end", "2026-03-01T02:00Z")[0] == 0
    spoil_north()
    code, out, err = call("run", "turning.yaml", "--interval", "2026-03-01T02:00Z")
    assert code == 5
    assert "1 segment failed, and run no later interval" in err
    assert "north, 2026-03-01T02:00Z: " in err
    assert "5 segments by store: 4 cycles" not in out


def test_steps_run_parts_of_the_segments_and_what_was_left_first(call: Callable[..., tuple[int, str, str]]) -> None:
    def step(*arguments: str) -> tuple[int, Any]:
        code, out, _ = call("run-step", *arguments, "--json")
        return code, json.loads(out)

    starts = [f"2026-03-01T0{hour}:00Z" for hour in range(3)]
    for start in starts:
        cycle = step("assess", "turning.yaml", "--start", start)[1]["cycle"]
        assert call("run-step", "segments", "turning.yaml", "--cycle", str(cycle))[0] == 4, "the whole comes first"
        for one in ("train", "gate"):
            assert step(one, "turning.yaml", "--start", start)[0] == 0
    count = step("divide", "turning.yaml", "--start", starts[2], "--size", "3")[1]
    assert (count["segments"], count["parts"]) == (5, ["1/2", "2/2"])
    ran = [step("segments", "turning.yaml", "--start", starts[2], "--part", part)[1]["ran"] for part in count["parts"]]
    assert sum(ran) == 3 * 5 - 1, "of the first hours too, in which one had not begun"
    again = step("segments", "turning.yaml", "--start", starts[2])[1]
    assert (again["ran"], again["passed_over"], again["failures"]) == (0, 5, {})
    stepwise = {name: sorted(map(repr, rows)) for name, rows in world.ledger(resolve()).items()}
    with psycopg.connect(resolve().url) as connection:
        connection.execute("DELETE FROM heliotrope.pipeline")
    assert call("replay", "turning.yaml", "--end", "2026-03-01T03:00Z")[0] == 0
    assert {name: sorted(map(repr, rows)) for name, rows in world.ledger(resolve()).items()} == stepwise


def test_a_step_of_segments_says_which_failed(call: Callable[..., tuple[int, str, str]]) -> None:
    assert call("replay", "turning.yaml", "--end", "2026-03-01T02:00Z")[0] == 0
    spoil_north()
    for step in ("assess", "train", "gate"):
        assert call("run-step", step, "turning.yaml", "--start", "2026-03-01T02:00Z")[0] == 0
    code, out, err = call("run-step", "segments", "turning.yaml", "--start", "2026-03-01T02:00Z")
    assert code == 5
    assert "1 failed" in out
    assert "north, 2026-03-01T02:00Z: " in err
    assert call("run-step", "segments", "turning.yaml", "--cycle", "1", "--part", "9/8")[0] == 2
