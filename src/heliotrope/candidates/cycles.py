"""What comes back: sines and cosines of time, by which parameters follow the hour of the day or the day of the week.

A model whose parameters have such terms is harmonic regression with time-varying coefficients (West and Harrison, 1997,
"Bayesian forecasting and dynamic models", chapter 8).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from heliotrope.errors import HeliotropeError
from heliotrope.interval import parse_step

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["USUAL", "Cycles", "read_periods"]

USUAL = ("1d", "1w")
"""What is looked for where nothing is declared: the hour of the day, the day of the week."""
_HARMONICS = 2
_LEAST_TURNS = 1.5  # of a period within a training, for it to be told from a trend
_LEAST_PHASES = 4


@dataclass(frozen=True, eq=False)
class Cycles:
    """Functions of time of mean square 1 that come back after each of some ``periods``, seconds.

    >>> cycles = Cycles((86400.0,), 1)
    >>> cycles(np.array([0.0, 21600.0, 86400.0])).round(3) + 0.0
    array([[1.414, 0.   ],
           [0.   , 1.414],
           [1.414, 0.   ]])
    """

    periods: tuple[float, ...]
    harmonics: int

    def __call__(self, times: Floats) -> Floats:
        """The functions at ``times``, seconds, shape (n,): shape (n, 2 * harmonics * periods)."""
        columns = []
        for period in self.periods:
            for harmonic in range(1, self.harmonics + 1):
                angle = 2.0 * np.pi * harmonic * (times / period % 1.0)
                columns += [np.cos(angle), np.sin(angle)]
        return np.asarray(np.sqrt(2.0) * np.column_stack(columns))

    @classmethod
    def seen(cls, period: float, seconds: Floats) -> Cycles | None:
        """The cycle of that period, with as many harmonics as the times can tell; None where they tell of none.

        They must reach over one and a half periods, and meet four phases of it.

        >>> hours = 3600.0 * np.arange(48)
        >>> Cycles.seen(86400.0, hours).harmonics, Cycles.seen(7 * 86400.0, hours)
        (2, None)
        """
        distinct = np.unique(seconds)
        if len(distinct) < 3 or distinct[-1] - distinct[0] < _LEAST_TURNS * period:
            return None
        phases = len(np.unique((distinct / period % 1.0 * 1e6).round()))
        if phases < _LEAST_PHASES:
            return None
        return cls((period,), min(_HARMONICS, (phases - 1) // 2))


def read_periods(periods: object) -> tuple[float, ...]:
    """Periods as seconds: "auto" for :data:`USUAL`, or texts such as "1d". Raises ValueError.

    >>> read_periods(["12h"])
    (43200.0,)
    """
    said = USUAL if periods == "auto" else periods
    if isinstance(said, str) or not isinstance(said, Sequence):
        raise ValueError(f'periods={periods!r} is neither "auto" nor a list of lengths such as ["1d", "1w"]')
    try:
        return tuple(parse_step(one).total_seconds() for one in said)
    except (HeliotropeError, TypeError) as error:
        raise ValueError(f"periods={periods!r}: {error}") from None
