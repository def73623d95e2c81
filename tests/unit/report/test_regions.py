"""The class predicted at every point of the plane."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from heliotrope.report.palette import HUES, LEVELS, OTHER, tints
from heliotrope.report.regions import grid_table, paint, shares
from heliotrope.report.scene import Scene

LIMITS = ((-7.0, 7.0), (-3.0, 3.0))


def test_the_grid_has_the_batchs_columns_types_and_time_but_no_target(make_scene: Callable[..., Scene]) -> None:
    scene = make_scene()
    grid = grid_table(scene, "x", "y", LIMITS, 10)
    assert grid.num_rows == 100
    assert grid.schema == scene.table.drop_columns(["class"]).schema
    assert set(grid["time"].to_pylist()) == {scene.interval.start}


def test_the_grid_reaches_from_corner_to_corner_and_x_runs_fastest(make_scene: Callable[..., Scene]) -> None:
    grid = grid_table(make_scene(), "x", "y", LIMITS, 5)
    assert (grid["x"][0].as_py(), grid["y"][0].as_py()) == (-7.0, -3.0)
    assert (grid["x"][24].as_py(), grid["y"][24].as_py()) == (7.0, 3.0)
    assert grid["x"][1].as_py() == -3.5
    assert grid["y"][1].as_py() == -3.0


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (pa.int64(), [-7, -4, 0, 4, 7]),
        (pa.int8(), [-7, -4, 0, 4, 7]),
        (pa.uint8(), [0, 0, 0, 4, 7]),
        (pa.bool_(), [False, False, False, True, True]),
        (pa.float32(), [-7.0, -3.5, 0.0, 3.5, 7.0]),
    ],
)
def test_whole_numbers_and_booleans_stay_what_they_are(
    make_scene: Callable[..., Scene], kind: pa.DataType, values: list[object]
) -> None:
    scene = make_scene()
    column = pa.array([True] * scene.table.num_rows) if kind == pa.bool_() else pa.array([1] * scene.table.num_rows)
    table = scene.table.set_column(1, "x", column.cast(kind))
    grid = grid_table(make_scene(table=table), "x", "y", LIMITS, 5)
    assert grid.schema.field("x").type == kind
    assert grid["x"][:5].to_pylist() == values


def predicting(labels: list[object], probabilities: object) -> Any:
    return lambda _: (np.array(labels, dtype=object), probabilities)


TABLE = pa.table({"x": [1.0, 2.0]})


def test_probabilities_are_taken_where_they_belong_to_the_labels() -> None:
    given = np.array([[0.9, 0.1], [0.2, 0.8]])
    shared, sure = shares(predicting(["A", "B"], given), TABLE, ("A", "B"))
    assert sure
    assert shared.tolist() == np.column_stack([given, [0, 0]]).astype(np.float32).tolist()


@pytest.mark.parametrize(
    "given",
    [
        None,
        np.array([[0.1, 0.9], [0.8, 0.2]]),
        np.array([[1.0], [1.0]]),
        np.array([[0.9, 0.1, 0.0], [0.2, 0.8, 0.0]]),
        np.array([[np.nan, 0.1], [0.2, 0.8]]),
    ],
    ids=["none", "of other labels", "of one class", "of three classes", "not a number"],
)
def test_else_a_label_has_the_whole_share(given: object) -> None:
    shared, sure = shares(predicting(["A", "B"], given), TABLE, ("A", "B"))
    assert not sure
    assert shared.tolist() == [[1, 0, 0], [0, 1, 0]]


def test_a_label_of_no_known_class_belongs_to_the_others() -> None:
    shared, _ = shares(predicting([7, "B"], None), TABLE, ("A", "B"))
    assert shared.tolist() == [[0, 0, 1], [0, 1, 0]]


def test_halves_of_the_plane_have_their_colours_and_up_is_up() -> None:
    grid = 20
    upper = np.repeat(np.arange(grid) >= grid / 2, grid)
    shared = np.column_stack([~upper, upper, np.zeros(grid * grid)]).astype(np.float32)
    picture = paint(shared, [HUES[0], HUES[1]], 60, 60, shaded=False)
    full = tints([HUES[0], HUES[1]])[:, LEVELS - 2]
    assert (picture[:29] == full[1]).all()
    assert (picture[31:] == full[0]).all()


def test_a_diagonal_border_is_no_staircase() -> None:
    grid, side = 21, 420
    x, y = np.meshgrid(np.linspace(-1, 1, grid), np.linspace(-1, 1, grid))
    share = 1 / (1 + np.exp(-3 * (x - y).ravel()))
    shared = np.column_stack([share, 1 - share, np.zeros(grid * grid)]).astype(np.float32)
    picture = paint(shared, [HUES[0], HUES[1]], side, side, shaded=True)
    blue = (picture[..., 2] > picture[..., 0]).sum(axis=1)
    assert np.abs(np.diff(blue.astype(int))).max() <= 2


def test_the_surer_the_fuller() -> None:
    shared = np.array([[0.5, 0.5, 0], [1, 0, 0], [0.5, 0.5, 0], [1, 0, 0]], dtype=np.float32)
    row = paint(shared, [HUES[0], HUES[1]], 4, 50, shaded=True)[0].astype(int)
    assert row[-1].tolist() == tints([HUES[0]])[0, -1].tolist()
    assert (np.diff(row.sum(axis=1)) <= 0).all()


def test_what_is_of_no_class_is_grey() -> None:
    shared = np.zeros((4, 3), dtype=np.float32)
    shared[:, 2] = 1
    assert (paint(shared, [HUES[0], HUES[1]], 3, 3, shaded=False) == tints([OTHER])[0, LEVELS - 2]).all()


def test_painting_by_parts_is_painting_the_whole() -> None:
    rng = np.random.default_rng(0)
    grid, side, kinds = 12, 57, 9
    shared = rng.dirichlet(np.full(kinds, 0.2), grid * grid).astype(np.float32)
    place = (np.arange(side) + 0.5) / side * (grid - 1)
    before = np.minimum(place.astype(int), grid - 2)
    weight = np.zeros((side, grid))
    weight[np.arange(side), before], weight[np.arange(side), before + 1] = 1 - (place - before), place - before
    whole = np.einsum("rg,ghk,ch->rck", weight, shared.reshape(grid, grid, kinds), weight)[::-1]
    painted = paint(shared, [*HUES, "#112233"], side, side, shaded=False)
    expected = tints([*HUES, "#112233", OTHER])[whole.argmax(axis=2), LEVELS - 2]
    assert (painted == expected).all(axis=2).mean() > 0.999
