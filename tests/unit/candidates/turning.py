"""The original's stream in a few lines, and how well what is trained on some hours does on the next."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

START = 1_764_000_000.0
"""Seconds since the epoch of hour 0."""


class Rows(NamedTuple):
    """The rows of some hours: features, labels, seconds since the epoch."""

    X: Floats
    y: NDArray[np.intp]
    time: Floats


Hour = Callable[[np.random.Generator, int], Rows]


def turning(rng: np.random.Generator, hour: int, *, rows: int = 300, classes: int = 3, speed: float = 1.0) -> Rows:
    """Classes at distance sqrt(6) from the origin, turning around it ``speed`` times a day, with unit variance."""
    angle = 2 * np.pi * (speed * hour / 24 + np.arange(classes) / classes)
    mean = np.sqrt(6.0) * np.column_stack([np.cos(angle), np.sin(angle)])
    y = np.repeat(np.arange(classes), rows)
    return Rows(mean[y] + rng.standard_normal((len(y), 2)), y, np.full(len(y), START + 3600.0 * hour))


def standing(rng: np.random.Generator, hour: int, *, rows: int = 300) -> Rows:
    """The same classes, standing still."""
    return turning(rng, hour, rows=rows, speed=0.0)


def wide(
    rng: np.random.Generator, hour: int, *, rows: int = 150, moving: float = 0.0, correlation: float = 0.0
) -> Rows:
    """Five classes in 20 features of equal correlation; ``moving``: how far means move along some of them an hour."""
    fixed = np.random.default_rng(5)
    scale = np.sqrt(1.0 - correlation)
    mean = 0.6 * scale * fixed.standard_normal((5, 20))
    mean[:, :3] += moving * scale * hour * fixed.standard_normal((5, 3))
    y = np.repeat(np.arange(5), rows)
    common = np.sqrt(correlation) * rng.standard_normal((len(y), 1))
    X = mean[y] + scale * rng.standard_normal((len(y), 20)) + common
    return Rows(X, y, np.full(len(y), START + 3600.0 * hour))


def joined(hours: list[Rows]) -> Rows:
    """The rows of all the hours."""
    return Rows(*(np.concatenate(columns) for columns in zip(*hours, strict=True)))


def next_hour_accuracy(make: Callable[[], Any], hour: Hour, *, window: int, hours: int, seed: int = 0) -> float:
    """Mean accuracy on the hour after a sliding window, over ``hours`` hours."""
    rng = np.random.default_rng(seed)
    stream = [hour(rng, number) for number in range(window + hours)]
    right = []
    for number in range(window, window + hours):
        seen, following = joined(stream[number - window : number]), stream[number]
        model = make().fit(seen.X, seen.y, time=seen.time)
        right.append(np.mean(model.predict(following.X, time=following.time) == following.y))
    return float(np.mean(right))
