"""Names of classes as a picture has room for them: short, legible, and told apart; the page has them whole."""

from __future__ import annotations

from collections.abc import Sequence

from heliotrope.report.fonts import drawable, legible

__all__ = ["MOST_CLASSES", "shortened"]

MOST_CLASSES = 28
"""A picture names no more classes than it has looks for; the others are grey."""

_WIDTHS = ((14, 11), (6, 16), (0, 24))
"""Of more names than the first, each has as many signs as the second."""


def shortened(names: Sequence[str]) -> tuple[str, ...]:
    """Each of the first 28 names in few signs; by its number where it cannot be drawn, or looks like another.

    >>> shortened(["a", "of all customers those who came in spring", "of all customers that came in spring"])
    ('a', 'of all custo…e in spring', 'no. 3')
    """
    named = names[:MOST_CLASSES]
    width = next(signs for more, signs in _WIDTHS if len(named) > more) if named else 0
    found: list[str] = []
    for number, name in enumerate(named, 1):
        text = legible(name, width) if name.strip() and drawable(name) else f"no. {number}"
        found.append(f"no. {number}" if text in found else text)
    return tuple(found)
