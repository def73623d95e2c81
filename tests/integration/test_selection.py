"""Windows with a row budget, windows cut at changes, and windows streamed: the same rows whenever they are drawn."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pytest

from heliotrope import cycle
from heliotrope.config import Sliding
from heliotrope.database import Database
from heliotrope.errors import ConfigError
from heliotrope.interval import Interval
from heliotrope.store import Rows
from shifted import filled
from shifted import opened as watched
from world import fill, hours, opened, pipeline, replayed


def window(count: int) -> Interval:
    span = hours(count)
    return Interval(span[0].start, span[-1].end)


def skewed(database: Database, count: int) -> None:
    """Hours of 90 rows A, 9 rows B and one row C, all equal in their features."""
    rows = Rows(database, "continuous_training", "time")
    for hour in hours(count):
        labels = ["A"] * 90 + ["B"] * 9 + ["C"]
        times = pa.array([hour.start] * 100, pa.timestamp("us", "UTC"))
        rows.replace(hour, pa.table({"time": times, "x": [1.0] * 100, "y": [2.0] * 100, "class": labels}))
    rows.close()


def drawn(database: Database, folder: Path, count: int, **settings: Any) -> pa.Table:
    with opened(database, folder) as context:
        return cycle.concat(context.sampled(window(count), Sliding(intervals=count, **settings)))


@pytest.mark.parametrize("sample", ["recent", "uniform", "stratified", "balanced"])
def test_a_budget_is_kept_and_drawn_again_the_rows_are_the_same(
    database: Database, tmp_path: Path, sample: str
) -> None:
    fill(database, 6)
    first = drawn(database, tmp_path, 6, max_rows=250, sample=sample)
    assert first.num_rows == 250
    with psycopg.connect(database.url, autocommit=True) as connection:  # the rows change places
        connection.execute("CREATE TABLE other AS SELECT * FROM continuous_training ORDER BY y")
        connection.execute("DROP TABLE continuous_training")
        connection.execute("ALTER TABLE other RENAME TO continuous_training")
    assert drawn(database, tmp_path, 6, max_rows=250, sample=sample).equals(first)
    whole = drawn(database, tmp_path, 6)
    assert set(first["x"].to_pylist()) <= set(whole["x"].to_pylist())


def test_recent_rows_are_the_newest(database: Database, tmp_path: Path) -> None:
    fill(database, 6)
    table = drawn(database, tmp_path, 6, max_rows=450, sample="recent")
    found = Counter(time.hour for time in table["time"].to_pylist())
    assert found == {5: 300, 4: 150}


def test_equal_rows_each_have_their_own_chance(database: Database, tmp_path: Path) -> None:
    skewed(database, 5)
    found = Counter(drawn(database, tmp_path, 5, max_rows=100, sample="uniform")["class"].to_pylist())
    assert sum(found.values()) == 100
    assert 75 <= found["A"] <= 99


def test_a_stratified_sample_keeps_the_shares_and_a_balanced_one_evens_them(database: Database, tmp_path: Path) -> None:
    skewed(database, 5)
    shares = Counter(drawn(database, tmp_path, 5, max_rows=100, sample="stratified")["class"].to_pylist())
    assert shares == {"A": 90, "B": 9, "C": 1}
    even = drawn(database, tmp_path, 5, max_rows=100, sample="balanced")
    assert Counter(even["class"].to_pylist()) == {"A": 50, "B": 45, "C": 5}
    assert Counter(zip(even["time"].to_pylist(), even["class"].to_pylist(), strict=True)).most_common(1)[0][1] == 10


def test_a_window_within_its_budget_is_read_whole(database: Database, tmp_path: Path) -> None:
    fill(database, 2)
    assert drawn(database, tmp_path, 2, max_rows=600).num_rows == 600


def test_another_seed_draws_others(database: Database, tmp_path: Path) -> None:
    fill(database, 3)
    first = drawn(database, tmp_path, 3, max_rows=100)
    with opened(database, tmp_path, seed=7) as context:
        other = cycle.concat(context.sampled(window(3), Sliding(intervals=3, max_rows=100)))
    assert not other.equals(first)


def test_held_intervals_and_rows_without_a_label_are_not_drawn(database: Database, tmp_path: Path) -> None:
    fill(database, 4)
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute("DELETE FROM continuous_training WHERE time = '2026-03-01 02:00Z' AND x < 10 AND y > -9")
        connection.execute(
            "INSERT INTO continuous_training SELECT '2026-03-01 02:00Z', 1, 1, 'A' FROM generate_series(1, 9)"
        )
        connection.execute("UPDATE continuous_training SET class = NULL WHERE time = '2026-03-01 01:00Z' AND x > 0")
    with replayed(database, tmp_path) as context:
        table = cycle.concat(context.sampled(window(4), Sliding(intervals=4, max_rows=400)))
    found = Counter(time.hour for time in table["time"].to_pylist())
    assert 2 not in found
    assert table.num_rows == 400
    assert None not in table["class"].to_pylist()


def test_cycles_run_on_drawn_rows(database: Database, tmp_path: Path) -> None:
    fill(database, 5)
    budget = {"kind": "decayed", "half_life": 2.0, "intervals": 4, "max_rows": 200, "sample": "balanced"}
    tree = {"name": "tree", "estimator": "sklearn.tree.DecisionTreeClassifier", "window": budget}
    replayed(database, tmp_path, candidates=[tree]).close()
    with psycopg.connect(database.url) as connection:
        rows = connection.execute("SELECT max(rows) FROM heliotrope.training").fetchone()
    assert rows is not None
    assert 190 <= rows[0] <= 200


# --- streamed ----------------------------------------------------------------------------------------------

STREAMED = {
    "name": "sgd",
    "estimator": "sklearn.linear_model.SGDClassifier",
    "params": {"loss": "log_loss"},
    "window": {"kind": "sliding", "intervals": 4},
    "stream": True,
}


def test_a_streamed_window_is_fitted_interval_by_interval_and_twice_the_same(
    database: Database, tmp_path: Path
) -> None:
    fill(database, 6)
    replayed(database, tmp_path, candidates=[STREAMED], classes=["A", "B", "C"]).close()
    with psycopg.connect(database.url, autocommit=True) as connection:
        query = (
            "SELECT fingerprint, rows, artifact FROM heliotrope.training WHERE role = 'final' AND failure IS NULL"
            " ORDER BY id"
        )
        first = connection.execute(query).fetchall()
        connection.execute("DELETE FROM heliotrope.pipeline")
    assert first[-1][1] == 1200
    replayed(database, tmp_path, candidates=[STREAMED], classes=["A", "B", "C"]).close()
    with psycopg.connect(database.url) as connection:
        assert connection.execute(query).fetchall() == first


def test_an_estimator_without_partial_fit_cannot_be_streamed(database: Database, tmp_path: Path) -> None:
    fill(database, 2)
    tree = {**STREAMED, "estimator": "sklearn.tree.DecisionTreeClassifier", "params": {}}
    replayed(database, tmp_path, candidates=[tree], classes=["A", "B", "C"]).close()
    with psycopg.connect(database.url) as connection:
        (said,) = connection.execute("SELECT DISTINCT failure FROM heliotrope.training").fetchone() or ("",)
    assert "DecisionTreeClassifier has no partial_fit" in said


@pytest.mark.parametrize(
    ("candidate", "said"),
    [
        (STREAMED, "needs the classes beforehand"),
        ({**STREAMED, "stream": False, "window": {"kind": "drift_cut"}}, "needs a watch for changes"),
    ],
)
def test_what_a_candidate_needs_is_asked_for(candidate: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        pipeline(candidates=[candidate])


# --- cut at changes ----------------------------------------------------------------------------------------


def test_a_window_is_cut_at_the_last_change(database: Database, tmp_path: Path) -> None:
    found = filled(database, 44, x=40)
    tree = {
        "name": "tree",
        "estimator": "sklearn.tree.DecisionTreeClassifier",
        "params": {"max_depth": 1},
        "window": {"kind": "drift_cut", "max_intervals": 24},
    }
    with watched(database, tmp_path, candidates=[tree], trigger={"kind": "schedule"}) as context:
        for hour in found:
            cycle.run(context, hour)
    with psycopg.connect(database.url) as connection:
        windows = connection.execute(
            "SELECT window_end, window_start FROM heliotrope.training WHERE role = 'challenger' ORDER BY window_end"
        ).fetchall()
    starts = {window[0]: window[1] for window in windows}
    assert starts[found[43].start] == found[40].start
    assert starts[found[40].start] < found[35].start
