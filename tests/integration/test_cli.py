"""The verbs against a real PostgreSQL: what they print, what they leave, and how they end."""

from __future__ import annotations

import getpass
import itertools
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from psycopg import sql

from command import Call, caller
from heliotrope.cli import main

EXAMPLE = Path(__file__).parents[2] / "examples" / "rotating_gaussians.yaml"
GOLDEN = Path(__file__).parents[1] / "unit" / "cli" / "golden"
_numbers = itertools.count()


@pytest.fixture
def call(
    database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Call:
    """``call("status", "--json")`` in an empty folder, on an empty database."""
    monkeypatch.setenv("HELIOTROPE_DATABASE_URL", database_url)
    monkeypatch.setenv("HELIOTROPE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return caller(capsys)


@pytest.fixture
def turning(call: Call) -> Call:
    """The original's stream declared in turning.yaml: 100 rows an hour and class, no registry, no pictures."""
    _declare("turning")
    return call


@pytest.fixture(scope="session")
def template(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The database ``replayed_template``: six hours loaded and replayed. The home folder that belongs to it."""
    folder = tmp_path_factory.mktemp("replayed")
    _execute(server_url, "CREATE DATABASE replayed_template")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HELIOTROPE_DATABASE_URL", server_url.replace("/postgres?", "/replayed_template?"))
        patch.setenv("HELIOTROPE_HOME", str(folder / "home"))
        patch.chdir(folder)
        _declare("turning")
        assert main(["load"]) == 0
        assert main(["replay"]) == 0
    yield folder / "home"
    _execute(server_url, "DROP DATABASE replayed_template WITH (FORCE)")


@pytest.fixture
def replayed(turning: Call, template: Path, server_url: str, database_url: str, tmp_path: Path) -> Call:
    """Six hours of it loaded and replayed."""
    name = database_url.partition("?")[0].rpartition("/")[2]
    _execute(server_url, f"DROP DATABASE {name}")
    _execute(server_url, f"CREATE DATABASE {name} TEMPLATE replayed_template")
    shutil.copytree(template, tmp_path / "home")
    return turning


def _declare(name: str, **changes: Any) -> None:
    declared = yaml.safe_load(EXAMPLE.read_text())
    declared["dataset"] |= {"intervals": 6, "params": {"rows": 100, "seed": 1}}
    declared |= {"name": name, "registry": "none", "report": {"pictures": False, "best_possible": 0.9688}} | changes
    Path(f"{name}.yaml").write_text(yaml.safe_dump(declared, allow_unicode=True))


def _execute(url: str, query: str) -> list[Any]:
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(sql.SQL(query))
        return cursor.fetchall() if cursor.description else []


# --- load, replay, run -------------------------------------------------------------------------------------


def test_load_makes_the_table_and_a_second_time_changes_nothing(turning: Call, database_url: str) -> None:
    first = turning("load", "turning.yaml", "--json")
    assert (first.code, first.err) == (0, "")
    assert {key: first.document[key] for key in ("pipeline", "table", "intervals", "rows")} == {
        "pipeline": "turning",
        "table": "public.continuous_training",
        "intervals": 6,
        "rows": 1800,
    }
    before = _execute(database_url, "SELECT * FROM continuous_training ORDER BY time, class, x")
    assert "loaded 1800 rows of 6 intervals" in turning("load").out
    assert _execute(database_url, "SELECT * FROM continuous_training ORDER BY time, class, x") == before


def test_load_of_a_file_that_is_named(call: Call, database_url: str) -> None:
    _declare("filed", dataset={"kind": "file"}, source={"table": "filed", "time": "time"})
    assert "a file without a path" in call("load").err
    Path("rows.csv").write_text("time,x,y,class\n2026-01-01T00:10Z,1,2,A\n2026-01-01T01:10Z,1,2,B\n")
    assert call("load", "filed.yaml", "rows.csv").code == 0
    assert _execute(database_url, "SELECT count(*) FROM filed") == [(2,)]
    ended = call("load", "filed.yaml", "gone.csv")
    assert (ended.code, "gone.csv" in ended.err) == (3, True)


def test_what_validation_held_and_dropped_is_said_below_the_table(call: Call) -> None:
    rules = {"min_rows": 3}
    _declare("filed", dataset={"kind": "file"}, source={"table": "filed", "time": "time"}, validation=rules)
    lines = [f"2026-01-01T0{hour}:{minute}0Z,{minute},2,{'AB'[minute % 2]}" for hour in range(4) for minute in range(5)]
    lines[10:15] = lines[10:12]
    lines[1] = lines[1].replace(",1,2", ",,2")
    Path("rows.csv").write_text("\n".join(["time,x,y,class", *lines]))
    call("load", "filed.yaml", "rows.csv")
    for ended in (call("replay"), call("history", "filed")):
        assert "\nnull in x: 1 row dropped in 1 interval, last in [2026-01-01T00:00Z, " in ended.out
        assert "\ntoo_few: held 1 interval, last in [2026-01-01T02:00Z, 2026-01-01T03:00Z): fewer than 3\n" in ended.out


def test_load_says_how_many_rows_it_replaced_and_where_fewer_are_left(call: Call) -> None:
    _declare("filed", dataset={"kind": "file"}, source={"table": "filed", "time": "time"})
    lines = [f"2026-01-01T0{hour}:{minute}0Z,1,2,A" for hour in range(3) for minute in range(4)]
    Path("whole.csv").write_text("\n".join(["time,x,y,class", *lines]))
    Path("part.csv").write_text("\n".join(["time,x,y,class", *lines[2:6]]))
    assert ", in place of" not in call("load", "filed.yaml", "whole.csv").out
    again = call("load", "filed.yaml", "whole.csv")
    assert "loaded 12 rows of 3 intervals into public.filed, in place of 12 rows in" in again.out
    assert "fewer" not in again.err
    ended = call("load", "filed.yaml", "part.csv")
    assert "loaded 4 rows of 2 intervals into public.filed, in place of 8 rows in" in ended.out
    assert "warning: 2 intervals of filed hold 4 rows fewer than before\nremedy: where the file had only" in ended.err
    Path("part.csv").write_text("\n".join(["time,x,y,class", lines[0]]))
    document = call("load", "filed.yaml", "part.csv", "--json").document
    assert (document["replaced"], document["fewer"]) == (2, {"intervals": 1, "rows": 1})


def test_load_of_a_file_with_a_bad_number_writes_nothing(call: Call, database_url: str) -> None:
    _declare("filed", dataset={"kind": "file"}, source={"table": "filed", "time": "time"})
    bad = "time,x,y,class\n2026-01-01T00:10Z,1,2,A\n2026-01-01T01:10Z,1,2,B\n2026-01-01T02:10Z,oops,2,B\n"
    Path("bad.csv").write_text(bad)
    ended = call("load", "filed.yaml", "bad.csv")
    assert (ended.code, "bad.csv: line 4: column 'x' holds 'oops', which is not a number" in ended.err) == (3, True)
    assert _execute(database_url, "SELECT to_regclass('filed')") == [(None,)]
    _execute(database_url, "CREATE TABLE filed (time timestamptz, x real, y real, class text)")
    assert "leave it empty: filed.x holds numbers" in call("load", "filed.yaml", "bad.csv").err
    assert _execute(database_url, "SELECT count(*) FROM filed") == [(0,)]


def test_load_without_a_data_set_says_so(call: Call) -> None:
    _declare("bare", dataset=None)
    ended = call("load")
    assert (ended.code, "bare declares no dataset" in ended.err) == (2, True)


def test_replay_shows_every_cycle_and_passes_over_what_is_done(turning: Call) -> None:
    turning("load")
    first = turning("replay", "--end", "2026-11-01T03:00Z")
    lines = first.out.splitlines()
    assert first.code == 0
    assert re.match(r"interval +champion +accuracy +best +drift +decision +seconds", lines[0])
    assert [line[:17] for line in lines if line.startswith("2026")] == [f"2026-11-01T0{hour}:00Z" for hour in range(3)]
    assert max(map(len, lines[:8])) <= 80
    assert "3 cycles run\n" in first.out
    assert "replay turning 3/3 2026-11-01T02:00Z done" in first.err
    second = turning("replay", "--json")
    assert (second.code, second.err) == (0, "")
    document = second.document
    assert list(document) == [
        *("pipeline", "start", "end", "ran", "passed_over", "unregistered", "messages", "summary", "changed", "cycles"),
        *("segment", "segments"),
    ]
    assert (document["start"], document["end"]) == ("2026-11-01T00:00Z", "2026-11-01T06:00Z")
    assert (document["ran"], document["passed_over"], document["changed"]) == (3, 3, [])
    assert 0.85 < document["summary"]["mean"] <= 1
    assert len(document["cycles"]) == 6
    assert "0 cycles run, 6 done before" in turning("replay").out


def test_replay_of_an_empty_table_says_what_to_do(turning: Call) -> None:
    ended = turning("replay")
    assert ended.code == 3
    assert "heliotrope load" in ended.err


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        ("2026-11-01T00:30Z", None, "2026-11-01T00:30Z is not on the 1h grid"),
        ("2026-11-01T05:00Z", "2026-11-01T05:00Z", "holds no interval"),
        ("2100-01-01", "2100-01-02", "has ended yet"),
    ],
)
def test_replay_of_a_range_that_cannot_be(turning: Call, start: str, end: str | None, said: str) -> None:
    turning("load")
    ended = turning("replay", "--start", start, *(["--end", end] if end else []))
    assert ended.code in (2, 3)
    assert said in ended.err


def test_run_says_what_happened_and_then_that_it_was_done(turning: Call) -> None:
    turning("load")
    first = turning("run", "--interval", "2026-11-01T00:00Z")
    assert first.code == 0
    assert first.out.startswith("turning [2026-11-01T00:00Z, 2026-11-01T01:00Z)\n")
    for line in ("rows       300 read, 300 used, ok", "champion   none yet", "trigger    train", "promoted   "):
        assert f"\n{line}" in first.out
    again = turning("run", "--interval", "2026-11-01T00:00Z", "--json").document
    assert list(again) == [
        *("pipeline", "ran", "cycle", "picture_seconds", "unregistered", "messages", "segment", "segments")
    ]
    assert again["ran"] is False
    second = turning("run", "--interval", "2026-11-01T01:00Z", "--json").document
    assert second["ran"] is True
    assert second["cycle"]["score"] > 0.8


def test_run_without_an_interval_takes_the_latest_that_has_ended(turning: Call) -> None:
    turning("load")
    document = turning("run", "--json").document
    assert document["cycle"]["decisions"][0]["action"] == "hold"  # nothing was written for it
    assert document["cycle"]["rows_read"] == 0


def test_run_of_an_interval_that_has_not_ended_is_refused(turning: Call) -> None:
    turning("load")
    ended = turning("run", "--interval", "2100-01-01T00:00Z")
    assert (ended.code, "has not ended yet" in ended.err) == (2, True)


def test_a_rule_that_fails_ends_with_3_and_no_traceback(call: Call) -> None:
    _declare("strict", classes=["A", "B"], validation={"on_unseen_class": "fail"})
    call("load")
    ended = call("replay")
    assert ended.code == 3
    assert "'C'" in ended.err
    assert "remedy: add the class" in ended.err


def test_pictures_are_drawn_when_asked_for(turning: Call, tmp_path: Path) -> None:
    turning("load")
    assert turning("replay", "--end", "2026-11-01T02:00Z", "--pictures").code == 0
    assert len(list((tmp_path / "home" / "pictures").rglob("*.png"))) == 2


# --- candidates that fail, declarations that change ----------------------------------------------------------

BROKEN = {"name": "broken", "estimator": "sklearn.neighbors.KNeighborsClassifier", "params": {"n_neighbors": -1}}


def test_one_candidate_that_fails_among_several_is_said_and_ends_with_0(call: Call) -> None:
    good = yaml.safe_load(EXAMPLE.read_text())["candidates"][0]
    _declare("mixed", candidates=[good, BROKEN])
    call("load")
    ended = call("replay")
    assert ended.code == 0
    assert "refresh; " in ended.out
    assert "1 candidate failed in 5 cycles:\n  broken, 5 times, last in [2026-11-01T05:00Z" in ended.out
    assert "n_neighbors" in ended.out
    shown = call("run", "--interval", "2026-11-01T05:00Z")
    assert (shown.code, "\nfailed     broken: " in shown.out) == (0, True)
    assert "mixed: broken failed in [2026-11-01T05:00Z" in call("status").out
    assert "broken, 1 time, last in" in call("history", "--limit", "1").out
    document = call("history", "--limit", "1", "--json").document
    assert document["failed"]["broken"]["cycles"] == 1
    assert "n_neighbors" in document["cycles"][0]["failed"]["broken"]
    assert call("status", "--json").document["pipelines"][0]["all_failed"] is False


def test_where_every_candidate_fails_the_cycle_is_recorded_and_the_exit_code_is_5(call: Call) -> None:
    _declare("hopeless", candidates=[BROKEN])
    call("load")
    ended = call("run", "--interval", "2026-11-01T01:00Z")
    assert ended.code == 5
    assert "warning: every candidate failed in the cycle of [2026-11-01T01:00Z" in ended.err
    assert "n_neighbors" in ended.err
    assert call("run", "--interval", "2026-11-01T01:00Z", "--json").code == 5, "asked again it says the same"
    ended = call("replay", "--json")
    assert ended.code == 5
    assert ended.document["summary"]["all_failed"] == 6
    assert ended.document["ran"] == 5
    assert call("replay").code == 0, "it ran nothing"
    assert call("status", "--json").document["pipelines"][0]["all_failed"] is True


def test_a_changed_declaration_is_said_once_on_stderr_and_shown_by_history_and_status(
    replayed: Call, database_url: str
) -> None:
    _execute(database_url, "CREATE VIEW clean AS SELECT *, x + y AS z FROM continuous_training")
    _declare("turning", source={"table": "clean", "time": "time"}, features=["x", "y", "z"])
    ended = replayed("replay", "--json")
    said = "source.table 'continuous_training', now 'clean'; features: 'z' added"
    assert ended.code == 0
    assert f"warning: turning reads other data than before, from now on: {said}" in ended.err
    assert (ended.document["ran"], ended.document["changed"]) == (0, [])
    for interval in ("2026-11-01T06:00Z", "2026-11-01T07:00Z"):
        assert "reads other data" not in replayed("run", "--interval", interval).err
    assert f"from the cycle of 2026-11-01T06:00Z on: {said}" in replayed("history").out
    (declared,) = replayed("history", "--json").document["declarations"]
    assert [one["key"] for one in declared["changes"]] == ["source.table", "features"]
    assert said in replayed("status").out
    ended = replayed("reconcile", "--reevaluate", "--json")
    assert ended.document["changed"] == []
    assert _execute(database_url, "SELECT count(*) FROM heliotrope.batch WHERE revision > 0") == [(0,)]


def test_a_column_that_is_gone_is_said_once_and_not_as_changed_intervals(replayed: Call, database_url: str) -> None:
    _execute(database_url, "ALTER TABLE continuous_training DROP COLUMN y")
    _declare("turning", features=["x"])
    ended = replayed("replay")
    assert ended.code == 0
    gone = "whether the rows of 6 recorded intervals have changed cannot be told: the table no longer has 'y'"
    assert f"warning: {gone}" in ended.err
    assert "have changed since they were recorded" not in ended.err
    assert gone in replayed("status", "--check").out
    document = replayed("reconcile", "--json").document
    assert (document["changed"], document["incomparable"], document["columns_gone"]) == ([], 6, ["y"])


@pytest.mark.parametrize("path", ["sys.exit", "builtins.quit", "os.abort", "subprocess.call"])
def test_an_estimator_that_would_end_the_process_is_refused(turning: Call, path: str) -> None:
    turning("load")
    _declare("ending", candidates=[{"name": "a", "estimator": path}])
    for arguments in (
        ("validate", "ending.yaml", "--offline"),
        ("run", "ending.yaml", "--interval", "2026-11-01T00:00Z"),
    ):
        ended = turning(*arguments)
        assert (ended.code, f"{path} is of Python's standard library" in ended.err) == (5, True), ended.err


# --- reading the record ------------------------------------------------------------------------------------


def test_status_is_about_every_pipeline(replayed: Call) -> None:
    found = replayed("status", "--json").document["pipelines"]
    assert len(found) == 1
    one = found[0]
    assert list(one) == [
        *(
            "pipeline",
            "last_interval",
            "champion",
            "champion_since",
            "champion_pinned",
            "metric",
            "score",
            "drifted",
            "outcome",
            "did",
            "decision",
        ),
        *("intervals_behind_data", "intervals_behind_clock", "stale_since", "last_row", "last_row_age_seconds"),
        "rows_outside",
        *("unregistered", "messages", "failed", "all_failed", "segments", "declaration", "changed", "incomparable"),
        *("columns_gone", "error"),
    ]
    assert one["last_interval"] == {"start": "2026-11-01T05:00Z", "end": "2026-11-01T06:00Z"}
    assert (one["intervals_behind_data"], one["unregistered"], one["changed"]) == (0, 0, None)
    assert (one["last_row"], one["rows_outside"], one["error"]) == ("2026-11-01T05:00Z", 0, None)
    out = replayed("status", "turning", "--check").out
    assert "turning: every interval's rows are those on record" in out
    assert max(map(len, out.splitlines())) <= 80


def test_status_counts_what_waits(turning: Call) -> None:
    turning("load")
    turning("replay", "--end", "2026-11-01T02:00Z")
    ended = turning("status")
    assert "4 to go" in ended.out
    said = "turning: stale since 2026-11-01T04:00Z: 4 intervals to go with `heliotrope replay turning.yaml`"
    assert said in ended.out
    assert turning("status", "--json").document["pipelines"][0]["stale_since"] == "2026-11-01T04:00Z"


def test_a_stale_pipeline_whose_rows_are_all_done_says_since_when_and_what_to_run(replayed: Call) -> None:
    out = replayed("status").out
    assert "turning: stale since 2026-11-01T08:00Z: its rows end at 2026-11-01T05:00Z" in out
    assert "turning: fill its table, then `heliotrope run turning.yaml --catch-up`" in out


def test_status_survives_a_table_that_is_gone(replayed: Call, database_url: str) -> None:
    _execute(database_url, "DROP TABLE continuous_training")
    ended = replayed("status", "--json")
    assert ended.code == 3
    one = ended.document["pipelines"][0]
    assert (one["champion"], one["intervals_behind_data"]) == ("extrapolated", None)
    assert one["error"]["error"] == "there is no table or view 'continuous_training'"
    assert "turning: error: there is no table or view" in replayed("status").out


def test_history_shows_the_latest(replayed: Call) -> None:
    document = replayed("history", "turning", "--limit", "2", "--json").document
    assert [one["interval"]["start"] for one in document["cycles"]] == ["2026-11-01T04:00Z", "2026-11-01T05:00Z"]
    assert len(replayed("history", "--all").out.splitlines()) == 2 + 7  # the first decision has two lines
    only = replayed("history", "--start", "2026-11-01T01:00Z", "--end", "2026-11-01T02:00Z", "--json").document
    assert len(only["cycles"]) == 1
    assert "has no cycle there" in replayed("history", "--start", "2030-01-01").out


def test_champion_at_a_time_without_naming_the_pipeline(replayed: Call) -> None:
    Path("turning.yaml").unlink()
    ended = replayed("champion", "--at", "2026-11-01T03:30Z", "--json")
    assert ended.code == 0
    found = ended.document["champion"]
    assert found["valid_from"] <= "2026-11-01T03:30Z"
    assert found["valid_to"] is None or found["valid_to"] > "2026-11-01T03:30Z"
    assert (found["action"], found["actor"]) == ("promote", "heliotrope")
    assert found["reasons"]
    assert found["training"]["artifact"]
    out = replayed("champion", "--at", "2026-11-24T05:00Z").out
    assert "until replaced" in out
    assert "decided by heliotrope" in out


def test_champion_before_the_first_is_nobody(replayed: Call) -> None:
    assert replayed("champion", "--at", "2020-01-01", "--json").document["champion"] is None
    assert (
        "has no champion at 2020-01-01T00:00Z; the first serves from 2026-11-01T01:00Z"
        in replayed("champion", "--at", "2020-01-01").out
    )


def test_champion_all_lists_everyone_without_a_gap(replayed: Call) -> None:
    found = replayed("champion", "turning", "--all", "--json").document["champions"]
    assert [one["valid_to"] for one in found[:-1]] == [one["valid_from"] for one in found[1:]]
    assert replayed("champion", "--all").out.startswith("id  candidate")


def test_drift_shows_every_reading(replayed: Call) -> None:
    document = replayed("drift", "--at", "2026-11-01T05:59Z", "--json").document
    assert document["interval"]["start"] == "2026-11-01T05:00Z"
    assert {one["detector"] for one in document["readings"]} == {
        *("kolmogorov_smirnov", "population_stability", "chi_square", "domain_classifier"),
    }
    assert "all together" in replayed("drift").out
    assert "nothing was measured" in replayed("drift", "--at", "2026-11-01T00:00Z").out
    ended = replayed("drift", "--at", "2030-01-01")
    assert ended.code == 2
    assert "its latest is that of [2026-11-01T05:00Z, 2026-11-01T06:00Z)" in ended.err


def test_a_name_that_is_nearly_right(replayed: Call) -> None:
    ended = replayed("history", "turnin")
    assert (ended.code, "did you mean 'turning'?" in ended.err) == (2, True)


def test_a_pipeline_that_never_ran_is_said(replayed: Call) -> None:
    _declare("other")
    for verb in ("history", "champion", "drift", "report", "reconcile"):
        ended = replayed(verb, "other.yaml")
        assert (ended.code, "other is not on record yet" in ended.err) == (4, True), verb


def test_several_pipelines_must_be_named(replayed: Call) -> None:
    _declare("other")
    replayed("replay", "other.yaml", "--end", "2026-11-01T01:00Z")
    ended = replayed("champion")
    assert ended.code == 2
    assert "several pipelines: 'other', 'turning'" in ended.err
    assert len(replayed("status", "--json").document["pipelines"]) == 2


def test_a_ledger_of_another_version_is_said(replayed: Call, database_url: str) -> None:
    _execute(database_url, "UPDATE heliotrope.alembic_version SET version_num = '9999'")
    for verb in ("status", "history", "champion", "replay"):
        ended = replayed(verb)
        assert (ended.code, "install a newer heliotrope" in ended.err) == (4, True), verb
    assert replayed("doctor").code == 1


# --- changing who serves -----------------------------------------------------------------------------------


def test_a_pin_is_said_wherever_the_champion_is(replayed: Call) -> None:
    ended = replayed("pin", "turning", "--reason", "for the audit")
    assert ended.code == 0
    assert ", pinned\nwhy         pin, decided by" in ended.out
    for verb in ("status", "history", "champion"):
        assert "for the audit" in replayed(verb, "turning").out, verb
    assert replayed("champion", "--json").document["champion"]["pinned"]
    assert replayed("history", "turning", "--json").document["by_hand"][0]["reasons"] == ["for the audit"]
    assert replayed("pin", "turning", "--reason", "x").code == 4
    assert "unpin, decided by" in replayed("unpin", "turning", "--reason", "audited").out
    assert not replayed("champion", "--json").document["champion"]["pinned"]


def test_promote_and_roll_back_go_on_record_with_reason_and_user(replayed: Call) -> None:
    before = replayed("champion", "--json").document["champion"]
    made = replayed("promote", "turning", "tree", "--reason", " [bold]a rule; one can read ", "--json").document
    assert list(made) == ["pipeline", "champion", "unregistered", "messages"]
    assert made["champion"]["candidate"] == "tree"
    assert made["champion"]["reasons"] == ["[bold]a rule; one can read"]
    assert made["champion"]["actor"] == getpass.getuser()
    assert "[bold]a rule; one can read" in replayed("champion").out
    back = replayed("rollback", "turning", "--to", str(before["id"]), "--reason", "too simple")
    assert back.code == 0, "also one that was replaced in the instant it began"
    assert replayed("champion", "--json").document["champion"]["training"]["id"] == before["training"]["id"]
    ended = replayed("rollback", "--reason", "too simple", "--json")
    assert ended.document["champion"]["action"] == "roll_back"
    assert ended.document["champion"]["candidate"] != "tree"


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("promote turning tre --reason x", 2, "did you mean 'tree'?"),
        ("rollback turning --to 999 --reason x", 2, "there is no champion 999"),
        ("rollback turning --to x --reason x", 2, "invalid value for '--to'"),
    ],
)
def test_a_change_that_cannot_be(replayed: Call, line: str, code: int, said: str) -> None:
    ended = replayed(*line.split())
    assert (ended.code, said in ended.err) == (code, True)


def test_a_model_file_that_was_changed_is_refused(replayed: Call, tmp_path: Path) -> None:
    for file in (tmp_path / "home" / "artifacts").rglob("*.skops"):
        file.write_bytes(b"another")
    ended = replayed("rollback", "--reason", "x")
    assert (ended.code, "was changed" in ended.err) == (5, True)
    checked = replayed("doctor", "--json")
    assert checked.code == 1
    assert {one["name"]: one["state"] for one in checked.document["checks"]}["turning models"] in ("fail", "warn")


# --- rows that come late -----------------------------------------------------------------------------------


def test_late_rows_are_told_named_and_scored_again(replayed: Call, database_url: str) -> None:
    _execute(database_url, "DELETE FROM continuous_training WHERE time = '2026-11-01T03:00Z' AND x > 1")
    ended = replayed("replay")
    assert ended.code == 0
    assert "warning: the rows of 1 interval have changed since they were recorded: 2026-11-01T03:00Z" in ended.err
    assert "heliotrope reconcile turning --reevaluate" in ended.err
    assert replayed("replay", "--json").document["changed"] == [
        {"start": "2026-11-01T03:00Z", "end": "2026-11-01T04:00Z"}
    ]
    assert "1 interval changed since" in replayed("status", "--check").out
    listed = replayed("reconcile", "turning", "--json").document["changed"]
    assert [list(one) for one in listed] == [
        ["segment", "interval", "recorded", "now", "reevaluated", "unlabelled", "first_score", "latest_score"]
    ]
    assert (listed[0]["recorded"], listed[0]["reevaluated"]) == (300, False)
    assert listed[0]["now"] < 300
    again = replayed("reconcile", "--reevaluate", "--json").document["changed"][0]
    assert again["reevaluated"] is True
    assert again["latest_score"] != again["first_score"]
    told = next(one for one in replayed("history", "--json").document["cycles"] if one["revision"])
    assert (told["score"], told["rescored"]) == (again["first_score"], again["latest_score"])
    shown = replayed("history").out
    assert f"{told['score']:.4f}*" in shown
    assert f"* scored again when rows had come late: {told['interval']['start']} {told['rescored']:.4f}\n" in shown
    assert replayed("reconcile").out == "every interval's rows are those on record\n"
    assert replayed("replay").err.count("warning") == 0


def test_rows_that_are_gone_altogether_are_told_too(replayed: Call, database_url: str) -> None:
    _execute(database_url, "DELETE FROM continuous_training WHERE time < '2026-11-01T02:00Z'")
    found = replayed("reconcile", "--json").document["changed"]
    assert [(one["recorded"], one["now"]) for one in found] == [(300, 0), (300, 0)]
    out = replayed("reconcile").out
    assert max(map(len, out.splitlines())) <= 80
    assert "score them again with --reevaluate" in out


# --- names of all kinds ------------------------------------------------------------------------------------


def test_names_with_quotes_semicolons_markup_and_korean_are_safe(call: Call, database_url: str) -> None:
    _execute(
        database_url,
        '''CREATE TABLE "we;ird ""[red]t""" AS
           SELECT timestamptz '2026-01-01T00:00Z' + i * interval '1 minute' AS "시간", random() + i % 2 AS "x"";--",
               random() AS "[/bold]", CASE i % 2 WHEN 0 THEN '값; DROP' ELSE '[red]\\' END AS "클래스"
           FROM generate_series(0, 359) AS i''',
    )
    table = '"we;ird ""[red]t"""'
    made = call("init", table, "--target", "클래스", "--interval", "1h", "--name", "odd")
    assert made.code == 0, made.err
    assert call("validate", "odd.yaml").code == 0
    shown = call("validate", "odd.yaml").out
    assert "[/bold]" in shown
    text = Path("odd.yaml").read_text(encoding="utf-8")
    Path("odd.yaml").write_text(text + "registry: none\nreport: {pictures: false}\n", encoding="utf-8")
    replayed = call("replay", "odd.yaml", "--json")
    assert replayed.code == 0, replayed.out
    assert len(replayed.document["cycles"]) == 6
    assert call("drift").code == 0
    means = call("sql", "means", "odd", "--json").document
    assert means["features"] == ['x";--', "[/bold]"]
    assert {one["class"] for one in means["means"]} == {"값; DROP", "[red]\\"}
    assert "[red]\\" in call("sql", "means").out
    assert _execute(database_url, 'SELECT count(*) FROM "we;ird ""[red]t"""') == [(360,)]


# --- init, validate, sql means -----------------------------------------------------------------------------


def test_init_writes_what_validate_accepts_and_replay_runs(turning: Call) -> None:
    turning("load")
    made = turning("init", "continuous_training", "--json").document
    assert made["file"] == "continuous_training.yaml"
    assert (made["target_guessed"], made["pipeline"]["target"], made["pipeline"]["features"]) == (
        *(True, "class", {"x": "numeric", "y": "numeric"}),
    )
    ended = turning("validate", "continuous_training.yaml", "--json")
    assert ended.code == 0
    assert {one["checked"] for one in ended.document["checks"]} >= {"table", "feature x", "target class", "last rows"}
    text = Path("continuous_training.yaml").read_text()
    Path("continuous_training.yaml").write_text(f"{text}registry: none\nreport: {{pictures: false}}\n")
    assert turning("replay", "continuous_training.yaml", "--end", "2026-11-01T02:00Z").code == 0
    assert turning("init", "continuous_training").code == 2
    assert turning("init", "continuous_training", "--force").code == 0
    assert turning("init", "continuous_training", "--name", "no good").code == 2
    assert turning("init", "continuous_trainin", "--name", "p").code == 3


def test_init_of_a_file_is_followed_by_load_and_replay(call: Call) -> None:
    moments = [datetime(2026, 1, 5, tzinfo=UTC) + timedelta(minutes=30 * i) for i in range(1200)]
    lines = [
        f"{at:%Y-%m-%d %H:%M:%S},{i},{i % 7},{'' if i % 9 == 0 else i % 11},{'a' if i % 5 else 'b'},{i % 40 == 0}"
        for i, at in enumerate(moments)
    ]
    Path("My rides.csv").write_text("\n".join(["at,id,shop_id,wind,weather,is_lost", *lines]) + "\n")
    made = call("init", "My rides.csv", "--json")
    assert made.code == 0, made.err
    pipeline = made.document["pipeline"]
    assert (pipeline["source"]["table"], pipeline["target"], pipeline["metric"]) == ("my_rides", "is_lost", "log_loss")
    assert pipeline["features"] == {"shop_id": "categorical", "wind": "numeric", "weather": "categorical"}
    text = Path("my_rides.yaml").read_text(encoding="utf-8")
    Path("my_rides.yaml").write_text(text + "registry: none\nreport: {pictures: false}\n", encoding="utf-8")
    assert call("load", "my_rides.yaml", "--json").document["rows"] == 1200
    assert call("validate", "my_rides.yaml").code == 0
    replayed = call("replay", "my_rides.yaml", "--end", "2026-01-09", "--json").document
    assert replayed["summary"]["scored"] == 3
    assert call("init", "nowhere.csv").code == 2


@pytest.mark.parametrize(
    ("changes", "code", "said"),
    [
        ({"features": ["x", "z"]}, 3, "has no column 'z'"),
        ({"target": "clas"}, 3, "did you mean 'class'?"),
        ({"source": {"table": "gone", "time": "time"}}, 3, "there is no table or view 'gone'"),
        ({"source": {"table": "continuous_training", "time": "x"}, "features": ["y"]}, 3, "not a time"),
        ({"candidates": [{"name": "a", "estimator": "sklearn.tree.DecisionTree"}]}, 5, "has no 'DecisionTree'"),
        ({"candidates": [{"name": "a", "estimator": "nopackage.Tree"}]}, 5, "nopackage"),
        ({"metric": "acuracy"}, 2, "did you mean 'accuracy'?"),
    ],
)
def test_validate_finds_what_is_not_there(turning: Call, changes: dict[str, Any], code: int, said: str) -> None:
    turning("load")
    _declare("wrong", **changes)
    ended = turning("validate", "wrong.yaml")
    assert (ended.code, said in ended.err) == (code, True), ended.err


@pytest.mark.parametrize(
    ("url", "said", "remedy"),
    [
        ("discrod://4815/s3cretWord", "Apprise knows no service discrod://...", "did you mean discord://?"),
        ("zzqqxx://4815/s3cretWord", "Apprise knows no service zzqqxx://...", "the services are at https://"),
        ("slack://s3cretWord", "what follows slack:// is no address of that service", "as the page of slack says"),
        ("https://example.com/s3cretWord", "no service that Apprise knows", "json://HOST/PATH"),
    ],
)
def test_validate_refuses_an_address_that_no_message_can_go_to(turning: Call, url: str, said: str, remedy: str) -> None:
    _declare("wrong", notify=[{"name": "team", "url": url}])
    ended = turning("validate", "wrong.yaml", "--offline")
    assert ended.code == 2
    assert f"error: notify: the address of team: {said}" in ended.err
    assert remedy in ended.err.splitlines()[1]
    assert "s3cretWord" not in ended.out + ended.err
    assert "4815" not in ended.out + ended.err


def test_validate_shows_nothing_of_an_address_without_a_scheme(turning: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEAM", "s3cretWord")
    _declare("wrong", notify=[{"name": "team", "url_env": "TEAM"}])
    ended = turning("validate", "wrong.yaml", "--offline")
    assert (ended.code, "there is no scheme in front of it" in ended.err) == (2, True)
    assert "s3cretWord" not in ended.out + ended.err
    monkeypatch.setenv("TEAM", "discord://4815162342/s3cretWord-of-some-length")
    assert turning("validate", "wrong.yaml", "--offline").code == 0
    monkeypatch.delenv("TEAM")
    assert "the environment has no TEAM" in turning("validate", "wrong.yaml", "--offline").out


def test_validate_offline_asks_no_database(turning: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HELIOTROPE_DATABASE_URL", "postgresql://127.0.0.1:1/x")
    assert turning("validate", "--offline").code == 0
    assert turning("validate").code == 4


def test_validate_writes_nothing(turning: Call, database_url: str) -> None:
    turning("validate")
    assert _execute(database_url, "SELECT to_regnamespace('heliotrope') IS NULL") == [(True,)]


def test_sql_means_is_the_published_check(call: Call) -> None:
    _declare("turning", dataset=yaml.safe_load(EXAMPLE.read_text())["dataset"] | {"intervals": 5})
    call("load")
    document = call("sql", "means", "--json").document
    means = {(one["start"], one["class"]): one["means"] for one in document["means"]}
    published = {
        ("2026-11-01T00:00Z", "A"): (2.449, 0.0),
        ("2026-11-01T00:00Z", "B"): (-1.225, 2.121),
        ("2026-11-01T00:00Z", "C"): (-1.225, -2.121),
        ("2026-11-01T04:00Z", "A"): (1.225, 2.121),
        ("2026-11-01T04:00Z", "B"): (-2.449, 0.0),
        ("2026-11-01T04:00Z", "C"): (1.225, -2.121),
    }
    for key, (x, y) in published.items():
        assert means[key]["x"] == pytest.approx(x, abs=0.25)
        assert means[key]["y"] == pytest.approx(y, abs=0.25)
    assert call("sql", "means", "--end", "2026-11-01T01:00Z").out.splitlines()[0].split() == [
        *("interval", "class", "rows", "mean", "x", "mean", "y"),
    ]
    assert len(call("sql", "means", "--start", "2026-11-01T04:00Z", "--json").document["means"]) == 3


def test_sql_means_of_a_regression_and_of_times_without_a_zone(call: Call, database_url: str) -> None:
    _execute(
        database_url,
        "CREATE TABLE readings AS SELECT timestamp '2026-07-01 00:30' + i * interval '1 hour' AS at, i AS x,"
        " (i % 2 = 0) AS even, i::numeric AS price FROM generate_series(0, 3) AS i",
    )
    declared = {
        "name": "prices",
        "source": {"table": "readings", "time": "at", "time_zone": "Europe/Berlin"},
        "interval": "2h",
        "features": ["x", "even"],
        "target": "price",
        "task": "regression",
        "candidates": [{"name": "a", "estimator": "sklearn.linear_model.Ridge"}],
    }
    Path("prices.yaml").write_text(yaml.safe_dump(declared))
    document = call("sql", "means", "--json").document
    assert document["features"] == ["x", "even", "price"]
    assert document["means"] == [
        {"start": "2026-06-30T22:00Z", "class": None, "rows": 2, "means": {"x": 0.5, "even": 0.5, "price": 0.5}},
        {"start": "2026-07-01T00:00Z", "class": None, "rows": 2, "means": {"x": 2.5, "even": 0.5, "price": 2.5}},
    ]


# --- doctor, migrate, demo ---------------------------------------------------------------------------------


def test_migrate_does_its_work_once(call: Call) -> None:
    assert call("migrate", "--json").document == {"version": "0007", "changed": True}
    assert call("migrate", "--json").document == {"version": "0007", "changed": False}


def test_doctor_finds_everything_in_order(replayed: Call) -> None:
    ended = replayed("doctor", "--json")
    assert ended.code == 0, ended.out
    assert ended.document["ok"] is True
    states = {one["name"]: one["state"] for one in ended.document["checks"]}
    assert set(states) >= {
        *("python", "libraries", "home", "disk", "server", "time zone", "clock", "database", "ledger rights"),
        *("table rights", "ledger", "pipelines", "turning models"),
    }
    assert set(states.values()) <= {"ok", "warn"}


def test_doctor_before_anything_was_done(call: Call) -> None:
    ended = call("doctor")
    assert ended.code == 0
    assert "ledger: run `heliotrope migrate`" in ended.out


def test_doctor_survives_a_dead_server(call: Call) -> None:
    ended = call("doctor", "--database", "postgresql://ann:s3cret@127.0.0.1:1/x")
    assert ended.code == 1
    assert "s3cret" not in ended.out + ended.err
    assert "database: start the server" in ended.out
    document = call("doctor", "--database", "postgresql://127.0.0.1:1/x", "--json").document
    assert document["ok"] is False
    assert {one["name"]: one["state"] for one in document["checks"]}["database"] == "fail"


def test_doctor_names_a_right_that_is_lacking(call: Call, database_url: str) -> None:
    call("migrate")
    role = f"reader_{next(_numbers)}_{os.getpid()}"
    _execute(database_url, f"CREATE ROLE {role} LOGIN; REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    try:
        ended = call("doctor", "--json", "--database", database_url.replace("//postgres:", f"//{role}:"))
        states = {one["name"]: one for one in ended.document["checks"]}
        assert ended.code == 1
        assert states["ledger rights"]["state"] == "fail"
        assert "GRANT USAGE ON SCHEMA heliotrope" in states["ledger rights"]["remedy"]
        assert states["table rights"]["state"] == "warn"
    finally:
        _execute(database_url, f"DROP ROLE {role}")


def test_doctor_finds_a_home_that_cannot_be_written(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("file").touch()
    monkeypatch.setenv("HELIOTROPE_HOME", str(Path("file") / "home"))
    checks = {one["name"]: one for one in call("doctor", "--json").document["checks"]}
    assert checks["home"]["state"] == "fail"


@pytest.mark.heavy
def test_demo_twice_leaves_the_same_files_and_passes_over_what_is_done(call: Call) -> None:
    first = call("demo", "--hours", "4", "--folder", "out")
    assert first.code == 0, first.err
    names = ("report.html", "continuous-training.gif", "data.gif", "rotating_gaussians.yaml")
    assert {file.name for file in Path("out").iterdir()} - {"continuous-training.mp4"} == set(names)
    for name in names[:3]:
        assert str((Path("out") / name).resolve()) in first.out
    gif = Path("out/continuous-training.gif").read_bytes()
    assert gif.startswith(b"GIF8")
    second = call("demo", "--hours", "4", "--folder", "out", "--json")
    assert (second.code, second.err) == (0, "")
    document = second.document
    assert (document["ran"], document["passed_over"], document["unregistered"]) == (0, 4, 0)
    assert Path("out/continuous-training.gif").read_bytes() == gif
    by_hand = re.findall(r"^  heliotrope (.*)$", first.out, re.MULTILINE)
    assert [line.split()[0] for line in by_hand] == ["load", "replay", "report", "champion", "status"]
    for line in by_hand:
        if not line.startswith(("replay", "report")):  # of 48 hours: another test's
            assert call(*shlex.split(line)).code == 0, line


@pytest.mark.heavy
def test_every_example_of_the_help_works(call: Call) -> None:
    """In the order in which a user would come to them, in a folder that holds the example's file."""
    Path("rotating_gaussians.yaml").write_bytes(EXAMPLE.read_bytes())
    order = [
        *(
            "migrate",
            "load",
            "init",
            "validate",
            "replay",
            "run",
            "run-step",
            "reconcile",
            "status",
            "history",
            "drift",
        ),
        *(
            "champion",
            "whatif",
            "promote",
            "pin",
            "unpin",
            "rollback",
            "sql-means",
            "report",
            "notify",
            "metrics",
            "doctor",
        ),
    ]
    examples = {file.stem: file.read_text(encoding="utf-8") for file in GOLDEN.iterdir()}
    assert set(examples) - {"heliotrope", "sql", "demo", "ui"} == set(order)
    for verb in order:
        found = re.search(r"Example:\n    heliotrope (.*)\n", examples[verb])
        assert found
        ended = call(*shlex.split(found[1]))
        assert ended.code == 0, f"{found[1]}: {ended.err}{ended.out}"


# --- stopped in the middle ---------------------------------------------------------------------------------


def _started(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "heliotrope", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _lines(stream: Any) -> Iterator[str]:
    yield from iter(stream.readline, "")


def test_ctrl_c_ends_with_130_and_the_same_command_goes_on(call: Call) -> None:
    _declare("turning", dataset=yaml.safe_load(EXAMPLE.read_text())["dataset"])
    call("load")
    running = _started("replay")
    assert running.stderr is not None
    for line in _lines(running.stderr):
        if line.startswith("replay turning"):
            break
    time.sleep(0.3)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=60)
    assert running.returncode == 130, (out, err)
    found = re.search(r"error: stopped; (\d+) of 48 intervals are done, each of them whole", err)
    assert found, err
    assert "remedy: the same command goes on where this one stopped" in err
    assert "Traceback" not in err
    after = call("replay", "--json").document
    assert after["passed_over"] >= int(found[1]) - 1
    assert after["ran"] + after["passed_over"] == 48


def test_ctrl_c_in_a_load_says_how_far_it_came(turning: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    from heliotrope import datasets

    read = datasets.read

    def stopped(*arguments: Any, **named: Any) -> Iterator[Any]:
        yield from itertools.islice(read(*arguments, **named), 2)
        raise KeyboardInterrupt

    monkeypatch.setattr(datasets, "read", stopped)
    ended = turning("load")
    assert ended.code == 130
    assert "error: stopped; 2 intervals loaded, each of them whole\nremedy: run the same command again\n" in ended.err


def test_a_reader_that_goes_away_ends_the_verb_quietly(replayed: Call) -> None:
    running = _started("history", "--all")
    assert running.stdout is not None
    assert running.stderr is not None
    running.stdout.close()
    assert running.stderr.read() == ""
    assert running.wait(timeout=60) == 141
    running.stderr.close()
