"""What the tests of the report draw."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from heliotrope.interval import Interval
from heliotrope.report.history import ChampionSpan, History
from heliotrope.report.scene import Scene
from unit.report.sample import FEATURES, HOUR, START, NearestMean, cycle, rows


@pytest.fixture
def make_scene() -> Callable[..., Scene]:
    """A scene of the stream, with whatever is to be different."""

    def make(hour: int = 5, classes: tuple[str, ...] = ("A", "B", "C"), **changes: Any) -> Scene:
        start = START + hour * HOUR
        said: dict[str, Any] = {
            "interval": Interval(start, start + HOUR),
            "table": rows(hour, classes),
            "features": FEATURES,
            "target": "class",
            "task": "classification",
            "classes": classes,
            "predict": NearestMean(hour, classes),
            "champion": "moments",
            "metric": "accuracy",
            "score": 0.9625,
            "drifted": True,
            "decision": "promote",
            "limits": ((-7.0, 7.0), (-7.0, 7.0)),
        }
        return Scene(**(said | changes))

    return make


@pytest.fixture
def make_history() -> Callable[..., History]:
    """A history of so many hours, with whatever is to be different."""

    def make(hours: int = 6, **changes: Any) -> History:
        said: dict[str, Any] = {
            "pipeline": "rotating_gaussians",
            "task": "classification",
            "metric": "accuracy",
            "lower_is_better": False,
            "best_possible": 0.9688,
            "start": START,
            "end": START + max(hours, 1) * HOUR,
            "rows": tuple(cycle(hour) for hour in range(hours)),
            "champions": (
                ChampionSpan(champion="tree", start=START, end=START + 2 * HOUR),
                ChampionSpan(champion="moments", start=START + 2 * HOUR, end=None),
            ),
            "generated_at": START + 7 * 24 * HOUR,
        }
        return History(**(said | changes))

    return make
