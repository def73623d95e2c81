"""Event tables on a real PostgreSQL: every interval exactly once, whatever its table is called."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import numpy as np
import psycopg
import pyarrow as pa
import pytest

from heliotrope.database import Database
from heliotrope.errors import ConnectionLostError, DataError, SchemaError
from heliotrope.interval import Interval, interval_at, parse_step, parse_time
from heliotrope.store import Replaced, Rows

HOUR = interval_at(parse_time("2026-11-24T05:00"), parse_step("1h"))


def table(interval: Interval = HOUR, rows: int = 300, seed: int = 0) -> pa.Table:
    rng = np.random.default_rng(seed)
    return pa.table(
        {
            "time": pa.array([interval.start] * rows, pa.timestamp("us", "UTC")),
            "x": rng.normal(size=rows),
            "class": pa.array(["A", "B", "C"] * (rows // 3)),
        }
    )


def test_what_is_written_is_read_back(database: Database) -> None:
    rows = Rows(database, "events", "time")
    written = table()
    assert rows.replace(HOUR, written) == Replaced(written=300, deleted=0)
    read = rows.read(HOUR.start, HOUR.end, ["x", "class"])
    assert read.schema == written.schema
    assert read.sort_by("x").equals(written.sort_by("x"))
    rows.close()


def test_an_interval_is_replaced_and_its_neighbours_are_left_alone(database: Database) -> None:
    rows = Rows(database, "events", "time")
    for shift in (-1, 0, 1):
        rows.replace(HOUR.shift(shift), table(HOUR.shift(shift)))
    assert rows.replace(HOUR, table(rows=30)) == Replaced(written=30, deleted=300)
    assert rows.read(HOUR.start, HOUR.end, ["x"]).num_rows == 30
    assert rows.read(HOUR.shift(-1).start, HOUR.shift(1).end, ["x"]).num_rows == 630
    rows.close()


def test_an_interval_can_be_emptied(database: Database) -> None:
    rows = Rows(database, "events", "time")
    rows.replace(HOUR, table())
    rows.replace(HOUR, table(rows=0))
    assert rows.span() is None
    rows.close()


def test_twelve_writers_at_once_leave_exactly_one_copy(database: Database) -> None:
    """Also of the table itself, which none of them finds at first."""

    def write(number: int) -> int:
        rows = Rows(database, "new schema.events", "time")
        try:
            return rows.replace(HOUR, table(seed=number)).written
        finally:
            rows.close()

    with ThreadPoolExecutor(12) as pool:
        assert list(pool.map(write, range(12))) == [300] * 12
    rows = Rows(database, "new schema.events", "time")
    read = rows.read(HOUR.start, HOUR.end, ["x"])
    rows.close()
    assert read.num_rows == 300
    one_of = [np.sort(table(seed=number)["x"].to_numpy()) for number in range(12)]
    assert any(np.array_equal(np.sort(read["x"].to_numpy()), whole) for whole in one_of)


@pytest.mark.parametrize("name", ['"a;b"', "'; drop table x; --", "표", '"dot.ted"."qu""oted"', "Upper Case", "%s"])
def test_hostile_names_of_tables_and_columns_are_safe(database: Database, name: str) -> None:
    rows = Rows(database, name, "ti\"me';--")
    column = 'x"; drop table y; --'
    data = pa.table({"ti\"me';--": pa.array([HOUR.start], pa.timestamp("us", "UTC")), column: [1.0], "값 %s": ["a"]})
    rows.replace(HOUR, data)
    assert rows.read(HOUR.start, HOUR.end, [column, "값 %s"]).equals(data)
    rows.close()


def test_a_time_column_without_a_zone_is_placed_by_the_pipelines_zone(database: Database) -> None:
    with database.connect() as connection:
        connection.execute("CREATE TABLE local (at timestamp, day date, amount numeric, kind char(3))")
        connection.execute("INSERT INTO local VALUES ('2026-11-24 06:30', '2026-11-24', 1.5, 'abc')")
    rows = Rows(database, "local", "at", time_zone="Europe/Berlin")
    read = rows.read(HOUR.start, HOUR.end, ["amount", "kind"])
    assert read.to_pylist() == [{"at": datetime(2026, 11, 24, 5, 30, tzinfo=UTC), "amount": 1.5, "kind": "abc"}]
    assert rows.span() == (datetime(2026, 11, 24, 5, 30, tzinfo=UTC),) * 2
    rows.close()
    days = Rows(database, "local", "day", time_zone="Europe/Berlin")
    assert days.read(HOUR.start - timedelta(hours=6), HOUR.end, ["kind"]).num_rows == 1
    assert days.span() == (datetime(2026, 11, 23, 23, tzinfo=UTC),) * 2
    days.close()


def test_a_view_is_read_and_the_users_schema_is_never_altered(database: Database) -> None:
    with database.connect() as connection:
        connection.execute("CREATE TABLE raw (at timestamptz, v real)")
        connection.execute("CREATE VIEW seen AS SELECT at, v::float8 * 2 AS twice FROM raw")
        connection.execute("INSERT INTO raw VALUES (%s, 2)", [HOUR.start])
        before = connection.execute("SELECT count(*) FROM pg_attribute").fetchone()
    rows = Rows(database, "seen", "at")
    assert rows.read(HOUR.start, HOUR.end, ["twice"])["twice"].to_pylist() == [4.0]
    rows.close()
    with database.connect() as connection:
        assert connection.execute("SELECT count(*) FROM pg_attribute").fetchone() == before


def test_rows_outside_their_interval_or_without_a_time_are_refused(database: Database) -> None:
    rows = Rows(database, "events", "time")
    with pytest.raises(DataError, match="do not lie in"):
        rows.replace(HOUR, table(HOUR.shift(1)))
    nameless = table().drop_columns(["time"])
    with pytest.raises(DataError, match="no time column 'time'"):
        rows.replace(HOUR, nameless)
    late = table().set_column(0, "time", pa.nulls(300, pa.timestamp("us", "UTC")))
    with pytest.raises(DataError, match="300 rows have no time"):
        rows.replace(HOUR, late)


@pytest.mark.parametrize(
    ("name", "time", "said"),
    [
        ("event", "time", r"no table or view 'event' \(did you mean 'events'\?\)"),
        ("events", "tme", r"no column 'tme' \(did you mean 'time'\?\)"),
        ("events", "x", "is of type float8, not a time"),
    ],
)
def test_what_is_not_there_is_named_with_the_nearest(database: Database, name: str, time: str, said: str) -> None:
    Rows(database, "events", "time").ensure(table().schema)
    with pytest.raises(SchemaError, match=said):
        Rows(database, name, time).span()


def test_an_unknown_time_zone_is_refused(database: Database) -> None:
    Rows(database, "events", "time").ensure(table().schema)
    with pytest.raises(SchemaError, match="no time zone 'Mars/Base'"):
        Rows(database, "events", "time", time_zone="Mars/Base").span()


def test_rows_of_another_type_than_the_tables_are_refused_and_nothing_is_lost(database: Database) -> None:
    rows = Rows(database, "events", "time")
    rows.replace(HOUR, table())
    wrong = table().set_column(1, "x", pa.array(["text"] * 300))
    with pytest.raises(SchemaError, match=r"events\.x is of type float8"):
        rows.replace(HOUR, wrong)
    assert rows.read(HOUR.start, HOUR.end, ["x"]).num_rows == 300
    rows.close()


def test_a_connection_ended_by_the_server_is_said_and_made_again(database: Database) -> None:
    rows = Rows(database, "events", "time")
    rows.replace(HOUR, table())
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    with pytest.raises(ConnectionLostError, match="the connection was lost"):
        rows.read(HOUR.start, HOUR.end, ["x"])
    assert rows.read(HOUR.start, HOUR.end, ["x"]).num_rows == 300
    rows.close()
