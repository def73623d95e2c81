"""Drift: what is measured, against what."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from heliotrope.config.setting import Column, Positive, Settings, Share

__all__ = [
    "ChiSquare",
    "Detector",
    "DomainClassifier",
    "Drift",
    "FalseAlarms",
    "KolmogorovSmirnov",
    "PopulationStability",
]


class KolmogorovSmirnov(Settings):
    """Numeric features: distance of the empirical distributions."""

    kind: Literal["kolmogorov_smirnov"] = "kolmogorov_smirnov"
    alpha: Share = Field(0.01, description="drift where the corrected p-value is below this")


class PopulationStability(Settings):
    """All features: population stability index over quantile bins or categories."""

    kind: Literal["population_stability"] = "population_stability"
    bins: int = Field(10, ge=2, le=100, description="of numeric features, by quantiles of the reference")
    threshold: float = Field(
        0.2, gt=0.0, description="drift where the index is above this and above what chance reaches in few rows"
    )


class ChiSquare(Settings):
    """Categorical features, and the target of a classification: chi-square test of homogeneity."""

    kind: Literal["chi_square"] = "chi_square"
    alpha: Share = Field(0.01, description="drift where the corrected p-value is below this")


class DomainClassifier(Settings):
    """All features together: can a classifier tell the batch from the reference? Cross-validated ROC AUC."""

    kind: Literal["domain_classifier"] = "domain_classifier"
    threshold: float = Field(0.6, gt=0.5, lt=1.0, description="the area under the curve that counts as drift")
    alpha: Share = Field(0.01, description="the corrected p-value must be below this too")
    max_rows: Positive = Field(2000, description="rows of either side; of more, so many drawn at random")


Detector = Annotated[
    KolmogorovSmirnov | PopulationStability | ChiSquare | DomainClassifier, Field(discriminator="kind")
]


class FalseAlarms(Settings):
    """A watch that finds changes with a promised rate of false alarms, and each one once.

    Every interval is kept in the ledger as counts over bins, feature by feature, and, in a classification, class by
    class. A batch is compared with the intervals before it since the last change; the threshold is what intervals of
    this pipeline's own history differ by (of fewer than 30: what a shuffle of the rows gives).
    """

    one_in: float = Field(gt=1.0, description="at most one false alarm in so many intervals")
    intervals: Positive = Field(8, description="how many before the batch it is compared with, at most")
    bins: int = Field(32, ge=2, le=256, description="of each feature; a categorical one's most frequent values")
    history: int = Field(500, ge=30, description="how many of the latest intervals the threshold is found from")
    by_class: int = Field(
        8, ge=0, description="features are counted for each class too, where there are at most so many"
    )


class Drift(Settings):
    """Which detectors compare a batch with which reference."""

    detectors: tuple[Detector, ...] = Field(
        (KolmogorovSmirnov(), PopulationStability(), ChiSquare(), DomainClassifier()), description="what measures"
    )
    reference: Literal["training", "previous"] = Field(
        "training", description="the champion's training window, or the intervals just before the batch"
    )
    intervals: Positive = Field(3, description="how many intervals before the batch, for reference: previous")
    max_rows: Positive = Field(20_000, description="the reference is sampled down to this, with the cycle's seed")
    correction: Literal["holm", "benjamini_hochberg", "none"] = Field(
        "holm", description="of the p-values of all detectors and features of an interval together"
    )
    ignore: tuple[Column, ...] = Field(
        (), description="features that are not looked at, such as a weekday, which is another one every day by nature"
    )
    false_alarms: FalseAlarms | None = Field(
        None, description="the watch for changes with a promised rate of false alarms; absent: none is kept"
    )
