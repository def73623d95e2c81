"""Sums over a history."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from heliotrope.report.history import History, totals
from unit.report.sample import cycle


def test_everything_is_counted(make_history: Callable[..., History]) -> None:
    found = totals(make_history(8))
    assert (found.cycles, found.scored, found.trainings, found.promoted, found.refreshed) == (8, 7, 8, 4, 0)
    assert (found.drifted, found.held, found.rows) == (2, 0, 7200)
    assert found.seconds == pytest.approx(0.4)


def test_the_mean_is_over_the_intervals_that_were_scored(make_history: Callable[..., History]) -> None:
    rows = (cycle(0, score=0.5), cycle(1, score=None), cycle(2, score=math.nan), cycle(3, score=1.0))
    found = totals(make_history(rows=rows))
    assert (found.mean, found.scored, found.worst) == (0.75, 2, 0.5)


def test_the_worst_error_is_the_largest(make_history: Callable[..., History]) -> None:
    rows = (cycle(0, score=0.5), cycle(1, score=1.0))
    assert totals(make_history(rows=rows, lower_is_better=True)).worst == 1.0


def test_of_nothing_there_is_no_mean(make_history: Callable[..., History]) -> None:
    found = totals(make_history(0))
    assert (found.cycles, found.mean, found.worst, found.seconds) == (0, None, None, 0.0)


def test_a_held_cycle_is_counted(make_history: Callable[..., History]) -> None:
    assert totals(make_history(rows=(cycle(0, decision="hold"), cycle(1)))).held == 1
