"""Many policies over stored history: each decides as a real replay does, and what they share is done once."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

import world
from heliotrope import alarms, cycle, recall
from heliotrope import context as contexts
from heliotrope.context import Context
from heliotrope.database import Database
from heliotrope.ledger import Ledger, champions, cycles
from heliotrope.records import Action
from heliotrope.replay import span_of
from heliotrope.whatif.engine import Engine
from heliotrope.whatif.memory import MemoryLedger
from heliotrope.whatif.past import History, read

HOURS = 16

EAGER = {"kind": "rate", "one_in": 1.5}
CASES: dict[str, dict[str, Any]] = {
    "every interval": {},
    "drift": {"trigger": {"kind": "drift", "at_least": 2}},
    "performance and amount": {
        "trigger": {
            "kind": "any",
            "of": [{"kind": "performance", "margin": 0.01}, {"kind": "amount", "rows": 1200}],
        },
        "drift": {"reference": "previous", "intervals": 3, "max_rows": 250},
    },
    "other windows and classes that are declared": {
        "classes": ["A", "B", "C"],
        "candidates": [
            {
                "name": "bayes",
                "estimator": "sklearn.naive_bayes.GaussianNB",
                "window": {"kind": "decayed", "half_life": 2.0},
            },
            {"name": "tree", "estimator": "sklearn.tree.DecisionTreeClassifier", "window": {"kind": "expanding"}},
        ],
        "trigger": {"kind": "schedule", "every": 3},
    },
    "a challenger in the shadow": {"gate": {"kind": "shadow", "shadow_intervals": 5, "false_promotions": EAGER}},
    "out of the shadow": {
        "candidates": [
            {"name": "guess", "estimator": "sklearn.dummy.DummyClassifier", "params": {"strategy": "uniform"}},
            world.PIPELINE["candidates"][0],
        ],
        "gate": {"kind": "shadow", "shadow_intervals": 5, "false_promotions": EAGER},
    },
    "a promise of shares": {"gate": {"false_promotions": {"kind": "share", "alpha": 0.5}}},
    "roll-back": {
        "candidates": [
            {"name": "guess", "estimator": "sklearn.dummy.DummyClassifier", "params": {"strategy": "uniform"}},
        ],
        "gate": {"margin": 1.0, "roll_back": {"one_in": 1.1}},
        "trigger": {"kind": "schedule", "every": 3},
    },
    "every interval by itself": {"gate": {"false_promotions": None, "roll_back": None}},
    "a row budget": {
        "candidates": [
            one | {"window": {"kind": "sliding", "intervals": 4, "max_rows": 300, "sample": sample}}
            for one, sample in zip(world.PIPELINE["candidates"], ("balanced", "recent"), strict=False)
        ],
    },
    "one interval after the other": {
        "classes": ["A", "B", "C"],
        "candidates": [
            {
                "name": "linear",
                "estimator": "sklearn.linear_model.SGDClassifier",
                "stream": True,
                "window": {"kind": "sliding", "intervals": 3},
            },
            world.PIPELINE["candidates"][0],
        ],
    },
    "recall": {"recall": {"alpha": 0.9}, "trigger": {"kind": "schedule", "every": 2}},
    "cost, and windows cut at changes": {
        "candidates": [
            one | {"window": {"kind": "drift_cut", "max_intervals": 5}} for one in world.PIPELINE["candidates"]
        ],
        "trigger": {"kind": "cost", "cost_of_training": 10.0, "value_per_loss": 1.0},
        "drift": {"false_alarms": {"one_in": 20, "history": 30}},
    },
}

HAPPENS = {"out of the shadow": ("trigger", Action.PROMOTE), "roll-back": ("trigger", Action.ROLL_BACK)}
"""What a case is there for."""


@pytest.fixture
def context(database: Database, tmp_path: Path) -> Iterator[Context]:
    """The turning stream's first hours, nothing run yet."""
    world.fill(database, HOURS)
    with world.opened(database, tmp_path) as opened:
        yield opened


def spoil(context: Context) -> None:
    """Let an hour be empty, one be short, and one have rows that are dropped."""
    hours = world.hours(HOURS)
    for place, low, high in ((5, 0, 0), (7, 0, 20), (9, 3, 300)):
        table = context.rows.read(hours[place].start, hours[place].end, context.pipeline.columns[1:])
        context.rows.replace(hours[place], table.slice(low, high))
    with psycopg.connect(context.database.url, autocommit=True) as connection:
        connection.execute("UPDATE continuous_training SET class = NULL WHERE time = %s AND x > 3", [hours[10].start])


def history(context: Context) -> History:
    return read(context, span_of(context), [context.pipeline], lambda _: None)


def tried(context: Context, *pipelines: Any) -> Engine:
    engine = Engine(pipelines, history(context))
    for interval in span_of(context):
        engine.run(interval)
    return engine


def in_memory(ledger: MemoryLedger) -> list[Any]:
    """What was decided, scored, measured and promoted, as :func:`on_record` has it."""
    return [
        (
            one.interval,
            one.content_hash,
            one.rows,
            one.held,
            [(e.role, e.candidate, dict(e.metrics)) for e in ledger.evaluations_of(place)],
            {(stage, d.action.value, d.reasons, _sorted(d.evidence)) for stage, d in one.decisions.items()},
            sorted((r.detector, f.feature, f.statistic, f.drifted) for r in one.drift for f in r.features),
            [(name, role, failure) for (role, name), (_, _, failure) in one.trainings.items()],
        )
        for place, one in enumerate(ledger.cycles)
    ]


def _sorted(evidence: Any) -> tuple[Any, ...]:
    """By name; JSON has a number as large as 1e40 as a whole one."""
    return tuple(sorted((name, None if value is None else float(value)) for name, value in evidence.items()))


def on_record(context: Context) -> list[Any]:
    return [
        (
            one.interval,
            one.content_hash,
            one.rows,
            one.verdict == "held",
            [(e["role"], e["candidate"], e["metrics"]) for e in one.evaluations],
            {(d["stage"], d["action"], tuple(d["reasons"]), _sorted(d["evidence"])) for d in one.decisions},
            sorted((d["detector"], d["feature"], d["statistic"], d["drifted"]) for d in one.drift),
            [(t["candidate"], t["role"], t["failure"]) for t in one.trainings],
        )
        for one in cycles(context.ledger.connection, context.ledger.pipeline_id)
    ]


def reigned(ledger: Ledger, time: datetime) -> list[Any]:
    """What ``reign_at`` says, without ids."""
    found = ledger.reign_at(time)
    served = [
        one and (one.valid_from, one.valid_to, one.training.fingerprint) for one in (found.champion, found.previous)
    ]
    shadow = found.shadow and (found.shadow.training.fingerprint, found.shadow.since, found.shadow.evidence)
    return [*served, shadow, found.evidence, found.loss]


@pytest.mark.parametrize("case", CASES)
def test_a_policy_is_tried_exactly_as_it_is_replayed(
    case: str, context: Context, database: Database, tmp_path: Path
) -> None:
    spoil(context)
    declared = world.pipeline(**CASES[case])
    ours = tried(context, declared).contexts[0].memory
    with world.replayed(database, tmp_path, **CASES[case]) as real:
        assert in_memory(ours) == on_record(real)
        taken = {(stage, one.action) for tried in ours.cycles for stage, one in tried.decisions.items()}
        assert HAPPENS.get(case, ("gate", Action.PROMOTE)) in taken
        served = champions(real.ledger.connection, real.ledger.pipeline_id)
        assert [(one.valid_from, one.candidate, one.training.fingerprint) for one in ours.champions] == [
            (one.valid_from, one.candidate, one.training.fingerprint) for one in served
        ]
        assert len(served) > 1
        instant = served[1].valid_from
        for place, one in enumerate(cycles(real.ledger.connection, real.ledger.pipeline_id)):
            assert ours.evaluations_of(place) == real.ledger.evaluations_of(one.id)
            time = one.interval.end
            assert reigned(ours, time) == reigned(real.ledger, time)
            assert ours.contest_at(time)[1].standing == real.ledger.contest_at(time)[1].standing
            assert ours.contest_at(time)[1].gains == real.ledger.contest_at(time)[1].gains
            assert ours.contest_at(time)[1].loss == real.ledger.contest_at(time)[1].loss
            assert ours.last_trained(time) == real.ledger.last_trained(time)
            assert ours.past_trainings(time) == real.ledger.past_trainings(time)
            assert ours.changed_before(time) == real.ledger.changed_before(time)
        then, really = ours.champion_at(instant), real.ledger.champion_at(instant)
        assert then is not None
        assert really is not None
        assert (then.valid_from, then.valid_to, then.reasons) == (really.valid_from, really.valid_to, really.reasons)


def test_every_question_a_cycle_asks_its_ledger_is_answered_in_memory() -> None:
    """What inherits from the ledger in PostgreSQL and is not answered here would ask for a connection."""
    asked: set[str] = set()
    steps = Path(str(cycle.__file__)).parent.glob("*.py")
    for path in (*steps, *(Path(str(module.__file__)) for module in (contexts, alarms, recall))):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and ast.unparse(node.value).endswith("ledger"):
                asked.add(node.attr)
    asked &= set(dir(Ledger)) - set(dir(object))
    # Of late rows, of files made with other declarations, and of segments, which policies are not tried on.
    elsewhere = {"connection", "pipeline_id", "close", "beside"}
    assert {"add_cycle", "champion_at", "lock"} <= asked
    assert asked - elsewhere <= set(vars(MemoryLedger))


def test_another_policy_costs_only_what_is_new(context: Context) -> None:
    every, fourth = world.pipeline(), world.pipeline(trigger={"kind": "schedule", "every": 4})
    alone = tried(context, every).done()
    both = tried(context, every, fourth).done()
    assert both.fits == alone.fits
    assert alone.fits <= 2 * HOURS
    assert both.scores < alone.scores * 1.5
    only_tree = world.pipeline(candidates=[world.PIPELINE["candidates"][1]])
    assert tried(context, every, only_tree).done().fits <= alone.fits + 1


def test_an_equal_fit_counts_for_every_policy_as_in_a_replay(context: Context) -> None:
    every, fourth = world.pipeline(), world.pipeline(trigger={"kind": "schedule", "every": 4})
    engine = tried(context, every, fourth)
    first, second = engine.runs()
    assert (first.trainings, second.trainings) == (HOURS, HOURS // 4)
    assert second.fits < first.fits
    assert 0 < second.fit_seconds < first.fit_seconds
    assert first.fits == tried(context, every).runs()[0].fits


def test_no_more_models_are_kept_than_serve_or_are_new(context: Context) -> None:
    pipelines = [world.pipeline(trigger={"kind": "schedule", "every": every}) for every in (1, 2, 4, 16)]
    engine = tried(context, *pipelines)
    assert len(engine.shared.models) <= 2 * len(pipelines) + 4  # who serves, and who did before


def test_rows_before_the_range_are_read_as_far_as_windows_reach(context: Context) -> None:
    span = span_of(context)[8:]
    held = read(context, span, [world.pipeline()], lambda _: None)
    assert held.table.num_rows == 300 * (len(span) + 3)
    whole = world.pipeline(candidates=[world.PIPELINE["candidates"][1] | {"window": {"kind": "expanding"}}])
    assert read(context, span, [whole], lambda _: None).table.num_rows == 300 * HOURS


def test_rows_mapped_from_a_file_are_the_same(context: Context, tmp_path: Path) -> None:
    held = history(context)
    held.write(tmp_path / "rows.arrow")
    again = History.mapped(tmp_path / "rows.arrow", held.relation, held.reach, context.rows)
    assert again.table.equals(held.table)
    hour = world.hours(3)[2]
    assert again.between(hour.start, hour.end).num_rows == 300


def test_nothing_is_written_and_no_ledger_is_needed(database: Database, tmp_path: Path) -> None:
    world.fill(database, 4)
    with Context(world.pipeline(), database, folder=tmp_path / "none") as context:
        tried(context, context.pipeline)
    assert not (tmp_path / "none").exists()
    with psycopg.connect(database.url) as connection:
        assert connection.execute("SELECT to_regnamespace('heliotrope')").fetchone() == (None,)


def test_more_rows_than_fit_are_refused(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("heliotrope.whatif.past.LARGEST", 1000)
    with pytest.raises(Exception, match=r"take more than .* --start"):
        history(context)
