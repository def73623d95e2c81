"""How a pipeline is, and why."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import world
from heliotrope.interval import Interval
from heliotrope.ledger.overview import Known, Latest
from heliotrope.web.health import State, judge, work_of
from heliotrope.web.language import LANGUAGES, Language
from heliotrope.web.words import Words

HOUR = timedelta(hours=1)
START = datetime(2026, 3, 1, tzinfo=UTC)
KNOWN = Known(
    id=1,
    name="turning",
    version=1,
    config={},
    champion="tree",
    since=START,
    pinned=False,
    pinned_by=None,
    pinned_because=(),
)


def _cycle(hour: int, **changes: Any) -> Latest:
    start = START + hour * HOUR
    plain = Latest(
        interval=Interval(start, start + HOUR),
        started_at=start + HOUR,
        ended_at=start + HOUR,
        verdict="ok",
        rows=100,
        candidate="tree",
        score=0.9,
        drifted=(),
        failures={"tree": None},
        action="keep",
        reasons=("it is better",),
    )
    return replace(plain, **changes)


def _judged(*cycles: Latest, hours: float = 3.5, known: Known = KNOWN, **more: Any) -> tuple[State, list[str], str]:
    found = judge(world.pipeline(), known, cycles, START + hours * HOUR, **more)
    for code in LANGUAGES:  # every reason can be said
        said = [Words(Language(code)).reason(one) for one in (*found.reasons, *found.notes)]
        assert all(said)
    english = Words(Language("en"))
    return found.state, [key for key, _ in (*found.reasons, *found.notes)], " ".join(map(english.reason, found.reasons))


def test_one_whose_latest_cycle_went_well_is_healthy() -> None:
    assert _judged(_cycle(1), _cycle(2)) == (
        State.HEALTHY,
        ["healthy"],
        "The cycle of 2026-03-01 02:00 is done, nothing drifted and nothing failed.",
    )


def test_one_that_has_not_run_is_new() -> None:
    assert _judged()[:2] == (State.NEW, ["new"])
    assert _judged(_cycle(0, ended_at=None), at_work=True)[:2] == (State.NEW, ["new"])


def test_drift_in_the_latest_cycle_is_drifting_and_says_how_often() -> None:
    state, keys, said = _judged(_cycle(0), _cycle(1, drifted=("x",)), _cycle(2, drifted=("*", "y")))
    assert (state, keys) == (State.DRIFTING, ["drift"])
    assert said == "Drift in all together, y; in 2 of the last 3 cycles some feature drifted."
    assert _judged(_cycle(1, drifted=("x",)), _cycle(2))[0] is State.HEALTHY


@pytest.mark.parametrize(("hours", "state"), [(4.9, State.HEALTHY), (5.0, State.STALE), (50.0, State.STALE)])
def test_two_complete_intervals_without_a_cycle_are_stale(hours: float, state: State) -> None:
    assert _judged(_cycle(2), hours=hours)[0] is state


def test_a_stale_pipeline_says_since_when_and_what_to_run() -> None:
    state, _, said = _judged(_cycle(2), hours=50)
    assert state is State.STALE
    assert said.startswith("Stale since 2026-03-01 05:00: the last cycle is of rows up to 2026-03-01 03:00, 1 day ago")
    assert f"Run heliotrope replay {KNOWN.name}.yaml" in said


def test_how_long_rows_are_waited_for_does_not_make_it_stale() -> None:
    patient = world.pipeline(source={"table": "continuous_training", "time": "time", "delay": "6h"})
    assert judge(patient, KNOWN, [_cycle(2)], START + 10.9 * HOUR).state is State.HEALTHY
    assert judge(patient, KNOWN, [_cycle(2)], START + 11 * HOUR).state is State.STALE


def test_failing_comes_before_stale_and_that_before_drifting_and_every_reason_is_said() -> None:
    bad = _cycle(2, drifted=("x",), failures={"tree": "no", "other": "no"}, verdict="held")
    state, keys, _ = _judged(bad, hours=50)
    assert (state, keys) == (State.FAILING, ["all_failed", "held", "behind", "drift"])


def test_one_failed_candidate_of_several_is_a_note() -> None:
    state, keys, _ = _judged(_cycle(2, failures={"tree": None, "other": "no"}))
    assert (state, keys) == (State.HEALTHY, ["healthy", "candidate_failed"])


def test_a_failure_that_was_told_of_counts_until_a_recovery() -> None:
    told = ({"error": "the table is gone"}, START + 3 * HOUR)
    state, keys, said = _judged(_cycle(2), failure=told)
    assert (state, keys[0]) == (State.FAILING, "failure")
    assert "the table is gone" in said


def test_a_cycle_that_nobody_is_at_work_on_is_failing() -> None:
    open_ = _cycle(3, ended_at=None, started_at=START + 3 * HOUR)
    assert _judged(_cycle(2), open_)[:2] == (State.FAILING, ["unfinished"])
    assert _judged(_cycle(2), open_, at_work=True)[0] is State.HEALTHY
    assert _judged(_cycle(2), open_, hours=3.1)[0] is State.HEALTHY


def test_a_pin_is_noted_with_its_reason() -> None:
    pinned = replace(KNOWN, pinned=True, pinned_by="ann", pinned_because=("until Monday",))
    assert _judged(_cycle(2), known=pinned)[:2] == (State.HEALTHY, ["healthy", "pinned"])


def test_work_is_found_by_the_name_of_a_session() -> None:
    name = "n" * 60
    cut = f"heliotrope replay {name}"[:63]
    assert work_of(name, {cut: START}) == ("replay", START)
    assert work_of("turning", {"heliotrope ui": START, "heliotrope replay turning2": START}) is None
