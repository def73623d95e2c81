"""The table of cycles, cell by cell."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from heliotrope.interval import Interval
from heliotrope.report.cycles import KINDS, columns, line, number, reading, span
from heliotrope.report.history import History
from unit.report.sample import HOUR, START, cycle

SHOWN = ("Interval (UTC)", "Champion", "Score", "Drift", "Decision", "Reasons", "Rows", "Seconds of steps")


def test_a_line_has_a_text_for_every_column_and_its_kinds(make_history: Callable[..., History]) -> None:
    shown = columns(make_history(rows=(cycle(3, frozen=0.5),)))
    found = dict(zip([*shown, "kinds"], line(cycle(3, frozen=0.5), shown), strict=True))
    assert found == {
        "Interval (UTC)": "2026-11-24 03:00",
        "Champion": "moments",
        "Score": "0.9530",
        "First model": "0.5000",
        "Challengers": "logistic 0.9400",
        "Drift": "x",
        "Decision": "promote",
        "Reasons": "schedule: 1 interval since the last training",
        "Rows": "900",
        "Seconds of steps": "0.05",
        "kinds": "tdp",
    }


def test_a_column_of_what_was_never_measured_is_left_out(make_history: Callable[..., History]) -> None:
    assert columns(make_history(rows=(cycle(3, challengers={}),))) == SHOWN
    assert len(line(cycle(3), SHOWN)) == len(SHOWN) + 1


def test_kinds_are_letters_the_page_can_choose_by() -> None:
    for row in (cycle(0, decision="hold"), cycle(0, decision="roll back"), cycle(0, trained=False, decision="skip")):
        assert set(line(row, SHOWN)[-1]) <= set(KINDS)


def test_an_interval_scored_again_shows_both_scores(make_history: Callable[..., History]) -> None:
    row = cycle(3, rescored=0.94, decision="refresh")
    assert line(row, SHOWN)[2] == "0.9530, then 0.9400"
    assert line(row, SHOWN)[-1] == "tdfl"
    assert "accuracy 0.9530 · scored again 0.9400 · drift: x · refresh" in reading((row,), make_history(), row.score)
    assert reading((row, cycle(4)), make_history(), 0.95).endswith("2 trained · 1 scored again")


def test_what_is_not_there_is_said() -> None:
    cells = line(cycle(0, champion=None, score=None, reasons=()), SHOWN)
    assert cells[1] == "none"
    assert cells[2] == "–"


def test_of_many_drifted_features_the_first_are_named() -> None:
    assert line(cycle(0, drifted=tuple("abcdef")), SHOWN)[3] == "a; b; c; d and 2 more"


def test_long_reasons_are_cut() -> None:
    assert len(line(cycle(0, reasons=("because " * 500,)), SHOWN, most=200)[5]) == 200


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0.0000"), (1.0, "1.0000"), (-3.5, "-3.5000"), (1e-5, "1e-05"), (250.5, "250.50"), (float("nan"), "–")],
)
def test_numbers_are_as_exact_as_is_of_use(value: float, text: str) -> None:
    assert number(value) == text


def test_one_interval_is_read_in_full(make_history: Callable[..., History]) -> None:
    row = cycle(3)
    assert reading((row,), make_history(), row.score) == (
        "2026-11-24 03:00 · moments · accuracy 0.9530 · drift: x · promote · challengers: logistic 0.9400"
    )


def test_a_group_is_read_as_a_whole(make_history: Callable[..., History]) -> None:
    assert reading((cycle(1), cycle(2), cycle(3)), make_history(), 0.95) == (
        "2026-11-24 01:00 to 2026-11-24 04:00 · 3 intervals · tree; moments · "
        "mean accuracy 0.9500 · drift in 1 · 3 trained"
    )


def test_a_cycle_without_anything_can_be_read(make_history: Callable[..., History]) -> None:
    row = cycle(0, champion=None, score=None, decision="", challengers={})
    assert reading((row,), make_history(), None) == (
        "2026-11-24 00:00 · no champion · accuracy – · no drift · no decision"
    )


def test_whole_days_are_named_without_the_hour() -> None:
    assert span(Interval(START, START + 48 * HOUR)) == "2026-11-24 to 2026-11-26"
    assert span(Interval(START + HOUR, START + 25 * HOUR)) == "2026-11-24 01:00 to 2026-11-25 01:00"


def test_a_score_that_may_change_has_a_question_mark(make_history: Callable[..., History]) -> None:
    row = cycle(3, provisional=1, rescored=0.94)
    assert line(row, SHOWN)[2] == "0.9530, then 0.9400?"
    assert "u" in line(row, SHOWN)[-1]
    assert "accuracy 0.9530 (provisional, 1 row without a label)" in reading((row,), make_history(), row.score)
    assert reading((row, cycle(4)), make_history(), 0.95).endswith("1 provisional")
