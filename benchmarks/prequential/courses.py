"""The courses: real streams where their data are there, the original stream, and one of every kind of drift."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from heliotrope import streams
from heliotrope.datasets import flights
from heliotrope.errors import HeliotropeError
from heliotrope.interval import Interval, floor
from prequential.course import Course

__all__ = ["COURSES", "Skipped", "course"]

START = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
STAMP = pa.timestamp("us", tz="UTC")
_NAMES = ("carrier", "origin", "dest", "weekday")
_NUMBERS = ("hour", "distance", "temp", "dewp", "humid", "wind_speed", "precip", "pressure", "visib")
_OF_FLIGHTS = 8  # every eighth is kept: the peers learn row by row


class Skipped(Exception):  # noqa: N818 - it is no error
    """A course cannot be had here; the text says why."""


def course(name: str) -> Course:
    """The course of that name. Raises Skipped."""
    return COURSES[name](name)


# --- real ones ---------------------------------------------------------------------------------------------


def _electricity(name: str, step: timedelta, title: str) -> Course:
    header, rows = _csv("elec2", "HELIOTROPE_ELEC2")
    start = datetime(1996, 5, 7, tzinfo=UTC)
    times = [start + place * timedelta(minutes=30) for place in range(len(rows))]
    return _numbers(name, title, header, rows, times, step, origin=start - timedelta(days=1))


def _luxembourg(name: str) -> Course:
    header, rows = _csv("luxembourg", "HELIOTROPE_LUXEMBOURG")
    step = timedelta(minutes=50)
    start = floor(START, step)
    times = [start + place * timedelta(minutes=1) for place in range(len(rows))]
    return _numbers(name, "Luxembourg, fifties", header, rows, times, step, origin=start)


def _csv(name: str, variable: str) -> tuple[list[str], list[list[str]]]:
    given = os.environ.get(variable)
    if not given:
        raise Skipped(f"{variable} does not name {name}.csv")
    with Path(given).open(encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    return header, rows


def _numbers(
    name: str,
    title: str,
    header: list[str],
    rows: list[list[str]],
    times: list[datetime],
    step: timedelta,
    *,
    origin: datetime,
) -> Course:
    """Rows of numbers whose last column is the class; intervals that are not full are left out."""
    columns = dict(zip(header, zip(*rows, strict=True), strict=True))
    features = header[:-1]
    table = pa.table(
        {"time": pa.array(times, STAMP)}
        | {feature: pa.array(np.array(columns[feature], dtype=float)) for feature in features}
        | {"class": pa.array(columns[header[-1]])}
    )
    batches = [one for one in _cut(table, times, origin, step) if one[1].num_rows == step / (times[1] - times[0])]
    return Course(
        name=name,
        title=title,
        step=f"{step // timedelta(minutes=1)}m",
        batches=tuple(batches),
        features=dict.fromkeys(features, "numeric"),
        ordered=True,
    )


def _cut(
    table: pa.Table, times: list[datetime], origin: datetime, step: timedelta
) -> Iterator[tuple[Interval, pa.Table]]:
    places = np.array([(time - origin) // step for time in times])
    bounds = np.flatnonzero(np.diff(places, prepend=places[0] - 1, append=places[-1] + 1))
    for low, high in pairwise(bounds.tolist()):
        start = origin + int(places[low]) * step
        yield Interval(start, start + step), table.slice(low, high - low)


def _of_flights(name: str) -> Course:
    try:
        table = flights()
    except HeliotropeError as error:
        raise Skipped(str(error)) from error
    features = (*_NAMES, *_NUMBERS)
    table = table.select(["time", *features, "late"]).rename_columns(["time", *features, "class"])
    table = table.filter(pa.compute.is_valid(table["class"]))
    table = table.take(np.arange(0, table.num_rows, _OF_FLIGHTS)).combine_chunks()
    times = table["time"].to_pylist()
    batches = _cut(table, times, datetime(2013, 1, 1, tzinfo=UTC), timedelta(days=1))
    return Course(
        name=name,
        title="flights, days",
        step="1d",
        batches=tuple(one for one in batches if one[1].num_rows >= 30),
        features=dict.fromkeys(_NAMES, "categorical") | dict.fromkeys(_NUMBERS, "numeric"),
        sampled=f"every {_OF_FLIGHTS}th flight",
    )


# --- synthetic ones ----------------------------------------------------------------------------------------


def _stream(title: str, stream: str, hours: int, **params: Any) -> Callable[[str], Course]:
    def make(name: str) -> Course:
        made: Any = streams.make(stream, **params)
        spans = [Interval(START + hour * HOUR, START + (hour + 1) * HOUR) for hour in range(hours)]
        *features, target = made.columns[1:]
        names = ["time", *features, "class"]
        assert target == "class", "accuracy is of classes"
        return Course(
            name=name,
            title=title,
            step="1h",
            batches=tuple(
                (span, _mixed(made.batch(span).rename_columns(names), hour)) for hour, span in enumerate(spans)
            ),
            features=dict.fromkeys(features, "numeric"),
            best=made.best_possible(),
            still=made.drift == "none",
            synthetic=True,
        )

    return make


def _mixed(table: pa.Table, hour: int) -> pa.Table:
    """The rows of an hour in no order: a learner that takes them one by one would otherwise meet class after class."""
    return table.take(np.random.default_rng(hour).permutation(table.num_rows))


COURSES: dict[str, Callable[[str], Course]] = {
    "elec2_days": lambda name: _electricity(name, timedelta(days=1), "Elec2, days"),
    "elec2_weeks": lambda name: _electricity(name, timedelta(days=7), "Elec2, weeks"),
    "luxembourg": _luxembourg,
    "flights": _of_flights,
    "original": _stream("the original", "rotating_gaussians", 200, rows=300),
    "stationary": _stream("stationary", "stationary", 200),
    "abrupt": _stream("abrupt", "abrupt", 200, points=[50, 100, 150]),
    "gradual": _stream("gradual", "gradual", 200, points=[40, 120]),
    "recurring": _stream("recurring", "recurring", 200, period=24, changes=8),
    "sea": _stream("SEA, abrupt", "sea", 200, points=[50, 100, 150]),
    "hyperplane": _stream("hyperplane, incremental", "hyperplane", 200),
    "daily": _stream("daily, periodic", "daily", 200),
}
"""By name; each is made when it is asked for."""
