"""Names of classes as a picture has room for them: short, legible, and told apart; the page has them whole."""

from __future__ import annotations

from collections.abc import Sequence

from heliotrope.report.drawing import length
from heliotrope.report.fonts import drawable, legible

__all__ = ["MOST_CLASSES", "shortened"]

MOST_CLASSES = 28
"""A picture names no more classes than it has looks for; the others are grey."""

_MANY = 6
_ROOM, _ROOM_OF_MANY = 168.0, 112.0
"""For one name, in pixels of the legend: where there are more than six, four stand beside each other."""
_LEAST_SIGNS, _MOST_SIGNS = 5, 24


def shortened(names: Sequence[str]) -> tuple[str, ...]:
    """Each of the first 28 names in few signs; by its number where it cannot be drawn, or looks like another.

    >>> shortened(["a", "of all customers those who came in spring", "of all customers that came in spring"])
    ('a', 'of all cust…e in spring', 'no. 3')
    """
    named = names[:MOST_CLASSES]
    room = _ROOM_OF_MANY if len(named) > _MANY else _ROOM
    found: list[str] = []
    for number, name in enumerate(named, 1):
        text = _fitted(name, room) if name.strip() and drawable(name) else f"no. {number}"
        found.append(f"no. {number}" if text in found else text)
    return tuple(found)


def _fitted(name: str, room: float) -> str:
    """As much of the name as there is room for."""
    texts = (legible(name, signs) for signs in range(_MOST_SIGNS, _LEAST_SIGNS, -1))
    return next((text for text in texts if length(text) <= room), legible(name, _LEAST_SIGNS))
