"""Pearson's chi-square test of homogeneity (1900): do the categories have the same shares on both sides?

Categories with fewer than five rows to be expected are pooled first (see ``sample.Categories.pooled``), without which
the test's distribution would not hold. The statistic and the p-value are those of
``scipy.stats.chi2_contingency(correction=False)`` on the pooled counts.
"""

from __future__ import annotations

from heliotrope import config
from heliotrope.drift.reading import Reading
from heliotrope.drift.sample import Categories, Floats, Sample

__all__ = ["homogeneity", "measure"]


def measure(detector: config.ChiSquare, sample: Sample) -> tuple[Reading, ...]:
    """A reading of each categorical feature, and of the target where it has classes; p-values not yet corrected."""
    columns = [*sample.features.items(), *([] if sample.target is None else [sample.target])]
    readings = []
    for name, column in columns:
        if isinstance(column, Categories):
            statistic, p_value = homogeneity(*column.pooled)
            readings.append(Reading(feature=name, statistic=statistic, p_value=p_value, threshold=detector.alpha))
    return tuple(readings)


def homogeneity(reference: Floats, current: Floats) -> tuple[float, float]:
    """The statistic and the p-value of two arrays of counts over the same categories, none empty on both sides.

    >>> import numpy as np
    >>> statistic, p_value = homogeneity(np.array([50.0, 50.0]), np.array([30.0, 10.0]))
    >>> round(statistic, 4), round(p_value, 4)
    (7.2917, 0.0069)
    """
    if len(reference) < 2:
        return 0.0, 1.0
    from scipy.special import chdtrc  # costs 0.2 s, and only this line needs it

    n, m = reference.sum(), current.sum()
    # Of a table with two rows, each category adds (observed - expected)**2 * (1/expected + 1/expected of the other).
    excess = current - (reference + current) * (m / (n + m))
    statistic = float((excess**2 / (reference + current)).sum() * (n + m) ** 2 / (n * m))
    return statistic, float(chdtrc(len(reference) - 1, statistic))
