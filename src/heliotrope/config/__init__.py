"""A pipeline, declared: what a YAML file or a Python program says, checked whole before anything runs.

Where a choice has kinds, ``kind`` names the one meant. An unknown key is refused with the nearest known name.

>>> pipeline = parse({
...     "name": "clicks", "source": {"table": "events", "time": "at"}, "interval": "1h",
...     "features": ["x", "y"], "target": "class",
...     "candidates": [{"name": "tree", "estimator": "sklearn.tree.DecisionTreeClassifier"}],
... })
>>> pipeline.candidates[0].window.kind
'sliding'
"""

from __future__ import annotations

from heliotrope.config.candidate import Candidate
from heliotrope.config.dataset import FileDataset, FunctionDataset, StreamDataset
from heliotrope.config.drift import (
    ChiSquare,
    Detector,
    DomainClassifier,
    Drift,
    FalseAlarms,
    KolmogorovSmirnov,
    PopulationStability,
)
from heliotrope.config.gate import Gate, Guard, RollBack, Slice
from heliotrope.config.notify import QuietHours, Target
from heliotrope.config.pipeline import Pipeline
from heliotrope.config.reading import load, parse
from heliotrope.config.rule import Approval, Recall, Report, Validation
from heliotrope.config.source import Source
from heliotrope.config.trigger import All, Amount, AnyOf, Cost, DriftTrigger, KOf, Performance, Schedule, Trigger
from heliotrope.config.window import Decayed, DriftCut, Expanding, Sliding, Window

__all__ = [
    "All",
    "Amount",
    "AnyOf",
    "Approval",
    "Candidate",
    "ChiSquare",
    "Cost",
    "Decayed",
    "Detector",
    "DomainClassifier",
    "Drift",
    "DriftCut",
    "DriftTrigger",
    "Expanding",
    "FalseAlarms",
    "FileDataset",
    "FunctionDataset",
    "Gate",
    "Guard",
    "KOf",
    "KolmogorovSmirnov",
    "Performance",
    "Pipeline",
    "PopulationStability",
    "QuietHours",
    "Recall",
    "Report",
    "RollBack",
    "Schedule",
    "Slice",
    "Sliding",
    "Source",
    "StreamDataset",
    "Target",
    "Trigger",
    "Validation",
    "Window",
    "load",
    "parse",
]
