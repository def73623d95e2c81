"""What of a batch is shown."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest

from heliotrope.report.scene import Kind, Scene
from heliotrope.report.view import choose_axes, choose_limits, codes, levels_of, most_drifting, numbers, view


def wide(rows: int = 300) -> tuple[pa.Table, dict[str, Kind]]:
    """Five numbers of which c tells the class best, its copy d no more, and b something else."""
    rng = np.random.default_rng(1)
    label = rng.integers(0, 3, rows)
    c = 3.0 * (label == 1) + rng.normal(size=rows)
    table = pa.table(
        {
            "a": rng.normal(size=rows),
            "b": 2.0 * (label == 2) + rng.normal(size=rows),
            "c": c,
            "d": c + rng.normal(size=rows) / 50,
            "e": rng.normal(size=rows),
            "class": pa.array([f"k{k}" for k in label]),
            "value": c * 5 + rng.normal(size=rows),
        }
    )
    return table, dict.fromkeys("abcde", "numeric")


def test_two_numeric_features_are_shown_in_their_own_order() -> None:
    table, _ = wide()
    assert choose_axes(table, {"e": "numeric", "a": "numeric"}, "class", "classification") == ("e", "a")


def test_of_many_features_those_are_shown_that_tell_most_and_not_the_same_thing_twice() -> None:
    table, features = wide()
    axes = choose_axes(table, features, "class", "classification")
    assert axes[0] in ("c", "d")
    assert axes[1] == "b"


def test_a_regression_is_shown_against_the_feature_nearest_to_its_target() -> None:
    table, features = wide()
    assert choose_axes(table, features, "value", "regression")[0] in ("c", "d")


def test_categorical_features_are_never_axes() -> None:
    table, features = wide()
    only = {**features, "c": "categorical", "d": "categorical"}
    assert set(choose_axes(table, only, "class", "classification")) <= {"a", "b", "e"}


def test_nulls_and_constant_columns_do_not_disturb_the_choice() -> None:
    table, features = wide()
    table = table.append_column("f", pa.array([1.0] * 300)).append_column("g", pa.nulls(300, pa.float64()))
    axes = choose_axes(table, {**features, "f": "numeric", "g": "numeric"}, "class", "classification")
    assert axes[1] == "b"


def test_the_features_that_drift_most_are_those_that_never_rest() -> None:
    rng = np.random.default_rng(3)
    hour = np.repeat(np.arange(12), 50)
    table = pa.table(
        {
            "still": rng.normal(size=600),
            "turns": 3 * np.cos(hour) + rng.normal(size=600),
            "jumps_once": np.where(hour < 6, 0.0, 9.0),
            "climbs": hour + rng.normal(size=600),
            "name": pa.array(["a"] * 600),
        }
    )
    kinds: dict[str, Kind] = dict.fromkeys(table.column_names[:4], "numeric")
    kinds["name"] = "categorical"
    assert most_drifting(table, kinds, hour) == ("turns", "climbs")


@pytest.mark.parametrize(
    ("task", "features", "asked", "kind"),
    [
        ("classification", {"a": "numeric", "b": "numeric"}, True, "regions"),
        ("classification", {"a": "numeric", "b": "numeric"}, False, "classes"),
        ("classification", {"a": "numeric", "b": "numeric", "z": "categorical"}, True, "regions"),
        ("classification", {"a": "numeric", "b": "numeric", "c": "numeric"}, True, "regions"),
        ("classification", {"a": "numeric", "z": "categorical"}, True, "confusion"),
        ("classification", {"z": "categorical"}, False, "counts"),
        ("regression", {"a": "numeric"}, True, "fit"),
        ("regression", {"a": "numeric"}, False, "target"),
        ("regression", {"z": "categorical"}, False, "quantiles"),
    ],
)
def test_every_problem_has_its_picture(
    make_scene: Callable[..., Scene], task: str, features: dict[str, Kind], asked: bool, kind: str
) -> None:
    table, _ = wide()
    changes = {} if asked else {"predict": None}
    target = "class" if task == "classification" else "value"
    scene = make_scene(table=table, features=features, task=task, target=target, **changes)
    assert view(scene).kind == kind


def test_axes_that_a_scene_names_are_kept(make_scene: Callable[..., Scene]) -> None:
    table, features = wide()
    shown = view(make_scene(table=table, features=features, axes=("e", "a")))
    assert (shown.x, shown.y) == ("e", "a")


def test_limits_do_not_follow_a_few_outliers() -> None:
    values = np.random.default_rng(0).normal(size=10_000)
    assert choose_limits(np.append(values, [1e9, -1e9])) == choose_limits(values)


@pytest.mark.parametrize(
    "values", [[3.0], [3.0, 3.0], [0.0], [-1e-320], [1e308, -1e308], [np.nan, np.inf], [7, 7 + 1e-12]]
)
def test_limits_are_a_range_whatever_the_values(values: list[float]) -> None:
    low, high = choose_limits(np.array(values, dtype=float))
    assert np.isfinite([low, high]).all()
    assert low < high


@pytest.mark.parametrize(
    ("kind", "given"),
    [(pa.int64(), [1, None, 3]), (pa.bool_(), [True, None, False]), (pa.float32(), [0.5, None, 1.5])],
)
def test_any_numeric_column_becomes_floats_with_nan_for_null(kind: pa.DataType, given: list[object]) -> None:
    found = numbers(pa.table({"v": pa.array(given, kind)}), "v")
    assert found.dtype == np.float64
    assert np.isnan(found[1])
    assert found[0] == float(given[0])  # type: ignore[arg-type] # a number or a bool


def test_a_column_of_nothing_but_nulls_is_nan() -> None:
    assert np.isnan(numbers(pa.table({"v": pa.nulls(2)}), "v")).all()


@pytest.mark.parametrize(
    "labels",
    [
        pa.chunked_array([["2"], ["3", None, "2"]]),
        pa.chunked_array([pa.array(["2", "3", None, "2"]).dictionary_encode()]),
        pa.array([2, 3, None, 2]),
        np.array(["2", "3", None, "2"], dtype=object),
        [2, 3, None, 2],
    ],
)
def test_labels_of_any_kind_are_found_by_their_text(labels: object) -> None:
    assert codes(labels, ("1", "2")).tolist() == [1, -1, -1, 1]


def test_no_labels_have_no_codes() -> None:
    assert codes(np.array([], dtype=object), ("1",)).tolist() == []


def flags(rows: int = 400) -> tuple[pa.Table, dict[str, Kind]]:
    """A flag and a grade that tell most and drift most, beside two numbers that hardly do."""
    rng = np.random.default_rng(5)
    hour = np.arange(rows) // 50
    flag = (hour % 2).astype(np.int64)
    table = pa.table(
        {
            "flag": flag,
            "grade": np.minimum(hour, 4),
            "amount": rng.normal(size=rows),
            "size": rng.lognormal(size=rows),
            "class": pa.array(np.where(flag, "yes", "no")),
            "value": flag * 10.0,
        }
    )
    return table, dict.fromkeys(("flag", "grade", "amount", "size"), "numeric")


def test_features_of_few_values_are_axes_only_where_others_are_too_few() -> None:
    table, kinds = flags()
    hour = np.arange(400) // 50
    assert set(choose_axes(table, kinds, "class", "classification")) == {"amount", "size"}
    assert most_drifting(table, kinds, hour) == ("amount", "size")
    assert choose_axes(table, kinds, "value", "regression")[0] in ("amount", "size")
    without: dict[str, Kind] = {name: kind for name, kind in kinds.items() if name != "size"}
    assert choose_axes(table, without, "class", "classification") == ("amount", "flag")
    assert most_drifting(table, without, hour) == ("flag", "amount")
    only: dict[str, Kind] = {"flag": "numeric", "grade": "numeric"}
    assert choose_axes(table, only, "class", "classification") == ("flag", "grade")


@pytest.mark.parametrize(
    ("values", "levels"),
    [
        ([0.0, 1.0] * 10, (0.0, 1.0)),
        ([1.0] * 5, (1.0,)),
        (list(range(24)) * 4, tuple(map(float, range(24)))),
        (list(range(25)) * 4, ()),
        ([1.0, 2.0, 3.0], ()),
        ([float("nan")] * 9, ()),
        ([], ()),
    ],
)
def test_levels_are_values_that_come_again_and_again(values: list[float], levels: tuple[float, ...]) -> None:
    assert levels_of(np.array(values, dtype=float)) == levels


@pytest.mark.parametrize("values", [(0.0, 1.0), (5.0,), (-1e200, 1.0, 1e200), (1.0, 1.0 + 1e-15)])
def test_limits_of_few_values_hold_them_all(values: tuple[float, ...]) -> None:
    low, high = choose_limits(np.array(values * 20), levels=values)
    assert low < min(values)
    assert high > max(values)


def test_what_is_never_negative_has_no_half_of_the_picture_below_zero() -> None:
    low, high = choose_limits(np.random.default_rng(0).lognormal(3, 1, 1000))
    assert -high / 10 <= low <= 0
