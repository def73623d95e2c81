"""A pipeline on record whose declaration changes: what is said, what is kept, and that it goes on."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg
import pytest

import world
from heliotrope import cycle, publish, succession
from heliotrope.candidates.model import Model
from heliotrope.context import Context
from heliotrope.database import Database
from heliotrope.errors import ModelError, SchemaError
from heliotrope.ledger import CycleSummary, Declared, champions, cycles, declarations, migrate, recorded
from heliotrope.records import Action
from heliotrope.replay import changed, incomparable, reevaluate

WITH_Z = {"features": ["x", "y", "z"]}
TREE = [world.PIPELINE["candidates"][1]]


@pytest.fixture
def told() -> list[str]:
    """What a context has said."""
    return []


class Place:
    """A database with eight hours that have a third feature, and a folder for models."""

    def __init__(self, database: Database, folder: Path, told: list[str]) -> None:
        self.database = database
        self.folder = folder
        self.told = told
        world.fill(database, 8)
        self.sql("ALTER TABLE continuous_training ADD COLUMN z double precision")
        self.sql("UPDATE continuous_training SET z = x + y")

    def sql(self, query: str) -> None:
        with psycopg.connect(self.database.url) as connection:
            connection.execute(query.encode())

    def open(self, **changes: Any) -> Context:
        migrate(self.database)
        return Context(
            world.pipeline(**changes),
            self.database,
            folder=self.folder,
            notice=lambda text, remedy: self.told.append(text),
        )

    def run(self, first: int, end: int, **changes: Any) -> tuple[CycleSummary, ...]:
        """Run the hours under a declaration, and say what is on record of them."""
        with self.open(**changes) as context:
            for hour in world.hours(8)[first:end]:
                assert cycle.run(context, hour)
            return cycles(context.ledger.connection, context.ledger.pipeline_id)[first:end]

    def declared(self, context: Context) -> tuple[Declared, ...]:
        return declarations(context.ledger.connection, context.ledger.pipeline_id)


@pytest.fixture
def place(database: Database, tmp_path: Path, told: list[str]) -> Place:
    """Where the tests of this page happen."""
    return Place(database, tmp_path, told)


def reasons(summary: CycleSummary, stage: str) -> list[str]:
    return next(list(one["reasons"]) for one in summary.decisions if one["stage"] == stage)


def challengers(summary: CycleSummary) -> dict[str, Mapping[str, Any]]:
    return {one["candidate"]: one for one in summary.evaluations if one["role"] == "challenger"}


def test_another_table_is_said_once_and_every_declaration_is_on_record(place: Place, told: list[str]) -> None:
    place.sql("CREATE VIEW clean AS SELECT * FROM continuous_training")
    place.run(0, 2)
    assert told == []
    other = {"source": {"table": "clean", "time": "time"}, "classes": ["A", "B", "C"]}
    second = place.run(2, 3, **other)
    (line,) = told
    assert line.startswith("turning reads other data than before, from now on: ")
    assert "source.table 'continuous_training', now 'clean'; classes None, now ['A', 'B', 'C']" in line
    place.run(3, 4, **other)
    assert len(told) == 1
    place.run(4, 5)
    with place.open() as context:
        known = place.declared(context)
        assert changed(context, world.hours(5)) == ()
    assert [one.first for one in known] == [world.hours(8)[hour].start for hour in (0, 2, 4)]
    assert [[change.key for change in one.changes] for one in known] == [[], *[["source.table", "classes"]] * 2]
    assert known[0].config == known[2].config
    assert known[0].recorded_at < known[1].recorded_at < known[2].recorded_at
    assert second[0].declaration == known[1].id


def test_another_setting_is_on_record_and_not_said(place: Place, told: list[str]) -> None:
    place.run(0, 1)
    place.run(1, 2, seed=5)
    with place.open(seed=5) as context:
        assert [[change.key for change in one.changes] for one in place.declared(context)] == [[], ["seed"]]
    assert told == []


def test_a_declaration_that_is_refused_is_not_on_record(place: Place) -> None:
    place.run(0, 1)
    with pytest.raises(Exception, match="another name"):
        place.run(1, 2, interval="2h")
    with place.open() as context:
        assert len(place.declared(context)) == 1


def test_after_a_feature_is_added_recorded_intervals_are_what_they_were(place: Place, told: list[str]) -> None:
    place.run(0, 4)
    place.run(4, 6, **WITH_Z)
    assert told == ["turning reads other data than before, from now on: features: 'z' added"]
    with place.open(**WITH_Z) as context:
        assert changed(context, world.hours(6)) == ()
        place.sql(f"UPDATE continuous_training SET z = 0 WHERE time <= '{world.hours(8)[4].start}'")
        (late,) = changed(context, world.hours(6))
        assert late.interval == world.hours(8)[4]
        place.sql(f"UPDATE continuous_training SET x = 0 WHERE time = '{world.hours(8)[1].start}'")
        early, late = changed(context, world.hours(6))
        assert early.interval == world.hours(8)[1]
        assert reevaluate(context, early)
        assert reevaluate(context, late)
        assert changed(context, world.hours(6)) == ()
        assert not reevaluate(context, late), "it is compared with the revision that was recorded"


def test_an_unchanged_interval_is_not_scored_again_under_other_features(place: Place) -> None:
    place.run(0, 2)
    with place.open(**WITH_Z) as context:
        ledger = context.ledger
        hour = world.hours(8)[1]
        (record,) = recorded(ledger.connection, ledger.pipeline_id, "", hour.start, hour.end)
        assert not reevaluate(context, record)


def test_another_order_of_the_features_is_nothing(place: Place, told: list[str]) -> None:
    place.run(0, 3)
    (fourth,) = place.run(3, 4, features=["y", "x"])
    assert fourth.champion is not None
    assert told == []
    with place.open(features=["y", "x"]) as context:
        assert changed(context, world.hours(4)) == ()


def test_a_champion_that_needs_a_removed_feature_competes_on_the_same_rows(place: Place, told: list[str]) -> None:
    place.run(0, 4, **WITH_Z)
    (fifth,) = place.run(4, 5)
    assert told == ["turning reads other data than before, from now on: features: 'z' removed"]
    assert fifth.champion is not None
    assert fifth.champion["metrics"]["accuracy"] > 0.8
    assert {one["gain"]["rows"] for one in challengers(fifth).values()} == {fifth.rows}
    with place.open() as context:
        champion = context.ledger.champion_at(world.hours(8)[4].end)
        assert champion is not None
        assert set(context.serving(champion).kinds) == {"x", "y"}, "candidates are trained on what is declared"
    place.run(5, 8)


def test_the_batch_is_the_same_with_the_champion_s_columns_and_without(place: Place) -> None:
    hour = world.hours(8)[4]
    with place.open() as context:
        both = context.batches(hour, also={"z": "numeric", "gone": "numeric"})[0]
        plain = context.batches(hour)[0]
        assert both.table.column_names == [*context.pipeline.columns, "z"]
        context.forget(hour)
        alone = context.batches(hour)[0]
        assert plain.content_hash == both.content_hash == alone.content_hash
        assert plain.table == alone.table == both.table.select(context.pipeline.columns)


def test_nulls_that_only_the_champion_minds_drop_no_rows_of_the_candidates(place: Place) -> None:
    place.run(0, 4, **WITH_Z)
    hour = world.hours(8)[4]
    place.sql(f"UPDATE continuous_training SET z = NULL WHERE time = '{hour.start}' AND class = 'A'")
    place.sql(f"UPDATE continuous_training SET z = 'inf' WHERE time = '{hour.start}' AND class = 'B'")
    (fifth,) = place.run(4, 5)
    assert (fifth.rows_read, fifth.rows) == (300, 300)
    (problem,) = fifth.problems
    assert (problem["column"], problem["rows"], problem["done"]) == ("z", 200, "allow")
    assert {one["gain"]["rows"] for one in challengers(fifth).values()} == {100}
    with psycopg.connect(place.database.url) as connection:
        scored = connection.execute(
            "SELECT evaluation.rows FROM heliotrope.evaluation JOIN heliotrope.batch ON batch.id = batch_id"
            " JOIN heliotrope.cycle ON cycle.id = cycle_id WHERE interval_start = %s AND role = 'champion'",
            [hour.start],
        ).fetchone()
    assert scored == (100,)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (
            "ALTER TABLE continuous_training DROP COLUMN z",
            "needs column 'z', which public.continuous_training no longer",
        ),
        ("ALTER TABLE continuous_training ALTER z TYPE text USING 'high'", "needs column 'z' as numeric, which it no"),
        ("UPDATE continuous_training SET z = NULL", "no row has a value in 'z'"),
    ],
)
def test_a_champion_that_cannot_be_scored_is_replaced_and_the_cycle_says_why(
    place: Place, change: str, why: str
) -> None:
    place.run(0, 4, **WITH_Z, trigger={"kind": "schedule", "every": 100})
    place.sql(change)
    (fifth, sixth) = place.run(4, 6, trigger={"kind": "schedule", "every": 100})
    assert fifth.champion is None
    assert [one["action"] for one in fifth.decisions] == ["train", "promote"]
    for stage in ("trigger", "gate"):
        assert why in reasons(fifth, stage)[0]
    assert reasons(fifth, "gate")[1].startswith("taking its place: ")
    assert sixth.champion is not None
    assert [one["action"] for one in sixth.decisions] == ["skip"]


def test_a_cycle_without_a_champion_to_score_goes_on_after_every_step(place: Place) -> None:
    place.run(0, 4, **WITH_Z)
    place.sql("ALTER TABLE continuous_training DROP COLUMN z")
    hour = world.hours(8)[4]
    with place.open() as context:
        opened = cycle.assess(context, hour)
    with place.open() as context:
        opened = cycle.train(context, hour, opened)
    with place.open() as context:
        assert cycle.gate(context, hour, opened).done
        served = champions(context.ledger.connection, context.ledger.pipeline_id)
    assert served[-1].action is Action.PROMOTE
    assert "'z'" in served[-1].reasons[0]


def test_recorded_intervals_of_a_column_that_is_gone_are_counted_and_not_called_changed(place: Place) -> None:
    place.run(0, 4, **WITH_Z)
    place.sql("ALTER TABLE continuous_training DROP COLUMN z")
    place.run(4, 6)
    with place.open() as context:
        assert changed(context, world.hours(6)) == ()
        untold, gone = incomparable(context, world.hours(6))
    assert [one.interval for one in untold] == world.hours(4)
    assert gone == ("z",)


def test_a_time_column_that_was_renamed_leaves_the_record_and_the_champion_as_they_were(
    place: Place, told: list[str]
) -> None:
    varying = [{"name": "varying", "estimator": "heliotrope.candidates.VaryingCoefficientClassifier"}]
    place.run(0, 4, candidates=varying)
    place.sql("ALTER TABLE continuous_training RENAME time TO at")
    now = {"candidates": varying, "source": {"table": "continuous_training", "time": "at"}}
    (fifth,) = place.run(4, 5, **now)
    assert "source.time 'time', now 'at'" in told[0]
    assert fifth.champion is not None
    with place.open(**now) as context:
        assert changed(context, world.hours(5)) == ()


def test_a_champion_of_another_task_is_refused(place: Place) -> None:
    place.run(0, 2)
    with place.open(task="regression", target="y", features=["x"]) as context:
        champion = champions(context.ledger.connection, context.ledger.pipeline_id)[-1]
        with pytest.raises(ModelError, match=r"is a classification of 'A', 'B', 'C'; turning declares a regression"):
            cycle.serving(context, champion)


def test_going_back_to_a_champion_whose_column_is_gone_is_refused(place: Place) -> None:
    place.run(0, 3, **WITH_Z)
    place.run(3, 5)
    place.sql("ALTER TABLE continuous_training DROP COLUMN z")
    with place.open() as context:
        first = champions(context.ledger.connection, context.ledger.pipeline_id)[0]
        with pytest.raises(SchemaError, match=r"needs column 'z'.*does not have"):
            succession.roll_back(context, to=first.id, reason="try", actor="ann")


def test_a_picture_of_a_champion_that_needs_another_column_is_drawn_without_its_regions(place: Place) -> None:
    place.run(0, 4, **WITH_Z)
    place.run(4, 5)
    with place.open() as context:
        assert publish.picture(context, world.hours(8)[4]).exists()


def test_a_champion_whose_candidate_is_declared_no_more_is_still_read(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "homegrown_tree.py").write_text(
        "from sklearn.tree import DecisionTreeClassifier\nclass Own(DecisionTreeClassifier):\n    pass\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    place.run(0, 3, candidates=[{"name": "own", "estimator": "homegrown_tree.Own"}])
    (fourth,) = place.run(3, 4, candidates=TREE)
    assert fourth.champion is not None
    assert fourth.champion["candidate"] == "own"


def test_a_ledger_of_the_first_version_is_brought_to_this_one(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(sys.modules["heliotrope.ledger.migrate"], "CURRENT", "0001")
        migrate(database)
    with psycopg.connect(database.url) as connection:
        connection.execute("INSERT INTO heliotrope.pipeline (name) VALUES ('turning')")
        for mark, config, day in (("a", '{"seed": 1}', 1), ("b", '{"seed": 2}', 3)):
            connection.execute(
                "INSERT INTO heliotrope.pipeline_version (pipeline_id, fingerprint, config, recorded_at)"
                " VALUES (1, %s, %s, make_date(2026, 1, %s))",
                [mark, config, day],
            )
        for hour, version, day in ((0, 1, 2), (1, 2, 3), (2, 1, 5)):
            connection.execute(
                "INSERT INTO heliotrope.cycle (pipeline_id, version_id, interval_start, interval_end, code_version,"
                " started_at) VALUES (1, %s, %s, %s, 'x', make_date(2026, 1, %s))",
                [version, world.hours(3)[hour].start, world.hours(3)[hour].end, day],
            )
    assert migrate(database)
    with psycopg.connect(database.url) as connection:
        found = declarations(connection, 1)
    assert [(one.config["seed"], one.recorded_at.day) for one in found] == [(1, 1), (2, 3), (1, 5)]


def test_a_model_says_what_it_needs(place: Place) -> None:
    place.run(0, 2, **WITH_Z)
    with place.open() as context:
        champion = champions(context.ledger.connection, context.ledger.pipeline_id)[-1]
        model: Model = context.serving(champion)
        assert context.undeclared(model) == {"z": "numeric"}
        assert context.lacking(["x", "z", "w"]) == ("w",)
