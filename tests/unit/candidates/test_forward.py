"""The training's last rows are asked, and believed only beyond their standard error."""

from __future__ import annotations

import numpy as np

from heliotrope.candidates.forward import best, earlier


def test_the_last_of_few_times_is_held_out() -> None:
    seconds = np.repeat([0.0, 3600.0, 7200.0], 100)
    before = earlier(seconds, np.ones(300))
    assert before is not None
    assert (before == (seconds < 7200.0)).all()


def test_of_many_times_an_eighth_of_the_weight_is_held_out() -> None:
    before = earlier(np.random.default_rng(0).uniform(size=800), np.ones(800))
    assert before is not None
    assert before.sum() == 700


def test_rows_of_one_time_are_never_divided() -> None:
    seconds = np.array([0.0, 1.0, 2.0, 2.0, 2.0, 2.0])
    before = earlier(seconds, np.ones(6))
    assert before is not None
    assert before.tolist() == [True, True, False, False, False, False]


def test_two_times_are_left_to_see_a_slope() -> None:
    seconds = np.array([0.0, 1.0, 2.0])
    before = earlier(seconds, np.array([1e-9, 1.0, 1.0]))
    assert before is not None
    assert before.tolist() == [True, True, False]


def test_two_times_are_too_few_to_ask() -> None:
    assert earlier(np.repeat([0.0, 1.0], 50), np.ones(100)) is None
    assert earlier(np.zeros(10), np.ones(10)) is None


def test_the_first_is_kept_unless_the_gain_is_beyond_its_error() -> None:
    rng = np.random.default_rng(0)
    first = rng.uniform(size=100)
    assert best([first, first.copy()], np.ones(100)) == 0
    assert best([first, first - 0.01], np.ones(100)) == 1
    assert best([first, first + 0.01, first - 0.02, first - 0.01], np.ones(100)) == 2
    noise = rng.standard_normal(100)
    assert best([first, first - (noise - noise.mean() + 0.01)], np.ones(100)) == 0


def test_a_weight_counts_as_so_many_rows() -> None:
    rng = np.random.default_rng(1)
    first, second = rng.uniform(size=50), rng.uniform(size=50)
    often = 1 + np.arange(50) % 3
    weighted = best([first, second], often.astype(float))
    assert weighted == best([np.repeat(first, often), np.repeat(second, often)], np.ones(often.sum()))
