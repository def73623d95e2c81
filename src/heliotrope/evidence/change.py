"""One change is reported once: an alarm closes the old reference, and what follows is compared with what followed it.

A batch that is far from the reference stays so for ever after, and would be reported at every interval. Here the
batch that raised the alarm begins a new reference (a detector that starts again after each alarm, so that the rate of
false ones holds from alarm to alarm: Shin, Ramdas and Rinaldo, 2023). A threshold for a reference as short as it then
is comes from :mod:`.calibration`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

__all__ = ["Era"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Era:
    """The intervals since the last change, by their numbers on the grid; plain, to be kept in the ledger.

    >>> era = Era(first=0)
    >>> era.reference(10, longest=3)
    (7, 10)
    >>> era = era.after(10, drifted=True)
    >>> era.changes, era.reference(11, longest=3), era.reference(15, longest=3)
    (1, (10, 11), (12, 15))
    """

    first: int
    """The first interval that belongs to it."""
    changes: int = 0
    """How many changes were reported so far."""

    def reference(self, interval: int, *, longest: int) -> tuple[int, int]:
        """The half-open run of intervals to compare this one with: of this era, before it, at most ``longest``."""
        return max(self.first, interval - longest), interval

    def after(self, interval: int, *, drifted: bool) -> Self:
        """Where the interval drifted from the reference, a new era begins with it."""
        return type(self)(first=interval, changes=self.changes + 1) if drifted else self

    def plain(self) -> dict[str, int]:
        """As JSON has it."""
        return {"first": self.first, "changes": self.changes}

    @classmethod
    def parse(cls, plain: Mapping[str, Any]) -> Self:
        """What :meth:`plain` gave."""
        return cls(first=plain["first"], changes=plain["changes"])
