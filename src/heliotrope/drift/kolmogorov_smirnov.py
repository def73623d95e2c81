"""Two-sample Kolmogorov-Smirnov: the largest distance between the empirical distributions of a numeric feature.

The p-value is that of ``scipy.stats.ks_2samp(method="asymp")``: the distribution of the one-sample two-sided statistic
for ``round(n * m / (n + m))`` rows (``scipy.stats.kstwo``), here without importing ``scipy.stats``. It is never below
``2 / C(n + m, n)``, which is the smallest that an exact test of so few rows can give; beyond a dozen rows on either
side that makes no difference. With ties the test errs on the safe side.
"""

from __future__ import annotations

import math

import numpy as np

from heliotrope import config
from heliotrope.drift.reading import Reading
from heliotrope.drift.sample import Floats, Numbers, Sample

__all__ = ["measure", "p_value", "statistic"]


def measure(detector: config.KolmogorovSmirnov, sample: Sample) -> tuple[Reading, ...]:
    """A reading of each numeric feature, p-values not yet corrected."""
    readings = []
    for name, numbers in sample.features.items():
        if isinstance(numbers, Numbers):
            distance = statistic(numbers.sorted_reference, numbers.sorted_current)
            p = p_value(distance, sample.reference_rows, sample.current_rows)
            readings.append(Reading(feature=name, statistic=distance, p_value=p, threshold=detector.alpha))
    return tuple(readings)


def statistic(first: Floats, second: Floats) -> float:
    """The largest distance, in [0, 1], between the empirical distributions of two sorted samples.

    >>> statistic(np.array([1.0, 2.0, 3.0]), np.array([2.0, 3.0, 4.0, 5.0]))
    0.5
    """
    few, many = (first, second) if len(first) <= len(second) else (second, first)
    # The step functions can be farthest apart only at, or just before, a step of the smaller sample.
    at = np.arange(1, len(few) + 1) / len(few) - np.searchsorted(many, few, side="right") / len(many)
    before = np.searchsorted(many, few, side="left") / len(many) - np.arange(len(few)) / len(few)
    return float(max(at.max(), before.max(), 0.0))


def p_value(distance: float, first_rows: int, second_rows: int) -> float:
    """The chance of a distance at least as large between two samples of one continuous distribution.

    >>> round(p_value(0.1, 300, 600), 6)
    0.03411
    """
    total = first_rows + second_rows
    smallest = 2.0 * math.exp(math.lgamma(first_rows + 1) + math.lgamma(second_rows + 1) - math.lgamma(total + 1))
    rows = max(round(first_rows * second_rows / total), 1)
    return min(max(_survival(rows, distance), smallest), 1.0)


def _survival(rows: int, distance: float) -> float:
    """P(D > distance) for ``rows`` rows against a known distribution, to 1e-6 of what scipy's ``kstwo.sf`` returns.

    The regions are those of Simard and L'Ecuyer (2011), of which three methods are enough here.
    """
    if distance >= 1.0:
        return 0.0
    if rows * distance <= 0.5:
        return 1.0
    squared = rows * distance**2
    if squared >= 9.0:
        # Smirnov (1944), one side doubled; below 4e-8, and too large rather than too small.
        return 2.0 * math.exp(-((6.0 * rows * distance + 1.0) ** 2) / (18.0 * rows))
    if rows <= 140 or (rows <= 500 and (squared >= 2.2 or rows * distance**1.5 <= 1.4)):
        return 1.0 - _durbin(rows, distance)
    return 1.0 - _pelz_good(rows, distance)


def _durbin(rows: int, distance: float) -> float:
    """P(D <= distance), exact: Durbin's matrix power (1968) as Marsaglia, Tsang and Wang (2003) take it."""
    k = math.ceil(rows * distance)
    h = k - rows * distance
    size = 2 * k - 1
    powers = np.arange(1, size + 1)
    inverse_factorial = np.concatenate([[1.0], np.cumprod(1.0 / powers)])
    lag = np.subtract.outer(powers, powers) + 1
    matrix = np.where(lag >= 0, inverse_factorial[np.maximum(lag, 0)], 0.0)
    matrix[:, 0] = (1.0 - h**powers) * inverse_factorial[1:]
    matrix[-1, :] = matrix[::-1, 0]
    matrix[-1, 0] = (1.0 - 2.0 * h**size + max(0.0, 2.0 * h - 1.0) ** size) * inverse_factorial[size]
    # Row k of the matrix to the power of rows, every factor scaled to a largest entry of one.
    row, row_log, matrix_log, exponent = np.eye(size)[k - 1], 0.0, 0.0, rows
    while exponent:
        if exponent & 1:
            row = row @ matrix
            scale = row.max()
            row, row_log = row / scale, row_log + matrix_log + math.log(scale)
        exponent >>= 1
        if exponent:
            matrix = matrix @ matrix
            scale = matrix.max()
            matrix, matrix_log = matrix / scale, 2.0 * matrix_log + math.log(scale)
    return float(row[k - 1]) * math.exp(row_log + math.lgamma(rows + 1) - rows * math.log(rows))


def _pelz_good(rows: int, distance: float) -> float:
    """P(D <= distance) up to terms of 1/rows**2: Kolmogorov's limit with three corrections (Pelz and Good, 1976)."""
    z = math.sqrt(rows) * distance
    pi2 = math.pi**2
    k = np.arange(1, math.ceil(16.0 * z / math.pi) + 1)
    odd = (2.0 * k - 1.0) ** 2
    odd_terms = np.exp(-pi2 / (8.0 * z**2) * odd)
    all_terms = k**2 * np.exp(-pi2 / (2.0 * z**2) * k**2)
    order_0 = 1.0 / z
    order_1 = (-(z**2) + pi2 / 4 * odd) / (6 * z**4)
    order_2 = (6 * z**6 + 2 * z**4 + (2 * z**4 - 5 * z**2) * pi2 / 4 * odd + (1 - 2 * z**2) * pi2**2 / 16 * odd**2) / (
        72 * z**7
    )
    order_3 = (
        -30 * z**6
        - 90 * z**8
        + (135 * z**4 - 96 * z**6) * pi2 / 4 * odd
        + (212 * z**4 - 60 * z**2) * pi2**2 / 16 * odd**2
        + (5 - 30 * z**2) * pi2**3 / 64 * odd**3
    ) / (6480 * z**10)
    by_odd = [float((order * odd_terms).sum()) for order in (order_0, order_1, order_2, order_3)]
    by_odd[2] -= pi2 / (36 * z**3) * float(all_terms.sum())
    by_odd[3] += pi2 / (216 * z**6) * float(((3 * z**2 - pi2 * k**2) * all_terms).sum())
    return math.sqrt(2 * math.pi) * math.fsum(term / math.sqrt(rows) ** power for power, term in enumerate(by_odd))
