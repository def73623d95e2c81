"""A small drifting stream, a model that needs no library, and the cycles of a history."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from PIL import Image

from heliotrope.interval import Interval
from heliotrope.report.history import CycleRow
from heliotrope.report.scene import Kind

START = datetime(2026, 11, 24, tzinfo=UTC)
HOUR = timedelta(hours=1)
FEATURES: dict[str, Kind] = {"x": "numeric", "y": "numeric"}


def rows(hour: int = 5, classes: tuple[str, ...] = ("A", "B", "C"), each: int = 40) -> pa.Table:
    """One hour of the rotating stream."""
    rng = np.random.default_rng(hour)
    place = np.repeat(np.arange(len(classes)), each)
    angle = 2 * np.pi * (hour / 24 + place / len(classes))
    return pa.table(
        {
            "time": pa.array([START + hour * HOUR] * len(place), pa.timestamp("us", "UTC")),
            "x": np.sqrt(6) * np.cos(angle) + rng.normal(size=len(place)),
            "y": np.sqrt(6) * np.sin(angle) + rng.normal(size=len(place)),
            "class": pa.array([classes[k] for k in place]),
        }
    )


class NearestMean:
    """Predicts the class whose mean is nearest; keeps what it was asked about."""

    def __init__(self, hour: int, classes: tuple[str, ...]) -> None:
        angle = 2 * np.pi * (hour / 24 + np.arange(len(classes)) / len(classes))
        self.means = np.sqrt(6) * np.column_stack([np.cos(angle), np.sin(angle)])
        self.classes = np.array(classes, dtype=object)
        self.asked: list[pa.Table] = []

    def __call__(self, table: pa.Table) -> tuple[NDArray[Any], NDArray[Any]]:
        self.asked.append(table)
        points = np.column_stack([table["x"].to_numpy(), table["y"].to_numpy()]).astype(float)
        score = -((points[:, None, :] - self.means) ** 2).sum(axis=2) / 2
        likely = np.exp(score - score.max(axis=1, keepdims=True))
        return self.classes[score.argmax(axis=1)], likely / likely.sum(axis=1, keepdims=True)


def cycle(hour: int, **changes: Any) -> CycleRow:
    """One cycle of a history; the first is not scored."""
    said: dict[str, Any] = {
        "interval": Interval(START + hour * HOUR, START + (hour + 1) * HOUR),
        "champion": "tree" if hour < 2 else "moments",
        "score": None if hour == 0 else 0.95 + hour % 5 / 1000,
        "challengers": {"logistic": 0.94 + hour % 3 / 1000},
        "drift": {"x": 1.0 + hour % 4, "y": 0.5},
        "drifted": ("x",) if hour % 4 == 3 else (),
        "decision": "promote" if hour % 2 else "keep",
        "reasons": ("schedule: 1 interval since the last training",),
        "rows": 900,
        "seconds": 0.05,
        "trained": True,
    }
    return CycleRow(**(said | changes))


def pixels(png: bytes) -> NDArray[np.uint8]:
    """A PNG as an array (height, width, 3)."""
    with Image.open(io.BytesIO(png)) as image:
        return np.asarray(image.convert("RGB"))
