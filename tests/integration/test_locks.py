"""Waiting for what another session holds: said after a moment, with who holds it, and not for ever."""

from __future__ import annotations

import signal
import threading
import time
from datetime import datetime

import psycopg
import pyarrow as pa
import pytest

from heliotrope import locks
from heliotrope.config import Pipeline, parse
from heliotrope.database import Database, lock_key
from heliotrope.errors import ConnectionLostError, DatabaseError, LockedError
from heliotrope.interval import interval_at, parse_step, parse_time
from heliotrope.ledger import Ledger, migrate
from heliotrope.store import Rows

HOUR = interval_at(parse_time("2026-11-24T05:00"), parse_step("1h"))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tenth of a second without a word, one and a half in all."""
    monkeypatch.setattr(locks, "SILENT", 0.1)
    monkeypatch.setattr(locks, "LIMIT", 1.5)


@pytest.fixture
def pipeline() -> Pipeline:
    """One that nothing is run of."""
    return parse(
        {
            "name": "clicks",
            "source": {"table": "events", "time": "time"},
            "interval": "1h",
            "features": ["x"],
            "target": "y",
            "task": "regression",
            "candidates": [
                {
                    "name": "linear",
                    "estimator": "sklearn.linear_model.LinearRegression",
                    "window": {"kind": "sliding", "intervals": 2},
                }
            ],
        },
        where="the test",
    )


def _holding(url: str) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(url, application_name="nightly job")


def _table(time: datetime) -> pa.Table:
    return pa.table({"time": pa.array([time], pa.timestamp("us", "UTC")), "x": [1.0]})


def test_a_pipelines_lock_is_waited_for_with_a_word(
    database: Database, database_url: str, pipeline: Pipeline, caplog: pytest.LogCaptureFixture
) -> None:
    migrate(database)
    with _holding(database_url) as other, Ledger(database, pipeline) as ledger:
        other.execute("SELECT pg_advisory_lock(%s)", [lock_key("cycle", "clicks", "")])
        free = threading.Timer(0.6, other.close)
        free.start()
        with ledger.lock():
            pass
        free.join()
    assert "waiting for the lock of clicks, held by PostgreSQL's process" in caplog.text
    assert "(nightly job, idle in transaction since 20" in caplog.text
    with Ledger(database, pipeline) as ledger, ledger.lock():
        timeout = ledger.connection.execute("SHOW lock_timeout").fetchone()
    assert timeout == ("0",)


def test_a_pipelines_lock_is_not_waited_for_for_ever(
    database: Database, database_url: str, pipeline: Pipeline, caplog: pytest.LogCaptureFixture
) -> None:
    migrate(database)
    with _holding(database_url) as other, Ledger(database, pipeline) as ledger:
        other.execute("SELECT pg_advisory_lock(%s)", [lock_key("cycle", "clicks", "")])
        with (
            pytest.raises(LockedError, match=r"the lock of clicks was not free .* \(nightly job") as raised,
            ledger.lock(),
        ):
            pass
    assert raised.value.exit_code == 4
    assert "pg_terminate_backend" in raised.value.remedy


@pytest.mark.parametrize("held", ["SHARE", "ACCESS EXCLUSIVE"])
def test_writing_behind_a_lock_on_the_table_says_who_holds_it(
    database: Database, database_url: str, caplog: pytest.LogCaptureFixture, held: str
) -> None:
    rows = Rows(database, "events", "time")
    rows.replace(HOUR, _table(HOUR.start))
    with _holding(database_url) as other:
        other.execute("LOCK TABLE events IN " + held + " MODE")
        free = threading.Timer(0.6, other.close)
        free.start()
        assert rows.replace(HOUR, _table(HOUR.start)).written == 1
        free.join()
    assert "waiting for the lock on public.events, held by PostgreSQL's process" in caplog.text
    assert "nightly job" in caplog.text
    assert rows.read(HOUR.start, HOUR.end, ["x"]).num_rows == 1
    rows.close()


def test_ctrl_c_ends_the_wait_for_a_lock(
    database: Database, database_url: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "LIMIT", 60.0)
    monkeypatch.setattr("heliotrope.store.rows.SILENT", 0.1)
    rows = Rows(database, "events", "time")
    rows.replace(HOUR, _table(HOUR.start))
    with _holding(database_url) as other:
        other.execute("LOCK TABLE events")

        def interrupt(main: int) -> None:
            while "waiting for the lock" not in caplog.text:
                time.sleep(0.05)
            time.sleep(0.1)
            signal.pthread_kill(main, signal.SIGINT)

        threading.Thread(target=interrupt, args=[threading.get_ident()], daemon=True).start()
        begun = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            rows.replace(HOUR, _table(HOUR.start))
        assert time.monotonic() - begun < 30
    assert rows.replace(HOUR, _table(HOUR.start)).deleted == 1
    rows.close()


def test_reading_behind_a_lock_ends_with_an_error_in_time(database: Database, database_url: str) -> None:
    rows = Rows(database, "events", "time")
    rows.replace(HOUR, _table(HOUR.start))
    with _holding(database_url) as other:
        other.execute("LOCK TABLE events")
        with pytest.raises(LockedError, match="nightly job"):
            rows.read(HOUR.start, HOUR.end, ["x"])
        with pytest.raises(LockedError, match="nightly job"):
            rows.span()
        with pytest.raises(LockedError, match="another session holds a lock"):
            rows.span(seconds=0.2)
    rows.close()


def test_connections_are_named_in_the_databases_own_lists(database: Database) -> None:
    database.application = "heliotrope replay clicks"
    with database.connect() as connection:
        assert connection.execute("SHOW application_name").fetchone() == ("heliotrope replay clicks",)
    with database.connect_arrow() as arrow, arrow.cursor() as cursor:
        cursor.execute("SELECT current_setting('application_name')")
        assert cursor.fetchall() == [("heliotrope replay clicks",)]


def test_a_limit_on_statements_is_none_on_waiting_for_the_lock(database: Database, pipeline: Pipeline) -> None:
    migrate(database)
    limited = Database(psycopg.conninfo.make_conninfo(database.url, options="-c statement_timeout=50"))
    with Ledger(database, pipeline) as one, Ledger(limited, pipeline) as two, one.lock():
        freed = threading.Timer(0.4, one.close)
        freed.start()
        with two.lock():
            assert two.connection.execute("SHOW statement_timeout").fetchone() == ("50ms",)
            assert two.connection.execute("SHOW lock_timeout").fetchone() == ("0",)


def test_a_role_that_has_no_connection_left_is_told_so(database: Database) -> None:
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute("CREATE ROLE narrow LOGIN CONNECTION LIMIT 1")
        try:
            url = psycopg.conninfo.make_conninfo(database.url, user="narrow", password="x")
            narrow = Database(url)
            with narrow.connect(), pytest.raises(ConnectionLostError, match="too many") as caught:
                narrow.connect()
            assert "let the role or the server have more" in caught.value.remedy
        finally:
            connection.execute("DROP ROLE narrow")


def test_a_ledger_that_is_dropped_meanwhile_is_told_so(database: Database, pipeline: Pipeline) -> None:
    migrate(database)
    with Ledger(database, pipeline) as ledger, ledger.lock():
        with psycopg.connect(database.url) as connection:
            connection.execute("DROP SCHEMA heliotrope CASCADE")
        with pytest.raises(DatabaseError, match=r'"heliotrope\.\w+" does not exist') as caught:
            ledger.find(HOUR)
        assert "heliotrope migrate" in caught.value.remedy
