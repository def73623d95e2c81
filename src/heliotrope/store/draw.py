"""A sample of a table's rows, drawn in the database in bounded memory, and the same ones whenever it is drawn.

A row is drawn by a hash of what it holds and of the seed, whatever its place in the table; rows that are equal are told
apart by their number among each other, so that each has its own chance. Rows of one stratum are ranked by that hash
and the first ones taken (bottom-k sampling: Cohen and Kaplan, 2007). Two windows that overlap share their rows.
PostgreSQL sorts on disk what does not fit into its ``work_mem``; only the drawn rows are sent.
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa
from psycopg import sql

from heliotrope.interval import ORIGIN
from heliotrope.sql import statement

if TYPE_CHECKING:
    from heliotrope.interval import Interval
    from heliotrope.store.rows import Rows

__all__ = ["Draw", "Stratum", "quotas"]

_SPARE = 6.0
"""Standard deviations of the number of rows let through to be ranked above the number wanted."""


@dataclass(frozen=True, slots=True)
class Stratum:
    """Rows that are drawn from by themselves: of a class, of an interval, or all."""

    label: str
    start: datetime
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """What is drawn: at most ``most`` rows of ``target``'s labelled ones, not of the intervals ``held``."""

    sample: Literal["recent", "uniform", "stratified", "balanced"]
    most: int
    target: str
    labelled: bool
    """Whether the target has classes."""
    step: timedelta
    seed: int
    held: Collection[datetime] = ()
    recorded_at: str | None = None
    known_at: datetime | None = None
    """Rows whose ``recorded_at`` is not before it are not there."""

    def read(self, rows: Rows, window: Interval, columns: Sequence[str]) -> pa.Table | None:
        """The drawn rows, as :meth:`Rows.read` gives them; None where there are no more than ``most``."""
        strata = self._strata(rows, window)
        if sum(one.rows for one in strata) <= self.most:
            return None
        named = [rows.time_output(), *(rows.output(name) for name in columns)]
        parts = self._parts(rows) | {
            "columns": sql.SQL(", ").join(named),
            "names": sql.SQL(", ").join(map(sql.Identifier, [rows.time, *columns])),
            "seed": sql.Literal(self.seed),
            "most": sql.Literal(self.most),
        }
        name = "newest_rows" if self.sample == "recent" else "drawn_rows"
        query = sql.SQL(statement(name)).format(**parts)
        return rows.fetch(query, window.start, window.end, quota=json.dumps(quotas(strata, self.sample, self.most)))

    def _strata(self, rows: Rows, window: Interval) -> list[Stratum]:
        query = sql.SQL(statement("strata")).format(**self._parts(rows))
        return [Stratum(*row) for row in rows.ask(query, window.start, window.end)]

    def _parts(self, rows: Rows) -> dict[str, sql.Composable]:
        column, when = sql.Identifier(self.target), rows.time_value()
        start = sql.SQL("date_bin({}, {}, {})").format(sql.Literal(self.step), when, sql.Literal(ORIGIN))
        by_class = self.labelled and self.sample in ("stratified", "balanced")
        usable = sql.SQL("{} IS NOT NULL").format(column)
        if self.held:
            times = sql.SQL(", ").join(sql.Literal(time) for time in sorted(self.held))
            usable = sql.SQL("{} AND {} NOT IN ({})").format(usable, start, times)
        if self.recorded_at is not None and self.known_at is not None:
            late = sql.SQL("coalesce({} >= {}, false)").format(
                rows.instant(self.recorded_at), sql.Literal(self.known_at)
            )
            usable = sql.SQL("{} AND NOT {}").format(usable, late)
        return {
            "table": rows.name,
            "within": sql.SQL("{} AND {}").format(rows.within(), usable),
            "label": sql.SQL("{}::text").format(column) if by_class else sql.SQL("''::text"),
            "start": start if self.sample == "balanced" else sql.SQL("{}::timestamptz").format(sql.Literal(ORIGIN)),
            "time": sql.Identifier(rows.time),
        }


def quotas(strata: Sequence[Stratum], sample: str, most: int) -> list[dict[str, Any]]:
    """How many rows of each stratum are wanted, and the chance by which it is thinned before rows are ranked.

    ``balanced``: as many of each, and where one has fewer, more of the others; else in proportion.

    >>> from heliotrope.interval import ORIGIN
    >>> three = [Stratum("a", ORIGIN, 10), Stratum("b", ORIGIN, 100), Stratum("c", ORIGIN, 1000)]
    >>> [one["wanted"] for one in quotas(three, "balanced", 150)]
    [10, 70, 70]
    >>> [one["wanted"] for one in quotas(three, "stratified", 111)]
    [1, 10, 100]
    """
    total = sum(one.rows for one in strata)
    if sample == "balanced":
        cap = _cap([one.rows for one in strata], most)
        wanted = [min(one.rows, cap) for one in strata]
        more = [place for place, one in enumerate(strata) if one.rows > cap]
        for place in more[: most - sum(wanted)]:
            wanted[place] += 1
    else:
        exact = [one.rows * most / total for one in strata]
        wanted = [math.floor(share) for share in exact]
        rest = sorted(range(len(strata)), key=lambda place: (wanted[place] - exact[place], place))
        for place in rest[: most - sum(wanted)]:
            wanted[place] += 1
    return [
        {
            "label": one.label,
            "start": one.start.isoformat(),
            "wanted": number,
            "chance": min((number + _SPARE * math.sqrt(number) + _SPARE**2) / one.rows, 1.0),
        }
        for one, number in zip(strata, wanted, strict=True)
    ]


def _cap(rows: Sequence[int], most: int) -> int:
    """The largest number that, taken of each where there are so many, comes to no more than ``most``."""
    left = most
    ordered = sorted(rows)
    for place, number in enumerate(ordered):
        share = left // (len(ordered) - place)
        if number > share:
            return share
        left -= number
    return max(ordered, default=0)
