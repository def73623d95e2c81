"""Selection policies: which intervals a candidate is trained on, and how much each of their rows weighs.

Pure arithmetic on the pipeline's grid. A window is half-open and ends at ``end``, the start of what is to be
predicted; nothing at or after ``end`` is ever in it.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from heliotrope.config import Decayed, DriftCut, Expanding, Sliding
from heliotrope.errors import IntervalError
from heliotrope.interval import Interval, floor, format_step, format_time

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from heliotrope.config import Window

__all__ = ["select", "weights"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST = datetime(1, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def select(
    window: Window, *, end: datetime, step: timedelta, first: datetime | None, changed: datetime | None = None
) -> Interval | None:
    """The time range to train on: whole intervals of ``step``, up to and without ``end``.

    ``first`` is the start of the first interval that holds data (None: unknown); the range never begins before
    it. ``changed`` is the start of the last interval before ``end`` in which a change was found, for
    :class:`~heliotrope.config.DriftCut`. None when nothing is left. Raises IntervalError when ``end`` is not on the
    grid.

    >>> from heliotrope.config import Sliding
    >>> from heliotrope.interval import parse_step, parse_time
    >>> hour, noon = parse_step("1h"), parse_time("2026-11-24T12:00Z")
    >>> str(select(Sliding(intervals=3), end=noon, step=hour, first=None))
    '[2026-11-24T09:00Z, 2026-11-24T12:00Z)'
    >>> str(select(Sliding(intervals=3), end=noon, step=hour, first=parse_time("2026-11-24T11:00Z")))
    '[2026-11-24T11:00Z, 2026-11-24T12:00Z)'
    >>> select(Sliding(intervals=3), end=noon, step=hour, first=noon) is None
    True
    """
    _on_grid(end, step)
    longest = window.intervals if isinstance(window, Sliding | Decayed) else window.max_intervals
    starts = [_back(end, step, longest)]
    if isinstance(window, DriftCut) and changed is not None:
        starts.append(min(floor(changed, step), _back(end, step, window.min_intervals)))
    if first is not None:
        starts.append(floor(first, step))
    if isinstance(window, Expanding) and window.start is not None:
        starts.append(_ceil(window.start, step))
    start = max(starts)
    return Interval(start, end.astimezone(UTC)) if start < end else None


def weights(window: Window, times: NDArray[Any], *, end: datetime, step: timedelta) -> NDArray[np.float64] | None:
    """What each row weighs in the training: None when all weigh the same.

    ``times``, shape (n,), is datetime64 or int64 microseconds since the Unix epoch, in UTC. With
    :class:`~heliotrope.config.Decayed` a row weighs ``0.5 ** (age / half_life)``; its age is counted in whole
    intervals, zero for those of the last interval before ``end``, so that the rows of one interval weigh the same.
    Raises IntervalError for a row at or after ``end``: it belongs to what is to be predicted.

    >>> from heliotrope.config import Decayed
    >>> from heliotrope.interval import parse_step, parse_time
    >>> times = np.array(["2026-11-24T09:00", "2026-11-24T11:00", "2026-11-24T11:59"], dtype="datetime64[us]")
    >>> noon = parse_time("2026-11-24T12:00Z")
    >>> weights(Decayed(half_life=1.0), times, end=noon, step=parse_step("1h"))
    array([0.25, 1.  , 1.  ])
    """
    if not isinstance(window, Decayed):
        return None
    _on_grid(end, step)
    since_epoch = np.asarray(times)
    if since_epoch.dtype.kind == "M":
        since_epoch = since_epoch.astype("datetime64[us]").astype(np.int64)
    last = (end - _EPOCH) // _MICROSECOND - 1
    age = (last - since_epoch) // (step // _MICROSECOND)
    if age.size and age.min() < 0:
        late = _EPOCH + int(since_epoch.max()) * _MICROSECOND
        raise IntervalError(
            f"a row at {format_time(late)} is not before the end of the window, {format_time(end)}",
            remedy="select the window's rows first",
        )
    return np.asarray(0.5 ** (age / window.half_life), dtype=np.float64)


def _on_grid(end: datetime, step: timedelta) -> None:
    if floor(end, step) != end:
        raise IntervalError(
            f"the window's end {format_time(end)} is not on the {format_step(step)} grid",
            remedy="end it where an interval ends",
        )


def _back(end: datetime, step: timedelta, intervals: int) -> datetime:
    """``end`` moved back by ``intervals`` steps, or by as many as the calendar holds."""
    return end.astimezone(UTC) - step * min(intervals, (end - _EARLIEST) // step)


def _ceil(time: datetime, step: timedelta) -> datetime:
    below = floor(time, step)
    return below if below == time else below + step
