"""Is the mean gain above a bound? Evidence that may be looked at after every interval, by betting.

A gambler who starts with a stake and bets the share ``b`` of it on every gain multiplies it by ``1 + b * (gain -
above)``. While the mean of each gain given the past is at most ``above`` no such gambler is expected to win, so that
at any moment, however it was chosen, the capital is at most the stake in the mean: capital over stake is an e-value,
and the chance that it ever reaches 1/a is at most a (Ville, 1939; Waudby-Smith and Ramdas, 2024, Estimating means of
bounded random variables by betting, JRSS-B 86:1-27).

Which ``b`` pays best depends on how large and how noisy the gain is, which no one knows; so the stake is laid out
over ten bets from nearly all down to a five-hundredth, each kept up for ever (a mixture over a grid, section 4.4
there). A bet that does not depend on the rows multiplies them in any order: rows may be shuffled, and a batch may be
split, without changing the capital. For losses of 0 and 1 and ``above = 0`` a row on which both models are right, or
both wrong, multiplies by one: what is left is a test of the rows where they differ, as McNemar's.

What is tested: the mean of every row's gain, given all that came before, is at most ``above``. It is enough that rows
of an interval are independent given the past and that this holds for the average of their means (arithmetic over
geometric mean), so rows of several strata may be mixed. Gains may be autocorrelated in size, not in what can be
foretold of their sign. Where all rows of an interval share a shock (each interval's fresh fit is better or worse as a
whole) they are not that independent: give its standard deviation as ``shock``. Every bet then pays for it what a
normal shock would win in the mean, and the hypothesis is that the mean of each interval's gain, shock and all, is at
most ``above``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Self

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

__all__ = [
    "BETS",
    "Evidence",
    "bound",
    "feed",
    "growth",
    "growth_of_counts",
    "interval",
    "shock_between",
    "shock_known",
]

_SHARES = np.array([0.9, *(0.5**k for k in range(1, 10))])
"""Each bet, as a share of the largest that cannot lose more than there is."""
_WEIGHTS = 1.0 / np.sqrt(1.0 + np.arange(len(_SHARES)))
_WEIGHTS /= _WEIGHTS.sum()
BETS = len(_SHARES)
_MOST = 1e40
"""Capital beyond this is thrown away, which is to the gambler's loss alone."""
_BLOCK = 16
"""So many factors are multiplied before a logarithm is taken: none is below 0.1, so that their product is not lost."""
_CHUNK = 1 << 14


# --- evidence ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What one comparison has gathered: plain numbers, to be kept as JSON and gone on with at the next interval.

    >>> rng = np.random.default_rng(0)
    >>> evidence = Evidence()
    >>> for stake in (1.0, 0.0, 0.0):  # all staked before the first interval: an e-value of that hypothesis
    ...     evidence = evidence.after(rng.choice([-1, 0, 1], 900, p=[0.02, 0.95, 0.03]), stake=stake)
    >>> round(evidence.e_value, 1), evidence.intervals, evidence.rows, round(evidence.mean, 4)
    (1.0, 3, 2700, 0.0067)
    >>> Evidence.parse(evidence.plain()) == evidence
    True
    """

    capital: tuple[float, ...] = (0.0,) * BETS
    """What each bet has now."""
    staked: float = 0.0
    """What was staked on all of them so far."""
    intervals: int = 0
    rows: int = 0
    total: float = 0.0
    """The sum of the gains, as they were bet on (clipped)."""
    squares: float = 0.0
    """The sum of their squares."""
    clipped: int = 0
    """On how many rows the gain was cut to the bound."""

    @property
    def wealth(self) -> float:
        """The capital of all bets together."""
        return float(sum(self.capital))

    @property
    def e_value(self) -> float:
        """Capital over stakes: at most 1 in the mean where the challenger is no better; 1 before anything is staked.

        Where stakes were laid at several intervals, it is the average of the e-values of betting from each of them on.
        """
        return self.wealth / self.staked if self.staked else 1.0

    @property
    def mean(self) -> float:
        """The mean gain so far."""
        return self.total / self.rows if self.rows else 0.0

    def after(
        self,
        gains: ArrayLike,
        *,
        stake: float,
        above: float = 0.0,
        low: float = -1.0,
        high: float = 1.0,
        shock: float = 0.0,
    ) -> Self:
        """With one interval more: ``stake`` is laid out first, then the bets are made on ``gains``, shape (rows,).

        Gains below ``low`` and over ``high`` are cut; both must have been known before the interval (as
        :func:`bound` is). Then the hypothesis is about the gains so cut. ``high`` may be infinite: only what can be
        lost needs a bound. Without a shock, gains in two parts give the same with a stake of 0 at the second.

        Raises ValueError for a gain that is not a number.
        """
        raw = np.asarray(gains, dtype=np.float64)
        cut = np.clip(raw, low, high)
        total = float(cut.sum())
        if not np.isfinite(total):
            raise ValueError(f"{np.count_nonzero(~np.isfinite(cut))} of {len(cut)} gains are not finite")
        return self._grown(
            growth(cut, above=above, low=low, shock=shock),
            stake=stake,
            rows=len(cut),
            total=total,
            squares=float(cut @ cut),
            clipped=int(np.count_nonzero(raw != cut)),
        )

    def after_counts(
        self, wins: int, losses: int, rows: int, *, stake: float, above: float = 0.0, shock: float = 0.0
    ) -> Self:
        """The same for losses of 0 and 1, from the rows that only the challenger, only the champion got right.

        >>> one = Evidence().after_counts(30, 12, 900, stake=1.0)
        >>> round(one.e_value, 2)
        10.93
        """
        grown = growth_of_counts(wins, losses, rows, above=above, shock=shock)
        differing = float(wins + losses)
        return self._grown(grown, stake=stake, rows=rows, total=float(wins - losses), squares=differing, clipped=0)

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self) | {"capital": list(self.capital)}

    @classmethod
    def parse(cls, plain: Mapping[str, Any]) -> Self:
        """What :meth:`plain` gave, also where a ledger has a number as large as 1e40 as a whole one."""
        known = {field.name: plain[field.name] for field in fields(cls)}
        sums = {name: float(known[name]) for name in ("staked", "total", "squares")}
        return cls(**known | sums | {"capital": tuple(map(float, known["capital"]))})

    def _grown(self, grown: Floats, *, stake: float, rows: int, total: float, squares: float, clipped: int) -> Self:
        return type(self)(
            capital=tuple(feed(np.array(self.capital), grown, stake).tolist()),
            staked=self.staked + stake,
            intervals=self.intervals + 1,
            rows=self.rows + rows,
            total=self.total + total,
            squares=self.squares + squares,
            clipped=self.clipped + clipped,
        )


# --- bets --------------------------------------------------------------------------------------------------


def feed(capital: Floats, grown: Floats, stake: float | Floats) -> Floats:
    """Lay ``stake`` out over the bets, then let each grow by its logarithm ``grown``; all of shape (..., bets)."""
    laid = capital + np.multiply.outer(stake, _WEIGHTS)
    # Both caps keep the product finite; they are beyond what any decision asks for.
    return np.asarray(np.minimum(laid * np.exp(np.minimum(grown, 600.0)), _MOST))


def growth(gains: Floats, *, above: float = 0.0, low: float = -1.0, shock: float = 0.0) -> Floats:
    """The logarithm of what each bet's capital is multiplied by; ``gains``, shape (..., rows), none below ``low``.

    The result is of shape (..., bets), for many comparisons at once.

    >>> growth(np.array([1.0, -1.0])).round(3)[:3]  # the highest bet loses more by a loss than it wins by a win
    array([-1.661, -0.288, -0.065])
    """
    rows, bets = gains.shape[-1], _bets(above, low)
    result = np.tile(-0.5 * (rows * shock * bets) ** 2, (*gains.shape[:-1], 1))
    for begin in range(0, rows, _CHUNK):
        chunk = gains[..., begin : begin + _CHUNK] - above
        whole = chunk.shape[-1] // _BLOCK * _BLOCK
        blocks = chunk[..., :whole].reshape(*chunk.shape[:-1], _BLOCK, -1)
        for part in (blocks, chunk[..., whole:, np.newaxis]):
            for k, bet in enumerate(bets):
                result[..., k] += np.log(np.multiply.reduce(1.0 + bet * part, axis=-2)).sum(axis=-1)
    return result


def growth_of_counts(
    wins: ArrayLike, losses: ArrayLike, rows: ArrayLike, *, above: float = 0.0, shock: float = 0.0
) -> Floats:
    """The same for gains of 1, -1 and 0, from their numbers; of shape (..., bets) for many comparisons at once.

    >>> counted = growth_of_counts(30, 12, 900, above=-0.01)
    >>> bool(np.allclose(counted, growth(np.repeat([1.0, -1.0, 0.0], [30, 12, 858]), above=-0.01)))
    True
    """
    won, lost = np.asarray(wins, dtype=np.float64), np.asarray(losses, dtype=np.float64)
    whole = np.asarray(rows, dtype=np.float64)
    bets = _bets(above, -1.0)
    return np.asarray(
        np.multiply.outer(won, np.log1p(bets * (1.0 - above)))
        + np.multiply.outer(lost, np.log1p(-bets * (1.0 + above)))
        + np.multiply.outer(whole - won - lost, np.log1p(-bets * above))
        - np.multiply.outer(0.5 * (whole * shock) ** 2, bets**2)
    )


def _bets(above: float, low: float) -> Floats:
    """All zero where no gain can be below what is to be shown: then there is nothing to bet on."""
    return _SHARES / (above - low) if above > low else np.zeros(BETS)


# --- beside the bets ---------------------------------------------------------------------------------------


def bound(evidence: Evidence, *, at_first: float, multiple: float = 5.0) -> float:
    """Where to cut the next interval's gains of a loss without bounds: a multiple of their root mean square so far.

    Known before the interval, as it must be. ``at_first``, in the loss's unit, serves as long as every gain was 0 or
    there was none: the champion's mean loss in the interval before is a good one.

    >>> bound(Evidence(), at_first=0.3)
    0.3
    >>> bound(Evidence().after([0.1, -0.1], stake=1.0), at_first=0.3)
    0.5
    """
    if evidence.squares <= 0.0:
        return at_first
    return float(multiple * np.sqrt(evidence.squares / evidence.rows))


def interval(evidence: Evidence, level: float = 0.95, *, tuned_for: int = 2_000) -> tuple[float, float]:
    """Where the mean gain lies, at all times at once with the chance ``level``, for many rows (asymptotically).

    Robbins' normal mixture with the estimated variance (Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, 2024,
    Time-uniform central limit theory, Annals of Statistics 52:2613-2640), narrowest at about ``tuned_for`` rows.

    >>> low, high = interval(Evidence().after_counts(60, 20, 2700, stake=1.0))
    >>> round(low, 4), round(high, 4)
    (0.0048, 0.0248)
    """
    n = evidence.rows
    if n < 2:
        return -np.inf, np.inf
    missed = 1.0 - level
    peak = (-2.0 * np.log(missed) + np.log(-2.0 * np.log(missed) + 1.0)) / tuned_for
    variance = max(evidence.squares / n - evidence.mean**2, 0.0)
    width = np.sqrt(variance * (n * peak + 1.0) / (n * n * peak) * np.log((n * peak + 1.0) / missed**2))
    return evidence.mean - float(width), evidence.mean + float(width)


def shock_between(means: ArrayLike, standard_errors: ArrayLike) -> float:
    """The standard deviation of what whole intervals share, from past intervals' mean gains and their standard errors.

    The variance of the means that rows alone do not explain (method of moments: Hedges, 1983), 0 where they explain it
    all or there are fewer than two. It must come from intervals before the one it is used for.

    >>> shock_between([0.02, -0.02, 0.02, -0.02], [0.006, 0.006, 0.006, 0.006]) > 0.01
    True
    """
    values, errors = np.asarray(means, dtype=np.float64), np.asarray(standard_errors, dtype=np.float64)
    if len(values) < 2:
        return 0.0
    return float(np.sqrt(max(values.var(ddof=1) - np.mean(errors**2), 0.0)))


def shock_known(gains: Sequence[tuple[float, float]], *, at_first: float, enough: int = 10) -> float:
    """:func:`shock_between` of the last 50 of ``gains``, each (mean, standard error); ``at_first`` while too few.

    >>> shock_known(((0.02, 0.001), (-0.02, 0.001)) * 5, at_first=0.01) > 0.02
    True
    >>> shock_known([(0.02, 0.001)], at_first=0.01)
    0.01
    """
    known = gains[-50:]
    return at_first if len(known) < enough else shock_between(*zip(*known, strict=True))
