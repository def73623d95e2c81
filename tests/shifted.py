"""A stream in which the class is the sign of x and one of two features is shifted; and its pipeline, with a watch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from heliotrope import config
from heliotrope.context import Context
from heliotrope.database import Database
from heliotrope.interval import Interval
from heliotrope.ledger import migrate
from heliotrope.store import Rows
from world import hours

ROWS = 200
PIPELINE: dict[str, Any] = {
    "name": "watched",
    "source": {"table": "watched", "time": "time"},
    "interval": "1h",
    "features": ["x", "noise"],
    "target": "class",
    "registry": "none",
    "candidates": [
        {
            "name": "tree",
            "estimator": "sklearn.tree.DecisionTreeClassifier",
            "params": {"max_depth": 1},
            "window": {"kind": "sliding", "intervals": 3},
        }
    ],
    "drift": {"detectors": [], "false_alarms": {"one_in": 200}},
    "trigger": {"kind": "drift"},
}


def filled(database: Database, count: int, *, x: int | None = None, noise: int | None = None) -> list[Interval]:
    """Hours in which the class is the sign of x, less 10 %; x or noise is shifted from an hour on."""
    rows = Rows(database, "watched", "time")
    random = np.random.default_rng(0)
    found = hours(count)
    for place, hour in enumerate(found):
        values = random.normal(0, 1, (ROWS, 2))
        label = (values[:, 0] > 0) ^ (random.random(ROWS) < 0.1)
        values[:, 0] += 3.0 * (x is not None and place >= x)
        values[:, 1] += 3.0 * (noise is not None and place >= noise)
        rows.replace(
            hour,
            pa.table(
                {
                    "time": pa.array([hour.start] * ROWS, pa.timestamp("us", "UTC")),
                    "x": values[:, 0],
                    "noise": values[:, 1],
                    "class": np.where(label, "up", "down").tolist(),
                }
            ),
        )
    rows.close()
    return found


def opened(database: Database, folder: Path, **changes: Any) -> Context:
    migrate(database)
    return Context(config.parse({**PIPELINE, **changes}), database, folder=folder)
