"""Metrics against a real ledger: what is counted, what is said of the last cycle, and that a parser takes it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

import world
from command import caller
from heliotrope import succession
from heliotrope.context import Context
from heliotrope.database import Database
from heliotrope.errors import LedgerError
from heliotrope.ledger import migrate
from heliotrope.metrics import CONTENT_TYPE, METRICS, openmetrics
from heliotrope.replay import replay

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def scraped(context: Context, **ago: float) -> Samples:
    """What is printed, as a parser reads it."""
    with psycopg.connect(context.database.url, autocommit=True) as connection:
        text = openmetrics(connection, now=context.clock() + timedelta(**ago))
    assert text.endswith("# EOF\n")
    families = text_string_to_metric_families(text)  # type: ignore[no-untyped-call]  # prometheus_client's own
    return {(one.name, frozenset(one.labels.items())): one.value for family in families for one in family.samples}


def value(found: Samples, name: str, **labels: str) -> float:
    """The one sample of that name with these labels among its own."""
    (only,) = (one for (its, has), one in found.items() if its == f"heliotrope_{name}" and labels.items() <= set(has))
    return only


def test_what_the_cycles_came_to_is_counted(database: Database, tmp_path: Path) -> None:
    world.fill(database, 4)
    with world.replayed(database, tmp_path) as context:
        found = scraped(context)
        assert value(found, "cycles_total") == 4
        assert value(found, "rows_total") == 1200
        assert value(found, "decisions_total", action="promote", stage="gate") == 4
        assert value(found, "decisions_total", action="train") == 4
        assert value(found, "trainings_total", candidate="tree") == 3
        assert value(found, "training_failures_total", candidate="tree") == 0
        assert value(found, "training_rows_total", candidate="tree") > 300
        assert value(found, "segments") == 0
        succession.promote(context, "tree", reason="a rule one can read", actor="ann")
        assert value(scraped(context), "decisions_total", stage="manual") == 1


def test_what_the_last_cycle_came_to_is_told(database: Database, tmp_path: Path) -> None:
    world.fill(database, 4)
    with world.replayed(database, tmp_path) as context:
        found = scraped(context, hours=1)
        with psycopg.connect(database.url) as connection:
            row = connection.execute(
                "SELECT metrics ->> 'accuracy', ended_at FROM heliotrope.cycle"
                " JOIN heliotrope.batch ON cycle_id = cycle.id"
                " JOIN heliotrope.evaluation ON batch_id = batch.id AND role = 'champion'"
                " JOIN heliotrope.step ON step.cycle_id = cycle.id AND step.name = 'done'"
                " ORDER BY interval_start DESC LIMIT 1"
            ).fetchone()
        assert row is not None
        score, ended = row
        assert value(found, "score", metric="accuracy") == float(score)
        last = world.hours(4)[-1]
        assert value(found, "last_interval_end_timestamp_seconds") == last.end.timestamp()
        assert value(found, "last_cycle_timestamp_seconds") == pytest.approx(ended.timestamp())
        assert value(found, "last_cycle_age_seconds") == pytest.approx(3600, abs=60)
        assert value(found, "last_cycle_rows") == 300
        assert value(found, "interval_seconds") == 3600
        assert value(found, "champion_age_seconds", candidate="extrapolated") == 0
        assert value(found, "champion_since_timestamp_seconds") == last.end.timestamp()
        assert value(found, "champion_window_rows") == 900
        assert value(found, "drifted", feature="x", detector="kolmogorov_smirnov") in (0, 1)
        assert value(found, "step_seconds", step="fit") > 0


def test_messages_that_wait_are_counted_and_none_is_a_number_too(database: Database, tmp_path: Path) -> None:
    world.fill(database, 2)
    target = {"name": "team", "url_env": "TEAM", "events": ["training", "promoted"]}
    with world.opened(database, tmp_path, notify=[target]) as context:
        list(replay(context, world.hours(1)))
        assert value(scraped(context), "messages_waiting") == 0
        context.ledger.tells = True
        list(replay(context, world.hours(2)))
        found = scraped(context)
        assert value(found, "messages_waiting") == 1
        assert value(found, "messages_failed") == 0
        assert value(found, "messages_total", event="training") == 1


def test_a_held_batch_is_told_and_a_pipeline_without_a_cycle_is_there(database: Database, tmp_path: Path) -> None:
    world.fill(database, 2, rows=5)
    with world.replayed(database, tmp_path) as context:
        found = scraped(context)
        assert value(found, "last_cycle_held") == 1
        assert value(found, "decisions_total", action="hold") == 2
        assert not [name for name, _ in found if name in ("heliotrope_score", "heliotrope_champion_age_seconds")]


def test_scores_are_those_of_the_whole_table_and_counts_those_of_all_segments(
    database: Database, tmp_path: Path
) -> None:
    world.fill(database, 3)
    with world.replayed(database, tmp_path) as context:
        before = scraped(context)
    with psycopg.connect(database.url) as connection:
        connection.execute(
            "INSERT INTO heliotrope.cycle"
            " (pipeline_id, version_id, segment, interval_start, interval_end, code_version, started_at)"
            " SELECT pipeline_id, version_id, 'north', interval_start, interval_end, code_version, started_at"
            " FROM heliotrope.cycle"
        )
        connection.execute(
            "INSERT INTO heliotrope.step SELECT id, 'done', '{}', now() FROM heliotrope.cycle WHERE segment = 'north'"
        )
        connection.execute(
            "INSERT INTO heliotrope.batch (cycle_id, revision, content_hash, rows_read, rows, verdict, problems,"
            " recorded_at) SELECT id, 0, '', 12, 10, 'ok', '[]', now() FROM heliotrope.cycle WHERE segment = 'north'"
        )
    after = scraped(context)
    assert value(after, "segments") == 1
    assert value(after, "cycles_total") == 2 * value(before, "cycles_total")
    assert value(after, "dropped_rows_total") == 6
    assert value(after, "score") == value(before, "score")
    assert value(after, "last_cycle_rows") == 300


def test_a_scrape_is_seven_statements(database: Database, tmp_path: Path) -> None:
    world.fill(database, 2)
    with world.replayed(database, tmp_path) as context:
        statements: list[object] = []
        with psycopg.connect(database.url, autocommit=True) as connection:
            execute = connection.execute

            def counted(*arguments: Any, **named: Any) -> Any:
                statements.append(arguments[0])
                return execute(*arguments, **named)

            connection.execute = counted  # type: ignore[method-assign]  # what is sent is counted, and sent
            openmetrics(connection, now=context.clock())
    assert len(statements) == 7


def test_every_name_is_declared_once_and_every_sample_is_of_one(database: Database, tmp_path: Path) -> None:
    world.fill(database, 3)
    with world.replayed(database, tmp_path) as context:
        known = {metric.sample: set(metric.labels) for metric in METRICS}
        assert len(known) == len(METRICS)
        for name, labels in scraped(context):
            has = {label for label, _ in labels}
            assert known[name] <= has
            assert name.endswith("_info") or has == known[name]


def test_a_ledger_that_was_edited_by_hand_is_named(database: Database, tmp_path: Path) -> None:
    world.fill(database, 1)
    with world.replayed(database, tmp_path) as context:
        with psycopg.connect(database.url) as connection:
            connection.execute("ALTER TABLE heliotrope.pipeline_version DISABLE TRIGGER append_only")
            connection.execute("UPDATE heliotrope.pipeline_version SET config = '{}'")
        with pytest.raises(LedgerError, match=r"heliotrope\.pipeline, row 1, is not as heliotrope writes it"):
            scraped(context)


def test_the_verb_prints_them_for_prometheus_and_for_programs(
    database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call = caller(capsys)
    migrate(database)
    empty = call("metrics", "--database", database.url)
    assert (empty.code, empty.err) == (0, "")
    assert "heliotrope_build_info{" in empty.out
    world.fill(database, 2)
    world.replayed(database, tmp_path).close()
    text = call("metrics", "--database", database.url)
    assert 'heliotrope_cycles_total{pipeline="turning"} 2.0' in text.out.splitlines()
    listed = call("metrics", "--database", database.url, "--json").document["metrics"]
    assert {"name": "heliotrope_cycles_total", "labels": {"pipeline": "turning"}, "value": 2.0} in listed
    assert CONTENT_TYPE.startswith("application/openmetrics-text; version=1.0.0")
