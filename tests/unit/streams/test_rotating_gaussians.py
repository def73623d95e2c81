"""The original stream against its published figures, and against what it promises."""

from __future__ import annotations

import math
import pickle
from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from heliotrope.errors import ConfigError
from heliotrope.interval import Interval, interval_at, parse_step, parse_time
from heliotrope.streams import RotatingGaussians

NOON = interval_at(parse_time("2026-11-22T12:00"), parse_step("1h"))
DAY = interval_at(NOON.start, parse_step("1d"))

PUBLISHED = {
    (0, "A"): (2.40, 0.04),
    (0, "B"): (-1.17, 2.15),
    (0, "C"): (-1.20, -2.07),
    (4, "A"): (1.09, 2.26),
    (4, "B"): (-2.40, 0.02),
    (4, "C"): (1.23, -2.09),
}


def test_the_mean_of_a_at_hour_0_is_the_square_root_of_the_radius() -> None:
    assert RotatingGaussians().mean("A", 0) == pytest.approx((2.449, 0.0), abs=5e-4)
    assert RotatingGaussians(radius=9.0).mean("A", 0) == pytest.approx((3.0, 0.0))


@pytest.mark.parametrize(("hour", "label"), PUBLISHED)
def test_means_are_the_published_ones_within_the_error_of_their_samples(hour: int, label: str) -> None:
    assert RotatingGaussians().mean(label, hour) == pytest.approx(PUBLISHED[hour, label], abs=0.15)


@pytest.mark.parametrize("hour", range(24))
def test_means_follow_the_formula(hour: int) -> None:
    stream = RotatingGaussians(classes=5, radius=2.0)
    for k in range(5):
        angle = 2 * math.pi * hour / 24 + 2 * math.pi * k / 5
        expected = (math.sqrt(2) * math.cos(angle), math.sqrt(2) * math.sin(angle))
        assert stream.mean(k, hour) == pytest.approx(expected)


def test_the_rows_of_a_day_have_the_means_and_variances_of_their_hours() -> None:
    stream = RotatingGaussians(rows=2000, seed=3)
    table = stream.batch(DAY)
    means = table.group_by(["time", "class"]).aggregate([("x", "mean"), ("y", "mean"), ("x", "stddev")])
    assert means.num_rows == 24 * 3
    for row in means.to_pylist():
        expected = stream.mean(row["class"], row["time"].hour)
        assert (row["x_mean"], row["y_mean"]) == pytest.approx(tuple(expected), abs=5 / math.sqrt(2000))
        assert row["x_stddev"] == pytest.approx(1.0, abs=0.1)


def test_features_of_a_class_are_independent() -> None:
    table = RotatingGaussians(classes=1, rows=20_000, seed=1).batch(NOON)
    correlation = np.corrcoef(table["x"].to_numpy(), table["y"].to_numpy())[0, 1]
    assert abs(correlation) < 5 / math.sqrt(20_000)


def test_a_batch_has_the_columns_and_types_of_the_table() -> None:
    schema = RotatingGaussians(rows=2).batch(NOON).schema
    assert schema.names == ["time", "x", "y", "class"]
    assert schema.types == [pa.timestamp("us", tz="UTC"), pa.float64(), pa.float64(), pa.string()]


def test_every_row_of_an_hour_carries_its_timestamp() -> None:
    assert set(RotatingGaussians(rows=7).batch(NOON)["time"].to_pylist()) == {NOON.start}


def test_every_class_has_its_rows_in_every_hour() -> None:
    counts = RotatingGaussians(classes=["u", "v"], rows=7).batch(DAY).group_by(["time", "class"]).aggregate([])
    assert counts.num_rows == 48
    assert RotatingGaussians(classes=["u", "v"], rows=7).batch(DAY).num_rows == 48 * 7


def test_an_hour_alone_is_the_same_as_in_its_day() -> None:
    stream = RotatingGaussians(rows=5, seed=4)
    day = stream.batch(DAY)
    assert day.filter(pc.equal(day["time"], pa.scalar(NOON.start, day["time"].type))).equals(stream.batch(NOON))


def test_half_an_hour_holds_the_hour_that_it_begins_with_or_nothing() -> None:
    stream = RotatingGaussians(rows=5)
    first = Interval(NOON.start, NOON.start + timedelta(minutes=30))
    assert stream.batch(first).num_rows == 15
    second = stream.batch(first.shift(1))
    assert second.num_rows == 0
    assert second.schema.equals(stream.batch(NOON).schema)


def test_seeds_and_hours_differ() -> None:
    one, other = RotatingGaussians(seed=1), RotatingGaussians(seed=2)
    assert not one.batch(NOON).equals(other.batch(NOON))
    assert one.batch(NOON)["x"].to_pylist() != one.batch(NOON.shift(24))["x"].to_pylist()


def test_the_hour_of_an_offset_is_that_in_utc() -> None:
    table = RotatingGaussians(rows=5).batch(interval_at(parse_time("2026-11-22T12:00+09:00"), parse_step("1h")))
    assert {time.hour for time in table["time"].to_pylist()} == {3}


def test_best_possible_is_the_published_figure() -> None:
    assert RotatingGaussians().best_possible() == pytest.approx(0.9688, abs=5e-5)


def test_best_possible_of_two_classes_has_a_closed_form() -> None:
    for radius in (0.0, 0.01, 1.0, 6.0, 400.0):
        expected = 0.5 * math.erfc(-math.sqrt(radius) / math.sqrt(2))
        assert RotatingGaussians(classes=2, radius=radius).best_possible() == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("classes", [1, 2, 3, 7])
def test_best_possible_runs_from_guessing_to_certainty(classes: int) -> None:
    found = [RotatingGaussians(classes=classes, radius=10.0**power).best_possible() for power in (-9, -1, 0, 1, 3, 9)]
    assert found == sorted(found)
    assert found[0] == pytest.approx(1 / classes, abs=1e-4)
    assert found[-1] == pytest.approx(1.0)


@pytest.mark.parametrize(("classes", "radius"), [(3, 6.0), (2, 1.0), (5, 4.0)])
def test_the_bayes_rule_scores_what_is_possible(classes: int, radius: float) -> None:
    stream = RotatingGaussians(classes=classes, radius=radius, rows=2000, seed=9)
    table = stream.batch(DAY)
    accuracy = float((stream.predict_best(table) == table["class"].to_numpy()).mean())
    spread = math.sqrt(accuracy * (1 - accuracy) / table.num_rows)
    assert accuracy == pytest.approx(stream.best_possible(), abs=4 * spread)


def test_the_bayes_rule_takes_the_time_in_any_unit() -> None:
    stream = RotatingGaussians(rows=50)
    table = stream.batch(NOON)
    seconds = table.set_column(0, "time", table["time"].cast(pa.timestamp("s", tz="UTC")))
    assert (stream.predict_best(seconds) == stream.predict_best(table)).all()


def test_classes_are_letters_then_letters_with_numbers() -> None:
    names = RotatingGaussians(classes=28).names
    assert names[:3] == ("A", "B", "C")
    assert names[25:] == ("Z", "A1", "B1")
    assert len(set(RotatingGaussians(classes=100).names)) == 100


def test_names_of_classes_are_taken_as_they_are() -> None:
    names = ["it's; DROP", '"', "한국어"]
    assert set(RotatingGaussians(classes=names, rows=2).batch(NOON)["class"].to_pylist()) == set(names)


def test_streams_compare_by_value_and_travel_to_other_processes() -> None:
    stream = RotatingGaussians(classes=["A", "B", "C"], seed=5)
    assert stream == RotatingGaussians(classes=3, seed=5)
    assert hash(stream) == hash(RotatingGaussians(classes=3, seed=5))
    assert pickle.loads(pickle.dumps(stream)).batch(NOON).equals(stream.batch(NOON))


@pytest.mark.parametrize(
    ("param", "value"),
    [
        *[("classes", 0), ("classes", True), ("classes", []), ("classes", ["A", "A"]), ("classes", [1, 2])],
        *[("classes", "ABC"), ("radius", -1), ("radius", float("nan")), ("radius", "6"), ("rows", 0), ("rows", 1.5)],
        *[("seed", -1), ("seed", None)],
    ],
)
def test_a_parameter_that_cannot_be_is_refused_by_name(param: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=f"^{param} is "):
        RotatingGaussians(**{param: value})


@pytest.mark.parametrize("label", ["D", 3, -1])
def test_a_class_that_is_not_there_is_refused(label: Any) -> None:
    with pytest.raises(ConfigError, match="its classes: A, B, C"):
        RotatingGaussians().mean(label, 0)
