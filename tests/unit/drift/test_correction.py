"""Corrections of p-values: by hand, against scipy, and the level they promise."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
from scipy import stats

from heliotrope.drift.correction import correct

Method = Literal["holm", "benjamini_hochberg", "none"]


def test_holm_is_as_worked_by_hand() -> None:
    assert correct([0.01, 0.02, 0.5, 0.015], "holm") == pytest.approx([0.04, 0.045, 0.5, 0.045])


def test_benjamini_hochberg_agrees_with_scipy() -> None:
    p_values = np.random.default_rng(0).random(30) ** 3
    assert correct(list(p_values), "benjamini_hochberg") == pytest.approx(stats.false_discovery_control(p_values))


def test_none_changes_nothing() -> None:
    assert correct([0.3, 0.01], "none") == [0.3, 0.01]


@pytest.mark.parametrize("method", ["holm", "benjamini_hochberg", "none"])
def test_nothing_and_one_alone_stay_as_they_are(method: Method) -> None:
    assert correct([], method) == []
    assert correct([0.03], method) == [0.03]


def test_holm_holds_the_chance_of_any_false_alarm_at_its_level() -> None:
    random = np.random.default_rng(1)
    any_alarm = [min(correct(list(random.random(20)), "holm")) < 0.05 for _ in range(2000)]
    assert 0.03 < np.mean(any_alarm) < 0.065
