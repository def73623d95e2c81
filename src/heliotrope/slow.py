"""A word to the log of what takes long, so that nobody waits without knowing for what."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["told_when_slow"]

_log = logging.getLogger(__name__)


@contextmanager
def told_when_slow(what: str, *, seconds: float = 30.0) -> Iterator[None]:
    """Tell of the block when it has taken so many seconds, twice as many, four times as many and so on.

    >>> with told_when_slow("the fit of candidate 'trees'"):
    ...     pass
    """
    begun, ended = time.monotonic(), threading.Event()

    def wait() -> None:
        pause = seconds
        while not ended.wait(pause):
            _log.warning("%s goes on, for %.0f seconds now", what, time.monotonic() - begun)
            pause = time.monotonic() - begun

    thread = threading.Thread(target=wait, name="slow", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
