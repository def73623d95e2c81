"""One cycle's picture: it is drawn whatever the problem and the names, and shows what it says."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from heliotrope.interval import Interval
from heliotrope.report import palette
from heliotrope.report.canvas import HEIGHT, WIDTH, canvas
from heliotrope.report.caption import caption, title
from heliotrope.report.compose import MOST_POINTS, compose
from heliotrope.report.drawing import Layout
from heliotrope.report.frame import draw
from heliotrope.report.regions import grid_table
from heliotrope.report.scene import Kind, Scene
from unit.report.sample import HOUR, START, pixels, rows

Make = Callable[..., Scene]
"""A test's own scene, from the fixture."""


def at(picture: np.ndarray[Any, Any], x: float, y: float) -> list[int]:
    """The colour at a point of [-7, 7] x [-7, 7]."""
    box = Layout("x", "y", ((-7.0, 7.0), (-7.0, 7.0)), "class:", (("A", palette.Look(palette.HUES[0], "o")),))
    row, column = box.top + (7 - y) / 14 * box.side, box.left + (x + 7) / 14 * box.side
    return [int(part) for part in picture[round(row), round(column)]]


def hue(place: int) -> np.ndarray[Any, Any]:
    return np.asarray(palette.tints([palette.HUES[place]])[0, -1].astype(int))


def test_a_picture_is_a_png_of_its_size_with_the_palette_of_all_pictures(make_scene: Make) -> None:
    with Image.open(io.BytesIO(draw(make_scene()))) as image:
        assert (image.format, image.mode, image.size) == ("PNG", "P", (WIDTH, HEIGHT))
        assert image.getpalette() == palette.table().ravel().tolist()


def test_the_same_scene_gives_the_same_bytes_whatever_was_drawn_between(make_scene: Make) -> None:
    first = draw(make_scene())
    draw(make_scene(6, score=None, drifted=None, decision=""))
    draw(make_scene(7, classes=("한국", "B")))
    assert draw(make_scene()) == first


def test_a_canvas_used_before_draws_what_a_new_one_draws(make_scene: Make) -> None:
    draw(make_scene(3))
    used = draw(make_scene())
    canvas.cache_clear()
    assert draw(make_scene()) == used


def test_every_class_has_its_region(make_scene: Make) -> None:
    picture = pixels(draw(make_scene(0)))
    for place, (x, y) in enumerate([(6.4, 0.4), (-3.3, 5.7), (-3.3, -5.7)]):
        assert np.abs(np.array(at(picture, x, y)) - hue(place)).max() <= 8


def test_regions_are_paler_where_the_model_is_less_sure(make_scene: Make) -> None:
    picture = pixels(draw(make_scene(0, table=rows(0).slice(0, 0))))
    assert sum(at(picture, 0.3, 0.3)) > sum(at(picture, 6.0, 0.3))
    assert "paler where less sure" in compose(make_scene(), 10).subtitle


def test_a_model_without_probabilities_is_not_called_sure(make_scene: Make) -> None:
    inner = make_scene().predict
    assert inner is not None
    scene = make_scene(predict=lambda table: (inner(table)[0], None))
    assert "sure" not in compose(scene, 10).subtitle
    draw(scene)


def test_the_model_is_asked_once_at_as_many_points_as_wished(make_scene: Make) -> None:
    scene = make_scene()
    draw(scene, grid=30)
    assert [table.num_rows for table in scene.predict.asked] == [900]  # type: ignore[union-attr] # NearestMean


def test_the_data_alone_have_no_regions_and_say_so(make_scene: Make) -> None:
    scene = make_scene(predict=None, champion=None, score=None, drifted=None, decision="")
    drawing = compose(scene, 10)
    assert drawing.pixels is None
    assert drawing.subtitle == "Points: the rows by class."
    assert drawing.caption == ("120 rows", "")
    assert at(pixels(draw(scene)), 5.3, 0.4) == [255, 255, 255]


def test_every_row_within_the_limits_is_a_point_and_the_others_are_counted(make_scene: Make) -> None:
    drawing = compose(make_scene(limits=((-1.0, 1.0), (-1.0, 1.0))), 10)
    table = rows()
    x, y = table["x"].to_numpy(), table["y"].to_numpy()
    inside = int(((np.abs(x) <= 1) & (np.abs(y) <= 1)).sum())
    assert sum(len(points.offsets) for points in drawing.points) == inside
    assert f"{120 - inside} rows outside." in drawing.subtitle


def test_of_very_many_rows_some_are_shown_and_the_picture_says_so(make_scene: Make) -> None:
    drawing = compose(make_scene(table=rows(each=1500)), 10)
    assert sum(len(points.offsets) for points in drawing.points) == MOST_POINTS
    assert "2,000 of 4,500 rows." in drawing.subtitle


def test_the_caption_says_who_served_what_was_decided_and_how_well_it_went(make_scene: Make) -> None:
    assert caption(make_scene(decision="roll back", metric="balanced_accuracy")) == (
        "champion: moments    drift: yes    decision: roll back",
        "balanced accuracy 0.9625 on 120 rows it had not seen",
    )
    assert caption(make_scene(score=None, drifted=False))[1] == "120 rows, accuracy not measured"
    assert caption(make_scene(champion=None, predict=None, drifted=None, decision="hold")) == (
        "champion: none yet    decision: hold",
        "120 rows",
    )


@pytest.mark.parametrize("score", [0.0, 1.0, 123456.789, 1.25e-7, float("nan")])
def test_scores_of_any_size_fit_the_caption(make_scene: Make, score: float) -> None:
    scene = make_scene(score=score, champion="c" * 63, metric="balanced_accuracy", decision="roll_back")
    assert max(len(said) for said in caption(scene)) < 95
    draw(scene)


def test_days_are_named_without_an_hour_and_odd_seconds_are_kept() -> None:
    assert title(Interval(START, START + 24 * HOUR)) == "2026-11-24"
    assert title(Interval(START + HOUR / 3600, START + HOUR)) == "2026-11-24 00:00:01 UTC"


HOSTILE = ["$\\frac{", "_hidden", "<script>alert(1)</script>", "a\x00b\n", "한국", "👩\u200d🔬", "", " ", "x" * 500]


def test_no_name_of_a_class_or_a_column_can_break_a_picture(make_scene: Make) -> None:
    table = rows(classes=tuple(HOSTILE)).rename_columns(["time", "$\\x{", "한국\n", "class"])
    features = {"$\\x{": "numeric", "한국\n": "numeric"}
    scene = make_scene(classes=tuple(HOSTILE), table=table, features=features, champion="$\\sqrt{")
    draw(make_scene(classes=tuple(HOSTILE), table=table, features=features, champion="$\\sqrt{", predict=None))
    guess = np.array(HOSTILE, dtype=object)
    draw(Scene(**{**fields(scene), "predict": lambda t: (guess[np.arange(t.num_rows) % len(guess)], None)}))
    only: dict[str, Any] = {"features": {"한국\n": "numeric"}}
    draw(Scene(**{**fields(scene), **only, "predict": lambda t: (guess[np.arange(t.num_rows) % len(guess)], None)}))


def fields(scene: Scene) -> dict[str, Any]:
    return {name: getattr(scene, name) for name in Scene.__slots__}


@pytest.mark.parametrize("count", [1, 2, 8, 15, 45])
def test_any_number_of_classes_is_drawn(make_scene: Make, count: int) -> None:
    names = tuple(f"class {i:02}" for i in range(count))
    scene = make_scene(classes=names, table=rows(classes=names, each=3))
    legend = compose(scene, 20).layout.legend
    assert len(legend) == min(count, 29)
    assert (legend[-1][0] == f"{count - 28} more classes") == (count > 28)
    draw(scene, grid=20)


def test_classes_the_model_does_not_know_are_grey_and_named_so(make_scene: Make) -> None:
    scene = make_scene(classes=("A", "B"), table=rows(classes=("A", "B", "C")))
    drawing = compose(scene, 10)
    assert drawing.layout.legend[-1] == ("others", palette.Look(palette.OTHER, "o"))
    assert sum(len(points.offsets) for points in drawing.points if points.look.hue == palette.OTHER) == 40


def three_features(make_scene: Make, **changes: Any) -> Scene:
    table = rows()
    table = table.add_column(3, "z", pa.array(np.zeros(table.num_rows)))
    return make_scene(table=table, features=dict.fromkeys("xyz", "numeric"), **changes)


def test_with_more_features_regions_are_a_cut_at_the_others_median_and_wrong_rows_are_crossed(
    make_scene: Make,
) -> None:
    asked: list[pa.Table] = []

    def always_a(table: pa.Table) -> Any:
        assert table.column_names == ["time", "x", "y", "z"]
        asked.append(table)
        return np.repeat(np.array(["A"], dtype=object), table.num_rows), None

    scene = three_features(make_scene, predict=always_a)
    drawing = compose(scene, 10)
    assert drawing.pixels is not None
    assert drawing.crosses is not None
    assert len(drawing.crosses) == 80
    assert "over 2 of 3 features. 1 other at its median." in drawing.subtitle
    assert drawing.layout.legend[-1][0] == "predicted wrongly"
    grid = next(table for table in asked if table.num_rows == 100)
    assert set(grid["z"].to_pylist()) == {float(np.median(scene.table["z"].to_numpy()))}
    drifting = compose(Scene(**{**fields(scene), "drifting": True, "axes": ("x", "y")}), 10)
    assert (
        "over the 2 features that drift most. The same axes in every picture; 1 other at its median."
        in drifting.subtitle
    )
    draw(scene)


@pytest.mark.parametrize(
    ("values", "kind", "held"),
    [
        (pa.array(["b", "a", "b", None] * 30), "categorical", "b"),
        (pa.array(["b", "a", "b", None] * 30).dictionary_encode(), "categorical", "b"),
        (pa.array([3, 1, 2, None] * 30, pa.int32()), "numeric", 2),
        (pa.array([True, True, False, None] * 30), "numeric", True),
        (pa.array([None] * 120, pa.float64()), "numeric", None),
    ],
)
def test_a_feature_that_is_on_no_axis_is_held_at_one_value_of_its_type(
    make_scene: Make, values: pa.Array, kind: Kind, held: Any
) -> None:
    table = rows().add_column(3, "z", values)
    scene = make_scene(table=table, features={"x": "numeric", "y": "numeric", "z": kind})
    grid = grid_table(scene, "x", "y", ((-1.0, 1.0), (-1.0, 1.0)), 3)
    assert grid.schema.field("z").type == table.schema.field("z").type
    assert grid["z"].to_pylist() == [held] * 9


def test_a_row_without_a_label_is_not_called_wrong(make_scene: Make) -> None:
    table = rows()
    unlabelled = table.set_column(3, "class", pa.array([None] * table.num_rows, pa.string()))
    scene = three_features(make_scene)
    scene = Scene(**{**fields(scene), "table": unlabelled.add_column(3, "z", pa.array(np.zeros(120)))})
    crosses = compose(scene, 10).crosses
    assert crosses is not None
    assert len(crosses) == 0


def test_without_two_numbers_rows_are_counted_by_actual_and_predicted_class(make_scene: Make) -> None:
    names = np.array(["A", "B", "C"], dtype=object)
    features = {"x": "numeric"}
    scene = make_scene(features=features, predict=lambda t: (names[np.zeros(t.num_rows, dtype=int)], None))
    drawing = compose(scene, 10)
    assert [text for _, _, text in drawing.cells] == ["40", "0", "0", "40", "0", "0", "40", "0", "0"]
    assert drawing.layout.up == ("A", "B", "C")
    draw(scene)


def test_counts_leave_no_row_out_in_silence(make_scene: Make) -> None:
    scene = make_scene(features={"x": "numeric"}, classes=("A", "B"), table=rows(), predict=None)
    drawing = compose(scene, 10)
    assert [text for _, _, text in drawing.cells] == ["40", "40"]
    assert "40 rows of other classes." in drawing.subtitle
    draw(scene)


def numeric_target(make_scene: Make, **changes: Any) -> Scene:
    table = rows().drop_columns(["class"])
    table = table.append_column("price", pa.array(table["x"].to_numpy() * 1e5))
    return make_scene(
        **({"table": table, "task": "regression", "target": "price", "classes": (), "limits": None} | changes)
    )


def test_a_regression_shows_predicted_against_actual_on_equal_axes(make_scene: Make) -> None:
    scene = numeric_target(make_scene, predict=lambda table: (table["x"].to_numpy() * 1e5, None))
    drawing = compose(scene, 10)
    offsets = np.concatenate([points.offsets for points in drawing.points])
    assert (offsets[:, 0] == offsets[:, 1]).all()
    assert drawing.layout.limits[0] == drawing.layout.limits[1]
    assert drawing.layout.diagonal
    assert drawing.layout.x == "actual price"
    draw(scene)


def test_a_regressions_data_are_shown_against_a_feature_or_in_order(make_scene: Make) -> None:
    against = numeric_target(make_scene, predict=None)
    assert compose(against, 10).layout.x == "x"
    draw(against)
    ordered = numeric_target(make_scene, predict=None, features={"time": "categorical"})
    assert "in order" in compose(ordered, 10).subtitle
    draw(ordered)


@pytest.mark.parametrize("value", [0.0, 1e308, -1e308, float("nan"), float("inf"), 5e-324])
def test_values_at_the_edge_of_what_a_number_can_be_are_drawn(make_scene: Make, value: float) -> None:
    table = rows().set_column(1, "x", pa.array([value, 1.0] * 60))
    draw(make_scene(table=table, limits=None, predict=None))
    draw(make_scene(table=rows().set_column(1, "x", pa.array([value] * 120)), limits=None, predict=None))


@pytest.mark.parametrize("asked", [True, False])
def test_an_empty_batch_is_drawn(make_scene: Make, asked: bool) -> None:
    changes = {} if asked else {"predict": None}
    draw(make_scene(table=rows().slice(0, 0), limits=None, **changes))
    draw(numeric_target(make_scene, predict=None, table=numeric_target(make_scene).table.slice(0, 0)))


def test_what_the_model_raises_is_let_through_and_the_next_picture_is_right(make_scene: Make) -> None:
    def refuses(_: pa.Table) -> Any:
        raise ZeroDivisionError("no")

    before = draw(make_scene())
    with pytest.raises(ZeroDivisionError):
        draw(make_scene(predict=refuses))
    assert draw(make_scene()) == before


def test_threads_may_draw_at_once(make_scene: Make) -> None:
    alone = [draw(make_scene(hour)) for hour in range(4)]
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(lambda hour: draw(make_scene(hour)), range(4))) == alone


def test_what_a_picture_says_above_the_axes_fits_two_lines(make_scene: Make) -> None:
    names = {f"f{at}": "numeric" for at in range(40)}
    table = rows(each=1500)
    for name in list(names)[2:]:
        table = table.append_column(name, table["x"])
    table = table.rename_columns(["time", "f0", "f1", "class", *list(names)[2:]])
    scene = make_scene(
        table=table,
        features=names,
        axes=("f0", "f1"),
        drifting=True,
        limits=((-1.0, 1.0), (-1.0, 1.0)),
        predict=lambda asked: (
            np.repeat(np.array(["A"], dtype=object), asked.num_rows),
            np.tile([1.0, 0, 0], (asked.num_rows, 1)),
        ),
    )
    said = compose(scene, 10).subtitle
    assert "38 others" in said
    assert "outside" in said
    assert len(textwrap.wrap(said, 98)) == 2


def test_points_of_few_values_are_spread_about_them_and_the_model_is_asked_at_these_alone(make_scene: Make) -> None:
    flag = np.arange(120) % 2
    table = rows().set_column(1, "x", pa.array(flag))
    asked: list[pa.Table] = []

    def always_a(given: pa.Table) -> Any:
        asked.append(given)
        return np.repeat(np.array(["A"], dtype=object), given.num_rows), None

    drawing = compose(make_scene(table=table, limits=None, predict=always_a), 20)
    across = np.concatenate([points.offsets for points in drawing.points])[:, 0]
    assert len(np.unique(across)) == 120
    assert np.abs(across - np.rint(across)).max() < 0.3
    assert set(np.rint(across)) == {0.0, 1.0}
    assert set(asked[0]["x"].to_pylist()) == {0, 1}
    assert drawing.layout.levels == ((0.0, 1.0), ())
    assert drawing.layout.x == "x (points spread about its values)"
    assert drawing.layout.y == "y"
    draw(make_scene(table=table, limits=None, predict=always_a))


def test_a_row_without_a_label_is_grey_and_said_to_have_none(make_scene: Make) -> None:
    labels = rows()["class"].to_pylist()
    table = rows().set_column(3, "class", pa.array([None, *labels[1:]]))
    assert compose(make_scene(table=table), 10).layout.legend[-1][0] == "no label"


def test_one_outlier_does_not_flatten_a_regression(make_scene: Make) -> None:
    prices = rows()["x"].to_numpy() * 1e5
    prices[7] = 1e12
    table = rows().drop_columns(["class"]).append_column("price", pa.array(prices))
    scene = numeric_target(make_scene, table=table, predict=lambda asked: (asked["x"].to_numpy() * 1e5, None))
    drawing = compose(scene, 10)
    assert drawing.layout.limits[1][1] < 2e6
    assert "1 row outside." in drawing.subtitle
