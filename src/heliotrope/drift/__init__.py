"""Detectors: how far a batch is from a reference. They only measure; :mod:`heliotrope.trigger` decides.

One algorithm a file: :mod:`.kolmogorov_smirnov`, :mod:`.population_stability`, :mod:`.chi_square`,
:mod:`.domain_classifier`. A detector is a function ``measure(detector, sample)`` that returns one
:class:`~heliotrope.drift.reading.Reading` a feature; :mod:`.correction` corrects the p-values of all of them together.

A missing value (null, NaN or infinite) is a value of its own in every detector, so a change in the share of missing
values is drift like any other: smaller than every number for Kolmogorov-Smirnov, a bin for the stability index, a
category for chi-square, an indicator for the domain classifier.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from heliotrope import config as settings
from heliotrope.drift import chi_square, domain_classifier, kolmogorov_smirnov, population_stability
from heliotrope.drift.correction import correct
from heliotrope.drift.sample import Sample, read
from heliotrope.records import DriftReport, FeatureDrift

if TYPE_CHECKING:
    import pyarrow as pa

    from heliotrope.drift.reading import Reading

__all__ = ["measure"]


def measure(
    config: settings.Drift,
    reference: pa.Table,
    current: pa.Table,
    *,
    features: Mapping[str, Literal["numeric", "categorical"]],
    target: str,
    task: Literal["classification", "regression"],
    seed: int,
) -> tuple[DriftReport, ...]:
    """One report for each detector of ``config``, in its order; within one, features in the order of ``features``.

    Chi-square reads the target of a classification too, under its own name and after the features. A reference of
    more than ``config.max_rows`` rows is sampled down to that with ``seed``. The result does not depend on the order
    of the rows. Where either table is empty every report is empty too: nothing can be said.

    Raises SchemaError for a column that is absent or whose type does not fit its kind.

    >>> import numpy as np, pyarrow as pa
    >>> rng = np.random.default_rng(0)
    >>> before = pa.table({"x": rng.normal(0, 1, 600), "class": ["a", "b", "c"] * 200})
    >>> after = pa.table({"x": rng.normal(1, 1, 300), "class": ["a", "b", "c"] * 100})
    >>> reports = measure(
    ...     settings.Drift(), before, after,
    ...     features={"x": "numeric"}, target="class", task="classification", seed=0,
    ... )
    >>> for report in reports:
    ...     print(report.detector, [(one.feature, round(one.statistic, 2), one.drifted) for one in report.features])
    kolmogorov_smirnov [('x', 0.42, True)]
    population_stability [('x', 0.98, True)]
    chi_square [('class', 0.0, False)]
    domain_classifier [('*', 0.76, True)]
    """
    if not reference.num_rows or not current.num_rows:
        rows = reference.num_rows, current.num_rows
        return tuple(_report(detector, *rows, ()) for detector in config.detectors)
    labels = target if task == "classification" else None
    sample = read(reference, current, features=features, target=labels, max_rows=config.max_rows, seed=seed)
    readings = [_read(detector, sample, seed) for detector in config.detectors]
    uncorrected = [one.p_value for several in readings for one in several if one.p_value is not None]
    corrected = iter(correct(uncorrected, config.correction))
    return tuple(
        _report(
            detector,
            sample.reference_rows,
            sample.current_rows,
            tuple(one.judged(None if one.p_value is None else next(corrected)) for one in several),
        )
        for detector, several in zip(config.detectors, readings, strict=True)
    )


def _read(detector: settings.Detector, sample: Sample, seed: int) -> tuple[Reading, ...]:
    match detector:
        case settings.KolmogorovSmirnov():
            return kolmogorov_smirnov.measure(detector, sample)
        case settings.PopulationStability():
            return population_stability.measure(detector, sample)
        case settings.ChiSquare():
            return chi_square.measure(detector, sample)
        case settings.DomainClassifier():
            return domain_classifier.measure(detector, sample, seed)


def _report(
    detector: settings.Detector, reference_rows: int, current_rows: int, features: tuple[FeatureDrift, ...]
) -> DriftReport:
    if isinstance(detector, settings.DomainClassifier):
        reference_rows, current_rows = (min(rows, detector.max_rows) for rows in (reference_rows, current_rows))
    return DriftReport(
        detector=detector.kind, reference_rows=reference_rows, current_rows=current_rows, features=features
    )
