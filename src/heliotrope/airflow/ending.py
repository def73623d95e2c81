"""When the server that the pages are in is told to end: what goes on without an end must then end too."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType

__all__ = ["at_end"]


def at_end(tell: Callable[[], None]) -> None:
    """Call ``tell`` when the process gets SIGTERM or SIGINT, before what the server itself does then.

    A server waits for its open requests before it ends what it has mounted, and so would for one that is watched.
    Nothing is done in another thread than the main one, or where the server leaves a signal to the system.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    for number in (signal.SIGTERM, signal.SIGINT):
        before = signal.getsignal(number)
        if callable(before):
            signal.signal(number, _both(tell, before))


def _both(tell: Callable[[], None], before: Callable[[int, FrameType | None], object]) -> Callable[..., None]:
    def told(number: int, frame: FrameType | None) -> None:
        tell()
        before(number, frame)

    return told
