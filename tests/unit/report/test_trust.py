"""What models answered when asked again: calibration, confusion, residuals, slices; and what training cost."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from heliotrope.report.confusion import Confusion, confusion
from heliotrope.report.costs import costs, seconds, window
from heliotrope.report.history import Fit, History
from heliotrope.report.reliability import calibration_error, reliability
from heliotrope.report.residuals import residuals
from heliotrope.report.slices import Slice, most_uneven, parts
from heliotrope.report.timeline import group
from heliotrope.report.trust import bars, dots, reach, spans, zero
from unit.report.sample import HOUR, START, cycle


def test_a_model_that_is_right_as_often_as_it_says_is_calibrated_and_one_that_boasts_is_not() -> None:
    rng = np.random.default_rng(0)
    sure = rng.uniform(0.5, 1.0, 20_000)
    honest = reliability(sure, rng.uniform(size=20_000) < sure)
    assert calibration_error(honest) < 0.02
    assert sum(one.rows for one in honest) == 20_000
    assert [one.low for one in honest] == [0.5, 0.6, 0.7, 0.8, 0.9]
    boasting = reliability(np.full(1000, 1.0), np.arange(1000) < 700)
    assert [(one.low, one.said, one.right) for one in boasting] == [(0.9, 1.0, 0.7)]
    assert calibration_error(boasting) == pytest.approx(0.3)


def test_rows_are_counted_by_what_they_are_and_what_they_were_taken_for() -> None:
    found = confusion(np.array([0, 0, 0, 2, 1]), np.array([0, 0, 1, 1, 1]), ("a", "b", "c"))
    assert found.counts == ((2, 1, 0), (0, 1, 0), (0, 1, 0))
    assert found.share(0, 0) == pytest.approx(2 / 3)
    assert Confusion(("a", "b"), ((0, 0), (1, 1))).share(0, 1) == 0.0
    assert [(one.actual, one.predicted, one.rows) for one in found.mistakes(5)] == [("a", "b", 1), ("c", "b", 1)]


def test_residuals_are_told_in_all_and_by_what_was_predicted() -> None:
    rng = np.random.default_rng(0)
    predicted = rng.uniform(0, 100, 4000)
    actual = predicted + 0.1 * predicted + rng.normal(size=4000)
    found = residuals(actual, predicted)
    assert found.rows == sum(found.counts) == sum(one.rows for one in found.levels) == 4000
    assert found.mean == pytest.approx(5, abs=0.3)
    assert found.levels[0].mean < 1 < 9 < found.levels[-1].mean
    assert all(one.tenth < one.mean < one.ninetieth for one in found.levels)
    rows = spans(found)
    assert rows[-1].label == "all"
    assert all(0 <= row.left <= row.mean_percent <= row.left + row.width <= 100 for row in rows)
    assert len({row.zero_percent for row in rows}) == 1
    assert bars(found).count("M") == len([count for count in found.counts if count])


@pytest.mark.parametrize("values", [[3.0], [2.0, 2.0, 2.0], [0.0, 0.0]])
def test_few_or_equal_residuals_are_drawn_too(values: list[float]) -> None:
    found = residuals(np.array(values), np.zeros(len(values)))
    assert sum(found.counts) == len(values)
    assert all(0 <= row.left <= 100 and row.width >= 0 for row in spans(found))


def test_numbers_are_parted_by_quarters_and_names_by_the_most_frequent() -> None:
    table = pa.table(
        {
            "x": pa.array([*map(float, range(90)), *[None] * 30]),
            "name": ["a"] * 50 + ["b"] * 40 + ["c"] * 30,
            "rare": [f"k{i}" for i in range(120)],
            "same": ["s"] * 120,
        }
    )
    assert [(label, int(mask.sum())) for label, mask in parts(table, "x", "numeric")] == [
        ("up to 22.25", 23), ("22.25 to 44.5", 22), ("44.5 to 66.75", 22), ("above 66.75", 23), ("none", 30),
    ]  # fmt: skip
    assert [(label, int(mask.sum())) for label, mask in parts(table, "name", "categorical")] == [
        ("a", 50), ("b", 40), ("c", 30),
    ]  # fmt: skip
    assert list(parts(table, "rare", "categorical")) == []
    assert list(parts(table, "same", "categorical")) == []


def test_values_beyond_the_most_frequent_are_one_part() -> None:
    table = pa.table({"name": [f"k{i % 8}" for i in range(400)]})
    assert [label for label, _ in parts(table, "name", "categorical")][-1] == "3 other values"


def test_features_that_a_guard_names_come_first_and_then_the_most_uneven() -> None:
    found = [
        *(Slice("even", part, 50, 0.9) for part in "ab"),
        *(Slice("uneven", part, 50, score) for part, score in (("a", 0.2), ("b", 0.9))),
        *(Slice("guarded", part, 50, score) for part, score in (("a", 0.8), ("b", 0.9))),
    ]
    assert [one.feature for one in most_uneven(found, ["guarded"], 2)] == ["guarded"] * 2 + ["uneven"] * 2


def test_the_worst_part_is_marked_by_the_metric_s_own_sense() -> None:
    found = [Slice("x", "low", 50, 0.2), Slice("x", "high", 50, 0.9)]
    assert [[dot.worst for dot in of] for _, of in dots(found, lower_is_better=False)] == [[True, False]]
    assert [[dot.worst for dot in of] for _, of in dots(found, lower_is_better=True)] == [[False, True]]
    assert [dot.percent for dot in dots(found, lower_is_better=False)[0][1]] == [8.0, 92.0]
    assert dots([Slice("x", "a", 50, 0.5), Slice("x", "b", 50, 0.5)], lower_is_better=False)[0][1][0].worst is False
    assert dots([], lower_is_better=False) == []


def test_what_training_cost_is_told_by_candidate_and_in_time() -> None:
    fits = (Fit("tree", 300, 0.5), Fit("moments", 900, 0.25), Fit("tree", 300, 0.0, True))
    rows = tuple(cycle(hour, fits=fits if hour else (), window_rows=300 * min(hour, 3) or None) for hour in range(6))
    history = History(
        pipeline="p", task="classification", metric="accuracy", lower_is_better=False, best_possible=None, start=START,
        end=START + 6 * HOUR, rows=rows, champions=(), generated_at=START,
    )  # fmt: skip
    found = costs(history)
    assert [(one.candidate, one.fits, one.failed, one.seconds, one.rows) for one in found] == [
        ("tree", 10, 5, 2.5, 3000), ("moments", 5, 0, 1.25, 4500),
    ]  # fmt: skip
    assert found[1].each == 0.25
    groups = group(rows, history.start, history.end)
    shown, spent = window(history, groups), seconds(history, groups)
    assert shown is not None
    assert spent is not None
    assert (shown.top, shown.said) == ("900", "from 300 to 900 rows")
    assert shown.path.count("M") == 1, "one line without a gap"
    assert (spent.top, spent.path.count("M"), spent.said) == ("0.75 s", 5, "3.8 seconds in all")


def test_where_nothing_was_trained_there_is_no_chart_of_it() -> None:
    rows = (cycle(0, trained=False),)
    history = History(
        pipeline="p", task="classification", metric="accuracy", lower_is_better=False, best_possible=None, start=START,
        end=START + HOUR, rows=rows, champions=(), generated_at=START,
    )  # fmt: skip
    groups = group(rows, history.start, history.end)
    assert (costs(history), window(history, groups), seconds(history, groups)) == ((), None, None)


def test_one_row_far_off_flattens_neither_bars_nor_levels() -> None:
    rng = np.random.default_rng(4)
    actual, predicted = rng.normal(size=60), rng.normal(size=60)
    actual[predicted.argmax()] = 1e9
    found = residuals(actual, predicted)
    assert found.edges[-1] < 50
    assert sum(found.counts) == 60
    assert np.count_nonzero(found.counts) > 5
    low, high = reach(found)
    assert -20 < low < 0 < high < 20
    assert all(0 <= row.left <= row.left + row.width <= 100 for row in spans(found))
    assert zero(found) is not None


def test_no_line_of_zero_where_all_residuals_are_on_one_side() -> None:
    assert zero(residuals(np.linspace(5, 6, 100), np.zeros(100))) is None
    assert zero(residuals(np.zeros(3), np.zeros(3))) == 50


def test_a_number_of_few_values_is_parted_by_them() -> None:
    table = pa.table({"flag": [0, 1, 1, None] * 30})
    assert [label for label, _ in parts(table, "flag", "numeric")] == ["0", "1", "none"]
