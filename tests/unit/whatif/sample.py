"""Trials made up for tests: policies of the turning stream, and scores as they could have come out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

import world
from heliotrope.whatif import grid
from heliotrope.whatif.engine import Done, Run
from heliotrope.whatif.grid import Policy
from heliotrope.whatif.trial import Trial
from heliotrope.whatif.verdict import judge

EVERY = (1, 2, 4, 8)


def policies(every: Sequence[int] = EVERY) -> list[Policy]:
    """The declared pipeline, and the tree alone on several schedules."""
    triggers = [{"kind": "schedule", "every": one} for one in every]
    return grid.policies(
        world.pipeline(),
        {"candidates": [["tree"]], "windows": ["declared"], "triggers": triggers, "gates": ["declared"]},
    )


def run(scores: Sequence[float], trainings: int, fit_seconds: float = 1.0) -> Run:
    """A policy's outcome."""
    return Run(
        scores=np.array(scores),
        trainings=trainings,
        fits=2 * trainings,
        fit_seconds=fit_seconds,
        promotions=trainings,
        refreshes=0,
        held=0,
    )


def trial(means: Sequence[float] = (0.95, 0.96, 0.959, 0.9, 0.7), count: int = 40, noise: float = 0.01) -> Trial:
    """As many policies as means, the first one declared; all of them do worse in the same intervals."""
    rng = np.random.default_rng(0)
    common = rng.normal(0, noise, count)
    trainings = (count, count, count // 2, count // 4, count // 8)
    runs = [
        run([np.nan, *(mean + common + rng.normal(0, noise / 4, count))], cost)
        for mean, cost in zip(means, trainings, strict=True)
    ]
    verdict = judge(policies(), runs, lower_is_better=False)
    assert verdict is not None
    oracle = np.linspace(0.7, 0.97, count)
    return Trial(verdict=verdict, oracle=oracle, done=Done(fits=count), span=world.hours(count + 1), seconds=1.0)
