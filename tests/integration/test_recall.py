"""A concept that comes back: an archived champion serves again, and nothing is trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pyarrow as pa
import pytest

from heliotrope import cycle
from heliotrope.config import Gate, Recall
from heliotrope.database import Database
from heliotrope.interval import Interval
from heliotrope.ledger import Recalled
from heliotrope.recall import choose
from heliotrope.records import Evaluation, PairedLoss
from heliotrope.replay import span_of
from heliotrope.store import Rows
from heliotrope.whatif.engine import Engine
from heliotrope.whatif.past import read
from world import hours, opened

TREE = {
    "name": "tree",
    "estimator": "sklearn.tree.DecisionTreeClassifier",
    "params": {"max_depth": 2},
    "window": {"kind": "sliding", "intervals": 1},
}
TRIGGER = {"kind": "performance", "baseline": 0.9, "margin": 0.1}


def flipping(database: Database, turns: str) -> list[Interval]:
    """Hours in which class A lies right (r) or left (l) of zero."""
    random, rows, found = np.random.default_rng(0), Rows(database, "continuous_training", "time"), hours(len(turns))
    for hour, turn in zip(found, turns, strict=True):
        x = random.normal(0, 1, 200)
        right = (x > 0) ^ (random.random(200) < 0.05)
        labels = np.where(right == (turn == "r"), "A", "B").tolist()
        times = pa.array([hour.start] * 200, pa.timestamp("us", "UTC"))
        rows.replace(hour, pa.table({"time": times, "x": x, "y": random.normal(0, 1, 200), "class": labels}))
    rows.close()
    return found


def run(database: Database, folder: Path, turns: str, **changes: Any) -> list[Any]:
    settings = {"candidates": [TREE], "trigger": TRIGGER, "recall": {"models": 4}, **changes}
    found = flipping(database, turns)
    with opened(database, folder, **settings) as context:
        for hour in found:
            cycle.run(context, hour)
    with psycopg.connect(database.url) as connection:
        return connection.execute(
            "SELECT (extract(epoch FROM interval_start - %s) / 3600)::int, action, reasons,"
            " (SELECT count(*) FROM heliotrope.training WHERE training.cycle_id = cycle.id)"
            " FROM heliotrope.cycle JOIN heliotrope.decision ON decision.cycle_id = cycle.id AND stage = 'gate'"
            " ORDER BY 1",
            [found[0].start],
        ).fetchall()


def test_an_old_champion_that_fits_is_promoted_without_a_training(database: Database, tmp_path: Path) -> None:
    decisions = run(database, tmp_path, "rrrllllrrr", gate={"roll_back": None})
    back = [one for one in decisions if one[0] >= 7]
    assert [one[0] for one in back] == [7], "then it fits, and there is nothing to do"
    _, action, reasons, trainings = back[0]
    assert (action, trainings) == ("promote", 0)
    assert reasons[0].startswith("recall: tree of [2026-03-01T00:00Z, 2026-03-01T01:00Z) fits again: mean gain")
    with psycopg.connect(database.url) as connection:
        files = connection.execute(
            "SELECT artifact FROM heliotrope.champion JOIN heliotrope.training ON training.id = training_id"
            " ORDER BY champion.id"
        ).fetchall()
        assert files[-1] == files[0]
        assert connection.execute("SELECT count(*) > 0 FROM heliotrope.recall").fetchone() == (True,)


def test_whatif_recalls_as_a_replay_does(database: Database, tmp_path: Path) -> None:
    decisions = run(database, tmp_path, "rrrllllrrr", gate={"roll_back": None})
    with opened(
        database, tmp_path, candidates=[TREE], trigger=TRIGGER, recall={"models": 4}, gate={"roll_back": None}
    ) as context:
        span = span_of(context)
        engine = Engine([context.pipeline], read(context, span, [context.pipeline], lambda _: None))
        for hour in span:
            engine.run(hour)
    tried = engine.contexts[0].memory
    gates = [(place, one.decisions.get("gate"), one.trainings) for place, one in enumerate(tried.cycles)]
    assert decisions == [
        (place, gate.action.value, list(gate.reasons), len(trainings)) for place, gate, trainings in gates if gate
    ]
    assert any("fits again" in reason for _, _, reasons, _ in decisions for reason in reasons)


def test_where_none_fits_the_reasons_say_so_and_training_goes_on(database: Database, tmp_path: Path) -> None:
    decisions = run(database, tmp_path, "rrrlll", recall={"models": 4})
    tried = [one for one in decisions if any("archived models fits" in reason for reason in one[2])]
    assert all(one[3] > 0 for one in tried)


def test_without_recall_a_training_is_made(database: Database, tmp_path: Path) -> None:
    decisions = run(database, tmp_path, "rrrllllrrr", recall=None)
    assert all(one[3] > 0 for one in decisions)


# --- the choice --------------------------------------------------------------------------------------------


def recalled(training_id: int, *, loss: float, wins: int, losses: int = 2) -> Recalled:
    gain = PairedLoss(rows=200, mean_gain=(wins - losses) / 200, standard_error=0.01, wins=wins, losses=losses)
    evaluation = Evaluation(role="recalled", candidate="tree", rows=200, metrics={"loss": loss}, gain=gain)
    return Recalled(training_id, "[a, b)", evaluation)


@pytest.mark.parametrize(
    ("found", "promised", "expected"),
    [
        ([recalled(1, loss=0.05, wins=60)], 0.05, 1),
        ([recalled(1, loss=0.05, wins=60), recalled(2, loss=0.04, wins=62)], None, 2),
        ([recalled(1, loss=0.05, wins=60)], 0.01, None),  # a training promises more
        ([recalled(1, loss=0.05, wins=9)], 0.05, None),  # not shown to be better
        ([], 0.05, None),
    ],
)
def test_the_best_of_those_that_fit_is_chosen(found: list[Recalled], promised: float | None, expected: int) -> None:
    chosen = choose(Recall(), Gate(), found, scale=1.0, promised=promised)
    assert chosen.training_id == expected
    assert chosen.decision.reasons
