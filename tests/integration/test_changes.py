"""The watch for changes in whole cycles: its rate, its memory, what hurts and what does not."""

from __future__ import annotations

from pathlib import Path

import psycopg

from heliotrope import cycle
from heliotrope.database import Database
from shifted import filled, opened


def decided(database: Database) -> list[tuple[str, list[str], dict[str, float]]]:
    with psycopg.connect(database.url) as connection:
        return connection.execute(
            "SELECT action, reasons, evidence FROM heliotrope.decision WHERE stage = 'trigger' ORDER BY cycle_id"
        ).fetchall()


def test_a_change_is_found_at_once_and_reported_once(database: Database, tmp_path: Path) -> None:
    found = filled(database, 48, x=40)
    with opened(database, tmp_path) as context:
        for hour in found:
            cycle.run(context, hour)
    actions = decided(database)
    assert [action for action, _, _ in actions[:1]] == ["train"]
    assert [place for place, (action, _, _) in enumerate(actions) if action == "train" and place > 30] == [40]
    assert "it hurts" in actions[40][1][0]
    assert actions[41][2]["drift.changes"] == actions[40][2]["drift.changes"]
    assert actions[47][2]["drift.era_first"] == actions[40][2]["drift.era_first"]


def test_a_change_that_does_no_harm_is_told_apart(database: Database, tmp_path: Path) -> None:
    found = filled(database, 42, noise=40)
    trigger = {"kind": "drift", "hurting_only": True, "tolerance": 0.1}
    with opened(database, tmp_path, trigger=trigger) as context:
        for hour in found:
            cycle.run(context, hour)
    action, reasons, evidence = decided(database)[40]
    assert action == "skip"
    assert "noise" in reasons[0]
    assert "it does no harm" in reasons[0]
    assert evidence["drift.alarms"] >= 1


def test_what_is_remembered_does_not_depend_on_who_remembers(database: Database, tmp_path: Path) -> None:
    found = filled(database, 12, x=9)
    for hour in found:  # each in a process of its own, as it were
        with opened(database, tmp_path) as context:
            cycle.run(context, hour)
    alone = decided(database)
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute("DELETE FROM heliotrope.pipeline")
    with opened(database, tmp_path) as context:
        for hour in found:
            cycle.run(context, hour)
    assert decided(database) == alone


def test_an_interval_that_was_run_early_tells_earlier_ones_nothing(database: Database, tmp_path: Path) -> None:
    found = filled(database, 8, x=6)
    with opened(database, tmp_path) as context:
        for hour in found[:6]:
            cycle.run(context, hour)
    undisturbed = decided(database)
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute("DELETE FROM heliotrope.pipeline")
    with opened(database, tmp_path) as context:
        for hour in (found[7], *found[:6]):
            cycle.run(context, hour)
    assert decided(database)[1:] == undisturbed


def test_a_trigger_by_cost_trains_when_the_champion_has_aged(database: Database, tmp_path: Path) -> None:
    found = filled(database, 12, x=8)
    trigger = {"kind": "cost", "cost_of_training": 50.0, "value_per_loss": 1.0, "life": 10}
    with opened(database, tmp_path, trigger=trigger, drift={"detectors": []}) as context:
        for hour in found:
            cycle.run(context, hour)
    actions = [action for action, _, _ in decided(database)]
    assert actions[1:8] == ["skip"] * 7
    assert "train" in actions[8:10]


def test_without_a_watch_nothing_is_counted(database: Database, tmp_path: Path) -> None:
    with opened(database, tmp_path, drift={}) as context:
        cycle.run(context, filled(database, 1)[0])
    with psycopg.connect(database.url) as connection:
        assert connection.execute("SELECT count(*) FROM heliotrope.histogram").fetchone() == (0,)
