"""The map that moves the means of classes from step to step."""

from __future__ import annotations

import numpy as np
import pytest

from heliotrope.candidates.motion import Motion, Steps


def test_times_on_a_grid_are_its_steps_even_where_some_are_missing() -> None:
    steps = Steps.of(1e9 + 3600.0 * np.array([0.0, 0.0, 1.0, 2.0, 5.0]))
    assert steps is not None
    assert (steps.start, steps.length, steps.count) == (1e9, 3600.0, 6)


def test_times_off_a_grid_are_cut_into_twelve_stretches() -> None:
    seconds = np.sort(np.random.default_rng(0).uniform(0.0, 1200.0, size=500))
    steps = Steps.of(seconds)
    assert steps is not None
    assert steps.count == 12
    assert np.bincount(steps.nearest(seconds)).min() > 20


@pytest.mark.parametrize("seconds", [[1.0], [1.0, 1.0], [1.0, 2.0]])
def test_fewer_than_three_times_are_no_grid(seconds: list[float]) -> None:
    assert Steps.of(np.array(seconds)) is None


def test_of_three_steps_none_is_held_out_and_of_more_the_last_third() -> None:
    for count, last in ((3, 0), (4, 1), (5, 1), (6, 2), (9, 3), (12, 4)):
        steps = Steps(0.0, 1.0, count)
        assert steps.last(np.arange(float(count))).sum() == last


def test_means_that_stand_still_stay_where_they_are_but_for_noise() -> None:
    rng = np.random.default_rng(1)
    where = rng.normal(size=(3, 2)) * 2.0
    means = where + rng.normal(size=(8, 3, 2)) / np.sqrt(300)
    motion = Motion.fit(means, np.full((8, 3), 300.0), ahead=8)
    assert motion is not None
    assert np.abs(motion.path[-1] - where).max() < 0.3


def test_a_common_drift_goes_on() -> None:
    drift = np.array([0.1, -0.2])
    means = np.array([[1.0, 0.0], [-1.0, 2.0]]) + drift * np.arange(10.0)[:, None, None]
    motion = Motion.fit(means, np.full((10, 2), 1e6), ahead=3)
    assert motion is not None
    assert motion.path[12] == pytest.approx(means[9] + 3 * drift, abs=0.02)


def test_what_grows_is_not_followed_into_the_infinite() -> None:
    means = 2.0 ** np.arange(6.0)[:, None, None] * np.ones((1, 2, 2)) * np.array([[1.0], [-1.0]])
    motion = Motion.fit(means, np.full((6, 2), 1e6), ahead=200)
    assert motion is not None
    assert np.abs(motion.path).max() < 200.0


def test_classes_that_are_absent_in_some_steps_move_with_the_others() -> None:
    turn = np.array([[np.cos(0.3), np.sin(0.3)], [-np.sin(0.3), np.cos(0.3)]])
    first = np.array([[3.0, 0.0], [0.0, 2.0], [-1.0, -2.0]])
    means = np.stack([first @ np.linalg.matrix_power(turn, step) for step in range(9)])
    weights = np.full((9, 3), 1e6)
    weights[3:, 2] = 0.0
    motion = Motion.fit(np.where(weights[..., None] > 0.0, means, 0.0), weights, ahead=0)
    assert motion is not None
    assert motion.path[8, 2] == pytest.approx(means[8, 2], abs=0.05)


def test_without_two_steps_in_a_row_there_is_no_motion() -> None:
    weights = np.array([[1.0], [0.0], [1.0], [0.0]])
    assert Motion.fit(np.zeros((4, 1, 2)), weights, ahead=1) is None


def test_places_off_the_path_are_at_its_ends() -> None:
    motion = Motion(np.zeros((4, 1, 1)))
    before, share = motion.between(np.array([-7.0, 0.0, 1.25, 3.0, 99.0]))
    assert before.tolist() == [0, 0, 1, 2, 2]
    assert share.tolist() == [0.0, 0.0, 0.25, 1.0, 1.0]
