"""Cycles on a real PostgreSQL: what is recorded, in which order, and that it is recorded once."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pytest
from sklearn.tree import DecisionTreeClassifier

import world
from heliotrope import cycle, streams, succession
from heliotrope.context import Context
from heliotrope.database import Database
from heliotrope.errors import ArtifactError, ConfigError, EstimatorError, LedgerError, ValidationError
from heliotrope.interval import Interval
from heliotrope.ledger import Ledger, champions, cycles, migrate, version
from heliotrope.records import Action
from heliotrope.replay import changed, reevaluate, replay, span_of
from heliotrope.store import Rows


@pytest.fixture
def context(database: Database, tmp_path: Path) -> Iterator[Context]:
    """The turning stream's first eight hours, nothing run yet."""
    world.fill(database, 8)
    with world.opened(database, tmp_path) as opened:
        yield opened


def run(context: Context, count: int) -> None:
    for hour in world.hours(count):
        cycle.run(context, hour)


def summaries(context: Context) -> Any:
    return cycles(context.ledger.connection, context.ledger.pipeline_id)


def rewrite(context: Context, hour: Interval, change: Any) -> None:
    """Change the stored rows of an hour."""
    table = context.rows.read(hour.start, hour.end, context.pipeline.columns[1:])
    context.rows.replace(hour, change(table))


def test_the_first_cycle_has_nothing_to_score_and_trains_the_first_candidate(context: Context) -> None:
    run(context, 1)
    (first,) = summaries(context)
    assert first.done
    assert first.champion is None
    assert [one["action"] for one in first.decisions] == ["train", "promote"]
    assert first.rows == 300
    champion = context.ledger.champion_at(world.hours(1)[0].end)
    assert champion is not None
    assert champion.candidate == "extrapolated"
    assert context.ledger.champion_at(world.hours(1)[0].start) is None


def test_a_champion_is_scored_on_rows_it_was_not_trained_on(context: Context) -> None:
    run(context, 5)
    for hour, summary in zip(world.hours(5)[1:], summaries(context)[1:], strict=True):
        champion = context.ledger.champion_at(hour.start)
        assert champion is not None
        assert champion.training.window.end <= hour.start
        assert summary.champion is not None
        assert 0.8 < summary.champion["metrics"]["accuracy"] <= 1


def test_challengers_are_scored_on_the_same_rows_without_having_seen_them(context: Context) -> None:
    run(context, 4)
    last = summaries(context)[-1]
    challengers = [one for one in last.evaluations if one["role"] == "challenger"]
    assert [one["candidate"] for one in challengers] == ["extrapolated", "tree"]
    assert all(one["gain"]["rows"] == last.rows for one in challengers)
    with psycopg.connect(context.database.url) as connection:
        late = connection.execute(
            "SELECT count(*) FROM heliotrope.training JOIN heliotrope.cycle ON cycle.id = cycle_id"
            " WHERE role = 'challenger' AND window_end > interval_start"
        ).fetchone()
    assert late == (0,)


def test_a_cycle_that_is_done_is_not_run_again(context: Context) -> None:
    run(context, 3)
    before = world.ledger(context.database)
    assert not any(cycle.run(context, hour) for hour in world.hours(3))
    assert world.ledger(context.database) == before


@pytest.mark.parametrize("until", ["assess", "train"])
def test_a_cycle_cut_off_after_a_step_goes_on_there_in_another_process(
    context: Context, tmp_path: Path, until: str
) -> None:
    hours = world.hours(4)
    run(context, 3)
    opened = cycle.assess(context, hours[3])
    if until == "train":
        opened = cycle.train(context, hours[3], opened)
    context.close()
    with Context(context.pipeline, context.database, folder=tmp_path) as other:
        assert cycle.run(other, hours[3])
        done = world.ledger(other.database)
        with psycopg.connect(other.database.url) as connection:
            connection.execute("DELETE FROM heliotrope.cycle WHERE interval_start = %s", [hours[3].start])
        other.forget(hours[3])
        assert cycle.run(other, hours[3])
        assert world.ledger(other.database) == done


def test_an_empty_interval_is_held_and_the_next_one_goes_on(context: Context) -> None:
    hours = world.hours(6)
    context.rows.replace(hours[2], pa.table(context.rows.read(hours[2].start, hours[2].end, ["x", "y", "class"])[:0]))
    run(context, 6)
    held = summaries(context)[2]
    assert [one["action"] for one in held.decisions] == ["hold"]
    assert held.verdict == "held"
    assert held.decisions[0]["reasons"]
    after = summaries(context)[3]
    assert after.champion is not None
    assert after.decision["action"] == "promote"


def test_a_rule_that_says_fail_ends_with_an_error_and_records_nothing(database: Database, tmp_path: Path) -> None:
    world.fill(database, 3)
    with world.opened(database, tmp_path, validation={"min_rows": 1000, "on_too_few": "fail"}) as context:
        with pytest.raises(ValidationError, match="300"):
            run(context, 1)
        assert summaries(context) == ()


def test_rows_that_cannot_be_used_are_dropped_and_counted(context: Context) -> None:
    hour = world.hours(1)[0]

    def spoil(table: pa.Table) -> pa.Table:
        x = [
            None if place < 5 else float("inf") if place < 9 else value
            for place, value in enumerate(table["x"].to_pylist())
        ]
        return table.set_column(1, "x", pa.array(x))

    with psycopg.connect(context.database.url) as connection:
        rewrite(context, hour, spoil)
        assert connection.execute("SELECT count(*) FROM continuous_training WHERE x IS NULL").fetchone() == (5,)
    run(context, 1)
    first = summaries(context)[0]
    assert (first.rows_read, first.rows) == (300, 291)
    assert sum(problem["rows"] for problem in first.problems) == 9


def test_a_class_the_champion_does_not_know_holds_the_batch(context: Context) -> None:
    hours = world.hours(4)
    run(context, 3)

    def rename(table: pa.Table) -> pa.Table:
        return table.set_column(3, "class", pa.array(["Ñ'; --"] * 10 + table["class"].to_pylist()[10:]))

    rewrite(context, hours[3], rename)
    cycle.run(context, hours[3])
    last = summaries(context)[-1]
    assert last.decisions[0]["action"] == "hold"
    assert "Ñ'; --" in last.decisions[0]["reasons"][0]


@pytest.mark.parametrize("back", [False, True])
def test_a_class_that_was_met_before_is_known_though_the_last_window_had_none(
    database: Database, tmp_path: Path, back: bool
) -> None:
    world.fill(database, 6)
    with psycopg.connect(database.url) as connection:
        connection.execute(
            "DELETE FROM continuous_training WHERE class <> 'A' AND time >= %s AND time < %s",
            [world.hours(4)[2].start, world.hours(4)[3].end],
        )
    last = {"kind": "sliding", "intervals": 1}
    candidates = [{"name": "linear", "estimator": "sklearn.linear_model.LogisticRegression", "window": last}]
    candidates += [{"name": "tree", "estimator": "sklearn.tree.DecisionTreeClassifier", "window": last}]
    with world.opened(database, tmp_path, candidates=candidates) as context:
        for hour in world.hours(6):
            cycle.run(context, hour)
            if back and hour == world.hours(4)[3]:
                succession.promote(context, "tree", reason="one class alone", actor="ann")
                succession.roll_back(context, to=None, reason="back", actor="ann")
        served = champions(context.ledger.connection, context.ledger.pipeline_id)
        found = summaries(context)
    assert {one.verdict for one in found} == {"ok"}
    assert {one.classes for one in served} == {("A", "B", "C")}
    assert any(one.training.classes == ("A",) for one in served)


def test_rows_that_come_late_are_found_and_scored_again_on_request(context: Context) -> None:
    hours = world.hours(8)
    run(context, 8)
    assert changed(context, hours) == ()
    decisions = world.ledger(context.database)["decision"]
    rewrite(context, hours[5], lambda table: table.slice(20))
    (late,) = changed(context, hours)
    assert late.interval == hours[5]
    assert reevaluate(context, late)
    assert changed(context, hours) == ()
    assert world.ledger(context.database)["decision"] == decisions
    revised = [row for row in world.ledger(context.database)["evaluation"] if row[1] == 1]
    assert [row[2] for row in revised] == ["champion"]
    assert summaries(context)[5].revision == 1


def test_a_candidate_that_cannot_be_fitted_does_not_stop_the_others(database: Database, tmp_path: Path) -> None:
    world.fill(database, 3)
    broken = {"name": "broken", "estimator": "sklearn.neighbors.KNeighborsClassifier", "params": {"n_neighbors": -1}}
    with world.opened(database, tmp_path, candidates=[broken, world.PIPELINE["candidates"][0]]) as context:
        run(context, 3)
        last = summaries(context)[-1]
        assert any("broken could not be trained" in reason for reason in last.decision["reasons"])
        champion = context.ledger.champion_at(world.hours(3)[2].end)
        assert champion is not None
        assert champion.candidate == "extrapolated"


def test_a_feature_that_is_ignored_is_not_looked_at_for_drift(database: Database, tmp_path: Path) -> None:
    world.fill(database, 3)
    with world.opened(database, tmp_path, drift={"ignore": ["y"], "false_alarms": {"one_in": 100}}) as context:
        run(context, 3)
        looked_at = {one["feature"] for one in summaries(context)[-1].drift}
    assert {"x", "class"} <= looked_at
    assert not [one for one in looked_at if "y" in one]
    with pytest.raises(ConfigError, match=r"drift.ignore: 'z' is not one of the features; known: 'x', 'y'"):
        world.pipeline(drift={"ignore": ["z"]})


def test_a_candidate_without_rows_to_be_trained_on_is_named(database: Database, tmp_path: Path) -> None:
    world.fill(database, 3)
    first, second = (one | {"window": {"kind": "sliding", "intervals": 1}} for one in world.PIPELINE["candidates"][:2])
    with world.opened(database, tmp_path, candidates=[first | {"window": {"kind": "expanding"}}, second]) as context:
        rewrite(context, world.hours(2)[1], lambda rows: rows.slice(0, 0))
        run(context, 3)
        said = f"{second['name']} was not trained: its window holds no usable rows"
        assert said in summaries(context)[-1].decision["reasons"]
        assert said not in summaries(context)[0].decision["reasons"]


class Unpredictable(DecisionTreeClassifier):  # type: ignore[misc] # scikit-learn has no types
    """A tree that cannot be asked."""

    def predict(self, X: Any, check_input: bool = True) -> Any:
        raise ValueError("never")


def test_a_champion_that_fails_to_predict_gives_way_to_one_that_does(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.fill(database, 4)
    monkeypatch.setitem(sys.modules, "unpredictable", sys.modules[__name__])
    failing = {"name": "failing", "estimator": "unpredictable.Unpredictable"}
    with world.opened(database, tmp_path, candidates=[failing, world.PIPELINE["candidates"][1]]) as context:
        run(context, 4)
        first, second, *_ = summaries(context)
        assert first.promoted == "failing"  # nothing could tell yet
        assert second.champion is None
        assert second.decisions[0]["reasons"][0].startswith("the champion cannot be scored: candidate failing: ")
        assert (second.promoted, summaries(context)[-1].champion["candidate"]) == ("tree", "tree")


def test_a_model_file_that_was_changed_is_refused_and_one_can_go_back(context: Context, tmp_path: Path) -> None:
    hours = world.hours(4)
    run(context, 3)
    context.close()
    champion = context.ledger.champion_at(hours[2].end)
    assert champion is not None
    file = context.artifacts.path(champion.training.artifact or "")
    file.write_bytes(file.read_bytes() + b"x")
    with Context(context.pipeline, context.database, folder=tmp_path) as other:
        with pytest.raises(ArtifactError, match=r"was changed.*heliotrope rollback"):
            cycle.run(other, hours[3])
        back = succession.roll_back(other, to=None, reason="file changed", actor="ann")
        assert back.training_id != champion.training_id
        assert cycle.run(other, hours[3])


def test_champions_follow_each_other_without_gap_or_overlap(context: Context) -> None:
    run(context, 8)
    served = champions(context.ledger.connection, context.ledger.pipeline_id)
    assert len(served) > 3
    for before, after in pairwise(served):
        assert before.valid_to == after.valid_from
    assert served[-1].valid_to is None


def test_going_back_twice_goes_back_two_and_promoting_trains(context: Context) -> None:
    run(context, 6)
    served = champions(context.ledger.connection, context.ledger.pipeline_id)
    first = succession.roll_back(context, to=None, reason="worse", actor="ann")
    assert first.training_id == served[-2].training_id
    second = succession.roll_back(context, to=None, reason="worse still", actor="ann")
    assert second.training_id == served[-3].training_id
    assert second.action is Action.ROLL_BACK
    assert second.actor == "ann"
    promoted = succession.promote(context, "tree", reason="by hand", actor="ben")
    assert (promoted.candidate, promoted.reasons) == ("tree", ("by hand",))
    assert promoted.training.window.end == world.hours(6)[-1].end
    assert succession.roll_back(context, to=None, reason="no", actor="ben").training_id == second.training_id
    with pytest.raises(ConfigError, match=r"no candidate 'tre' \(did you mean 'tree'\?\)"):
        succession.promote(context, "tre", reason="", actor="ben")
    with pytest.raises(ConfigError, match="no champion 999"):
        succession.roll_back(context, to=999, reason="", actor="ben")


def test_a_pinned_champion_stays_until_it_is_unpinned(context: Context) -> None:
    hours = world.hours(8)
    run(context, 4)
    pinned = succession.roll_back(context, to=None, reason="the last was wrong", actor="ann", pin=True)
    assert pinned.pinned
    with pytest.raises(LedgerError, match="pinned already"):
        succession.pin(context, reason="again", actor="ann")
    run(context, 6)
    for one in summaries(context)[4:]:
        assert one.champion["candidate"] == pinned.candidate
        assert [decision["action"] for decision in one.decisions] == ["skip"]
        assert one.decision["reasons"][0] == f"{pinned.candidate} is pinned by ann: the last was wrong"
        assert one.decision["reasons"][1].startswith("else train: ")
    assert succession.unpin(context, reason="mended", actor="ben").training_id == pinned.training_id
    with pytest.raises(LedgerError, match="is not pinned"):
        succession.unpin(context, reason="again", actor="ben")
    cycle.run(context, hours[6])
    assert summaries(context)[-1].decisions[0]["action"] == "train"
    assert context.ledger.champion_at(hours[6].end).actor == "heliotrope"  # type: ignore[union-attr]  # one serves
    succession.pin(context, reason="for the audit", actor="ann")
    cycle.run(context, hours[7])
    assert summaries(context)[-1].decision["action"] == "skip"


def test_there_is_nothing_to_go_back_to_at_first(context: Context) -> None:
    with pytest.raises(LedgerError, match="no cycle yet"):
        succession.roll_back(context, to=None, reason="", actor="ann")
    run(context, 1)
    with pytest.raises(LedgerError, match="no earlier champion"):
        succession.roll_back(context, to=None, reason="", actor="ann")


def test_an_estimator_that_is_not_there_is_said(database: Database, tmp_path: Path) -> None:
    world.fill(database, 1)
    missing = {"name": "gone", "estimator": "sklearn.tree.DecisionTreeClasifier"}
    with (
        world.opened(database, tmp_path, candidates=[missing]) as context,
        pytest.raises(EstimatorError, match="DecisionTreeClassifier"),
    ):
        run(context, 1)


def test_replay_passes_over_what_is_done(context: Context) -> None:
    run(context, 3)
    outcomes = list(replay(context, span_of(context)))
    assert [outcome.ran for outcome in outcomes] == [False] * 3 + [True] * 5


def test_hostile_names_are_safe_from_end_to_end(database: Database, tmp_path: Path) -> None:
    names = {"x": 'x"; DROP TABLE a; --', "y": "y'%s {0}", "class": "분류"}
    plain = streams.make("rotating_gaussians", rows=60, seed=1)
    rows = Rows(database, 'schéma."t;\'a"', "time")
    for hour in world.hours(4):
        table = plain.batch(hour).rename_columns(["time", *names.values()])
        classes = [{"A": "가나", "B": "b'; --", "C": '"c"'}[value] for value in table["분류"].to_pylist()]
        rows.replace(hour, table.set_column(3, "분류", pa.array(classes)))
    rows.close()
    with world.opened(
        database,
        tmp_path,
        source={"table": 'schéma."t;\'a"', "time": "time"},
        features=[names["x"], names["y"]],
        target="분류",
    ) as context:
        run(context, 4)
        last = summaries(context)[-1]
        assert last.champion["metrics"]["accuracy"] > 0.9
        assert {one["feature"] for one in last.drift} >= {names["x"], names["y"]}


def test_the_ledger_is_append_only(context: Context) -> None:
    run(context, 1)
    with (
        psycopg.connect(context.database.url) as connection,
        pytest.raises(psycopg.errors.RaiseException, match="append-only"),
    ):
        connection.execute("UPDATE heliotrope.decision SET reasons = '{}'")


def test_a_ledger_that_is_not_there_is_said_with_the_remedy(database: Database) -> None:
    assert version(database) is None
    with Ledger(database, world.pipeline()) as ledger, pytest.raises(LedgerError, match="heliotrope migrate"):
        ledger.find(world.hours(1)[0])
    assert migrate(database)
    assert not migrate(database)


def test_a_ledger_from_the_future_is_refused(database: Database) -> None:
    migrate(database)
    with psycopg.connect(database.url) as connection:
        connection.execute("UPDATE heliotrope.alembic_version SET version_num = '9999'")
    with Ledger(database, world.pipeline()) as ledger, pytest.raises(LedgerError, match="newer than"):
        ledger.find(world.hours(1)[0])
    with pytest.raises(LedgerError, match="newer than"):
        migrate(database)


@pytest.mark.parametrize("change", [{"interval": "2h"}, {"target": "y", "features": ["x"], "task": "regression"}])
def test_another_problem_under_a_name_on_record_is_refused(
    context: Context, tmp_path: Path, change: dict[str, Any]
) -> None:
    run(context, 1)
    with (
        Context(world.pipeline(**change), context.database, folder=tmp_path) as other,
        pytest.raises(ConfigError, match=r"turning is on record with .* another name"),
    ):
        list(replay(other, span_of(other)))
