"""Candidates: what competes."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from heliotrope.config.setting import ImportPath, Name, Settings
from heliotrope.config.window import Sliding, Window

__all__ = ["Candidate"]


class Candidate(Settings):
    """What competes: an estimator by import path, its parameters, and the window it is trained on."""

    name: Name = Field(description="how it is called in tables, reasons and on the command line")
    estimator: ImportPath = Field(
        description="a class with scikit-learn's fit and predict, or a function that returns one"
    )
    params: dict[str, Any] = Field(
        default_factory=dict, description="its arguments; part__name reaches into the parts of a scikit-learn pipeline"
    )
    window: Window = Field(Sliding(), description="the intervals it is trained on")
    encode: Literal["auto", "tabular", "none"] = Field(
        "auto", description="tabular: through skrub.tabular_pipeline; auto: that, where a feature is not a number"
    )
    stream: bool = Field(
        False,
        description="the window is read an interval at a time and given to partial_fit: memory for one interval is "
        "enough; all features must be numeric, and a classification's classes declared",
    )
