"""Which decisions are news of what."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

import world
from heliotrope.ledger.news import Decided, failure_news, news
from heliotrope.records import Action, Event


def decided(stage: str, action: Action, **more: Any) -> Decided:
    known: dict[str, Any] = {
        "id": 7,
        "stage": stage,
        "action": action,
        "reasons": ("because",),
        "actor": "heliotrope",
        "decided_at": datetime(2026, 3, 1, 6, 0, 1, tzinfo=UTC),
        "interval": world.hours(1)[0],
        "rows": 300,
        "candidate": None,
        "valid_from": None,
        "previous": "tree",
        "metrics": {"accuracy": 0.9},
        "drifted": (),
        "failures": {},
    }
    return Decided(**(known | more))


def events(one: Decided) -> list[Event]:
    return [found.event for found in news(one, "turning", "accuracy")]


@pytest.mark.parametrize(
    ("stage", "action", "more", "expected"),
    [
        ("validate", Action.HOLD, {}, [Event.RECOVERY, Event.HELD]),
        ("trigger", Action.SKIP, {}, [Event.RECOVERY]),
        ("trigger", Action.SKIP, {"drifted": ("x",)}, [Event.RECOVERY, Event.DRIFT]),
        ("trigger", Action.TRAIN, {"drifted": ("x",)}, [Event.TRAINING, Event.DRIFT]),
        ("trigger", Action.PROMOTE, {"candidate": "tree"}, [Event.RECOVERY, Event.PROMOTED]),
        ("trigger", Action.ROLL_BACK, {"candidate": "a"}, [Event.RECOVERY, Event.ROLLED_BACK]),
        ("gate", Action.KEEP, {"drifted": ("x",)}, [Event.RECOVERY, Event.KEPT]),
        ("gate", Action.PROMOTE, {"candidate": "a"}, [Event.RECOVERY, Event.PROMOTED]),
        ("gate", Action.PROMOTE, {"candidate": "tree"}, [Event.RECOVERY, Event.REFRESHED]),
        ("gate", Action.PROMOTE, {"candidate": "a", "previous": None}, [Event.RECOVERY, Event.PROMOTED]),
        ("gate", Action.KEEP, {"failures": {"a": "no", "b": "no"}}, [Event.FAILURE]),
        ("gate", Action.KEEP, {"failures": {"a": "no", "b": None}}, [Event.RECOVERY, Event.KEPT]),
        ("manual", Action.PROMOTE, {"candidate": "tree", "interval": None}, [Event.PROMOTED]),
        ("manual", Action.ROLL_BACK, {"candidate": "a", "interval": None}, [Event.ROLLED_BACK]),
        ("manual", Action.KEEP, {"candidate": "tree", "interval": None}, [Event.KEPT]),
    ],
)
def test_a_decision_comes_to(stage: str, action: Action, more: dict[str, Any], expected: list[Event]) -> None:
    assert events(decided(stage, action, **more)) == expected


def test_equal_drift_and_equal_failures_have_equal_subjects_and_decisions_never_have() -> None:
    def subjects(one: Decided) -> dict[Event, str]:
        return {found.event: found.subject for found in news(one, "turning", "accuracy")}

    first = subjects(decided("trigger", Action.TRAIN, drifted=("x",)))
    second = subjects(decided("trigger", Action.TRAIN, drifted=("x",), id=8))
    other = subjects(decided("trigger", Action.TRAIN, drifted=("x", "y"), id=9))
    assert first[Event.DRIFT] == second[Event.DRIFT] != other[Event.DRIFT]
    assert first[Event.TRAINING] != second[Event.TRAINING]
    at = datetime(2026, 3, 1, tzinfo=UTC)
    told = [failure_news("turning", text, "", at=at).subject for text in ("no table", "no table", "no rows")]
    assert told[0] == told[1] != told[2]


def test_a_hold_for_the_same_rule_says_the_same_whatever_the_number_of_rows() -> None:
    def subject(reason: str) -> str:
        found = news(decided("validate", Action.HOLD, reasons=(reason,)), "turning", "accuracy")
        return next(one.subject for one in found if one.event is Event.HELD)

    assert subject("too_few, 3 rows: 30 are asked for") == subject("too_few, 4 rows: 30 are asked for")
    assert subject("too_few, 3 rows") != subject("empty, 0 rows")
