"""Champions, events and drift along the time line."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from heliotrope.report import strips
from heliotrope.report.history import ChampionSpan, History
from heliotrope.report.palette import HUES
from heliotrope.report.timeline import Group, group
from unit.report.sample import HOUR, START, cycle

Make = Callable[..., History]


def grouped(history: History, most: int = 480) -> list[Group]:
    return group(history.rows, history.start, history.end, most)


def test_bands_follow_the_champions(make_history: Make) -> None:
    history = make_history(8)
    tree, moments = strips.bands(history, grouped(history))
    assert (tree.name, tree.left, tree.width) == ("tree", 0, 25)
    assert (moments.name, moments.left, moments.width) == ("moments", 25, 75)
    assert tree.hue != moments.hue


def test_a_fresh_fit_of_the_same_candidate_goes_on_in_the_same_band(make_history: Make) -> None:
    spans = tuple(
        ChampionSpan(champion="tree", start=START + hour * HOUR, end=START + (hour + 1) * HOUR) for hour in range(8)
    )
    history = make_history(8, champions=spans)
    assert [(one.left, one.width) for one in strips.bands(history, grouped(history))] == [(0, 100)]


def test_where_nobody_served_there_is_no_band(make_history: Make) -> None:
    spans = (ChampionSpan(champion="tree", start=START + 4 * HOUR, end=START + 6 * HOUR),)
    history = make_history(8, champions=spans)
    assert [(one.left, one.width) for one in strips.bands(history, grouped(history))] == [(50, 25)]


def test_a_name_stands_out_against_its_band() -> None:
    assert strips._ink(HUES[0]) == "#ffffff"
    assert strips._ink(HUES[1]) == "#111111"


def test_any_number_of_champions_has_a_hue(make_history: Make) -> None:
    spans = tuple(ChampionSpan(champion=f"c{i}", start=START + i * HOUR, end=START + (i + 1) * HOUR) for i in range(20))
    assert set(strips.hues(make_history(champions=spans)).values()) == set(HUES)


def test_what_happened_is_marked_where_it_did_and_what_never_did_is_left_out(make_history: Make) -> None:
    history = make_history(8)
    marks = {one.name: one for one in strips.marks(history, grouped(history))}
    assert set(marks) == {"trained", "promoted"}
    assert marks["promoted"].count == 4
    assert sum(path.count("M") for path in marks["promoted"].paths) == 4


def test_holds_and_roll_backs_have_their_marks(make_history: Make) -> None:
    history = make_history(
        rows=(cycle(0, decision="hold"), cycle(1, decision="roll back"), cycle(2, decision="refresh", rescored=0.9))
    )
    assert {"held", "rolled back", "refreshed", "scored again"} <= {
        one.name for one in strips.marks(history, grouped(history))
    }


def test_in_groups_a_mark_is_as_full_as_its_share(make_history: Make) -> None:
    rows = tuple(cycle(hour, trained=hour in (0, 4, 5, 6, 7), decision="keep") for hour in range(8))
    history = make_history(8, rows=rows)
    (trained,) = strips.marks(history, grouped(history, most=2))
    assert [bool(path) for path in trained.paths] == [False, True, False, False, True]


def test_drift_has_a_strip_a_label_the_most_drifted_first(make_history: Make) -> None:
    history = make_history(8)
    found, left_out = strips.heat(history, grouped(history))
    assert [(one.name, one.count, one.cycles) for one in found] == [("x", 2, 8), ("y", 0, 8)]
    assert left_out == 0


def test_a_reading_past_its_threshold_is_apart_and_a_stronger_one_fuller(make_history: Make) -> None:
    rows = (
        cycle(0, drift={"x": 0.0}, drifted=()),
        cycle(1, drift={"x": 5.0}, drifted=()),
        cycle(2, drift={"x": 10.0}, drifted=("x",)),
    )
    history = make_history(rows=rows)
    ((strip,), _) = strips.heat(history, grouped(history))
    assert [bool(path) for path in strip.below] == [True, False, True, False, False]
    assert [bool(path) for path in strip.past] == [False, False, False, False, True]


@pytest.mark.parametrize("drift", [{}, {"x": float("nan")}, {"x": float("inf")}])
def test_what_was_not_measured_is_not_drawn_but_a_flag_is(make_history: Make, drift: dict[str, float]) -> None:
    history = make_history(rows=(cycle(0, drift=drift, drifted=("x",)), cycle(1, drift=drift, drifted=())))
    ((strip,), _) = strips.heat(history, grouped(history))
    assert sum(path.count("M") for path in strip.past) == 1
    assert not any(strip.below)


def test_of_very_many_labels_some_are_shown_and_the_others_counted(make_history: Make) -> None:
    drift = {f"f{i}": float(i) for i in range(50)}
    history = make_history(rows=(cycle(0, drift=drift, drifted=("f49",)),))
    found, left_out = strips.heat(history, grouped(history))
    assert len(found) == 40
    assert left_out == 10
    assert found[0].name == "f49"
