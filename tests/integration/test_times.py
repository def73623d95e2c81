"""Times that no interval holds, rows far from all others, what was missed, and a status that survives all of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest
import yaml

from command import Call, caller
from heliotrope.database import Database
from heliotrope.interval import floor, format_time
from heliotrope.store import Rows

HOUR = timedelta(hours=1)
BEYOND = ("infinity", "-infinity", "0044-03-15 BC", "20000-01-01", None)
"""Times that PostgreSQL has and no interval holds."""


@pytest.fixture
def call(
    database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Call:
    """``call("status", "--json")`` in an empty folder, on a database with the empty table ``events``."""
    monkeypatch.setenv("HELIOTROPE_DATABASE_URL", database_url)
    monkeypatch.setenv("HELIOTROPE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.chdir(tmp_path)

    _execute(database_url, "CREATE TABLE events (at timestamptz, x float8, y float8, kind text)")
    _declare("events")
    return caller(capsys)


def _declare(name: str, **changes: Any) -> None:
    declared = {
        "name": name,
        "source": {"table": name, "time": "at"},
        "interval": "1h",
        "features": ["x", "y"],
        "target": "kind",
        "candidates": [
            {
                "name": "logistic",
                "estimator": "sklearn.linear_model.LogisticRegression",
                "window": {"kind": "sliding", "intervals": 2},
            }
        ],
        "registry": "none",
        "report": {"pictures": False},
    }
    Path(f"{name}.yaml").write_text(yaml.safe_dump(declared | changes))


def _execute(url: str, query: LiteralString, *parameters: Any) -> list[Any]:
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(query, parameters)
        return cursor.fetchall() if cursor.description else []


def _fill(url: str, start: datetime, hours: int, rows: int = 40) -> None:
    _execute(
        url,
        "INSERT INTO events SELECT %s + hour * interval '1 hour', row %% 2 + sin(row) / 9, cos(row),"
        " CASE row %% 2 WHEN 0 THEN 'A' ELSE 'B' END"
        " FROM generate_series(0, %s - 1) AS hour, generate_series(1, %s) AS row",
        start,
        hours,
        rows,
    )


def _strays(url: str, *times: str | None) -> None:
    for time in times:
        _execute(url, "INSERT INTO events VALUES (%s, 1, 1, 'A')", time)


DAY = datetime(2026, 10, 1, tzinfo=UTC)


# --- times that no interval holds ----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["timestamptz", "timestamp", "date"])
def test_spans_pass_over_times_that_no_interval_holds_and_count_them(database: Database, kind: LiteralString) -> None:
    with database.connect() as connection:
        connection.execute("CREATE TABLE events (at text, x float8)")
        for time in (*BEYOND, "2026-10-01", "2026-10-03"):
            connection.execute("INSERT INTO events VALUES (%s, 1)", [time])
        connection.execute("ALTER TABLE events ALTER at TYPE " + kind + " USING at::" + kind)
    rows = Rows(database, "events", "at")
    assert rows.span() == (DAY, DAY + timedelta(days=2))
    assert rows.span(end=DAY + timedelta(days=1)) == (DAY, DAY)
    assert rows.outside() == len(BEYOND)
    whole = rows.read(datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC), ["x"])
    assert whole.num_rows == 2
    rows.close()


def test_replay_and_status_tell_of_rows_that_no_interval_holds(call: Call, database_url: str) -> None:
    _fill(database_url, DAY, 3)
    _strays(database_url, *BEYOND)
    ended = call("replay", "--json")
    assert (ended.code, ended.document["ran"]) == (0, 3)
    assert "warning: 5 rows of events are in no interval: without a time" in ended.err
    ended = call("status")
    assert ended.code == 0
    assert "events: 5 rows of events are in no interval" in ended.out
    assert call("status", "--json").document["pipelines"][0]["rows_outside"] == 5


def test_init_and_validate_work_beside_rows_that_no_interval_holds(call: Call, database_url: str) -> None:
    _fill(database_url, DAY, 3)
    _strays(database_url, *BEYOND)
    ended = call("init", "events", "--target", "kind", "--out", "drafted.yaml")
    assert ended.code == 0, ended.err
    ended = call("validate", "events.yaml")
    assert ended.code == 0, ended.err
    assert "5 rows of events are in no interval" in " ".join(ended.out.split())
    assert "[2026-10-01T02:00Z, 2026-10-01T03:00Z)" in ended.out


def test_rows_that_all_lie_in_no_interval_are_no_rows_to_replay(call: Call, database_url: str) -> None:
    _strays(database_url, *BEYOND)
    ended = call("replay")
    assert ended.code == 3
    assert "holds no rows to replay: the time of its 5 rows is none, infinite or not of" in ended.err


def test_sql_means_takes_no_time_and_a_percent_in_a_name(call: Call, database_url: str) -> None:
    _fill(database_url, DAY, 2)
    _strays(database_url, *BEYOND)
    _execute(database_url, 'ALTER TABLE events RENAME x TO "100%% %%s x"')
    _declare("events", features=["100% %s x", "y"])
    ended = call("sql", "means", "events.yaml", "--json")
    assert ended.code == 0, ended.err
    assert [row["rows"] for row in ended.document["means"]] == [20, 20, 20, 20]
    assert "100% %s x" in ended.document["features"]


@pytest.mark.parametrize(
    "line",
    [
        "run --interval 9999-12-31T23:00Z",
        "run --interval 9999-12-31T23:30Z",
        "replay --start 9999-12-31T23:00Z",
        "replay --end 0001-01-01T00:00Z",
        "drift --at 9999-12-31T23:59Z",
    ],
)
def test_the_calendars_ends_are_refused_in_words(call: Call, database_url: str, line: str) -> None:
    _fill(database_url, DAY, 1)
    call("replay")
    ended = call(*line.split())
    assert ended.code in (2, 3)
    assert "unexpected" not in ended.err


def test_a_number_of_any_length_is_a_limit_and_is_shown_short(call: Call, database_url: str) -> None:
    _fill(database_url, DAY, 1)
    call("replay")
    assert "2026-10-01T00:00Z" in call("history", "--limit", "9" * 40).out
    for line in (f"rollback --reason x --to {'9' * 400}", f"champion --at {'9' * 400}"):
        ended = call(*line.split())
        assert ended.code == 2
        assert "9" * 100 not in ended.err


# --- rows far from all others --------------------------------------------------------------------------------


def test_a_stray_row_of_1970_does_not_start_half_a_million_cycles(call: Call, database_url: str) -> None:
    _fill(database_url, DAY, 3)
    _strays(database_url, "1970-01-01T03:30Z")
    ended = call("replay")
    assert ended.code == 3
    assert "1970-01-01T03:30Z" in ended.err
    assert "with 1 row before and 120 rows after" in ended.err
    assert "--start 2026-10-01T00:00Z" in ended.err
    assert call("replay", "--start", "2026-10-01T00:00Z", "--json").document["ran"] == 3


def test_a_stray_row_behind_the_others_is_left_out_with_end(call: Call, database_url: str) -> None:
    _fill(database_url, datetime(2020, 1, 1, tzinfo=UTC), 3)
    _strays(database_url, "2026-10-01T00:30Z")
    ended = call("replay")
    assert ended.code == 3
    assert "--end 2020-01-01T03:00Z" in ended.err
    assert call("replay", "--end", "2020-01-01T03:00Z", "--json").document["ran"] == 3


def test_gaps_that_are_short_beside_the_rows_are_run(call: Call, database_url: str) -> None:
    _fill(database_url, DAY, 1)
    _fill(database_url, DAY + 20 * HOUR, 1)
    assert call("replay", "--json").document["ran"] == 21


def test_a_range_of_too_many_intervals_is_refused_even_when_named(call: Call, database_url: str) -> None:
    _fill(database_url, DAY, 1)
    _strays(database_url, "1800-01-01T00:00Z")
    ended = call("replay", "--start", "1800-01-01", "--end", "2026-10-02")
    assert ended.code == 2
    assert "more than 1,000,000 at once" in ended.err


def test_nothing_is_run_before_the_first_row_and_after_the_last(call: Call, database_url: str) -> None:
    _fill(database_url, DAY, 3)
    _strays(database_url, "2090-01-01T00:00Z")
    ended = call("replay", "--start", "2026-09-01", "--end", "2099-01-01")
    assert ended.code == 0
    assert "3 cycles run" in ended.out
    assert "nothing is run before 2026-10-01T00:00Z" in ended.out
    assert "nothing is run from 2026-10-01T03:00Z on" in ended.out
    ended = call("replay", "--start", "2026-10-02")
    assert (ended.code, "its rows are of 2026-10-01T00:00Z to 2026-10-01T03:00Z" in ended.err) == (3, True)


# --- catching up ---------------------------------------------------------------------------------------------


def test_catch_up_runs_what_was_missed_to_the_latest_interval_in_order(call: Call, database_url: str) -> None:
    now = floor(datetime.now(UTC), HOUR)
    _fill(database_url, now - 6 * HOUR, 7)
    assert call("replay", "--end", format_time(now - 4 * HOUR), "--json").document["ran"] == 2
    document = call("run", "--catch-up", "--json").document
    assert [one["interval"]["start"] for one in document["cycles"]] == [
        format_time(now - hours * HOUR) for hours in (4, 3, 2, 1)
    ]
    assert document["ran"] == 4
    assert "0 cycles run, 1 done before" in call("run", "--catch-up").out
    ended = call("run", "--since", format_time(now - 60 * HOUR))
    assert "0 cycles run, 6 done before" in ended.out
    assert f"nothing is run before {format_time(now - 6 * HOUR)}" in ended.out


def test_catch_up_takes_the_latest_interval_though_its_rows_have_not_come(call: Call, database_url: str) -> None:
    now = floor(datetime.now(UTC), HOUR)
    _fill(database_url, now - 4 * HOUR, 2)
    document = call("run", "--catch-up", "--json").document
    assert [one["verdict"] for one in document["cycles"]] == ["ok", "ok", "held", "held"]


def test_catch_up_of_a_history_that_ended_long_ago_names_replay(call: Call, database_url: str) -> None:
    _fill(database_url, datetime(2020, 1, 1, tzinfo=UTC), 3)
    ended = call("run", "--catch-up")
    assert ended.code == 3
    assert "heliotrope replay events.yaml" in ended.err
    now = floor(datetime.now(UTC), HOUR)
    _fill(database_url, now - 2 * HOUR, 2)
    ended = call("run", "--catch-up")
    assert (ended.code, f"--since {format_time(now - 2 * HOUR)}" in ended.err) == (3, True)
    assert call("run", "--catch-up", "--since", format_time(now - 2 * HOUR), "--json").document["ran"] == 2


def test_catch_up_and_one_interval_exclude_each_other(call: Call) -> None:
    ended = call("run", "--catch-up", "--interval", "2026-10-01")
    assert (ended.code, "exclude each other" in ended.err) == (2, True)


# --- status --------------------------------------------------------------------------------------------------


def test_status_shows_every_pipeline_whatever_became_of_the_others_tables(call: Call, database_url: str) -> None:
    _fill(database_url, DAY, 2)
    for name in ("divided", "dropped", "forbidden", "locked"):
        _execute(database_url, f"CREATE TABLE {name} AS TABLE events")
        _declare(name)
        assert call("replay", f"{name}.yaml").code == 0
    assert call("replay", "events.yaml").code == 0
    _execute(database_url, "DROP TABLE divided")
    _execute(
        database_url,
        "CREATE VIEW divided AS"
        " SELECT CASE WHEN 1 / (length(kind) - 1) > 0 THEN at ELSE at END AS at, x, y, kind FROM events",
    )
    _execute(database_url, "DROP TABLE dropped")
    name = f"reader_{database_url.partition('?')[0].rpartition('/')[2]}"
    _execute(
        database_url,
        f"""CREATE ROLE {name} LOGIN;
        GRANT USAGE ON SCHEMA heliotrope TO {name};
        GRANT SELECT ON ALL TABLES IN SCHEMA heliotrope TO {name};
        GRANT SELECT ON events, divided, locked TO {name}""",
    )
    try:
        with psycopg.connect(database_url) as connection:
            connection.execute("LOCK TABLE locked IN ACCESS EXCLUSIVE MODE")
            ended = call("status", "--json", "--database", database_url.replace("postgres:@", f"{name}:@"))
        assert ended.code == 4
        found = {one["pipeline"]: one for one in ended.document["pipelines"]}
        assert found["events"]["error"] is None
        said = {name: one["error"]["error"] for name, one in found.items() if one["error"]}
        assert "division by zero" in said["divided"]
        assert "there is no table or view 'dropped'" in said["dropped"]
        assert "permission denied" in said["forbidden"]
        assert "lock" in said["locked"]
        assert {one["champion"] for one in found.values()} == {"logistic"}
    finally:
        _execute(database_url, f"DROP OWNED BY {name}; DROP ROLE {name}")


def test_status_tells_what_waits_by_the_rows_and_how_old_they_are(call: Call, database_url: str) -> None:
    _fill(database_url, DAY, 3)
    _strays(database_url, "2090-01-01T00:00Z")
    call("replay", "--end", "2026-10-01T02:00Z")
    _execute(database_url, "DELETE FROM events WHERE at > '2080-01-01'")
    out = call("status").out
    assert "1 to go" in out
    assert "last row" in out
    assert "clock" not in out
    one = call("status", "--json").document["pipelines"][0]
    assert (one["intervals_behind_data"], one["last_row"]) == (1, "2026-10-01T02:00Z")
    assert one["last_row_age_seconds"] > 0
    call("replay")
    assert "all done" in call("status").out


# --- a ledger edited by hand ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("edit", "verb", "said"),
    [
        ("UPDATE heliotrope.pipeline_version SET config = '[1]'", "history events", "pipeline_version, row of events"),
        ("UPDATE heliotrope.batch SET problems = '[{}]'", "history events", "cycle, row 1"),
        ("UPDATE heliotrope.evaluation SET metrics = '3'", "history events", "metrics = 3"),
        ("UPDATE heliotrope.evaluation SET metrics = '3'", "replay", "metrics = 3"),
        ("UPDATE heliotrope.step SET seconds = '[2]'", "history events", "seconds = [2]"),
        ("UPDATE heliotrope.decision SET evidence = '{\"a\": []}'", "champion events", "champion, row 1"),
        ("UPDATE heliotrope.training SET window_end = '1990-01-01'", "champion events", "holds nothing"),
        ("UPDATE heliotrope.training SET versions = '7'", "rollback events --reason x", "versions = 7"),
        ("UPDATE heliotrope.cycle SET interval_end = 'infinity'", "rollback events --reason x", "PostgreSQL refuses"),
    ],
)
def test_a_ledgers_row_edited_into_nonsense_is_named(
    call: Call, database_url: str, edit: LiteralString, verb: str, said: str
) -> None:
    _fill(database_url, DAY, 2)
    assert call("replay").code == 0
    _execute(database_url, "SET session_replication_role = replica; " + edit)
    ended = call(*verb.split())
    assert ended.code == 4
    assert said in ended.err
    assert "unexpected" not in ended.err
    ended = call("status")
    assert ended.code in (0, 4)
    assert "events" in ended.out
