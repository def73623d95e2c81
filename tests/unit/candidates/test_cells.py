"""Rows by class and time."""

from __future__ import annotations

import numpy as np

from heliotrope.candidates.cells import Cells

LABEL = np.array([1, 0, 1, 0, 1])
TIME = np.array([5.0, 3.0, 3.0, 3.0, 5.0])
WEIGHT = np.array([1.0, 2.0, 3.0, 4.0, 5.0])


def test_cells_are_in_order_of_class_and_time() -> None:
    cells = Cells(LABEL, TIME, WEIGHT, 2)
    assert cells.label.tolist() == [0, 1, 1]
    assert cells.time.tolist() == [3.0, 3.0, 5.0]
    assert cells.weight.tolist() == [6.0, 3.0, 6.0]
    assert cells.of_row.tolist() == [2, 0, 1, 0, 2]


def test_sums_are_over_the_rows_of_a_cell() -> None:
    cells = Cells(LABEL, TIME, WEIGHT, 2)
    values = np.arange(10.0).reshape(5, 2)
    assert cells.sum(values).tolist() == [[8.0, 10.0], [4.0, 5.0], [8.0, 10.0]]


def test_few_times_are_groups_of_their_own() -> None:
    group, count = Cells(LABEL, TIME, WEIGHT, 2).groups(12)
    assert (group.tolist(), count) == ([0, 1, 2], 3)


def test_many_times_are_joined_by_equal_stretches() -> None:
    time = np.linspace(0.0, 100.0, 1000)
    cells = Cells(np.zeros(1000, dtype=np.intp), time, np.ones(1000), 1)
    group, count = cells.groups(12)
    assert count == 12
    assert np.bincount(group).min() >= 83
    assert (np.diff(group) >= 0).all()


def test_groups_of_mere_noise_have_unit_variance() -> None:
    rng = np.random.default_rng(0)
    time = np.repeat(np.arange(400.0), 5)
    cells = Cells(np.zeros(2000, dtype=np.intp), time, np.ones(2000), 1)
    scatter = cells.sum(rng.standard_normal((2000, 3)))
    assert abs(cells.grouped(scatter, 400).std() - 1.0) < 0.05
