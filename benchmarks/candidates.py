"""How well do the drift-aware candidates predict the next hour, and what does a fit cost?

On the original stream, 200 hours: every candidate is fitted to its window of hours and scored on the hour after it,
and ours on the fourth and the twelfth after it too, where nothing is trained in between; beside the
original's tree, logistic regression and the Bayes rule, which nothing can beat in the mean.
"""

from __future__ import annotations

import statistics
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from bench import Board
from heliotrope import config, streams
from heliotrope.candidates.model import Model
from heliotrope.interval import Interval
from heliotrope.threads import one_thread

START = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
HOURS = 200
LONGEST = 12
AHEAD = (4, 12)
ROTATING = "heliotrope.candidates."
OURS = (
    ("motion, 12 hours", ROTATING + "DynamicDiscriminant", 12),
    ("discriminant, 3 hours", ROTATING + "ExtrapolatedDiscriminant", 3),
    ("varying coefficients, 3 hours", ROTATING + "VaryingCoefficientClassifier", 3),
)
PEERS = (
    ("the original's tree, 3 hours", "sklearn.tree.DecisionTreeClassifier", 3),
    ("logistic regression, 3 hours", "sklearn.linear_model.LogisticRegression", 3),
    ("logistic regression, 1 hour", "sklearn.linear_model.LogisticRegression", 1),
)


def pipeline() -> config.Pipeline:
    """All of them as candidates of one pipeline."""
    return config.parse(
        {
            "name": "candidates",
            "source": {"table": "t", "time": "time"},
            "interval": "1h",
            "features": ["x", "y"],
            "target": "class",
            "candidates": [
                {"name": f"c{place}", "estimator": path, "window": {"kind": "sliding", "intervals": hours}}
                for place, (_, path, hours) in enumerate(OURS + PEERS)
            ],
        }
    )


def main() -> int:
    """Print the table; the exit code."""
    board = Board(f"candidates, one hour ahead, {HOURS} hours")
    stream: Any = streams.make("rotating_gaussians", rows=300, seed=0)
    declared = pipeline()
    kinds: Any = {"x": "numeric", "y": "numeric"}
    tables = [
        stream.batch(Interval(START + n * HOUR, START + (n + 1) * HOUR)) for n in range(LONGEST + HOURS + AHEAD[-1])
    ]
    right: list[list[float]] = [[] for _ in declared.candidates]
    fits: list[list[float]] = [[] for _ in declared.candidates]
    later: dict[tuple[int, int], list[float]] = {}
    for n in range(LONGEST, LONGEST + HOURS):
        for place, (candidate, (_, _, hours)) in enumerate(zip(declared.candidates, OURS + PEERS, strict=True)):
            rows = pa.concat_tables(tables[n - hours : n])
            with one_thread():
                begun = time.perf_counter()
                model = Model.fit(candidate, rows, pipeline=declared, kinds=kinds, weights=None, seed=0)
                fits[place].append(time.perf_counter() - begun)
            right[place].append(accuracy(model.predict(tables[n]), tables[n]))
            for hours_ahead in AHEAD if place < len(OURS) else ():
                table = tables[n + hours_ahead - 1]
                later.setdefault((place, hours_ahead), []).append(accuracy(model.predict(table), table))
    best = stream.best_possible()
    tree = statistics.mean(right[len(OURS)])
    for place, (name, _, _) in enumerate(OURS):
        mean = statistics.mean(right[place])
        board.plain(f"{name}: accuracy, beside the tree's", mean, tree, at_least=0.960)
        board.plain("    short of the best possible, beside the tree", best - mean, best - tree)
        for hours_ahead in AHEAD:
            board.plain(f"    {hours_ahead} hours ahead", statistics.mean(later[place, hours_ahead]))
        board.beside("    a fit, beside the tree's", fits[place], fits[len(OURS)])
    for place, (name, _, _) in enumerate(PEERS, len(OURS)):
        board.plain(f"{name}: accuracy", statistics.mean(right[place]))
        board.within("    a fit", fits[place])
    rule = statistics.mean(accuracy(stream.predict_best(table), table) for table in tables[LONGEST : LONGEST + HOURS])
    board.plain("the Bayes rule on these rows, and by integration", rule, best)
    return board.end()


def accuracy(predicted: Any, table: pa.Table) -> float:
    """The share of rows predicted right."""
    return float((predicted == table["class"].to_numpy(zero_copy_only=False)).mean())


if __name__ == "__main__":
    sys.exit(main())
