"""The schedule that hindsight would have chosen, against all schedules there are."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest

from heliotrope.whatif.oracle import Scores, best_sums


def by_trying(matrix: Any, most: int) -> list[float]:
    """The best sum over every set of at most ``most`` times, the first time among them."""
    count, found = matrix.shape[1], []
    for k in range(1, most + 1):
        sums = []
        for more in (rest for size in range(k) for rest in combinations(range(1, len(matrix)), size)):
            times = (0, *more)
            serving = [max(time for time in times if time < s) for s in range(1, count)]
            sums.append(sum(matrix[time, s] for s, time in enumerate(serving, start=1)))
        found.append(max(sums))
    return found


@pytest.mark.parametrize("seed", range(20))
def test_no_schedule_is_better_than_the_oracle_s_and_one_is_as_good(seed: int) -> None:
    matrix = np.random.default_rng(seed).uniform(size=(7, 7))
    assert best_sums(matrix, tuple(range(7)), 6) == pytest.approx(by_trying(matrix, 6))


def test_more_trainings_are_never_worse() -> None:
    sums = best_sums(np.random.default_rng(1).uniform(size=(30, 30)), tuple(range(30)), 30)
    assert (np.diff(sums) >= 0).all()


def test_a_time_at_which_nothing_could_be_trained_is_left_out() -> None:
    matrix = np.array([[0, 0.5, 0.5, 0.5], [0, 0, 1.0, 1.0], [0, 0, 0, 0.9]])
    matrix[1] = -np.inf
    assert best_sums(matrix, (0, 1, 2), 2).tolist() == pytest.approx([1.5, 1.9])
    assert best_sums(np.full((3, 4), -np.inf), (0, 1, 2), 2).tolist() == [-np.inf, -np.inf]


def test_intervals_that_are_left_out_count_for_nothing() -> None:
    matrix = np.array([[0, 0.4, 0.1, 0.2], [0, 0, 0.9, 0.6], [-np.inf] * 4])
    scores = Scores("tree", (0, 1, 2), matrix)
    kept = np.array([False, True, False, True])
    assert scores.means(2, kept, lower_is_better=False).tolist() == pytest.approx([0.3, 0.5])
    assert scores.means(2, kept, lower_is_better=True).tolist() == pytest.approx([0.3, 0.3])
    assert scores.means(2, kept[:2], lower_is_better=False).tolist() == pytest.approx([0.4, 0.4])
