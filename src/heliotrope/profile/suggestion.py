"""The pipeline that columns suggest: time, target, features, interval."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from heliotrope.errors import ConfigError, DataError, SchemaError, nearest
from heliotrope.profile.column import NUMBERS, TEXTS, TIMES, ColumnProfile, why_not
from heliotrope.profile.step import HOUR, MANY, MINUTE, Step, choose, fixed

__all__ = ["Counts", "Profile", "Rows", "suggest"]

_TIME_NAMES = ("time", "timestamp", "ts", "at", "datetime", "date", "event_time", "occurred_at", "created_at")
_TARGET_NAME = re.compile(r"(class|label|target|outcome|y|is_.*|.*_(class|label|target|outcome))", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """The rows of every interval that has any, by its place on the grid, and the first and the last time."""

    rows: Mapping[int, int]
    first: datetime
    last: datetime


class Rows(Protocol):
    """A table or a file, as far as a profile asks it."""

    @property
    def name(self) -> str:
        """As errors call it."""

    def types(self) -> Mapping[str, str]:
        """PostgreSQL's type of every column, by name."""

    def columns(self) -> Sequence[ColumnProfile]:
        """What the first rows hold."""

    def classes(self, target: str) -> Mapping[str, int]:
        """How often the first rows have each of the target's commonest values, as text, the commonest first."""

    def counts(self, time: str, step: timedelta) -> Counts | None:
        """How many of all rows fall into each interval; None where there are none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Profile:
    """A table or a file, and the pipeline that its columns suggest."""

    table: str
    path: str | None = None
    """The file that is to be loaded into the table; None where the table holds its rows already."""
    rows: int
    first: datetime
    last: datetime
    time: ColumnProfile
    other_times: tuple[str, ...] = ()
    """What could be the time too, where it was not named."""
    features: tuple[ColumnProfile, ...]
    left_out: Mapping[str, str]
    """By column: why it is no feature."""
    target: ColumnProfile
    target_guessed: bool
    classes: Mapping[str, int]
    """Rows by class, of those looked at, the commonest first; empty for a regression."""
    step: Step

    @property
    def task(self) -> str:
        """Whether the target is a class or a number."""
        return "classification" if self.classes else "regression"


def suggest(
    rows: Rows,
    table: str,
    *,
    path: str | None = None,
    time: str | None = None,
    target: str | None = None,
    interval: timedelta | None = None,
) -> Profile:
    """The profile; ``time``, ``target`` and ``interval`` are found out where they are not given."""
    times = _times(rows, time)
    columns = rows.columns()
    times = sorted(times, key=[one.name for one in columns if one.constant].count)  # what is one time is no clock
    clock = times[0]
    counts = _counts(rows, clock, interval or HOUR)
    others = [one for one in columns if one.name != clock]
    answer = _target(rows, others, target)
    if interval is not None:
        step = fixed(interval, counts.rows, interval)
    elif len(counts.rows) < MANY:
        step = choose(_counts(rows, clock, MINUTE).rows, MINUTE)
    else:
        step = choose(counts.rows, HOUR)
    left_out = {one.name: why for one in others if one.name != answer.name and (why := why_not(one))}
    features = tuple(one for one in others if one.name not in left_out and one.name != answer.name)
    if not features:
        raise ConfigError(f"{rows.name} has no column that could be a feature", remedy="make a view that has one")
    return Profile(
        table=table,
        path=path,
        rows=sum(counts.rows.values()),
        first=counts.first,
        last=counts.last,
        time=next(one for one in columns if one.name == clock),
        other_times=tuple(times[1:]),
        features=features,
        left_out=left_out,
        target=answer,
        target_guessed=target is None,
        classes=rows.classes(answer.name) if _are_classes(answer) else {},
        step=step,
    )


def _counts(rows: Rows, time: str, step: timedelta) -> Counts:
    found = rows.counts(time, step)
    if found is None:
        raise DataError(f"{rows.name} holds no rows with a {time!r}", remedy="load some first")
    return found


def _times(rows: Rows, asked: str | None) -> list[str]:
    """What could be the time, the likeliest first; what is asked for alone where something is."""
    types = rows.types()
    if asked is not None:
        found = _known(rows, asked)
        if found not in TIMES:
            raise SchemaError(
                f"{rows.name}.{asked} is of type {found}, not a time",
                remedy="name a timestamptz, timestamp or date column; in a file times are written 2026-11-24T05:00Z",
            )
        return [asked]
    times = [name for name, kind in types.items() if kind in TIMES]
    if not times:
        raise SchemaError(
            f"{rows.name} has no timestamptz, timestamp or date column",
            remedy="make a view that has one; in a file times are written 2026-11-24T05:00Z",
        )
    return sorted(times, key=lambda name: (TIMES.index(types[name]), _likeness(name)))


def _known(rows: Rows, name: str) -> str:
    types = rows.types()
    if name not in types:
        raise SchemaError(f"{rows.name} has no column {name!r}", remedy=nearest(name, types))
    return types[name]


def _likeness(name: str) -> int:
    """How little the name looks like that of the time."""
    return _TIME_NAMES.index(name.lower()) if name.lower() in _TIME_NAMES else len(_TIME_NAMES)


def _target(rows: Rows, columns: Sequence[ColumnProfile], asked: str | None) -> ColumnProfile:
    if asked is not None:
        kind = _known(rows, asked)
        found = next((one for one in columns if one.name == asked), None)
        if found is None or kind not in (*NUMBERS, *TEXTS):
            raise ConfigError(
                f"{rows.name}.{asked} is the time, or of type {kind}, and cannot be the target",
                remedy="name a number, a text or a bool",
            )
        if found.distinct < 2:
            raise ConfigError(
                f"{rows.name}.{asked} holds {'one value' if found.distinct else 'nothing'} in the rows looked at",
                remedy="name a column with something to predict",
            )
        return found
    usable = [one for one in columns if not one.constant and one.type in (*NUMBERS, *TEXTS)]
    named = [one for one in usable if _TARGET_NAME.fullmatch(one.name) and not why_not(one)]
    named = [one for one in named if one.few] or named or [one for one in usable if one.few]
    if not named:
        known = ", ".join(repr(one.name) for one in usable) or "none"
        raise ConfigError(f"no column of {rows.name} looks like a target", remedy=f"name one with --target: {known}")
    return named[-1]


def _are_classes(target: ColumnProfile) -> bool:
    return target.few or target.type in (*TEXTS, "bool") or target.distinct <= 2
