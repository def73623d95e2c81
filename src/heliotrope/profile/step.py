"""The interval that fits a table: long enough to score a model on, short enough that there are many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from statistics import median_low

from heliotrope.interval import format_step

__all__ = ["ENOUGH", "HOUR", "MANY", "MINUTE", "Step", "choose", "fixed"]

ENOUGH = 300
"""Rows that a typical interval should hold."""
MANY = 12
"""Intervals that the table should be cut into, at the least."""
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)

_STEPS = (
    *(MINUTE, timedelta(minutes=5), timedelta(minutes=15), HOUR, timedelta(hours=6)),
    *(timedelta(days=1), timedelta(weeks=1), timedelta(weeks=4)),
)
_MOST = 2000  # intervals that a first replay should run
_MOSTLY_GAPS = 0.6  # of as many intervals with rows, when they are longer: between these there is mostly nothing


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """A length of intervals, what it makes of the rows, and why it was chosen."""

    length: timedelta
    rows: int
    """In a typical interval: the median of those that have any."""
    intervals: int
    """That have rows."""
    reason: str

    def __str__(self) -> str:
        """As a comment has it: length, rows, how many, why."""
        return f"{self.rows:,} rows in a typical {format_step(self.length)}, {self.intervals:,} of them; {self.reason}"


def fixed(length: timedelta, counts: Mapping[int, int], base: timedelta) -> Step:
    """A step that was asked for. ``counts`` are the rows of every interval of length ``base`` that has any."""
    rows, intervals = _measured(length, counts, base)
    return Step(length=length, rows=rows, intervals=intervals, reason="as asked for")


def choose(counts: Mapping[int, int], base: timedelta) -> Step:
    """The step, not shorter than ``base``, that fits; the shortest from an hour on where several do.

    ``counts`` are the rows of every interval of length ``base`` that has any, by its place on the grid.

    >>> daily = choose({24 * day: 500 for day in range(60)}, HOUR)
    >>> str(daily)  # doctest: +NORMALIZE_WHITESPACE
    '500 rows in a typical 1d, 60 of them; the shortest of 1h, 6h, 1d, 1w and 4w with 300 rows in a typical one,
    and 12 of them'
    """
    steps = [step for step in _STEPS if step >= base]
    found = {step: _measured(step, counts, base) for step in steps}
    dense = [
        step
        for step, longer in zip(steps, [*steps[1:], None], strict=True)
        if longer is None or found[longer][1] <= _MOSTLY_GAPS * found[step][1] or found[longer][1] == 1
    ]
    many = [step for step in dense if MANY <= found[step][1] <= _MOST]
    enough = [step for step in many if found[step][0] >= ENOUGH]
    asked = f"with {ENOUGH} rows in a typical one, and {MANY} of them"
    if enough and enough[-1] >= HOUR:
        chosen, reason = next(step for step in enough if step >= HOUR), f"the shortest of 1h, 6h, 1d, 1w and 4w {asked}"
    elif enough:
        chosen, reason = enough[-1], f"the longest below 1h {asked}"
    elif many:
        chosen, reason = many[-1], f"the longest that gives {MANY} of them; {ENOUGH} rows in each would be better"
    else:
        chosen = max(reversed(steps), key=lambda step: found[step][1])
        reason = f"no length gives more of them, though {MANY} would be better"
    return Step(length=chosen, rows=found[chosen][0], intervals=found[chosen][1], reason=reason)


def _measured(step: timedelta, counts: Mapping[int, int], base: timedelta) -> tuple[int, int]:
    """Rows of a typical interval, and how many intervals have rows."""
    ratio = step / base
    whole: Counter[int] = Counter()
    for place, rows in counts.items():
        whole[int(place // ratio)] += rows
    return median_low(whole.values()), len(whole)
