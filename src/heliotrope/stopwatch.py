"""Where the seconds of a cycle went, by part; and a span of each part, where spans are asked for."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

from heliotrope import spans

__all__ = ["Stopwatch"]


class Stopwatch:
    """Adds up seconds by the name of a part.

    >>> ticks = iter([0.0, 2.0, 2.0, 3.0])
    >>> watch = Stopwatch(lambda: next(ticks))
    >>> for _ in range(2):
    ...     with watch("fit"):
    ...         pass
    >>> watch.seconds
    {'fit': 3.0}
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter, *, traced: bool = True) -> None:
        self._clock = clock
        self._traced = traced
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, part: str, **attributes: str) -> Iterator[None]:
        """Time the block as ``part``; its span has the attributes."""
        begun = self._clock()
        try:
            with spans.part(part, **attributes) if self._traced else nullcontext():
                yield
        finally:
            self.seconds[part] = self.seconds.get(part, 0.0) + self._clock() - begun
