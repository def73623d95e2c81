"""The gate over many real cycles: what is promised, gathered and recorded; and the champion before, put back."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pyarrow as pa
import pytest

import world
from heliotrope import cycle
from heliotrope.context import Context
from heliotrope.database import Database
from heliotrope.errors import ConfigError
from heliotrope.ledger import CycleSummary, champions, cycles
from heliotrope.store import Rows

NEAR = [
    {
        "name": name,
        "estimator": "sklearn.linear_model.LogisticRegression",
        "params": {"C": strength},
        "window": {"kind": "sliding", "intervals": 2},
    }
    for name, strength in (("a", 1.0), ("b", 0.1))
]
ONE = world.PIPELINE["candidates"][:1]
TREE_FIRST = list(reversed(world.PIPELINE["candidates"]))
LOG_LOSS = {"metric": "log_loss", "candidates": [NEAR[1], ONE[0]]}


def still(database: Database, count: int) -> None:
    """Rows of a world that does not turn: two clouds that overlap."""
    writer = Rows(database, "continuous_training", "time")
    random = np.random.default_rng(3)
    for hour in world.hours(count):
        kind = random.integers(0, 2, 90)
        times = np.datetime64(hour.start.replace(tzinfo=None), "us") + np.arange(90) * np.timedelta64(1_000_000, "us")
        columns = {
            "time": pa.array(times).cast(pa.timestamp("us", tz="UTC")),
            "x": random.normal(kind, 1.0),
            "y": random.normal(0.0, 1.0, 90),
            "class": [("A", "B")[one] for one in kind],
        }
        writer.replace(hour, pa.table(columns))
    writer.close()


def spoil(database: Database, hour: int) -> None:
    """Give the hour's rows each other's labels."""
    interval = world.hours(hour + 1)[hour]
    rows = Rows(database, "continuous_training", "time")
    table = rows.read(interval.start, interval.end, ["x", "y", "class"])
    turned = {"A": "B", "B": "C", "C": "A"}
    labels = pa.array([turned[one] for one in table["class"].to_pylist()])
    rows.replace(interval, table.set_column(table.column_names.index("class"), "class", labels))
    rows.close()


def summaries(context: Context) -> tuple[CycleSummary, ...]:
    return cycles(context.ledger.connection, context.ledger.pipeline_id)


def gate_of(summary: CycleSummary) -> Any:
    return next(one for one in summary.decisions if one["stage"] == "gate")


def changes_of(found: tuple[CycleSummary, ...]) -> int:
    """How often another candidate took the champion's place."""
    names = [one.champion["candidate"] for one in found if one.champion is not None]
    return sum(one != other for one, other in pairwise(names))


def standings(database: Database) -> list[Any]:
    with psycopg.connect(database.url) as connection:
        found = connection.execute(
            "SELECT standing FROM heliotrope.decision JOIN heliotrope.cycle ON cycle.id = cycle_id"
            " WHERE stage = 'gate' ORDER BY interval_start"
        ).fetchall()
    return [row[0] for row in found]


# --- false promotions --------------------------------------------------------------------------------------


@pytest.mark.heavy
def test_a_candidate_that_is_no_better_is_not_promoted_in_sixty_intervals(database: Database, tmp_path: Path) -> None:
    still(database, 60)
    with world.replayed(database, tmp_path, candidates=NEAR) as context:
        assert changes_of(summaries(context)) == 0
        last = summaries(context)[-1]
    assert {one["action"] for one in last.decisions} == {"train", "promote"}  # a fresh fit of its own
    assert "b is not yet shown to be better than the champion: evidence " in gate_of(last)["reasons"][-1]
    assert standings(database)[-1]["budget"] == {"decisions": 59, "promotions": 0}


def test_a_much_better_candidate_is_promoted_at_once(database: Database, tmp_path: Path) -> None:
    world.fill(database, 6)
    with world.replayed(database, tmp_path, candidates=TREE_FIRST) as context:
        promoted = next(one for one in summaries(context)[1:] if "extrapolated is better" in gate_of(one)["reasons"][0])
        assert promoted.interval in world.hours(4)
        known = champions(context.ledger.connection, context.ledger.pipeline_id)
    evidence = gate_of(promoted)["evidence"]
    assert {"extrapolated.wealth", "extrapolated.e_value", "extrapolated.shock", "price", "stake"} <= set(evidence)
    assert standings(database)[-1]["budget"]["promotions"] == 1
    assert "evidence" in next(one for one in known if one.candidate == "extrapolated").reasons[0]


def test_evidence_begins_anew_for_a_candidate_that_is_declared_otherwise(database: Database, tmp_path: Path) -> None:
    still(database, 8)
    hours = world.hours(8)
    with world.opened(database, tmp_path, candidates=NEAR) as context:
        for hour in hours[:5]:
            cycle.run(context, hour)
    other = {**NEAR[1], "params": {"C": 0.2}}
    with world.opened(database, tmp_path, candidates=[NEAR[0], other]) as context:
        for hour in hours[5:]:
            cycle.run(context, hour)
    found = [one["evidence"]["b"]["intervals"] for one in standings(database) if one["evidence"]]
    assert found == [1, 2, 3, 4, 1, 2, 3]
    assert standings(database)[-1]["budget"]["decisions"] == 7


def test_without_a_promise_nothing_is_gathered(database: Database, tmp_path: Path) -> None:
    world.fill(database, 4)
    world.replayed(database, tmp_path, gate={"false_promotions": None}).close()
    assert not any(one["evidence"] for one in standings(database))


@pytest.mark.parametrize("changed", [LOG_LOSS, {"gate": {"false_promotions": {"kind": "share"}}}])
def test_a_cycle_cut_off_before_its_gate_decides_the_same_in_another_process(
    database: Database, tmp_path: Path, changed: dict[str, Any]
) -> None:
    world.fill(database, 6)
    world.replayed(database, tmp_path, **changed).close()
    whole = world.ledger(database)
    with psycopg.connect(database.url) as connection:
        connection.execute("DELETE FROM heliotrope.cycle WHERE interval_start = %s", [world.hours(6)[5].start])
    with world.opened(database, tmp_path, **changed) as context:
        hour = world.hours(6)[5]
        cycle.train(context, hour, cycle.assess(context, hour))
    with world.opened(database, tmp_path, **changed) as context:
        assert cycle.run(context, hour)
    assert world.ledger(database) == whole
    assert any(one["evidence"] for one in standings(database))


# --- the champion before -----------------------------------------------------------------------------------


@pytest.fixture
def spoilt(database: Database) -> Database:
    """Ten hours of the turning stream; in the sixth the labels are exchanged."""
    world.fill(database, 10, rows=300)
    spoil(database, 5)
    return database


def test_a_champion_trained_on_spoilt_rows_gives_its_place_back(spoilt: Database, tmp_path: Path) -> None:
    with world.replayed(spoilt, tmp_path, candidates=ONE) as context:
        found = summaries(context)
        known = champions(context.ledger.connection, context.ledger.pipeline_id)
    (back,) = (one for one in found if one.decision is not None and one.decision["action"] == "roll_back")
    assert back.interval == world.hours(10)[6]
    assert back.done
    assert [one["stage"] for one in back.decisions] == ["trigger"]
    assert back.decision is not None
    assert "the champion before, extrapolated of" in back.decision["reasons"][0]
    assert "of the 500 needed" in back.decision["reasons"][0]
    again = next(one for one in known if one.action == "roll_back")
    assert again.actor == "heliotrope"
    assert again.valid_from == back.interval.end
    assert again.training_id == next(one.training_id for one in known if one.valid_from == world.hours(10)[5].start)


def test_no_champion_is_put_back_where_that_is_switched_off(spoilt: Database, tmp_path: Path) -> None:
    with world.replayed(spoilt, tmp_path, candidates=ONE, gate={"roll_back": None}) as context:
        found = summaries(context)
    assert not any(one.decision is not None and one.decision["action"] == "roll_back" for one in found)
    assert {one["role"] for summary in found for one in summary.evaluations} == {"champion", "challenger"}


def test_what_an_interval_may_do_to_all_its_rows_is_no_reason_to_put_a_champion_back(
    spoilt: Database, tmp_path: Path
) -> None:
    with world.replayed(spoilt, tmp_path, candidates=ONE, gate={"shock": 0.5}) as context:
        found = summaries(context)
    assert not any(one.decision is not None and one.decision["action"] == "roll_back" for one in found)


def test_evidence_for_the_champion_before_is_gathered_while_the_same_two_stand(
    database: Database, tmp_path: Path
) -> None:
    world.fill(database, 9)
    changed = {"candidates": ONE, "trigger": {"kind": "schedule", "every": 4}}
    with world.replayed(database, tmp_path, **changed) as context:
        context.ledger.close()
    with psycopg.connect(database.url) as connection:
        found = connection.execute(
            "SELECT (evaluation.evidence ->> 'intervals')::int FROM heliotrope.evaluation"
            " JOIN heliotrope.batch ON batch.id = batch_id JOIN heliotrope.cycle ON cycle.id = cycle_id"
            " WHERE role = 'previous' ORDER BY interval_start"
        ).fetchall()
    assert [row[0] for row in found] == [1, 2, 3, 4]


def test_a_champion_before_whose_file_is_gone_is_named_and_passed_over(database: Database, tmp_path: Path) -> None:
    world.fill(database, 4)
    with world.opened(database, tmp_path, candidates=ONE) as context:
        for hour in world.hours(3):
            cycle.run(context, hour)
        first = champions(context.ledger.connection, context.ledger.pipeline_id)[1]
    for file in (tmp_path / "artifacts").rglob(f"*{str(first.training.artifact)[4:]}*"):
        file.unlink()
    with world.opened(database, tmp_path, candidates=ONE) as context:
        cycle.run(context, world.hours(4)[3])
        last = summaries(context)[-1]
    assert any("no look at the champion before, extrapolated: " in one for one in last.decisions[0]["reasons"])


# --- guards ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("depth", "rule", "said"),
    [
        (None, {"guards": [{"metric": "log_loss", "margin": 0.0}]}, "kept out by a guard: its log_loss is "),
        (1, {"slices": [{"column": "side", "min_rows": 20}]}, "kept out by a guard: where 'side' is left"),
    ],
)
def test_a_better_candidate_that_fails_a_guard_is_kept_out_with_the_reason(
    database: Database, tmp_path: Path, depth: int | None, rule: dict[str, Any], said: str
) -> None:
    """A deep tree is right more often, and too sure of it; a stump takes the few rows on the left for others."""
    writer = Rows(database, "continuous_training", "time")
    random = np.random.default_rng(0)
    for hour in world.hours(4):
        x = random.uniform(-1.0, 1.0, 400)
        left = np.arange(400) < 40
        x = np.where(left, np.sign(x) * (0.7 + 0.3 * np.abs(x)), x)
        kind = ~left & (np.abs(x) > 0.6)
        times = np.datetime64(hour.start.replace(tzinfo=None), "us") + np.arange(400) * np.timedelta64(1_000_000, "us")
        columns = {
            "time": pa.array(times).cast(pa.timestamp("us", tz="UTC")),
            "x": x,
            "side": np.where(left, "left", "right"),
            "class": np.where(random.random(400) < 0.1, ~kind, kind).astype(int).astype(str),
        }
        writer.replace(hour, pa.table(columns))
    writer.close()
    window = {"kind": "sliding", "intervals": 2}
    candidates = [
        {"name": "prior", "estimator": "sklearn.dummy.DummyClassifier", "window": window},
        {
            "name": "tree",
            "estimator": "sklearn.tree.DecisionTreeClassifier",
            "params": {"max_depth": depth},
            "window": window,
        },
    ]
    changed = {"features": {"x": "numeric", "side": "categorical"}, "candidates": candidates}
    with world.replayed(database, tmp_path, **changed, gate=rule) as context:
        found = summaries(context)
    assert changes_of(found) == 0
    assert any(said in reason for one in found[1:] for reason in gate_of(one)["reasons"])


def test_a_guard_of_another_task_and_a_slice_of_no_feature_are_refused() -> None:
    for rule, said in (
        ({"guards": [{"metric": "rmse"}]}, "metric 'rmse' is not one for classification"),
        ({"slices": [{"column": "shop"}]}, "column 'shop' is not one of the features"),
    ):
        with pytest.raises(ConfigError, match=said):
            world.pipeline(gate=rule)


# --- the shadow --------------------------------------------------------------------------------------------


def trigger_reasons(summary: CycleSummary) -> list[str]:
    return next(list(one["reasons"]) for one in summary.decisions if one["stage"] == "trigger")


def test_a_better_challenger_is_promoted_from_the_shadow_and_not_at_once(database: Database, tmp_path: Path) -> None:
    world.fill(database, 6)
    with world.replayed(database, tmp_path, candidates=TREE_FIRST, gate={"kind": "shadow"}) as context:
        found = summaries(context)
        known = champions(context.ledger.connection, context.ledger.pipeline_id)
    entered = next(one for one in found if "extrapolated goes into the shadow for at most 12 intervals" in str(one))
    promoted = next(one for one in found if one.decisions[0]["action"] == "promote")
    assert promoted.interval.start >= entered.interval.end
    assert promoted.done
    assert "extrapolated, in the shadow, is better than the champion: evidence " in trigger_reasons(promoted)[0]
    assert promoted.did == "promote extrapolated"
    champion = next(one for one in known if one.candidate == "extrapolated")
    assert champion.valid_from == promoted.interval.end
    assert champion.training.window.end == entered.interval.end


def test_a_challenger_that_is_no_better_leaves_the_shadow_and_another_goes_in(
    database: Database, tmp_path: Path
) -> None:
    still(database, 14)
    changed = {"candidates": NEAR, "gate": {"kind": "shadow", "shadow_intervals": 2}}
    with world.replayed(database, tmp_path, **changed) as context:
        found = summaries(context)
    assert changes_of(found) == 0
    said = [reason for one in found for reason in trigger_reasons(one) if "in the shadow" in reason]
    assert any("over 1 interval of 90 rows, 1 interval left" in one for one in said)
    assert any("over 2 intervals of 180 rows, and it leaves the shadow" in one for one in said)
    assert sum("goes into the shadow" in reason for one in found for reason in gate_of(one)["reasons"]) > 1
    assert sum(one["role"] == "shadow" for summary in found for one in summary.evaluations) == len(said)


def test_a_challenger_in_the_shadow_goes_on_there_in_another_process(database: Database, tmp_path: Path) -> None:
    still(database, 8)
    changed = {"candidates": NEAR, "gate": {"kind": "shadow"}}
    world.replayed(database, tmp_path, **changed).close()
    whole = world.ledger(database)
    with psycopg.connect(database.url) as connection:
        connection.execute("DELETE FROM heliotrope.cycle WHERE interval_start >= %s", [world.hours(8)[4].start])
    for hour in world.hours(8)[4:]:
        with world.opened(database, tmp_path, **changed) as context:
            opened = cycle.assess(context, hour)
        with world.opened(database, tmp_path, **changed) as context:
            if not opened.done:
                cycle.train(context, hour, opened)
        with world.opened(database, tmp_path, **changed) as context:
            cycle.run(context, hour)
    assert world.ledger(database) == whole


def test_a_shadow_without_a_rate_is_refused() -> None:
    for promise in (None, {"kind": "share"}):
        with pytest.raises(ConfigError, match="kind: shadow promises a rate"):
            world.pipeline(gate={"kind": "shadow", "false_promotions": promise})
