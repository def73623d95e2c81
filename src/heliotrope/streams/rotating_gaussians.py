"""The original stream: classes on a circle that turns once a day."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from heliotrope.errors import ConfigError
from heliotrope.interval import Interval
from heliotrope.streams.stream import Rows, generator, number, tabulate, ticks, whole

__all__ = ["RotatingGaussians"]

_HOUR = timedelta(hours=1)
_MIDNIGHT = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class RotatingGaussians:
    """K classes, two features of variance 1, one timestamp an hour; a class's mean goes round once in 24 hours.

    At UTC hour h the mean of class k = 0..K-1 is ``sqrt(radius) * (cos a, sin a)``, ``a = 2 pi h/24 + 2 pi k/K``.
    The original's text calls ``radius`` the distance of a mean from the middle; its formula makes it the square of
    that distance, and its published figures agree with the formula (6 gives 2.449). The formula is kept.

    Args:
        classes: how many classes (named A, B, C, ...; beyond Z: A1, B1, ...), or their names.
        radius: the square of the distance of every mean from the middle.
        rows: rows per class and hour.
        seed: of the random numbers.

    >>> stream = RotatingGaussians(rows=2, seed=7)
    >>> [round(float(part), 3) for part in stream.mean("A", 0)]
    [2.449, 0.0]
    >>> hour = Interval(datetime(2026, 11, 22, tzinfo=UTC), datetime(2026, 11, 22, 1, tzinfo=UTC))
    >>> table = stream.batch(hour)
    >>> table.column_names, table["class"].to_pylist()
    (['time', 'x', 'y', 'class'], ['A', 'A', 'B', 'B', 'C', 'C'])
    >>> round(stream.best_possible(), 4)
    0.9688
    """

    drift: ClassVar[str] = "incremental"
    columns: ClassVar[tuple[str, ...]] = ("time", "x", "y", "class")
    drift_points: ClassVar[tuple[datetime, ...]] = ()

    classes: int | Sequence[str] = 3
    radius: float = 6.0
    rows: int = 300
    seed: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "classes", _class_names(self.classes))
        object.__setattr__(self, "radius", number("radius", self.radius, least=0.0))
        whole("rows", self.rows, least=1)
        whole("seed", self.seed, least=0)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the classes, in order."""
        assert not isinstance(self.classes, int)
        return tuple(self.classes)

    def mean(self, label: int | str, hour: float) -> NDArray[np.float64]:
        """The mean ``(x, y)`` of a class, given by name or number, at an hour of the day in UTC."""
        if label not in (self.names if isinstance(label, str) else range(len(self.names))):
            raise ConfigError(f"class {label!r} is not in the stream", remedy=f"its classes: {', '.join(self.names)}")
        k = self.names.index(label) if isinstance(label, str) else label
        mean: NDArray[np.float64] = self._means(np.array([hour]))[0, k]
        return mean

    def batch(self, interval: Interval) -> pa.Table:
        """The rows of every hour whose timestamp falls into ``interval``: class after class, hour after hour."""
        return tabulate(self.columns, list(ticks(interval, _HOUR, _MIDNIGHT)), self._hour)

    def best_possible(self) -> float:
        """The accuracy of the Bayes rule, which no model can beat in the mean; by numerical integration.

        The rule chooses the nearest mean, so a row of class k is right within the wedge of ``pi / K`` to both sides
        of its mean. In polar coordinates around the middle the integral along the distance has a closed form; the
        one along the angle is taken by Gauss-Legendre quadrature over what is not negligible of the wedge.
        """
        if len(self.names) == 1:
            return 1.0
        distance = math.sqrt(self.radius)
        half = math.pi / len(self.names)
        if distance > 0:
            half = min(half, 12.0 / distance)
        nodes, weights = np.polynomial.legendre.leggauss(200)
        along = distance * np.cos(half * nodes)
        across = distance * np.sin(half * nodes)
        below = np.array([0.5 * math.erfc(-value / math.sqrt(2.0)) for value in along])  # the normal distribution
        density = np.exp(-(distance**2) / 2) / (2 * math.pi)
        density = density + np.exp(-(across**2) / 2) * along * below / math.sqrt(2 * math.pi)
        return min(1.0, float(half * (weights @ density)))

    def predict_best(self, table: pa.Table) -> NDArray[np.str_]:
        """The Bayes rule's class for every row of a table with columns time, x and y."""
        hours = _hours(table["time"])
        points = np.column_stack([table["x"].to_numpy(), table["y"].to_numpy()])
        scores = np.einsum("rkd,rd->rk", self._means(hours), points)  # equal norms: the nearest has the largest
        chosen: NDArray[np.str_] = np.array(self.names)[scores.argmax(axis=1)]
        return chosen

    def _means(self, hours: NDArray[np.float64]) -> NDArray[np.float64]:
        """Means of every class at each of ``hours``, shaped (hours, classes, 2)."""
        offsets = np.arange(len(self.names)) / len(self.names)
        angles = 2 * math.pi * (hours[:, None] / 24 + offsets)
        return math.sqrt(self.radius) * np.stack([np.cos(angles), np.sin(angles)], axis=-1)

    def _hour(self, time: datetime) -> Rows:
        means = self._means(np.array([float(time.hour)]))[0]
        noise = generator(self.seed, time).standard_normal((len(self.names), self.rows, 2))
        labels = np.repeat(np.arange(len(self.names), dtype=np.int32), self.rows)
        target = pa.DictionaryArray.from_arrays(pa.array(labels), pa.array(self.names)).cast(pa.string())
        return (noise + means[:, None, :]).reshape(-1, 2), target


def _class_names(classes: object) -> tuple[str, ...]:
    if isinstance(classes, str) or not isinstance(classes, Sequence):
        count = whole("classes", classes, least=1)
        return tuple(chr(ord("A") + k % 26) + (str(k // 26) if k >= 26 else "") for k in range(count))
    if not classes or not all(isinstance(name, str) for name in classes) or len(set(classes)) < len(classes):
        raise ConfigError(f"classes is {list(classes)!r}", remedy="give a count, or one or more different names")
    return tuple(classes)


def _hours(times: pa.ChunkedArray) -> NDArray[np.float64]:
    microseconds = times.cast(pa.timestamp("us", tz="UTC")).cast(pa.int64()).to_numpy()
    hours: NDArray[np.float64] = ((microseconds // 3_600_000_000) % 24).astype(np.float64)
    return hours
