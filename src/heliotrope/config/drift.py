"""Drift: what is measured, against what."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from heliotrope.config.setting import Positive, Settings, Share

__all__ = ["ChiSquare", "Detector", "DomainClassifier", "Drift", "KolmogorovSmirnov", "PopulationStability"]


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
