"""What every stream is, and the few rules all of them keep.

A stream is cut into ticks: instants ``origin + i * step``. All rows of a tick carry its timestamp and come from a
random generator seeded by (the stream's seed, the tick), so any interval can be made alone, in any order and by any
number of processes, and always holds the same rows. An interval holds the ticks that fall into it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from heliotrope.errors import ConfigError
from heliotrope.interval import Interval, format_time, parse_step, parse_time

__all__ = ["Rows", "Stream", "generator", "number", "tabulate", "tick_step", "tick_time", "ticks", "whole"]

TIME = pa.timestamp("us", tz="UTC")
_BEGINNING = datetime(1, 1, 1, tzinfo=UTC)

Rows = tuple[NDArray[np.float64], pa.Array]
"""The rows of one tick: features, shaped (rows, columns), and the target."""


class Stream(Protocol):
    """A source of rows whose drift is known. Streams compare by value and can be pickled."""

    drift: str
    """``incremental``, ``abrupt``, ``gradual``, ``recurring``, ``periodic`` or ``none``."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Names in the order of a table: time, features, target."""

    @property
    def drift_points(self) -> tuple[datetime, ...]:
        """When the concept changes; empty where it never does, and where it does so at every tick."""

    def batch(self, interval: Interval) -> pa.Table:
        """The rows of ``interval``: time as timestamp[us, UTC], features float64, target string or float64."""


def ticks(interval: Interval, step: timedelta, origin: datetime) -> Iterator[datetime]:
    """The instants ``origin + i * step`` (i of either sign) that fall into ``interval``, in order.

    >>> from heliotrope.interval import Interval
    >>> origin = datetime(2026, 1, 1, tzinfo=UTC)
    >>> day = Interval(datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 1, 3, tzinfo=UTC))
    >>> [tick.hour for tick in ticks(day, timedelta(hours=9), origin)]
    [3, 12, 21]
    """
    tick = interval.start.astimezone(UTC) - (interval.start - origin) % -step
    while tick < interval.end:
        yield tick
        tick += step


def generator(seed: int, tick: datetime) -> np.random.Generator:
    """The generator of one tick's rows; different ticks and different seeds have independent ones."""
    return np.random.default_rng([seed, (tick - _BEGINNING) // timedelta(microseconds=1)])


def tabulate(columns: Sequence[str], times: Sequence[datetime], rows: Callable[[datetime], Rows]) -> pa.Table:
    """One table of the rows that ``rows`` gives for each of ``times``."""
    blocks = [rows(time) for time in times]
    counts = [len(features) for features, _ in blocks]
    stamps = np.repeat(np.array([_microseconds(time) for time in times], dtype=np.int64), counts)
    width = len(columns) - 2
    features = np.concatenate([block for block, _ in blocks]) if blocks else np.empty((0, width))
    target = pa.chunked_array([block for _, block in blocks]) if blocks else rows(_BEGINNING)[1].slice(0, 0)
    arrays = [pa.array(stamps, type=TIME), *(pa.array(column) for column in features.T), target]
    return pa.table(arrays, names=list(columns)).combine_chunks()


def _microseconds(time: datetime) -> int:
    return (time - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def whole(name: str, value: object, *, least: int) -> int:
    """``value`` as a whole number of at least ``least``. Raises ConfigError."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise ConfigError(f"{name} is {value!r}", remedy=f"give a whole number, {least} or more")
    return int(value)


def number(name: str, value: object, *, least: float = -np.inf) -> float:
    """``value`` as a finite number of at least ``least``. Raises ConfigError."""
    if isinstance(value, bool) or not isinstance(value, (int, float, np.number)) or not np.isfinite(value):
        raise ConfigError(f"{name} is {value!r}", remedy="give a number")
    if value < least:
        raise ConfigError(f"{name} is {value!r}", remedy=f"give {least:g} or more")
    return float(value)


def tick_step(value: object) -> timedelta:
    """``"1h"`` or a timedelta as the time between ticks. Raises ConfigError."""
    step = parse_step(value) if isinstance(value, str) else value
    if not isinstance(step, timedelta) or step <= timedelta(0):
        raise ConfigError(f"step is {value!r}", remedy="write 15m, 1h, 1d or 1w")
    return step


def tick_time(name: str, value: object) -> datetime:
    """``"2026-01-01T00:00Z"`` or an aware datetime, in UTC. Raises ConfigError or IntervalError."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC)
    if not isinstance(value, str):
        raise ConfigError(f"{name} is {value!r}", remedy=f"write it as {format_time(_BEGINNING.replace(year=2026))}")
    return parse_time(value)
