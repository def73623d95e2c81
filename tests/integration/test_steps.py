"""Steps called one by one, out of turn, twice and for others: the ledger reads as after a replay."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

import world
from command import Call, caller
from heliotrope import cycle as cycles
from heliotrope import steps, succession
from heliotrope.context import Context
from heliotrope.database import Database
from heliotrope.errors import ConfigError, IntervalError, LedgerError, LockedError
from heliotrope.interval import Interval, format_time, parse_time
from heliotrope.order import Order
from heliotrope.publish import pictures

QUIET: dict[str, Any] = {"report": {"pictures": False}}


def stepped(context: Context, interval: Interval) -> int:
    """The interval's cycle, step by step; its id."""
    cycle = steps.assess(context, interval)
    steps.train(context, cycle.id)
    assert steps.gate(context, cycle.id).done
    return cycle.id


def decided(context: Context) -> list[tuple[str, list[str]]]:
    """By interval: the last decision's action, and the reasons."""
    with psycopg.connect(context.database.url) as connection:
        return connection.execute(
            "SELECT DISTINCT ON (interval_start) action, reasons FROM heliotrope.decision"
            " JOIN heliotrope.cycle ON cycle.id = cycle_id ORDER BY interval_start, decision.id DESC"
        ).fetchall()


@pytest.fixture
def as_replayed(database: Database, tmp_path: Path) -> Callable[[], None]:
    """Asserts that the ledger is that of a replay of the same rows, which it then runs in their place."""

    def check() -> None:
        found = world.ledger(database)
        with psycopg.connect(database.url) as connection:
            connection.execute("DELETE FROM heliotrope.pipeline")
        world.replayed(database, tmp_path / "again", **QUIET).close()
        assert found == world.ledger(database)

    return check


def test_steps_one_by_one_leave_the_ledger_of_a_replay(
    database: Database, tmp_path: Path, as_replayed: Callable[[], None]
) -> None:
    world.fill(database, 5)
    for hour in world.hours(5):
        with world.opened(database, tmp_path, **QUIET) as context:  # each in a process of its own, as it were
            cycle = steps.assess(context, hour)
        with world.opened(database, tmp_path, **QUIET) as context:
            steps.train(context, cycle.id)
        with world.opened(database, tmp_path, **QUIET) as context:
            steps.gate(context, cycle.id)
    as_replayed()


def test_every_step_may_be_called_twice(database: Database, tmp_path: Path, as_replayed: Callable[[], None]) -> None:
    world.fill(database, 3)
    with world.opened(database, tmp_path, **QUIET) as context:
        for hour in world.hours(3):
            cycle = steps.assess(context, hour)
            assert steps.assess(context, hour).id == cycle.id
            assert steps.train(context, cycle.id).steps == steps.train(context, cycle.id).steps
            assert steps.gate(context, cycle.id).done
            assert steps.gate(context, cycle.id).done
            assert steps.train(context, cycle.id).done
    as_replayed()


def test_a_cycle_that_an_earlier_interval_left_open_is_finished_first(
    database: Database, tmp_path: Path, as_replayed: Callable[[], None]
) -> None:
    world.fill(database, 4)
    first, second, third, fourth = world.hours(4)
    with world.opened(database, tmp_path, **QUIET) as context:
        opened = [steps.assess(context, first)]
        steps.train(context, opened[0].id)
        opened += [steps.assess(context, second), steps.assess(context, third), steps.assess(context, fourth)]
        for cycle in opened:
            steps.train(context, cycle.id)
            steps.gate(context, cycle.id)
    as_replayed()


def test_cycles_that_never_began_are_run_from_since_on(
    database: Database, tmp_path: Path, as_replayed: Callable[[], None]
) -> None:
    world.fill(database, 6)
    hours = world.hours(6)
    with world.opened(database, tmp_path, **QUIET) as context:
        stepped(context, hours[0])
        last = steps.assess(context, hours[5], since=hours[0].start)
        steps.train(context, last.id)
        steps.gate(context, last.id)
    as_replayed()


def test_a_person_who_chooses_while_a_cycle_is_under_way_has_the_last_word_from_its_end_on(
    database: Database, tmp_path: Path
) -> None:
    world.fill(database, 5)
    hours = world.hours(5)
    with world.opened(database, tmp_path, **QUIET) as context:
        for hour in hours[:3]:
            stepped(context, hour)
        opened = steps.assess(context, hours[3])
        serving = context.ledger.champion_at(hours[3].start)
        assert serving is not None
        promoted = succession.promote(context, "tree", reason="readable", actor="ann")
        assert (promoted.valid_from, promoted.training.window.end) == (hours[3].end, hours[3].end)
        assert serving == replace(context.ledger.champion_at(hours[3].start) or serving, valid_to=None), "as scored"
        steps.train(context, opened.id)
        assert steps.proposed(context, opened.id) is None
        assert steps.gate(context, opened.id).done
        assert decided(context)[-1] == ("keep", ["tree serves from then on by the word of ann: readable"])
        assert context.ledger.champion_at(hours[3].end) == promoted
        opened = steps.assess(context, hours[4])
        steps.train(context, opened.id)
        assert succession.roll_back(context, to=None, reason="slow", actor="ben").valid_from == hours[4].end
        assert succession.pin(context, reason="for good", actor="ben").valid_from == hours[4].end
        steps.gate(context, opened.id)
        assert (context.ledger.champion_at(hours[4].end) or promoted).pinned


def test_what_is_behind_is_caught_up_with_by_one_call(
    database: Database, tmp_path: Path, as_replayed: Callable[[], None]
) -> None:
    world.fill(database, 6)
    hours = world.hours(6)
    with world.opened(database, tmp_path, **QUIET) as context:
        assert steps.assess(context, hours[0], until=hours[5].end).done
        assert steps.assess(context, hours[5]).done
    as_replayed()


def test_what_is_caught_up_with_is_published_too_and_nothing_is_left_of_it(database: Database, tmp_path: Path) -> None:
    world.fill(database, 4)
    hours = world.hours(4)
    changes = {"registry": "mlflow", "notify": [{"name": "team", "url_env": "TEAM"}]}
    with world.opened(database, tmp_path, **changes) as context:
        first = Order(step="assess", interval=hours[0], until=hours[2].end)
        assert steps.perform(context, first)["left"] == ("publish",), "its messages have not been sent"
        assert len(list(pictures.folder(context).glob("*.png"))) == 3
        assert context.ledger.to_register() == ()
    with world.opened(database, tmp_path, registry="mlflow") as context:
        left = [steps.perform(context, Order(step="assess", interval=hour))["left"] for hour in hours]
        assert left == [(), (), (), ("announce", "train", "gate", "publish")]
        pictures.path(context, hours[1]).unlink()
        assert steps.perform(context, Order(step="assess", interval=hours[1]))["left"] == ("publish",)


def test_a_done_cycle_whose_candidates_all_failed_leaves_the_gate_to_say_so(database: Database, tmp_path: Path) -> None:
    world.fill(database, 1)
    hour = world.hours(1)[0]
    wrong = {**world.PIPELINE["candidates"][1], "params": {"max_depth": -7}}
    with world.opened(database, tmp_path, **QUIET, candidates=[wrong]) as context:
        cycles.run(context, hour)
        assert steps.perform(context, Order(step="assess", interval=hour))["left"] == ("gate",)


def test_what_was_missed_since_the_last_done_cycle_is_run_and_nothing_before_the_first(
    database: Database, tmp_path: Path
) -> None:
    world.fill(database, 6)
    hours = world.hours(6)
    with world.opened(database, tmp_path, **QUIET) as context:
        steps.gate(context, steps.train(context, steps.assess(context, hours[2], missed=True).id).id)
        steps.assess(context, hours[5], missed=True)
    assert [row[0] for row in world.ledger(database)["cycle"]] == [hour.start for hour in hours[2:]]


def test_steps_of_all_intervals_at_once_leave_the_ledger_of_a_replay(
    database: Database, tmp_path: Path, as_replayed: Callable[[], None]
) -> None:
    world.fill(database, 4)
    failures: list[BaseException] = []

    def run(hour: Interval) -> None:
        try:
            with world.opened(database, tmp_path, **QUIET) as context:
                cycle = steps.assess(context, hour, since=world.START)
                steps.train(context, cycle.id)
                steps.gate(context, cycle.id)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=[hour]) for hour in reversed(world.hours(4))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    as_replayed()


def test_a_gap_is_trained_on_once_and_scored_whole(database: Database, tmp_path: Path) -> None:
    world.fill(database, 6)
    hours = world.hours(6)
    with world.opened(database, tmp_path, **QUIET) as context:
        stepped(context, hours[0])
        last = steps.assess(context, hours[5], since=hours[0].start, collapse=True)
        steps.train(context, last.id)
        steps.gate(context, last.id)
        found = decided(context)
    assert [action for action, _ in found] == ["promote", *["keep"] * 4, "promote"]
    assert found[1][1] == ["scored and not trained on: the training is left to a later interval"]
    scored = [row[0] for row in world.ledger(database)["evaluation"] if row[2] == "champion"]
    assert scored == [hour.start for hour in hours[1:]]
    assert {row[0] for row in world.ledger(database)["training"]} == {hours[0].start, hours[5].start}


def test_runs_of_a_gap_one_after_the_other_train_in_the_last_alone(database: Database, tmp_path: Path) -> None:
    world.fill(database, 4)
    with world.opened(database, tmp_path, **QUIET) as context:
        for hour in world.hours(4):
            cycle = steps.assess(context, hour, collapse=True)
            steps.train(context, cycle.id)
            if not cycle.done:
                steps.gate(context, cycle.id)
        assert [action for action, _ in decided(context)] == ["promote", "keep", "keep", "promote"]


def test_an_interval_that_has_not_ended_is_refused(database: Database, tmp_path: Path) -> None:
    world.fill(database, 1)
    far = Interval(parse_time("2999-01-01"), parse_time("2999-01-01T01:00"))
    with world.opened(database, tmp_path) as context, pytest.raises(IntervalError, match="has not ended yet"):
        steps.assess(context, far)


def test_a_cycle_of_another_pipeline_is_not_this_ones(database: Database, tmp_path: Path) -> None:
    world.fill(database, 1)
    with world.opened(database, tmp_path, **QUIET) as context:
        cycle = stepped(context, world.hours(1)[0])
    with (
        world.opened(database, tmp_path, name="other", **QUIET) as other,
        pytest.raises(LedgerError, match=f"other has no cycle {cycle}"),
    ):
        steps.train(other, cycle)


def test_the_gate_does_not_come_before_the_training(database: Database, tmp_path: Path) -> None:
    world.fill(database, 1)
    with world.opened(database, tmp_path, **QUIET) as context:
        cycle = steps.assess(context, world.hours(1)[0])
        with pytest.raises(LedgerError, match="is not trained yet"):
            steps.gate(context, cycle.id)


def test_the_picture_is_drawn_once_and_the_start_said_where_there_is_one(database: Database, tmp_path: Path) -> None:
    world.fill(database, 2)
    first, second = world.hours(2)
    with world.opened(database, tmp_path, trigger={"kind": "schedule", "every": 5}) as context:
        one, two = stepped(context, first), steps.assess(context, second).id
        assert steps.announce(context, one) == ":computer: [2026-03-01T00:00Z]: TRAINING START!"
        assert steps.announce(context, two) == ""
        done = steps.publish(context, one)
        assert done.picture is not None
        drawn = done.picture.stat().st_mtime_ns
        assert steps.publish(context, one) == done
        assert done.picture.stat().st_mtime_ns == drawn


def test_what_is_done_later_is_drawn_along_and_registered_with_the_latest(database: Database, tmp_path: Path) -> None:
    world.fill(database, 3)
    with world.opened(database, tmp_path, registry="mlflow") as context:
        one, two, three = (stepped(context, hour) for hour in world.hours(3))
        done = steps.publish(context, one)
        assert done.registered == 0
        assert done.picture is not None
        drawn = sorted(file.name for file in done.picture.parent.glob("*.png"))
        assert drawn == ["2026-03-01T0000Z.png", "2026-03-01T0100Z.png", "2026-03-01T0200Z.png"]
        assert steps.publish(context, two).registered == 0
        assert steps.publish(context, three).registered > 0
        assert context.ledger.to_register() == ()
        assert steps.publish(context, three).registered == 0


def test_a_streams_rows_are_created_once_however_often(database: Database, tmp_path: Path) -> None:
    dataset = {"kind": "stream", "params": {"rows": 20}, "start": "2026-03-01", "intervals": 2}
    with world.opened(database, tmp_path, dataset=dataset) as context:
        far = world.hours(1)[0].shift(1000)
        assert [steps.create(context, far) for _ in range(3)] == [60, 60, 60]
        assert context.batches(far)[0].rows == 60
    with world.opened(database, tmp_path) as context, pytest.raises(ConfigError, match="no stream"):
        steps.create(context, far)


# --- approval ----------------------------------------------------------------------------------------------


def test_a_promotion_waits_for_approval_and_says_who_gave_it(database: Database, tmp_path: Path) -> None:
    world.fill(database, 1)
    with world.opened(database, tmp_path, approval="required", **QUIET) as context:
        cycle = steps.assess(context, world.hours(1)[0])
        assert steps.proposed(context, cycle.id) is None
        steps.train(context, cycle.id)
        assert steps.proposed(context, cycle.id) == "extrapolated"
        with pytest.raises(ConfigError, match="waits for approval"):
            steps.gate(context, cycle.id)
        steps.gate(context, cycle.id, approved_by="ann")
        assert steps.proposed(context, cycle.id) is None
        champion = context.ledger.champion_at(world.hours(1)[0].end)
        assert champion is not None
        assert champion.actor == "ann"


def test_a_refused_promotion_changes_nobody_and_the_next_interval_goes_on(database: Database, tmp_path: Path) -> None:
    world.fill(database, 2)
    first, second = world.hours(2)
    with world.opened(database, tmp_path, approval="required", **QUIET) as context:
        cycle = steps.assess(context, first)
        steps.train(context, cycle.id)
        with pytest.raises(LockedError, match="may wait for a person's approval"):
            steps.assess(context, second)
        steps.gate(context, cycle.id, refused_by="bob")
        assert context.ledger.champion_at(second.start) is None
        assert decided(context) == [("keep", ["the promotion of extrapolated was refused by bob"])]
        assert not steps.assess(context, second).done


def test_missed_intervals_are_scored_alone_where_a_person_would_have_to_be_asked(
    database: Database, tmp_path: Path
) -> None:
    world.fill(database, 4)
    hours = world.hours(4)
    with world.opened(database, tmp_path, approval={"timeout": "1h", "otherwise": "promote"}, **QUIET) as context:
        cycle = steps.assess(context, hours[0])
        steps.train(context, cycle.id)
        steps.gate(context, cycle.id, approved_by="ann")
        last = steps.assess(context, hours[3], since=hours[0].start)
        assert not last.done
        assert [action for action, _ in decided(context)] == ["promote", "keep", "keep", "train"]


# --- the command line --------------------------------------------------------------------------------------


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    """``call("run-step", "assess", ...)``."""
    return caller(capsys)


@pytest.fixture
def file(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A pipeline's file, in an environment that names the database."""
    monkeypatch.setenv("HELIOTROPE_DATABASE_URL", database.url)
    monkeypatch.setenv("HELIOTROPE_HOME", str(tmp_path / "home"))
    stream = {"kind": "stream", "params": {"rows": 20}, "start": "2026-03-01", "intervals": 2}
    declared = world.PIPELINE | QUIET | {"dataset": stream, "approval": "required"}
    (tmp_path / "turning.yaml").write_text(yaml.safe_dump(declared))
    return str(tmp_path / "turning.yaml")


def test_the_command_line_takes_a_cycle_from_its_rows_to_its_publication(file: str, call: Call) -> None:
    start = format_time(world.START)
    assert call("run-step", "create", file, "--start", start, "--json").document["rows"] == 60
    assessed = call("run-step", "assess", file, "--start", start, "--json")
    assert (assessed.code, assessed.document["done"]) == (0, False)
    cycle = str(assessed.document["cycle"])
    assert f"cycle {cycle} of" in call("run-step", "assess", file, "--start", start).out
    assert call("run-step", "announce", file, "--cycle", cycle).out == f":computer: [{start}]: TRAINING START!\n"
    assert call("run-step", "propose", file, "--cycle", cycle).code == 10
    assert call("run-step", "train", file, "--start", start, "--json").document["trained"]
    assert call("run-step", "propose", file, "--cycle", cycle, "--json").document["proposed"] == "extrapolated"
    assert call("run-step", "gate", file, "--cycle", cycle).code == 2
    gated = call("run-step", "gate", file, "--cycle", cycle, "--approve", "ann", "--json")
    assert (gated.code, gated.document["action"]) == (0, "promote")
    assert call("run-step", "publish", file, "--cycle", cycle).out == "registered 0 champions\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("assess", "--cycle", "1"), "assess takes no --cycle"),
        (("train", "--start", "2026-03-01", "--cycle", "1"), "exclude each other"),
        (("train",), "train needs an interval"),
        (("train", "--start", "2026-03-01T05:00"), "has no cycle of [2026-03-01T05:00Z, 2026-03-01T06:00Z) yet"),
        (("assess", "--start", "2026-03-01T00:10"), "is not on the 1h grid"),
        (("gate", "--cycle", "1", "--approve", "a", "--refuse", "b"), "exclude each other"),
        (("train", "--cycle", "1", "--collapse"), "train takes no --collapse"),
        (("fly",), "'fly' is not one of"),
    ],
)
def test_options_that_do_not_fit_the_step_are_refused(
    file: str, call: Call, arguments: tuple[str, ...], said: str
) -> None:
    step, *options = arguments
    ended = call("run-step", step, file, *options)
    assert ended.code == (4 if "yet" in said else 2)
    assert said in ended.err


def test_a_cycle_in_which_every_candidate_failed_ends_the_gate_with_five(file: str, tmp_path: Path, call: Call) -> None:
    failing = {"name": "none", "estimator": "sklearn.linear_model.LogisticRegression", "params": {"C": -1.0}}
    declared = world.PIPELINE | QUIET | {"candidates": [failing], "name": "failing"}
    declared |= {"dataset": {"kind": "stream", "params": {"rows": 20}, "start": "2026-03-01", "intervals": 2}}
    (tmp_path / "failing.yaml").write_text(yaml.safe_dump(declared))
    other = str(tmp_path / "failing.yaml")
    start = format_time(world.START)
    assert call("run-step", "create", other, "--start", start).code == 0
    cycle = str(call("run-step", "assess", other, "--start", start, "--json").document["cycle"])
    assert call("run-step", "train", other, "--cycle", cycle).code == 0
    for _ in range(2):
        ended = call("run-step", "gate", other, "--cycle", cycle)
        assert ended.code == 5
        assert "every candidate failed" in ended.err
