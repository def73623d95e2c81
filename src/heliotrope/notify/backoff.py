"""How long is waited before a message is tried again."""

from __future__ import annotations

__all__ = ["LONGEST", "seconds"]

LONGEST = 3600.0
"""Seconds; a longer wait that the service itself asks for is kept."""


def seconds(attempts: int, asked: float | None = None) -> float:
    """After so many attempts: 1, 2, 4 ... seconds, an hour at most; what the service asked for, where that is longer.

    >>> [seconds(n) for n in (1, 2, 3, 20)], seconds(1, asked=30.5), seconds(9, asked=0.1)
    ([1.0, 2.0, 4.0, 3600.0], 30.5, 256.0)
    """
    own = min(2.0 ** (min(max(attempts, 1), 20) - 1), LONGEST)
    return own if asked is None else max(own, asked)
