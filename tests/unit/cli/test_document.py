"""What a cycle came to, in a few words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from heliotrope.cli import tables
from heliotrope.cli.document import (
    cycle_document,
    drift_text,
    problem_text,
    promoted,
    score,
    seconds_text,
    total,
)
from heliotrope.cli.output import Output
from heliotrope.cli.replaying import Replayed
from heliotrope.interval import Interval, parse_time
from heliotrope.ledger import CycleSummary
from heliotrope.records import Problem

HOUR = Interval(parse_time("2026-11-01T05:00Z"), parse_time("2026-11-01T06:00Z"))


def _decision(action: str) -> dict[str, Any]:
    return {"stage": "gate", "action": action, "reasons": ["why"], "evidence": {}}


def _training(candidate: str, role: str = "final", failure: str | None = None) -> dict[str, Any]:
    return {"candidate": candidate, "role": role, "rows": 9, "seconds": 0.1, "failure": failure}


def _reading(detector: str, drifted: bool) -> dict[str, Any]:
    return {
        "detector": detector,
        "feature": "x",
        "statistic": 0.1,
        "p_value": 0.5,
        "threshold": 0.01,
        "drifted": drifted,
    }


CYCLE = CycleSummary(
    id=1,
    interval=HOUR,
    done=True,
    code_version="heliotrope 0.1.0",
    started_at=HOUR.end,
    ended_at=HOUR.end,
    content_hash="ab",
    rows_read=900,
    rows=900,
    verdict="ok",
    problems=(),
    first_time=HOUR.start,
    last_time=HOUR.start,
    seconds={"fit": 0.03, "extract": 0.01},
    evaluations=({"role": "champion", "candidate": "tree", "metrics": {"accuracy": 0.9}, "gain": None},),
    drift=(_reading("kolmogorov_smirnov", False), _reading("kolmogorov_smirnov", True), _reading("chi_square", False)),
    decisions=(_decision("train"), _decision("promote")),
    trainings=(_training("line", "challenger"), _training("line")),
    revision=0,
)


def test_the_score_is_the_champion_s() -> None:
    assert score(CYCLE, "accuracy") == 0.9
    assert score(CYCLE, "log_loss") is None
    assert score(replace(CYCLE, evaluations=()), "accuracy") is None


def test_a_promotion_names_who_is_new() -> None:
    assert promoted(CYCLE) == "line"
    assert CYCLE.did == "promote line"
    assert replace(CYCLE, trainings=(_training("tree"),)).did == "refresh"
    assert replace(CYCLE, evaluations=()).did == "promote line"


def test_a_final_fit_that_failed_was_not_promoted() -> None:
    assert promoted(replace(CYCLE, trainings=(_training("tree"), _training("line", failure="no")))) == "tree"
    assert promoted(replace(CYCLE, trainings=())) is None


@pytest.mark.parametrize(("action", "text"), [("hold", "hold"), ("skip", "skip"), ("roll_back", "roll back")])
def test_another_decision_is_its_action(action: str, text: str) -> None:
    assert replace(CYCLE, decisions=(_decision(action),)).did == text


def test_candidates_that_failed_are_named_in_the_cycle_s_line() -> None:
    one = replace(CYCLE, trainings=(_training("line", "challenger", "no"), _training("line")))
    assert (one.failed, one.all_failed) == ({}, False), "its last fit is what counts"
    one = replace(CYCLE, trainings=(*CYCLE.trainings, _training("tree", "challenger", "no")))
    assert (one.failed, one.all_failed) == ({"tree": "no"}, False)
    assert one.did == "promote line; tree failed"
    every = (_training("tree", "challenger", "no"), _training("line", "challenger"), _training("line", "final", "why"))
    one = replace(CYCLE, decisions=(_decision("keep"),), trainings=every)
    assert one.all_failed
    assert one.did == "keep; tree, line failed"


@pytest.mark.parametrize(
    ("cycle", "outcome", "did"),
    [
        (CYCLE, "promote", "promote line"),
        (replace(CYCLE, trainings=(_training("tree"),)), "refresh", "refresh"),
        (replace(CYCLE, decisions=(_decision("roll_back"),)), "roll_back", "roll back"),
        (replace(CYCLE, decisions=(_decision("hold"),)), "hold", "hold"),
        (replace(CYCLE, done=False, decisions=(_decision("train"),)), "train", "train, not done"),
        (replace(CYCLE, done=False, decisions=()), "open", "not done"),
    ],
)
def test_json_has_the_word_and_the_words_of_the_tables(cycle: CycleSummary, outcome: str, did: str) -> None:
    document = cycle_document(cycle, "accuracy")
    assert (document["outcome"], document["did"]) == (outcome, did) == (cycle.outcome, cycle.did)


def test_the_summary_counts_what_failed(capsys: pytest.CaptureFixture[str]) -> None:
    bad = replace(CYCLE, trainings=(_training("tree", "challenger", "no [rows]"),))
    half = replace(CYCLE, trainings=(*CYCLE.trainings, _training("tree", "challenger", "too few")))
    assert tables.failures([bad, CYCLE, half]) == {"tree": {"cycles": 2, "latest": HOUR, "failure": "too few"}}
    said = tables.summary_document([bad, CYCLE, half], "accuracy", Replayed())
    assert said["all_failed"] == 1
    tables.say_failures(Output(False), [bad, CYCLE, half])
    assert capsys.readouterr().out.splitlines() == [
        "1 candidate failed in 2 cycles:",
        f"  tree, 2 times, last in {HOUR}: too few",
        "in 1 cycle no candidate could be fitted",
    ]
    tables.say_failures(Output(False), [CYCLE])
    assert capsys.readouterr().out == ""


def test_a_cycle_that_is_not_done_says_so() -> None:
    assert replace(CYCLE, done=False, decisions=(_decision("train"),)).did == "train, not done"
    assert replace(CYCLE, done=False, decisions=()).did == "not done"


def test_drift_counts_detectors_and_not_features() -> None:
    assert drift_text(CYCLE) == "1 of 2"
    assert drift_text(replace(CYCLE, drift=())) == "-"


def test_a_problem_is_one_line() -> None:
    problem = Problem(rule="null", column="[x]", rows=3, done="drop", detail="why")
    assert problem_text(problem) == "null in [x]: 3 rows, drop (why)"
    as_recorded = {"rule": "empty", "column": None, "rows": 0, "done": "hold", "detail": ""}
    assert problem_text(as_recorded) == "empty: 0 rows, hold"


def test_seconds_come_longest_first() -> None:
    assert total([{"a": 1.0}, {"b": 5.0, "a": 1.0}]) == {"b": 5.0, "a": 2.0}
    assert seconds_text(CYCLE.seconds) == "fit 0.030, extract 0.010"


def test_a_cycle_s_document_has_stable_keys() -> None:
    assert list(cycle_document(CYCLE, "accuracy")) == [
        *("interval", "done", "outcome", "did", "code_version", "started_at", "ended_at", "content_hash", "rows_read"),
        "rows",
        *("verdict", "problems", "champion", "metric", "score", "rescored", "provisional"),
        *("evaluations", "drifted", "drift"),
        *("decisions", "trainings", "failed", "all_failed", "declaration", "promoted", "revision", "seconds"),
    ]


def test_the_summary_leaves_out_what_has_no_score() -> None:
    unscored = replace(CYCLE, evaluations=(), trainings=(), decisions=(_decision("hold"),))
    said = tables.summary_document([CYCLE, unscored], "accuracy", Replayed(ran=[HOUR]))
    assert (said["mean"], said["scored"], said["cycles"]) == (0.9, 1, 2)
    assert (said["trained"], said["promoted"], said["held"]) == (1, 1, 1)
    assert tables.summary_document([unscored], "accuracy", Replayed())["mean"] is None


def test_the_middle_of_a_long_table_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    many = [replace(CYCLE, interval=HOUR.shift(hour)) for hour in range(tables.SHOWN + 40)]
    tables.table(Output(False), many, "accuracy", None)
    short = capsys.readouterr().out.splitlines()
    assert len(short) == tables.SHOWN + 3
    assert "... 40 more" in short[2 + tables.SHOWN // 2]
    tables.table(Output(False), many, "accuracy", None, every=True)
    assert len(capsys.readouterr().out.splitlines()) == len(many) + 2


def test_the_best_possible_has_a_column_only_where_it_is_known(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    tables.table(Output(False), [CYCLE], "accuracy", 0.9688)
    with_best = capsys.readouterr().out
    tables.table(Output(False), [CYCLE], "accuracy", None)
    without = capsys.readouterr().out
    assert "best" in with_best
    assert "0.9688" in with_best
    assert "best" not in without
