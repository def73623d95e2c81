"""What init sees in a table, asked of PostgreSQL."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import psycopg
import pytest

from heliotrope.database import Database
from heliotrope.errors import ConfigError, DataError, HeliotropeError, SchemaError
from heliotrope.profile import Profile, look

ROWS = "FROM generate_series(0, 4799) AS i"  # four days of 1,200


def _made(database: Database, columns: str, rows: str = ROWS, *, name: str = "events") -> None:
    with database.connect(autocommit=True) as connection:
        connection.execute(psycopg.sql.SQL(f"CREATE TABLE {name} AS SELECT {columns} {rows}"))


def _look(database: Database, table: str = "events", **asked: Any) -> Profile:
    with database.connect() as connection:
        return look(connection, table, **asked)


AT = "timestamptz '2026-01-01T00:00Z' + i * interval '72 seconds' AS at"


def test_features_and_their_kinds_target_and_interval_are_found(database: Database) -> None:
    _made(
        database,
        f"{AT}, i AS id, md5(i::text) AS hash, gen_random_uuid() AS key, 'x' AS version, NULL::float8 AS nothing,"
        " now() AS loaded, json_build_object('a', i) AS raw, random() AS price, i % 7 AS weekday,"
        " (i % 5 = 0) AS member, 'shop ' || i % 9 AS shop, CASE WHEN i % 10 = 0 THEN NULL ELSE i END AS wind,"
        " 'c' || i % 3 AS label",
    )
    found = _look(database)
    assert [(one.name, one.type) for one in found.features] == [
        *(("price", "float8"), ("weekday", "int4"), ("member", "bool"), ("shop", "text"), ("wind", "int4")),
    ]
    assert found.left_out == {
        "id": "an id: every row has its own",
        "hash": "an id: every row has its own",
        "key": "an id",
        "version": "the same in every row",
        "nothing": "null in every row",
        "loaded": "another time",
        "raw": "of type json, neither a number nor a text",
    }
    assert (found.time.name, found.target.name, found.target_guessed, found.task) == (
        *("at", "label", True, "classification"),
    )
    assert {one.name: one.nulls for one in found.features}["wind"] == 480
    assert found.classes == {"c0": 1600, "c1": 1600, "c2": 1600}
    assert (found.rows, found.step.length, found.step.rows, found.step.intervals) == (4800, timedelta(hours=6), 300, 16)


@pytest.mark.parametrize(
    ("seconds", "step"),
    [
        *((0.1, timedelta(minutes=1)), (1, timedelta(minutes=5)), (10, timedelta(hours=1))),
        *((300, timedelta(days=1)), (1800, timedelta(weeks=1)), (86400, timedelta(weeks=4))),
    ],
)
def test_the_interval_is_found_by_the_rows(database: Database, seconds: float, step: timedelta) -> None:
    at = f"timestamptz '2026-01-05T00:00Z' + i * interval '{seconds} seconds' AS at"
    _made(database, f"{at}, random() AS x, i % 2 AS y")
    assert _look(database).step.length == step


def test_a_time_that_is_no_year_of_ours_does_no_harm(database: Database) -> None:
    _made(
        database, f"CASE i WHEN 0 THEN 'infinity' WHEN 1 THEN '-infinity' ELSE {AT[:-6]} END AS at, i AS x, i % 2 AS y"
    )
    found = _look(database)
    assert (found.rows, found.step.length) == (4798, timedelta(hours=6))


@pytest.mark.parametrize(
    ("column", "why"),
    [
        ("i % 1000 AS customer_id", "named like an id, with 1000 values"),
        ("'u' || i % 1200 AS name", "1200 values, which are many for categories"),
        ("'u' || i % 120 AS user_key", "named like an id, with 120 values"),
        ("i % 12 AS shop_id", ""),
        ("'s' || i % 300 AS station", ""),
        ("i % 1000 AS metres", ""),
    ],
)
def test_what_stands_for_one_of_many_things_is_left_out(database: Database, column: str, why: str) -> None:
    _made(database, f"{AT}, {column}, random() AS x, i % 2 AS y")
    assert ", ".join(_look(database).left_out.values()) == why


def test_what_is_asked_for_is_taken(database: Database) -> None:
    _made(database, f"{AT}, (timestamp '2026-01-01' + i * interval '1 minute') AS seen, random() AS x, i % 2 AS class")
    found = _look(database, time="seen", target="x", interval=timedelta(minutes=15))
    assert (found.time.name, found.time.type, found.target.name) == ("seen", "timestamp", "x")
    assert (found.task, found.target_guessed, found.step.length) == ("regression", False, timedelta(minutes=15))
    assert found.left_out == {"at": "another time"}


@pytest.mark.parametrize(
    ("columns", "time"),
    [
        ("now()::date AS time, now()::timestamp AS a, now() AS b", "b"),
        ("now()::date AS time, now()::timestamp AS a", "a"),
        ("now() AS updated, now() AS created_at, now() AS seen", "created_at"),
        ("now() AS b, now() AS a", "b"),
    ],
)
def test_the_time_is_chosen_by_type_and_then_by_name(database: Database, columns: str, time: str) -> None:
    _made(database, f"{columns}, random() AS x, i % 2 AS y")
    assert _look(database).time.name == time


def test_a_time_that_is_the_same_in_every_row_is_taken_last(database: Database) -> None:
    _made(database, f"now() AS created_at, {AT[:-6]} AS seen, now()::date AS day, random() AS x, i % 2 AS y")
    found = _look(database)
    assert found.time.name == "seen"
    assert found.other_times == ("created_at", "day")
    assert _look(database, time="day").other_times == ()


@pytest.mark.parametrize(
    ("columns", "target", "task"),
    [
        ("i % 2 AS a, random() AS y", "y", "regression"),
        ("i % 2 AS a, random() AS b", "a", "classification"),
        ("i % 2 AS class, random() AS x, i % 3 AS target", "target", "classification"),
        ("random() AS x, (i % 2 = 0) AS is_late, random() AS b", "is_late", "classification"),
        ("random() AS x, (i % 2)::float8 AS outcome", "outcome", "classification"),
        ("random() AS x, i % 900 AS label", "label", "regression"),
    ],
)
def test_the_target_is_guessed_by_name_and_then_by_values(
    database: Database, columns: str, target: str, task: str
) -> None:
    _made(database, f"{AT}, random() AS other, {columns}")
    found = _look(database)
    assert (found.target.name, found.task, found.target_guessed) == (target, task, True)


def test_a_number_that_is_unique_is_a_feature_unless_its_name_is_an_id_s(database: Database) -> None:
    _made(database, f"{AT}, i AS ticks, i AS order_id, i AS rideId, random() AS x, i % 2 AS y")
    assert [one.name for one in _look(database).features] == ["ticks", "x"]


def test_a_table_of_very_many_columns_is_seen_whole(database: Database) -> None:
    many = ", ".join(f"i % {2 + place} AS c{place}" for place in range(1200))
    _made(database, f"{AT}, {many}, random() AS x", "FROM generate_series(0, 99) AS i")
    found = _look(database, target="x")
    assert len(found.features) == 1200
    assert {one.name: one.distinct for one in found.features}["c40"] == 42


def test_views_and_names_in_quotes_are_seen(database: Database) -> None:
    _made(database, f'{AT}, random() AS "x;y", i % 2 AS "값"', name='"we;ird ""t"""')
    with database.connect(autocommit=True) as connection:
        connection.execute('CREATE VIEW seen AS SELECT * FROM "we;ird ""t"""')
    for table in ('"we;ird ""t"""', 'public."we;ird ""t"""', "seen"):
        found = _look(database, table)
        assert ([one.name for one in found.features], found.target.name) == (["x;y"], "값")


@pytest.mark.parametrize(
    ("columns", "asked", "error", "said"),
    [
        ("i % 2 AS y, random() AS x", {}, SchemaError, "has no timestamptz, timestamp or date column"),
        (AT, {}, ConfigError, "no column of public.events looks like a target"),
        (f"{AT}, i % 2 AS y", {}, ConfigError, "no column that could be a feature"),
        (f"{AT}, i % 2 AS y, random() AS x", {"target": "z"}, SchemaError, "has no column 'z'"),
        (f"{AT}, i % 2 AS y, random() AS x", {"target": "at"}, ConfigError, "cannot be the target"),
        (f"{AT}, i % 2 AS y, json_build_object() AS x", {"target": "x"}, ConfigError, "cannot be the target"),
        (f"{AT}, 1 AS y, random() AS x", {"target": "y"}, ConfigError, "y holds one value in the rows looked at"),
        (f"{AT}, i % 2 AS y, random() AS x", {"time": "x"}, SchemaError, "not a time"),
        (f"{AT}, i % 2 AS y, random() AS x", {"time": "t"}, SchemaError, "has no column 't'"),
    ],
)
def test_what_cannot_be_is_said(
    database: Database, columns: str, asked: dict[str, str], error: type[HeliotropeError], said: str
) -> None:
    _made(database, columns)
    with pytest.raises(error, match=said) as caught:
        _look(database, **asked)
    assert caught.value.remedy


def test_a_table_that_is_absent_or_empty_is_said(database: Database) -> None:
    with pytest.raises(SchemaError, match="there is no table or view 'events'"):
        _look(database)
    _made(database, f"{AT}, random() AS x, i % 2 AS y", f"{ROWS} WHERE false")
    with pytest.raises(SchemaError) as caught:
        _look(database, "event")
    assert caught.value.remedy == "did you mean 'events'?"
    with pytest.raises(DataError, match="holds no rows"):
        _look(database)
