"""The streams with known drift points: rows before and after a point come from what the stream says."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from heliotrope.errors import ConfigError, IntervalError
from heliotrope.interval import Interval, interval_at, parse_step, parse_time
from heliotrope.streams import STREAMS, Abrupt, Gradual, Recurring, Sea, Stationary, TurningPlane, make
from heliotrope.streams.concept import ConceptStream

START = parse_time("2026-01-01T00:00")
HOUR = parse_step("1h")


def hour(tick: int) -> Interval:
    return interval_at(START + tick * HOUR, HOUR)


def centre(stream: ConceptStream, tick: int) -> float:
    """The mean over both classes of the first feature: the concept's number times the shift."""
    return float(stream.batch(hour(tick))["x0"].to_numpy().mean())


def test_a_stationary_stream_stays_where_it_is() -> None:
    stream = Stationary(rows=2000, seed=1)
    assert stream.drift_points == ()
    assert [centre(stream, tick) for tick in (-5, 0, 24, 1000)] == pytest.approx([0, 0, 0, 0], abs=0.12)


def test_an_abrupt_stream_moves_at_its_points_to_where_it_has_not_been() -> None:
    stream = Abrupt(points=[2, 5], shift=3.0, rows=1000, seed=1)
    assert [round(centre(stream, tick) / 3) for tick in range(7)] == [0, 0, 1, 1, 1, 2, 2]
    assert stream.drift_points == (START + 2 * HOUR, START + 5 * HOUR)


def test_a_gradual_stream_mixes_the_old_with_the_new() -> None:
    stream = Gradual(points=[2, 6], width=3, shift=4.0, rows=2000, seed=1)
    expected = [0, 0, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75, 2, 2]
    assert [centre(stream, tick) / 4 for tick in range(11)] == pytest.approx(expected, abs=0.05)
    assert stream.drift_points == (START + 2 * HOUR, START + 6 * HOUR)


def test_a_recurring_stream_comes_back_and_ends() -> None:
    stream = Recurring(period=2, changes=3, shift=3.0, rows=1000, seed=1)
    assert [round(centre(stream, tick) / 3) for tick in range(-2, 10)] == [0, 0, 0, 0, 1, 1, 0, 0, 1, 1, 1, 1]
    assert stream.drift_points == tuple(START + tick * HOUR for tick in (2, 4, 6))


@pytest.mark.parametrize("features", [1, 3])
def test_the_best_possible_of_a_concept_is_reached_by_its_own_rule(features: int) -> None:
    stream = Stationary(features=features, rows=20_000, seed=2)
    table = stream.batch(hour(0))
    total = sum(table[f"x{number}"].to_numpy() for number in range(features))
    accuracy = float(((total > 0) == (table["class"].to_numpy() == "yes")).mean())
    assert accuracy == pytest.approx(stream.best_possible(), abs=0.01)


def test_a_rule_that_was_best_fails_after_an_abrupt_drift() -> None:
    table = Abrupt(points=[1], shift=2.0, rows=2000, seed=2).batch(hour(1))
    old_rule = table["x0"].to_numpy() + table["x1"].to_numpy() > 0
    assert float((old_rule == (table["class"].to_numpy() == "yes")).mean()) < 0.7


def test_the_features_of_sea_never_drift_and_its_classes_do() -> None:
    stream = Sea(points=[1], thresholds=[8.0, 9.5], noise=0.0, rows=20_000, seed=3)
    before, after = stream.batch(hour(0)), stream.batch(hour(1))
    for name in ("x0", "x1", "x2"):
        assert before[name].to_numpy().mean() == pytest.approx(after[name].to_numpy().mean(), abs=0.15)
    for table, threshold in ((before, 8.0), (after, 9.5)):
        total = table["x0"].to_numpy() + table["x1"].to_numpy()
        assert ((total <= threshold) == (table["class"].to_numpy() == "yes")).all()


def test_the_noise_of_sea_turns_its_share_of_classes_round() -> None:
    table = Sea(rows=20_000, noise=0.1, seed=3).batch(hour(0))
    right = (table["x0"].to_numpy() + table["x1"].to_numpy() <= 8.0) == (table["class"].to_numpy() == "yes")
    assert float(right.mean()) == pytest.approx(Sea().best_possible(), abs=0.01)


@pytest.mark.parametrize("tick", [0, 3, 6, 24])
def test_the_plane_turns(tick: int) -> None:
    stream = TurningPlane(rows=20_000, seed=4)
    table = stream.batch(hour(tick))
    features = np.column_stack([table["x0"].to_numpy(), table["x1"].to_numpy()])
    slopes, *_ = np.linalg.lstsq(features, table["value"].to_numpy())
    angle = 2 * math.pi * tick / 24
    assert slopes == pytest.approx([2 * math.cos(angle), 2 * math.sin(angle)], abs=0.02)
    rest = np.abs(table["value"].to_numpy() - features @ slopes).mean()
    assert rest == pytest.approx(stream.best_possible(), abs=0.01)


@pytest.mark.parametrize("name", STREAMS)
def test_every_stream_keeps_the_rules(name: str) -> None:
    stream = make(name, rows=5, seed=1)
    day = interval_at(START, parse_step("1d"))
    whole = stream.batch(day)
    assert tuple(whole.column_names) == stream.columns
    assert whole["time"].type == pa.timestamp("us", tz="UTC")
    assert all(column.null_count == 0 for column in whole.columns)
    parts = pa.concat_tables([stream.batch(hour(tick)) for tick in range(24)])
    assert parts.equals(whole)
    assert stream.batch(Interval(day.start + timedelta(minutes=1), day.start + timedelta(minutes=2))).num_rows == 0
    assert stream.drift in ("incremental", "abrupt", "gradual", "recurring", "periodic", "none")
    assert list(stream.drift_points) == sorted(stream.drift_points)
    assert bool(stream.drift_points) == (stream.drift in ("abrupt", "gradual", "recurring"))
    assert make(name, rows=5, seed=1) == stream
    assert not make(name, rows=5, seed=2).batch(day).equals(whole)


def test_a_hyperplane_turns_back_at_its_bounds_and_noise_alone_is_left() -> None:
    stream = make("hyperplane", features=1, rows=2000, speed=0.1, noise=0.1, seed=3)
    for tick in (0, 7, 25, 60):
        table = stream.batch(hour(tick))
        right = (table["x0"].to_numpy() > 0) == (table["class"].to_numpy() == "yes")
        assert max(right.mean(), 1 - right.mean()) == pytest.approx(0.9, abs=0.03)


def test_a_daily_boundary_is_back_after_a_period() -> None:
    stream: Any = make("daily", rows=20_000, period=6, seed=1)
    effects = []
    for tick in (0, 3, 6):
        table = stream.batch(hour(tick))
        sign = np.where(table["class"].to_numpy() == "yes", 1.0, -1.0)
        effects.append(float((sign * table["x0"].to_numpy()).mean()))
    assert effects[0] == pytest.approx(effects[2], abs=0.03)
    assert effects[0] == pytest.approx(-effects[1], abs=0.03)
    assert stream.best_possible() == pytest.approx(0.8428, abs=0.0005)


def test_steps_and_starts_may_be_said_in_either_way() -> None:
    said = Abrupt(points=[2], start="2026-02-01", step="1d")
    meant = Abrupt(points=[2], start=parse_time("2026-02-01"), step=timedelta(days=1))
    assert said == meant
    assert said.drift_points == (parse_time("2026-02-03"),)


def test_an_unknown_stream_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(ConfigError, match="did you mean 'gradual'"):
        make("graduall")


def test_an_unknown_parameter_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(ConfigError, match=r"rotating_gaussians has no parameter 'radios'.*did you mean 'radius'"):
        make("rotating_gaussians", radios=6)


@pytest.mark.parametrize(
    ("name", "params", "said"),
    [
        ("abrupt", {"points": []}, "points is"),
        ("abrupt", {"points": 24}, "points is 24"),
        ("abrupt", {"points": [3, 2]}, r"points is \[3, 2\]"),
        ("abrupt", {"points": [0]}, "points is 0"),
        ("abrupt", {"features": 0}, "features is 0"),
        ("abrupt", {"separation": -1.0}, "separation is -1.0"),
        ("abrupt", {"shift": "2"}, "shift is '2'"),
        ("abrupt", {"step": 3600}, "step is 3600"),
        ("abrupt", {"step": "1y"}, "interval '1y'"),
        ("abrupt", {"start": 2026}, "start is 2026"),
        ("abrupt", {"start": datetime(2026, 1, 1)}, "start is"),  # noqa: DTZ001 - what is refused is the lack of a zone
        ("gradual", {"points": [1, 3], "width": 5}, "width is 5"),
        ("recurring", {"period": 0}, "period is 0"),
        ("recurring", {"changes": 0}, "changes is 0"),
        ("sea", {"thresholds": [8.0]}, "thresholds is .*give 4"),
        ("sea", {"noise": 0.5}, "noise is 0.5"),
        ("turning_plane", {"noise": 0.0}, "noise is 0.0"),
        ("hyperplane", {"noise": 0.5}, "noise is 0.5"),
        ("hyperplane", {"speed": "fast"}, "speed is 'fast'"),
        ("daily", {"period": 0}, "period is 0"),
    ],
)
def test_a_value_that_cannot_be_is_refused(name: str, params: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        make(name, **params)


def test_a_start_that_is_no_time_is_refused() -> None:
    with pytest.raises(IntervalError, match="'someday' is not a time"):
        make("abrupt", start="someday")
