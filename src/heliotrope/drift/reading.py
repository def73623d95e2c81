"""What a detector says of one feature, before the p-values of all features and detectors are corrected together."""

from __future__ import annotations

from dataclasses import dataclass

from heliotrope.records import FeatureDrift

__all__ = ["Reading"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """A statistic, its p-value (None where it has none) and what it is held against."""

    feature: str
    statistic: float
    p_value: float | None
    threshold: float
    large: bool = True
    """Whether the statistic alone is large enough to be drift; True where only the p-value tells."""

    def judged(self, p_value: float | None) -> FeatureDrift:
        """The record, with the corrected ``p_value``: drift where that is below the threshold and the effect large."""
        return FeatureDrift(
            feature=self.feature,
            statistic=self.statistic,
            p_value=p_value,
            threshold=self.threshold,
            drifted=self.large and (p_value is None or p_value < self.threshold),
        )
