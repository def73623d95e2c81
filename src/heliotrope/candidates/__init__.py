"""Candidates: estimators made by import path, what is fitted and saved of them, and estimators that follow time.

Importing this package imports no scikit-learn; that happens when an estimator is first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from heliotrope.candidates.blend import BlendClassifier, BlendRegressor
    from heliotrope.candidates.discriminant import ExtrapolatedDiscriminant
    from heliotrope.candidates.dynamic import DynamicDiscriminant
    from heliotrope.candidates.forwarded import ForwardedClassifier
    from heliotrope.candidates.residual import ResidualTrendRegressor
    from heliotrope.candidates.varying import VaryingCoefficientClassifier, VaryingCoefficientRegressor

__all__ = [
    "BlendClassifier",
    "BlendRegressor",
    "DynamicDiscriminant",
    "ExtrapolatedDiscriminant",
    "ForwardedClassifier",
    "ResidualTrendRegressor",
    "VaryingCoefficientClassifier",
    "VaryingCoefficientRegressor",
]

_HOME = {
    "BlendClassifier": "blend",
    "BlendRegressor": "blend",
    "DynamicDiscriminant": "dynamic",
    "ExtrapolatedDiscriminant": "discriminant",
    "ForwardedClassifier": "forwarded",
    "ResidualTrendRegressor": "residual",
    "VaryingCoefficientClassifier": "varying",
    "VaryingCoefficientRegressor": "varying",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
