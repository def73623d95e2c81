"""Values as JSON has them: what a declaration is made of and the ledger can keep."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from heliotrope.interval import format_step

__all__ = ["DEPTH", "UnfitError", "plain"]

DEPTH = 64
"""How deep lists and mappings may stand in each other."""
_LARGEST = 2**63


class UnfitError(ValueError):
    """A value that no declaration can hold, and the keys and positions that lead to it."""

    def __init__(self, place: tuple[str | int, ...], message: str) -> None:
        super().__init__(message)
        self.place = place


def plain(value: object, place: tuple[str | int, ...] = ()) -> Any:
    """The value with times as texts, tuples as lists, and whatever else JSON has not as text.

    Raises UnfitError for a text that is none in UTF-8 or has a NUL in it, a number that is not finite or has more
    than 64 bits, and what stands too deep or in itself.

    >>> plain({"every": timedelta(hours=1), "of": (1, "a")})
    {'every': '1h', 'of': [1, 'a']}
    >>> plain({"a": [float("nan")]})
    Traceback (most recent call last):
    heliotrope.config.plain.UnfitError: nan is not a finite number; leave it out
    """
    if len(place) > DEPTH:
        raise UnfitError(place[:1], f"more than {DEPTH} lists and mappings in each other; write fewer")
    if isinstance(value, Mapping):
        return {_text(key, place): plain(one, (*place, _text(key, place))) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one, (*place, position)) for position, one in enumerate(value)]
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        if abs(value) >= _LARGEST:
            raise UnfitError(place, "a whole number of more than 64 bits; write a smaller one")
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise UnfitError(place, f"{value} is not a finite number; leave it out")
        return value
    if isinstance(value, timedelta):
        return format_step(value)
    return _text(value.isoformat() if isinstance(value, datetime | date) else value, place)


def _text(value: object, place: tuple[str | int, ...]) -> str:
    text = str(value)
    try:
        text.encode()
    except UnicodeEncodeError:
        raise UnfitError(place, f"{text!a} has half a character in it; remove it") from None
    if "\0" in text:
        raise UnfitError(place, f"{text!a} has a NUL in it; remove it")
    return text
