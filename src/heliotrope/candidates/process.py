"""The process that an estimator is called in, and no copy of it, goes on with what it came to."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["no_copy_goes_on"]


@contextmanager
def no_copy_goes_on() -> Iterator[None]:
    """End a process that the block forked and let come to its end, by a return or by an error.

    It holds the connections to the database that the process itself writes by, and would do the same cycle again.

    >>> with no_copy_goes_on():
    ...     pass
    """
    ours = os.getpid()
    try:
        yield
    finally:
        if os.getpid() != ours:
            os._exit(1)
