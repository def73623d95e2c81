"""Figures and times as the pages write them, in a language."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from heliotrope.interval import Interval
from heliotrope.report.cycles import number, when
from heliotrope.web.language import Language

__all__ = ["Words"]

_LENGTHS = ((86400, "days"), (3600, "hours"), (60, "minutes"), (1, "seconds"))
_LOWEST = 1e-4


class Words:
    """What is written into a page from a figure or a time."""

    def __init__(self, language: Language) -> None:
        self.t = language

    @staticmethod
    def number(value: float | None) -> str:
        """A score, or a dash."""
        return number(value)

    @staticmethod
    def count(value: float | None) -> str:
        """A whole number with its thousands apart."""
        return "–" if value is None else f"{value:,.0f}"

    @staticmethod
    def figure(value: object) -> str:
        """A figure of the evidence: at most four digits that tell something.

        >>> Words.figure(0.123456), Words.figure(12), Words.figure(1e-9), Words.figure(None), Words.figure(31536.0)
        ('0.1235', '12', '1e-09', '–', '31,536')
        """
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return "–" if value is None else str(value)
        if not math.isfinite(value):
            return "–"
        if value == int(value) and abs(value) < 1e15:
            return f"{int(value):,}"
        return f"{value:.3g}" if abs(value) < _LOWEST else f"{value:,.4f}" if abs(value) < 100 else f"{value:,.1f}"

    @staticmethod
    def interval(interval: Interval) -> str:
        """An interval by its start."""
        return when(interval)

    @staticmethod
    def time(moment: datetime | None) -> str:
        """A moment in UTC, to the minute.

        >>> Words.time(datetime(2026, 11, 24, 5, tzinfo=UTC))
        '2026-11-24 05:00'
        """
        return "–" if moment is None else f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}"

    def length(self, length: timedelta) -> str:
        """How long something is, in its largest unit.

        >>> Words(Language("en")).length(timedelta(hours=50)), Words(Language("ko")).length(timedelta(hours=1))
        ('2 days', '1시간')
        """
        seconds = abs(length.total_seconds())
        size, unit = next((one for one in _LENGTHS if seconds >= one[0]), _LENGTHS[-1])
        return self.t(f"length.{unit}", n=int(seconds // size))

    def seconds(self, value: float) -> str:
        """A time that something took.

        >>> Words(Language("en")).seconds(0.0412)
        '0.041 s'
        """
        return self.t("length.s", seconds=f"{value:.3f}" if value < 10 else f"{value:,.1f}")

    def features(self, names: Iterable[str], most: int = 4) -> str:
        """Names of features, ``*`` being all of them together; no more than ``most`` of them.

        >>> Words(Language("en")).features(["x", "*"])
        'x, all together'
        """
        said = [self.t("drift.all") if one == "*" else one for one in names]
        more = len(said) - most
        shown = ", ".join(said[:most])
        return self.t("and_more", shown=shown, count=more) if more > 0 else shown

    def named(self, group: str, name: str) -> str:
        """A word of the record, as the language calls it."""
        return self.t.named(group, name)

    def metric(self, name: str) -> str:
        """A metric's name."""
        return self.t.named("metric", name)

    def reason(self, reason: tuple[str, Mapping[str, object]]) -> str:
        """What :mod:`heliotrope.web.health` gives as a reason; times, lengths and names in it are written out."""
        key, values = reason
        return self.t(f"why.{key}", **{name: self._written(one) for name, one in values.items()})

    def _written(self, value: object) -> object:
        if isinstance(value, datetime):
            return self.time(value)
        if isinstance(value, timedelta):
            return self.length(value)
        if isinstance(value, tuple):
            return self.features(value)
        return value
