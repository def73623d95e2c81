"""The chart of the champion's metric."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from heliotrope.report.history import CycleRow, History
from heliotrope.report.scores import HEIGHT, Score, score
from heliotrope.report.timeline import group
from unit.report.sample import HOUR, START, cycle

Make = Callable[..., History]


def charted(history: History, most: int = 480) -> Score:
    found = score(history, group(history.rows, history.start, history.end, most))
    assert found is not None
    return found


def points(path: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"[ML]([\d.e+-]+) ([\d.e+-]+)", path)]


def cycles(*scores: float | None) -> tuple[CycleRow, ...]:
    return tuple(cycle(hour, score=one) for hour, one in enumerate(scores))


def test_without_a_score_there_is_no_chart(make_history: Make) -> None:
    history = make_history(rows=cycles(None, None))
    assert score(history, group(history.rows, history.start, history.end)) is None


def test_a_point_stands_in_the_middle_of_its_interval_and_higher_is_higher(make_history: Make) -> None:
    chart = charted(make_history(2, rows=cycles(0.9, 0.95)))
    (left, lower), (right, upper) = points(chart.champion.path)
    assert (left, right) == (250, 750)
    assert upper < lower


def test_the_line_breaks_where_nothing_was_scored(make_history: Make) -> None:
    path = charted(make_history(4, rows=cycles(0.9, None, 0.92, 0.93))).champion.path
    assert path.count("M") == 2
    assert path.count("L") == 1


def test_the_line_breaks_where_hours_are_missing(make_history: Make) -> None:
    path = charted(make_history(6, rows=(cycle(0, score=0.9), cycle(1), cycle(4), cycle(5)))).champion.path
    assert path.count("M") == 2


def test_a_single_point_can_be_seen(make_history: Make) -> None:
    assert charted(make_history(1, rows=cycles(0.9))).champion.path.endswith("h0")


def test_everything_the_scale_is_for_lies_on_it(make_history: Make) -> None:
    rows = tuple(cycle(hour, score=0.9 + hour / 100, frozen=0.3) for hour in range(5))
    chart = charted(make_history(5, rows=rows))
    frozen = chart.frozen
    assert frozen is not None
    assert chart.best is not None
    places = [y for _, y in points(chart.champion.path) + points(frozen.path)] + [chart.best]
    assert all(0 <= y <= HEIGHT for y in places)
    assert all(0 <= percent <= 100 for percent, _ in chart.scale.ticks)


def test_a_closer_look_is_offered_where_the_first_model_fell_far(make_history: Make) -> None:
    rows = tuple(cycle(hour, score=0.96, frozen=0.3) for hour in range(5))
    closer = charted(make_history(5, rows=rows)).closer
    assert closer is not None
    assert closer.height < HEIGHT / 1.6
    assert len(closer.ticks) >= 2
    assert charted(make_history(5, rows=tuple(cycle(hour, challengers={}) for hour in range(5)))).closer is None


def test_challengers_lie_on_the_scale_too_unless_they_failed_altogether(make_history: Make) -> None:
    rows = tuple(cycle(hour, challengers={"tree": 0.87, "failed": -1e6}) for hour in range(5))
    chart = charted(make_history(5, rows=rows))
    tree, failed = chart.challengers
    assert all(0 <= y <= HEIGHT for _, y in points(tree.path))
    assert all(y > HEIGHT for _, y in points(failed.path))
    assert chart.closer is not None
    assert chart.closer.height > HEIGHT / 20


def test_without_a_known_best_there_is_no_line_for_it(make_history: Make) -> None:
    assert charted(make_history(best_possible=None)).best is None
    assert charted(make_history(best_possible=float("nan"))).best is None


def test_the_most_frequent_challengers_are_drawn_and_the_others_counted(make_history: Make) -> None:
    rows = tuple(cycle(hour, challengers={f"c{i}": 0.9 for i in range(8 - hour)}) for hour in range(4))
    chart = charted(make_history(4, rows=rows))
    assert [one.name for one in chart.challengers] == [f"c{i}" for i in range(6)]
    assert chart.left_out == 2


def test_grouped_cycles_show_their_mean_and_their_range(make_history: Make) -> None:
    rows = cycles(0.8, 0.9, 0.7, 0.9)
    chart = charted(make_history(4, rows=rows), most=2)
    means = [y for _, y in points(chart.champion.path)]
    assert means == pytest.approx([chart.scale.place(0.85), chart.scale.place(0.8)])
    assert chart.champion.area.count("z") == 2
    assert charted(make_history(4, rows=rows)).champion.area == ""


@pytest.mark.parametrize("values", [(0.5,), (0.5, 0.5), (0.0, 0.0), (1e-9, 2e-9), (1e12, -1e12), (31234.5, 31240.1)])
def test_ticks_are_few_distinct_and_in_order(make_history: Make, values: tuple[float, ...]) -> None:
    history = make_history(rows=cycles(*values), best_possible=None, end=START + 6 * HOUR)
    ticks = charted(history).scale.ticks
    assert 2 <= len(ticks) <= 8
    assert len({label for _, label in ticks}) == len(ticks)
    assert [percent for percent, _ in ticks] == sorted((percent for percent, _ in ticks), reverse=True)


def test_a_score_that_was_measured_again_is_joined_to_the_first(make_history: Make) -> None:
    rows = (cycle(1), cycle(2, rescored=0.5), cycle(3, rescored=float("nan")))
    chart = charted(make_history(4, rows=rows))
    assert chart.later.count("M") == 1
    assert chart.scale.low < 0.5
    assert charted(make_history(4)).later == ""
